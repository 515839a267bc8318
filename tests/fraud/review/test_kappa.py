"""Agreement of two reviewers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from regulars.errors import NotEnoughError
from regulars.fraud.review import agreement, agreement_of, claim, give_verdict, open_cases, undo
from regulars.state import State
from tests.fraud.review.conftest import AS_OF, BLIND, held


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=12, max_size=80))
def test_kappa_is_what_others_compute_and_lies_in_its_interval(pairs: list[tuple[bool, bool]]) -> None:
    first, second = np.array(pairs).T
    try:
        found = agreement(first, second, np.arange(len(pairs)))
    except NotEnoughError:
        assert len(set(first) | set(second)) == 1
        return
    assert found.kappa == pytest.approx(cohen_kappa_score(first, second))
    assert -1 <= found.low <= found.kappa <= found.high <= 1 + 1e-12
    assert found.high > found.low


def test_the_interval_holds_the_true_kappa() -> None:
    """Both see the truth and err in a tenth of the cases: agreed .82, by chance .62 (fraud .3): kappa .57."""
    rng = np.random.default_rng(0)
    share = 0.3 * 0.9 + 0.7 * 0.1
    by_chance = share**2 + (1 - share) ** 2
    true = (0.82 - by_chance) / (1 - by_chance)
    covered = 0
    for _ in range(400):
        truth = rng.random(80) < 0.3
        first, second = (truth ^ (rng.random(80) < 0.1) for _ in range(2))
        found = agreement(first, second, np.arange(80))
        covered += found.low <= true <= found.high
    assert covered / 400 > 0.92


def test_attempts_of_one_case_count_as_one_witness() -> None:
    first = np.repeat(np.arange(20) % 2 == 0, 5)
    second = np.repeat(np.arange(20) % 4 == 0, 5)
    alone = agreement(first[::5], second[::5], np.arange(20))
    together = agreement(first, second, np.repeat(np.arange(20), 5))
    assert together[:3] == pytest.approx(alone[:3])
    assert (together.attempts, together.cases) == (100, 20)


def test_full_agreement_in_few_cases_is_not_certainty() -> None:
    found = agreement(np.arange(12) % 2, np.arange(12) % 2, np.arange(12))
    assert found.kappa == found.high == 1
    assert found.low < 0.6


def test_too_few_cases_or_one_answer_alone_is_said() -> None:
    with pytest.raises(NotEnoughError, match="have judged 9 cases, at least 10"):
        agreement(np.arange(90) % 2, np.arange(90) % 2, np.arange(90) // 10)
    with pytest.raises(NotEnoughError, match="both looks said honest of all 20"):
        agreement(np.zeros(20), np.zeros(20), np.arange(20))


def test_it_is_read_off_what_two_have_judged_blind(state: State) -> None:
    rows = [{"attempt_id": f"a{k}", "customer_id": f"c{k}"} for k in range(12)]
    open_cases(state, held(*rows), AS_OF, BLIND)
    with pytest.raises(NotEnoughError, match="0 cases"):
        agreement_of(state)
    for who, frauds in (("mei", 6), ("bob", 5)):
        for turn in range(12):
            number = claim(state, who)
            assert number is not None
            give_verdict(state, number, who, "fraud" if turn < frauds else "honest")
    found = agreement_of(state)
    assert (found.attempts, found.cases, round(found.agreed, 3)) == (12, 12, round(11 / 12, 3))
    assert (found.fraud_first, found.fraud_second) == (0.5, 5 / 12)
    undo(state, 1, "bob")
    assert agreement_of(state).cases == 11
