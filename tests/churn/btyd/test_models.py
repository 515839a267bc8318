"""Buy-till-you-die models: what is published is found, what is simulated is found again, nothing makes them fail."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import gammaln, hyp2f1

from regulars.churn.btyd import BetaGeometricNBD, GammaGamma, Histories, ParetoNBD, bg_nbd, gamma_gamma, pareto_nbd
from regulars.errors import NotEnoughError

WEEKS = 39


@pytest.fixture
def cdnow(shared_file: Callable[[str], Path]) -> tuple[Histories, np.ndarray]:
    """The sample of the literature: 39 weeks, and how often each customer ordered in the next 39."""
    table = pq.read_table(shared_file("cdnow_sample.parquet"))
    customer = np.unique(np.asarray(table["customer_id"]), return_inverse=True)[1]
    day = np.asarray(table["date"].cast("date32").cast("int32")).astype(float)
    week = (day - day.min()) / 7
    end = 272 / 7
    later = np.unique(np.column_stack([customer, week])[(week > end) & (week < 78)], axis=0)
    orders = np.bincount(later[:, 0].astype(int), minlength=customer.max() + 1)
    return Histories.of(customer, week, end + 1e-9), orders.astype(float)


def test_the_published_parameters_are_found(cdnow: tuple[Histories, np.ndarray]) -> None:
    """Fader, Hardie and Lee (2005), tables 2 and 3; Batislam et al. (2007) for the modified model."""
    known, later = cdnow
    assert len(known) == 2357
    assert later.sum() == 1882
    pareto = ParetoNBD.fit(known)
    assert [pareto.r, pareto.alpha, pareto.s, pareto.beta] == pytest.approx([0.553, 10.578, 0.606, 11.669], rel=2e-3)
    assert pareto.likelihood == pytest.approx(-9594.98, abs=0.01)
    plain = BetaGeometricNBD.fit(known)
    found = [round(each, 3) for each in (plain.r, plain.alpha, plain.a, plain.b)]
    assert found == pytest.approx([0.243, 4.414, 0.793, 2.426], abs=1.1e-3)
    assert plain.likelihood == pytest.approx(-9582.43, abs=0.01)
    modified = BetaGeometricNBD.fit(known, at_once=True)
    assert [modified.r, modified.alpha, modified.a, modified.b] == pytest.approx([0.525, 6.183, 0.891, 1.614], rel=2e-3)
    assert np.corrcoef(pareto.expected(known, WEEKS), later)[0, 1] == pytest.approx(0.630, abs=5e-4)
    assert np.corrcoef(plain.expected(known, WEEKS), later)[0, 1] == pytest.approx(0.626, abs=5e-4)
    # Orders there are by chance: no regularity makes them likelier.
    assert BetaGeometricNBD.fit(known, k=None).k == 1


HISTORIES = st.lists(
    st.tuples(st.integers(0, 40), st.floats(0.01, 1), st.floats(0.5, 200)), min_size=1, max_size=8
).map(
    lambda rows: Histories(
        np.array([float(x) for x, _, _ in rows]),
        np.array([share * age if x else 0.0 for x, share, age in rows]),
        np.array([age for _, _, age in rows]),
        np.ones(len(rows)),
        np.zeros(len(rows)),
    )
)
LOGS = st.lists(st.floats(-2.5, 3), min_size=4, max_size=4).map(np.array)


@settings(deadline=None)  # the first time it is compiled
@given(HISTORIES, LOGS, st.integers(1, 4), st.booleans())
def test_gradients_are_those_of_the_likelihood(known: Histories, logs: np.ndarray, k: int, at_once: bool) -> None:
    for terms in (
        lambda at: pareto_nbd._terms(at, known),
        lambda at: bg_nbd._terms(at, known, k, at_once),
        lambda at: gamma_gamma._terms(at[:3], known.orders + 1, known.age),
    ):
        value, gradient = terms(logs)
        assert np.isfinite(value).all()
        for place in range(gradient.shape[1]):
            step = np.eye(4)[place] * 1e-5
            by_difference = (terms(logs + step)[0] - terms(logs - step)[0]) / 2e-5
            # The gradient is that of the integral, the difference that of its quadrature, which is off by some 2e-3.
            assert np.allclose(gradient[:, place], by_difference, rtol=3e-3, atol=1e-4)


@settings(deadline=None)
@given(HISTORIES, LOGS)
def test_the_quadrature_is_the_integral(known: Histories, logs: np.ndarray) -> None:
    r, alpha, s, beta = np.exp(logs)
    x, t, age = known.orders[0], known.last[0], known.age[0]

    def integrand(y: float) -> float:
        return float(np.exp(-(r + x) * np.log((alpha + y) / (alpha + t)) - (s + 1) * np.log((beta + y) / (beta + t))))

    # Where it is steep at its beginning, the parts between these points are looked at one by one.
    points = np.minimum(age, t + (alpha + t) * np.expm1(np.array([0, 1, 3, 10, 60, 1e4]) / (r + x)))
    parts = [quad(integrand, low, high, epsabs=0, limit=500)[0] for low, high in pairwise([*points.tolist(), age])]
    left = sum(parts) * s / (beta + t)
    stayed = np.exp(-(r + x) * np.log((alpha + age) / (alpha + t)) - s * np.log((beta + age) / (beta + t)))
    expected = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta) + np.log(left + stayed)
    expected += -(r + x) * np.log(alpha + t) - s * np.log(beta + t)
    model = ParetoNBD(r, alpha, s, beta)
    assert model.likelihoods(known)[0] == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert model.alive(known)[0] == pytest.approx(stayed / (left + stayed), rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("horizon", [0.5, 13.0, 300.0])
def test_the_sum_of_orders_is_the_published_formula(horizon: float) -> None:
    model = BetaGeometricNBD(0.243, 4.414, 0.793, 2.426)
    orders = np.array([0.0, 1, 5, 60])
    known = Histories(orders, np.where(orders > 0, 30.0, 0), np.full(4, 38.0), np.ones(4), np.zeros(4))
    r, alpha, a, b, age = model.r, model.alpha, model.a, model.b, known.age
    ratio = (alpha + age) / (alpha + age + horizon)
    hyper = hyp2f1(r + orders, b + orders, a + b + orders - 1, horizon / (alpha + age + horizon))
    published = (a + b + orders - 1) / (a - 1) * (1 - ratio ** (r + orders) * hyper) * model.alive(known)
    assert model.expected(known, horizon) == pytest.approx(published, rel=1e-6)


def simulated(model: BetaGeometricNBD, customers: int, age: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Customers and times of their orders, by a loop that knows nothing of the formulas."""
    rng = np.random.default_rng(seed)
    who, when = [], []
    for customer in range(customers):
        rate, chance = rng.gamma(model.r) / model.alpha, rng.beta(model.a, model.b)
        time = 0.0
        who.append(customer), when.append(time)
        leaves = model.at_once and rng.random() < chance
        while not leaves:
            time += rng.gamma(model.k) / rate
            if time > age:
                break
            who.append(customer), when.append(time)
            leaves = rng.random() < chance
    return np.array(who), np.array(when)


@pytest.mark.parametrize(("k", "at_once"), [(1, False), (1, True), (3, True)])
def test_what_was_simulated_is_found_again(k: int, at_once: bool) -> None:
    truth = BetaGeometricNBD(0.9, 4.0 * k, 0.9, 2.5, k, at_once)
    customer, time = simulated(truth, 6_000, 160.0)
    known = Histories.of(customer, time, 80.0)
    later = np.bincount(customer[time >= 80.0], minlength=6_000)
    found = BetaGeometricNBD.fit(known, k=None, at_once=at_once)
    assert found.k == k
    assert found.fitted is not None
    low, high = found.fitted.intervals(0.999).T
    assert (low < [truth.r, truth.alpha, truth.a, truth.b]).all()
    assert (high > [truth.r, truth.alpha, truth.a, truth.b]).all()
    assert found.expected(known, 80.0).sum() == pytest.approx(later.sum(), rel=0.06)
    # Not only in sum: of customers with a like expectation each tenth is met.
    expected = truth.expected(known, 80.0)
    tenth = np.argsort(np.argsort(expected, kind="stable")) * 10 // len(expected)
    for part in range(6, 10):
        some = later[tenth == part]
        assert expected[tenth == part].mean() == pytest.approx(some.mean(), abs=4 * some.std() / np.sqrt(len(some)))


def test_intervals_hold_what_was_simulated() -> None:
    truth = BetaGeometricNBD(0.6, 5.0, 0.8, 2.0)
    inside = []
    for seed in range(20):
        customer, time = simulated(truth, 800, 60.0, seed)
        fitted = BetaGeometricNBD.fit(Histories.of(customer, time, 60.0)).fitted
        assert fitted is not None
        low, high = fitted.intervals().T
        inside.append((low < [0.6, 5.0, 0.8, 2.0]) & (high > [0.6, 5.0, 0.8, 2.0]))
    assert 0.85 <= np.mean(inside) <= 1.0


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10_000),
    st.sampled_from(["weeks", "seconds", "all at once", "one horizon", "huge", "regular"]),
    st.integers(20, 400),
)
def test_nothing_makes_a_fit_fail(seed: int, kind: str, customers: int) -> None:
    rng = np.random.default_rng(seed)
    orders = rng.poisson(rng.gamma(0.3, 5, customers)).astype(float)
    age = rng.uniform(1, 60, customers)
    if kind == "one horizon":
        age[:] = 39
    if kind == "huge":
        orders[0] = 5_000
    last = np.where(orders > 0, age * rng.random(customers) ** 0.3, 0)
    if kind == "all at once":
        last = np.where(orders > 0, np.minimum(1e-6, age), 0)
    scale = 604_800.0 if kind == "seconds" else 1.0
    gaps = orders * np.log(np.maximum(last, 1e-9) / np.maximum(orders, 1) * scale)
    known = Histories(orders, last * scale, age * scale, np.ones(customers), gaps)
    if (orders > 0).sum() < 10:
        with pytest.raises(NotEnoughError, match="at least 10 are needed"):
            ParetoNBD.fit(known)
        return
    for model in (ParetoNBD.fit(known), BetaGeometricNBD.fit(known), BetaGeometricNBD.fit(known, k=2, at_once=True)):
        for values in (model.alive(known), model.expected(known, 13 * scale)):
            assert np.isfinite(values).all()
            assert (values >= 0).all()
        assert (model.alive(known) <= 1).all()
        assert np.isfinite(model.likelihood)


def test_the_unit_of_time_changes_nothing(cdnow: tuple[Histories, np.ndarray]) -> None:
    known, _ = cdnow
    for fit in (ParetoNBD.fit, BetaGeometricNBD.fit):
        weeks, days = fit(known), fit(known.scaled(7))
        assert days.alpha == pytest.approx(7 * weeks.alpha, rel=1e-3)
        assert days.expected(known.scaled(7), 273.0) == pytest.approx(weeks.expected(known, 39.0), rel=1e-3)


def test_what_the_data_cannot_say_is_said() -> None:
    """Nobody ever leaves: how customers would leave cannot be known."""
    customer, time = np.repeat(np.arange(50), 40), np.tile(np.arange(40.0), 50)
    fitted = BetaGeometricNBD.fit(Histories.of(customer, time, 40.0)).fitted
    assert fitted is not None
    names = [BetaGeometricNBD.names[k] for k in fitted.vague]
    assert {"a", "b"} & set(names)


def test_worth_is_never_negative_and_that_of_the_literature(shared_file: Callable[[str], Path]) -> None:
    """Fader and Hardie (2013): p 6.25, q 3.74, v 15.44 of the 946 customers who came back."""
    table = pq.read_table(shared_file("cdnow_sample.parquet"))
    customer = np.unique(np.asarray(table["customer_id"]), return_inverse=True)[1]
    day = np.asarray(table["date"].cast("date32").cast("int32"))
    inside = day <= day.min() + 272
    rows, back = np.unique(np.column_stack([customer[inside], day[inside]]), axis=0, return_inverse=True)
    amount = np.bincount(back.ravel(), np.asarray(table["amount"], float)[inside])
    again = np.append(False, np.diff(rows[:, 0]) == 0)
    orders = np.bincount(rows[again, 0], minlength=2357).astype(float)
    mean = np.bincount(rows[again, 0], amount[again], 2357) / np.maximum(orders, 1)
    found = GammaGamma.fit(orders, mean)
    assert [found.p, found.q, found.v] == pytest.approx([6.25, 3.74, 15.44], rel=2e-3)
    expected = found.expected(orders, mean)
    assert (expected > 0).all()
    assert expected[orders == 0] == pytest.approx(found.mean)
    with pytest.raises(NotEnoughError, match="of a worth above 0"):
        GammaGamma.fit(orders, -mean)
