"""Looking often: boundaries as published, sequences that hold at all times, and evidence that adds up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.errors import InputError
from regulars.experiment.stats import boundaries, crossing, log_e_value, mixture_for, reach, shares_sequence, spent
from regulars.experiment.stats.samples import DAILY_LOOKS


def test_boundaries_are_those_that_are_published() -> None:
    looks = np.arange(1, 6) / 5
    # As R's ldbounds prints them.
    published = [4.8769, 3.3569, 2.6803, 2.2898, 2.0310]
    assert boundaries(looks, spent(looks, 0.05, "obrien-fleming")) == pytest.approx(published, abs=2e-4)


def test_even_spending_uses_up_as_much_at_each_look() -> None:
    looks = np.arange(1, 6) / 5
    edges = boundaries(looks, spent(looks))
    assert edges[0] == pytest.approx(2.5758, abs=1e-4)  # a plain test at .01
    assert crossing(looks, edges) == pytest.approx(np.full(5, 0.01), abs=1e-6)


def test_daily_looks_need_a_fifth_more_customers_at_most() -> None:
    looks = np.arange(1, 29) / 28
    edges = boundaries(looks, spent(looks))
    drift = (1.96 + 0.8416) * np.sqrt(DAILY_LOOKS)
    assert 0.8 < crossing(looks, edges, drift=drift).sum() < 0.805


@pytest.mark.parametrize(
    ("looks", "pocock", "obrien_fleming"),
    # Jennison and Turnbull (2000), Group Sequential Methods, tables 2.1 and 2.3, two-sided .05.
    [(2, 2.178, 1.977), (3, 2.289, 2.004), (4, 2.361, 2.024), (5, 2.413, 2.040), (10, 2.555, 2.087)],
)
def test_classical_constants_cross_by_chance_as_often_as_they_say(
    looks: int, pocock: float, obrien_fleming: float
) -> None:
    steps = np.arange(1, looks + 1)
    assert crossing(steps, np.full(looks, pocock)).sum() == pytest.approx(0.05, abs=1e-4)
    assert crossing(steps, obrien_fleming * np.sqrt(looks / steps)).sum() == pytest.approx(0.05, abs=1e-4)


def test_peeking_ten_times_errs_as_often_as_the_table_says() -> None:
    # Armitage, McPherson and Rowe (1969), table 2: 2, 5 and 10 looks at .05.
    for looks, share in ((1, 0.05), (2, 0.083), (5, 0.142), (10, 0.193)):
        assert crossing(np.arange(1, looks + 1), np.full(looks, 1.959964)).sum() == pytest.approx(share, abs=5e-4)


@given(st.lists(st.floats(0.05, 1), min_size=1, max_size=8), st.sampled_from([0.01, 0.05, 0.1]))
@settings(max_examples=15, deadline=None)
def test_boundaries_use_up_what_was_planned_however_looks_fall(gaps: list[float], alpha: float) -> None:
    steps = np.cumsum(gaps)
    used = spent(steps / steps[-1], alpha)
    edges = boundaries(steps, used)
    assert np.cumsum(crossing(steps, edges)) == pytest.approx(used, abs=1e-6)


def test_an_effect_is_found_as_often_as_planned() -> None:
    steps = np.arange(1, 6)
    edges = boundaries(steps, spent(steps / 5, spending="obrien-fleming"))
    # Inflation of the sample by O'Brien and Fleming's spending is 1.03 at most, so power .9 is nearly kept.
    assert 0.88 < crossing(steps, edges, drift=1.96 + 1.2816).sum() < 0.9


def test_looks_that_go_back_are_refused() -> None:
    with pytest.raises(InputError, match="above the one before"):
        boundaries([2, 1], [0.01, 0.05])
    with pytest.raises(InputError, match="cannot go down"):
        boundaries([1, 2], [0.05, 0.01])


def test_a_sequence_holds_at_all_times_at_once() -> None:
    rng = np.random.default_rng(0)
    count = np.arange(100, 4001, 20)
    walks = rng.exponential(1, (1500, 4000)) - 1
    total, square = np.cumsum(walks, 1)[:, count - 1], np.cumsum(walks**2, 1)[:, count - 1]
    mean = total / count
    z = np.abs(mean) / np.sqrt((square / count - mean**2) / count)
    wrong = (z > reach(count, mixture_for(1000))).any(1).mean()
    assert wrong < 0.05
    assert (z > 1.96).any(1).mean() > 0.25


@given(st.floats(10, 1e6), st.floats(10, 1e6))
def test_sequence_and_evidence_say_the_same(customers: float, tuned: float) -> None:
    mixture = mixture_for(tuned)
    edge = reach([customers], mixture)
    assert log_e_value(edge, [customers], mixture)[0] == pytest.approx(np.log(20), rel=1e-9)


def test_a_sequence_is_narrowest_where_it_is_tuned() -> None:
    at = reach([2000], mixture_for(2000))
    assert at < reach([2000], mixture_for(200))
    assert at < reach([2000], mixture_for(20_000))


def test_shares_of_few_customers_hold_at_all_times() -> None:
    rng = np.random.default_rng(1)
    wrong = 0
    for _ in range(40):
        hits = np.cumsum(rng.random((2, 300)) < 0.05, axis=1)
        looks = [shares_sequence((int(hits[0, n]), n + 1), (int(hits[1, n]), n + 1)) for n in range(9, 300, 97)]
        wrong += any(not one.low <= 0 <= one.high for one in looks)
    assert wrong <= 2


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
@settings(max_examples=40, deadline=None)
def test_a_shares_interval_holds_what_was_seen_and_agrees_with_its_p_value(a: int, b: int, c: int, d: int) -> None:
    treated, control = (a, a + b), (c, c + d)
    found = shares_sequence(treated, control)
    assert -1 <= found.low <= found.high <= 1
    if min(a + b, c + d):
        assert found.low - 1e-6 <= a / (a + b) - c / (c + d) <= found.high + 1e-6
    if abs(found.p_value - 0.05) > 1e-3:
        assert (found.p_value < 0.05) == (found.low > 0 or found.high < 0)
