"""A change of the rate of frauds, on made series."""

from __future__ import annotations

import numpy as np
import pytest

from regulars.errors import NotEnoughError
from regulars.fraud.monitor import Change, change, rate_change

BEFORE, WATCHED = 60, 28


@pytest.fixture(autouse=True)
def _few_series(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change, "SERIES", 1000)


def series(rng: np.random.Generator, times: float = 1.0, bursts: float = 0.0) -> Change:
    """400 attempts a day of which a hundredth are frauds, `times` as many from the 14th watched day on."""

    def frauds(rate: float, days: int) -> np.ndarray:
        chance = (
            rng.beta(rate * (1 / bursts - 1), (1 - rate) * (1 / bursts - 1), days) if bursts else np.full(days, rate)
        )
        return rng.binomial(400, chance)

    after = np.concatenate([frauds(0.01, WATCHED // 2), frauds(0.01 * times, WATCHED // 2)])
    return rate_change(frauds(0.01, BEFORE), [400] * BEFORE, after, [400] * WATCHED, false_alarms=0.1)


def test_quiet_times_raise_as_many_false_alarms_as_is_said() -> None:
    rng = np.random.default_rng(0)
    alarms = sum(series(rng).direction is not None for _ in range(150))
    assert alarms / 150 < 0.1 + 3 * np.sqrt(0.09 / 150)


def test_bursts_are_not_taken_for_a_change() -> None:
    rng = np.random.default_rng(0)
    found = [series(rng, bursts=0.004) for _ in range(100)]
    assert np.mean([one.spread for one in found]) > 2
    assert sum(one.direction is not None for one in found) / 100 < 0.1 + 3 * np.sqrt(0.09 / 100)


@pytest.mark.parametrize(("times", "direction"), [(2.0, "up"), (0.3, "down")])
def test_a_change_is_found_within_days_and_its_beginning_told(times: float, direction: str) -> None:
    rng = np.random.default_rng(0)
    found = [series(rng, times) for _ in range(30)]
    right = [one for one in found if one.direction == direction and one.alarm is not None and one.alarm >= 14]
    assert len(right) >= 25
    assert np.median([one.alarm - 14 for one in right if one.alarm is not None]) <= 5
    assert abs(np.median([one.since for one in right if one.since is not None]) - 14) <= 1


def test_days_without_attempts_and_rates_of_one_do_no_harm() -> None:
    found = rate_change([5] * 20, [5] * 20, [0, 5, 0], [0, 5, 5])
    assert np.isfinite([*found.up, *found.down, found.up_limit, found.down_limit]).all()
    assert rate_change([5, 0] * 10, [50, 0] * 10, [5, 0], [50, 0]).direction is None


def test_too_little_to_compare_with_is_said() -> None:
    with pytest.raises(NotEnoughError, match="9 frauds on 9 days"):
        rate_change([1] * 9, [100] * 9, [1], [100])
