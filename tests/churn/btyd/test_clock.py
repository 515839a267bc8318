"""Season and promotions in the Pareto/NBD: told apart from leaving, and of use where the calendar is known ahead."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import gammaln

from regulars.churn.btyd import Clock, Covariates, DatedHistories, DynamicParetoNBD, ParetoNBD, seasonal
from regulars.churn.btyd import dynamic_pareto_nbd as dynamic

DAYS, END = 820, 730.0
PROMOTION = (np.arange(DAYS) % 61 < 12).astype(float)
YEARS = Covariates(0, np.column_stack([seasonal(np.arange(DAYS)), PROMOTION]))
GAMMA = np.array([0.4, -0.2, 0.1, 0.0, 0.8])
TRUTH = DynamicParetoNBD(0.7, 45.0, 0.7, 110.0, GAMMA, YEARS)


def simulated(model: DynamicParetoNBD, births: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Customers and times of their orders, day by day: nothing of it knows the formulas."""
    rng = np.random.default_rng(seed)
    people = len(births)
    rate = rng.gamma(model.r, 1 / model.alpha, people)
    leaves = births + rng.exponential(1 / rng.gamma(model.s, 1 / model.beta, people))
    who, when = [np.arange(people)], [births]
    factors = np.exp(model.covariates.values @ model.gamma)
    for day, factor in enumerate(factors, model.covariates.first_day):
        begin, end = np.maximum(births, day), np.minimum(leaves, day + 1)
        orders = rng.poisson(rate * factor * np.maximum(end - begin, 0))
        who.append(np.repeat(np.arange(people), orders))
        when.append(begin[who[-1]] + rng.random(len(who[-1])) * (end - begin)[who[-1]])
    return np.concatenate(who), np.concatenate(when)


@st.composite
def dated(draw: st.DrawFn) -> tuple[DatedHistories, Covariates]:
    """One to four customers of up to 60 days, under a season of theirs and a promotion, either with any effect."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    people = draw(st.integers(1, 4))
    birth, age = 100 + rng.uniform(0, 30, people), rng.uniform(0, 30, people)
    orders = rng.integers(0, 30, people).astype(float)
    last = np.where(orders > 0, rng.random(people) * age, 0)
    days = np.arange(100, 161)
    values = np.column_stack([np.sin(days / 20), rng.random(len(days)) < 0.3])
    met = orders[:, None] * rng.normal(size=(people, 2))
    return DatedHistories(orders, last, age, np.ones(people), np.zeros(people), birth, met), Covariates(100, values)


LOGS = st.lists(st.floats(-2, 3), min_size=4, max_size=4).map(np.array)
EFFECTS = st.lists(st.floats(-1, 1), min_size=2, max_size=2).map(np.array)


@settings(deadline=None, max_examples=30)
@given(dated(), LOGS)
def test_without_an_effect_it_is_the_plain_model(drawn: tuple[DatedHistories, Covariates], logs: np.ndarray) -> None:
    known, days = drawn
    plain, found = ParetoNBD(*np.exp(logs)), DynamicParetoNBD(*np.exp(logs), np.zeros(2), days)
    assert found.likelihoods(known) == pytest.approx(plain.likelihoods(known), rel=1e-6, abs=1e-6)
    assert found.alive(known) == pytest.approx(plain.alive(known), rel=1e-6, abs=1e-8)
    ahead = min(10.0, 161 - float((known.birth + known.age).max()))
    assert found.expected(known, ahead) == pytest.approx(plain.expected(known, ahead), rel=1e-6)


def test_without_an_effect_shops_see_the_plain_model() -> None:
    customer, day = simulated(TRUTH, np.random.default_rng(4).uniform(0, 700, 500))
    known = DatedHistories.dated(customer, day, END, YEARS)
    plain, found = ParetoNBD(0.7, 45.0, 0.7, 110.0), replace(TRUTH, gamma=np.zeros(5))
    assert found.likelihoods(known) == pytest.approx(plain.likelihoods(known), rel=1e-8, abs=1e-8)
    assert found.alive(known) == pytest.approx(plain.alive(known), rel=1e-8, abs=1e-8)
    assert found.expected(known, 80.0) == pytest.approx(plain.expected(known, 80.0), rel=1e-8)


@settings(deadline=None, max_examples=30)
@given(dated(), LOGS, EFFECTS)
def test_the_quadrature_is_the_integral(
    drawn: tuple[DatedHistories, Covariates], logs: np.ndarray, gamma: np.ndarray
) -> None:
    known, days = drawn
    r, alpha, s, beta = np.exp(logs)
    x, last, age, birth = known.orders[0], known.last[0], known.age[0], known.birth[0]
    clock = Clock(days, gamma)

    def log_both(y: float) -> float:
        passed = float(np.diff(clock.time(np.array([birth, birth + y])))[0])
        return float(-(r + x) * np.log(alpha + passed) - s * np.log(beta + y))

    scale = log_both(last)
    # Between midnights nothing bends; where it is steep, only the first of a day counts.
    steep = last + (alpha + beta) * 10.0 ** np.arange(-5, 2)
    ends = np.unique(np.clip([last, age, *(np.arange(100, 162) - birth), *steep], last, age))
    left = sum(
        quad(lambda y: np.exp(log_both(y) - scale) * s / (beta + y), low, high, epsabs=0)[0]
        for low, high in pairwise(ends)
    )
    stayed = np.exp(log_both(age) - scale)
    expected = gammaln(r + x) - gammaln(r) + r * logs[1] + s * logs[3] + scale + np.log(left + stayed)
    model = DynamicParetoNBD(r, alpha, s, beta, gamma, days)
    assert model.likelihoods(known)[0] == pytest.approx(expected + known.met[0] @ gamma, rel=1e-5, abs=1e-5)
    assert model.alive(known)[0] == pytest.approx(stayed / (left + stayed), rel=1e-4, abs=1e-8)


@settings(deadline=None, max_examples=30)
@given(dated(), LOGS, EFFECTS)
def test_the_gradient_is_that_of_the_likelihood(
    drawn: tuple[DatedHistories, Covariates], logs: np.ndarray, gamma: np.ndarray
) -> None:
    known, days = drawn
    at = np.append(logs, gamma)
    gradient = dynamic._terms(at, known, days)[1]
    for place, step in enumerate(np.eye(6) * 1e-4):
        by_difference = (dynamic._terms(at + step, known, days)[0] - dynamic._terms(at - step, known, days)[0]) / 2e-4
        assert np.allclose(gradient[:, place], by_difference, rtol=1e-3, atol=1e-3)


def test_a_season_and_a_promotion_are_found_and_foretell_a_month() -> None:
    births = np.random.default_rng(1).uniform(0, END - 30, 2_500)
    customer, day = simulated(TRUTH, births)
    known = DatedHistories.dated(customer, day, END, YEARS)
    found, plain = DynamicParetoNBD.fit(known, YEARS), ParetoNBD.fit(known)
    assert found.fitted is not None
    assert not found.fitted.vague
    low, high = found.fitted.intervals(0.999).T
    truth = np.append([TRUTH.r, TRUTH.alpha, TRUTH.s, TRUTH.beta], np.exp(GAMMA))
    assert (low < truth).all()
    assert (high > truth).all()
    # A promotion makes orders 2.2 times as many, and the interval is narrow enough to say so.
    assert high[-1] / low[-1] < 1.4
    assert found.likelihood > plain.likelihood + 100
    # The 12 days of a promotion in winter, right after what is known.
    later = np.bincount(customer[(day >= END + 2) & (day < END + 14)], minlength=len(births)).astype(float)
    ours = found.expected(known, 14.0) - found.expected(known, 2.0)
    theirs = plain.expected(known, 14.0) - plain.expected(known, 2.0)
    assert abs(ours.sum() - later.sum()) < abs(theirs.sum() - later.sum()) / 2
    assert ((ours - later) ** 2).mean() < ((theirs - later) ** 2).mean()
    # Without the promotion that was planned fewer orders would come.
    values = YEARS.values.copy()
    values[int(END) :, -1] = 0
    assert replace(found, covariates=Covariates(0, values)).expected(known, 14.0).sum() < 0.6 * ours.sum()


def test_expected_orders_are_those_simulated() -> None:
    births = np.random.default_rng(2).uniform(0, 700, 20_000)
    customer, day = simulated(TRUTH, births)
    known = DatedHistories.dated(customer, day, END, YEARS)
    later = np.bincount(customer[(day >= END) & (day < END + 80)], minlength=len(births))
    expected = TRUTH.expected(known, 80.0)
    assert expected.sum() == pytest.approx(later.sum(), rel=0.03)
    # Of customers with a like expectation each tenth is met; of the first four hardly anybody orders.
    tenth = np.argsort(np.argsort(expected, kind="stable")) * 10 // len(expected)
    for part in range(4, 10):
        some = later[tenth == part]
        assert expected[tenth == part].mean() == pytest.approx(some.mean(), abs=4 * some.std() / np.sqrt(len(some)))


def test_of_many_customers_some_teach_what_a_promotion_does(monkeypatch: pytest.MonkeyPatch) -> None:
    days = Covariates(0, PROMOTION[:, None])
    truth = replace(TRUTH, covariates=days, gamma=np.array([0.8]))
    births = np.random.default_rng(3).uniform(0, 200, 1_600)
    customer, day = simulated(truth, births)
    known = DatedHistories.dated(customer, day, 240.0, days)
    of_all = DynamicParetoNBD.fit(known, days)
    monkeypatch.setattr(dynamic, "LEARNED_ON", 800)
    of_some = DynamicParetoNBD.fit(known, days)
    assert of_all.fitted is not None
    assert of_some.fitted is not None
    errors, wider = (np.sqrt(np.diag(each.fitted.covariance)) for each in (of_all, of_some))
    assert (wider >= 0.95 * errors).all()
    assert wider[-1] == pytest.approx(errors[-1] * np.sqrt(2), rel=0.15)
    assert (np.abs(of_some.fitted.logs - of_all.fitted.logs) < 3 * wider).all()
    # The rest is learned from all: it costs less likelihood than half of them would.
    assert of_some.likelihood == pytest.approx(of_all.likelihood, abs=4)
    assert known.grouped().count @ of_all.likelihoods(known.grouped()) == pytest.approx(of_all.likelihood)


@pytest.mark.parametrize("seed", range(4))
def test_a_promotion_of_one_day_makes_no_fit_fail(seed: int) -> None:
    rng = np.random.default_rng(seed)
    births = rng.uniform(0, 390, 150)
    customer = np.append(np.arange(150), np.repeat(np.arange(150), rng.poisson(rng.gamma(0.3, 5, 150))))
    again = np.arange(len(customer)) >= 150
    day = births[customer] + again * rng.random(len(customer)) ** 3 * (400 - births[customer])
    days = Covariates(0, (np.arange(500) == 200).astype(float)[:, None])
    known = DatedHistories.dated(customer, day, 400.0, days)
    found = DynamicParetoNBD.fit(known, days)
    assert found.likelihood > ParetoNBD.fit(known).likelihood - 0.1
    for values in (found.alive(known), found.expected(known, 90.0)):
        assert np.isfinite(values).all()
        assert (values >= 0).all()


def test_what_lacks_in_covariates_is_said() -> None:
    customer, day = np.repeat(np.arange(30), 2), np.tile([3.0, 8.0], 30) + np.linspace(0, 1.9, 60)
    week = Covariates(3, np.arange(9.0)[:, None] % 2)
    known = DatedHistories.dated(customer, day, 12.0, week)
    model = DynamicParetoNBD(0.7, 45.0, 0.7, 110.0, np.array([0.1]), week)
    with pytest.raises(ValueError, match="given of day 3 to 11, and needed of day 3 to 18: add rows"):
        model.expected(known, 7.0)
    with pytest.raises(ValueError, match="given of day 4 to 12"):
        DatedHistories.dated(customer, day, 12.0, Covariates(4, week.values))
    both = Covariates(3, np.column_stack([week.values[:, 0], np.ones(9)]))
    alike = DatedHistories.dated(customer, day, 12.0, both)
    with pytest.raises(ValueError, match="column 1 of the covariates is the same on all days"):
        DynamicParetoNBD.fit(alike, both)
    with pytest.raises(ValueError, match="one row a day and one column or more"):
        Covariates(0, np.zeros((5, 0)))
