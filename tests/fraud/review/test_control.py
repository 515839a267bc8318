"""The control group: who is let through, and what that tells of all that are held."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.config import FraudSettings
from regulars.errors import InputError, NotEnoughError
from regulars.fraud.review import let_through, precision_of_holding
from regulars.fraud.review.control import chosen


def ids(count: int) -> pa.Array:
    return pa.array([f"attempt-{k}" for k in range(count)])


def test_nothing_above_the_amount_or_of_unknown_amount_is_let_through() -> None:
    settings = FraudSettings(control_share=0.5, control_amount=50)
    amounts = np.tile([10.0, 50.0, 50.01, np.nan, np.inf], 400)
    control = let_through(ids(2000), amounts, settings, "salt")
    may = amounts <= 50
    assert not control.is_let_through[~may].any()
    assert (control.propensity[~may] == 1).all()
    assert 340 < control.is_let_through[may].sum() < 460  # 400 are expected of 800, four deviations are 57


@given(st.floats(0, 0.5), st.text(max_size=10), st.lists(st.floats(0, 100), max_size=30))
def test_a_propensity_is_the_chance_of_what_was_done(share: float, salt: str, amounts: list[float]) -> None:
    settings = FraudSettings(control_share=share, control_amount=50)
    control = let_through(ids(len(amounts)), amounts, settings, salt)
    again = let_through(ids(len(amounts)), amounts, settings, salt)
    assert ((control.propensity > 0) & (control.propensity <= 1)).all()
    assert np.array_equal(control.is_let_through, again.is_let_through)
    assert (control.propensity[control.is_let_through] == share).all()


def test_the_choice_is_a_share_of_all_and_another_for_another_salt() -> None:
    many = ids(50_000)
    one, other = chosen(many, 0.02, "salt"), chosen(many, 0.02, "pepper")
    for found in (one, other):
        assert abs(found.mean() - 0.02) < 4 * np.sqrt(0.02 * 0.98 / 50_000)
    assert (one & other).mean() < 0.001  # independent: 0.0004 are expected
    assert not (chosen(many, 0.01, "salt") & ~one).any()  # a smaller share is a part of a larger one


def test_whether_one_is_chosen_says_nothing_of_its_neighbour() -> None:
    found = chosen(ids(100_000), 0.5, "salt").astype(float)
    assert abs(np.corrcoef(found[1:], found[:-1])[0, 1]) < 4 / np.sqrt(100_000)


def logged(rng: np.random.Generator, precision: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Attempts that would be held; the share let through was raised on the way, and fraud with it."""
    count = 3000
    share = np.where(np.arange(count) < count // 2, 0.05, 0.2)
    is_fraud = rng.random(count) < np.where(np.arange(count) < count // 2, precision - 0.2, precision + 0.2)
    through = rng.random(count) < share
    return through, np.where(through, share, 1 - share), is_fraud, np.arange(count)


def test_the_precision_is_unbiased_though_the_chance_changed_and_its_interval_holds() -> None:
    rng = np.random.default_rng(0)
    truth, found = [], []
    for _ in range(300):
        through, chance, is_fraud, customers = logged(rng, 0.6)
        truth.append(is_fraud.mean())
        found.append(precision_of_holding(through, chance, np.where(through, is_fraud, False), customers))
    error = np.array([one.value for one in found]) - truth
    assert abs(error.mean()) < 3 * error.std() / np.sqrt(300)
    assert np.mean([one.low <= true <= one.high for one, true in zip(found, truth, strict=True)]) > 0.92
    naive = np.mean([is_fraud[through].mean() for through, _, is_fraud, _ in [logged(rng, 0.6) for _ in range(50)]])
    assert naive > 0.68  # what the estimate is spared


def test_attempts_of_one_customer_are_not_many_witnesses() -> None:
    through = np.arange(4000) % 10 == 0
    chance = np.where(through, 0.1, 0.9)
    is_fraud = (np.arange(4000) // 100) % 2 == 0
    alone = precision_of_holding(through, chance, is_fraud, np.arange(4000))
    together = precision_of_holding(through, chance, is_fraud, np.arange(4000) // 100)
    assert (round(alone.effective), round(together.effective)) == (400, 40)
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_no_frauds_among_few_is_not_certainty() -> None:
    found = precision_of_holding(np.arange(100) < 50, np.full(100, 0.5), np.zeros(100), np.arange(100))
    assert found.value == 0
    assert 0.05 < found.high < 0.1


def test_too_few_or_impossible_chances_are_refused() -> None:
    with pytest.raises(NotEnoughError, match="worth 29 customers, at least 30"):
        precision_of_holding(np.ones(29, bool), np.full(29, 0.5), np.zeros(29), np.arange(29))
    with pytest.raises(NotEnoughError, match="worth 0 customers"):
        precision_of_holding([], [], [], [])
    with pytest.raises(InputError, match="outside"):
        precision_of_holding(np.ones(50, bool), np.ones(50), np.zeros(50), np.arange(50))
