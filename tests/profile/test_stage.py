"""The stage of life: each rule at its edge, and which rule goes first."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from regulars.profile.stage import STAGES, Rhythm, stages

RHYTHM = Rhythm(cooling_days=60, lapsed_days=180, new_days=30, won_back_days=45)


def stage(**features: Any) -> str:
    usual = {"orders": 3.0, "recency_days": 10.0, "tenure_days": 400.0}
    columns = {name: pa.array([value], pa.float64()) for name, value in (usual | features).items()}
    (found,) = stages(pa.table(columns), RHYTHM)
    assert found in STAGES
    return found


@pytest.mark.parametrize(
    ("expected", "features"),
    [
        ("active", {}),
        ("prospect", {"orders": 0.0, "recency_days": None, "tenure_days": None}),
        ("prospect", {"orders": None, "recency_days": None, "tenure_days": None}),
        ("active", {"recency_days": 60.0}),
        ("cooling", {"recency_days": 60.1}),
        ("cooling", {"recency_days": 180.0}),
        ("lapsed", {"recency_days": 180.1}),
        ("new", {"orders": 1.0, "tenure_days": 30.0}),
        ("active", {"orders": 1.0, "tenure_days": 30.1}),
        ("won back", {"gap_last_days": 180.1}),
        ("active", {"gap_last_days": 180.0}),
        ("won back", {"gap_last_days": 200.0, "recency_days": 45.0}),
        ("active", {"gap_last_days": 200.0, "recency_days": 45.1}),
        ("lapsed", {"gap_last_days": 200.0, "recency_days": 200.0}),
    ],
)
def test_each_stage_begins_and_ends_where_the_rule_says(expected: str, features: dict[str, Any]) -> None:
    assert stage(**features) == expected


MORE = {"orders_90d": 3.0, "orders_previous_90d": 2.0, "spend_90d": 30.0, "spend_previous_90d": 20.0}


@pytest.mark.parametrize(
    ("expected", "features"),
    [
        ("growing", {}),
        ("active", {"orders_90d": 2.0}),
        ("active", {"spend_90d": 20.0}),
        ("active", {"orders_previous_90d": 0.0, "spend_previous_90d": 0.0}),
        ("new", {"tenure_days": 20.0}),
        ("cooling", {"recency_days": 70.0}),
    ],
)
def test_growing_is_more_orders_and_more_spend_than_in_the_quarter_before(
    expected: str, features: dict[str, Any]
) -> None:
    assert stage(**{**MORE, **features}) == expected


def test_the_rhythm_is_three_of_four_and_nineteen_of_twenty_pauses() -> None:
    gaps = pa.table({"gap_last_days": pa.array([*map(float, range(101)), None])})
    found = Rhythm.of(gaps, new_days=30, won_back_days=60)
    assert (found.cooling_days, found.lapsed_days) == (75, 95)


def test_without_a_second_order_the_rhythm_is_sixty_and_a_hundred_and_eighty_days() -> None:
    none = pa.table({"gap_last_days": pa.array([None], pa.float64())})
    found = Rhythm.of(none, new_days=30, won_back_days=60)
    assert (found.cooling_days, found.lapsed_days) == (60, 180)


def test_where_all_come_at_once_lapsed_is_still_a_day_after_cooling() -> None:
    found = Rhythm.of(pa.table({"gap_last_days": [0.1, 0.1, 0.1]}), new_days=30, won_back_days=60)
    assert (found.cooling_days, found.lapsed_days) == (1, 2)


def test_a_rhythm_goes_round_through_json() -> None:
    assert Rhythm.from_dict(RHYTHM.to_dict()) == RHYTHM
