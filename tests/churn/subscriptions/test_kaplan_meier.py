"""How long it lasts, on the remission of leukaemia under 6-mercaptopurine (Freireich et al. 1963, Blood 21)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.churn.subscriptions.kaplan_meier import KaplanMeier

ENDED = [6, 6, 6, 7, 10, 13, 16, 22, 23]
GOING_ON = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]


@pytest.fixture
def remission() -> KaplanMeier:
    """Weeks of 21 patients, of whom twelve were still in remission when last seen."""
    weeks = np.array(ENDED + GOING_ON, float)
    return KaplanMeier.fit(weeks, np.arange(21) < len(ENDED))


def test_the_published_table_is_found(remission: KaplanMeier) -> None:
    assert remission.time.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert remission.at_risk.tolist() == [21, 17, 15, 12, 11, 7, 6]
    assert remission.survival.round(3).tolist() == [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    assert remission.error.round(4).tolist() == [0.0764, 0.0869, 0.0963, 0.1068, 0.1141, 0.1282, 0.1346]
    assert remission.median == 23


def test_the_published_intervals_are_found(remission: KaplanMeier) -> None:
    assert remission.low.round(3).tolist() == [0.620, 0.563, 0.503, 0.432, 0.368, 0.268, 0.188]
    assert remission.high.round(3).tolist() == [0.952, 0.923, 0.889, 0.849, 0.805, 0.747, 0.680]


def test_beyond_what_is_known_nothing_is_said(remission: KaplanMeier) -> None:
    assert remission.at(5)[0] == 1
    assert remission.at(35)[0] == pytest.approx(0.448, abs=0.001)
    assert np.isnan(remission.at(36)).all()


def test_where_all_ended_nobody_is_left_and_there_is_no_interval() -> None:
    found = KaplanMeier.fit(np.array([1.0, 2.0]), np.array([True, True]))
    assert found.survival.tolist() == [0.5, 0.0]
    assert np.isnan(found.low[-1])
    assert found.at(9)[0] == 0


def test_where_none_ended_the_half_is_not_reached() -> None:
    found = KaplanMeier.fit(np.array([1.0, 2.0]), np.array([False, False]))
    assert np.isnan(found.median)
    assert found.at(2)[0] == 1


@pytest.mark.parametrize("durations", [[], [-1.0], [np.nan]])
def test_durations_that_are_none_are_refused(durations: list[float]) -> None:
    with pytest.raises(ValueError, match="durations of 0 or more"):
        KaplanMeier.fit(np.array(durations), np.zeros(len(durations), bool))


@settings(deadline=None)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=60))
def test_without_anyone_going_on_it_is_the_share_that_lasted_longer(days: list[int]) -> None:
    duration = np.array(days, float)
    found = KaplanMeier.fit(duration, np.ones(len(days), bool))
    assert found.survival == pytest.approx([(duration > time).mean() for time in found.time], abs=1e-9)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=1, max_size=60))
def test_the_share_only_falls_and_lies_in_its_interval(rows: list[tuple[int, bool]]) -> None:
    found = KaplanMeier.fit(np.array([d for d, _ in rows], float), np.array([e for _, e in rows]))
    assert (np.diff(found.survival) < 0).all()
    known = ~np.isnan(found.low)
    assert (found.low[known] <= found.survival[known] + 1e-12).all()
    assert (found.survival[known] <= found.high[known] + 1e-12).all()
