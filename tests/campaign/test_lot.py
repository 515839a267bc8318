"""Lots: what they use, whom they fall upon, and that their chances are those that are written down."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars import Shop
from regulars.campaign.journey import Journeys
from regulars.campaign.journey.tables import entries, prepare
from regulars.campaign.lot import Room, draw
from regulars.campaign.sources import arms_of, drawn_before

IDS = pa.array([f"c{k:04}" for k in range(800)])
ACTIONS = ("news by email", "coupon by email", "news by sms")


@given(
    st.integers(0, 2**32 - 1), st.floats(0, 1), st.floats(0.1, 0.9), st.floats(0, 50), st.integers(0, 500),
    st.integers(0, 60),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_budget_contacts_and_stock_hold_and_chances_are_counts(
    seed: int, share: float, control: float, budget: float, contacts: int, stock: int
) -> None:
    may = np.random.default_rng(seed).random((len(IDS), 3)) < 0.8
    costs = np.array([0.01, 0.0, 0.5])
    room = Room(budget, contacts, np.array([np.inf, stock, np.inf]))
    fell = draw(IDS, may, ACTIONS, costs, share, control, room, f"salt {seed}")
    used = np.bincount(fell.action[fell.action >= 0], minlength=3)
    assert used @ costs <= budget + 1e-9
    assert used.sum() <= contacts
    assert used[1] <= stock
    assert fell.is_drawn.sum() <= share * len(IDS) + 1
    rows = np.flatnonzero(fell.is_drawn)
    assert all(may[row, fell.action[row]] for row in rows if fell.action[row] >= 0)
    for said in set(fell.lot[rows]):
        chances = json.loads(said)
        assert abs(sum(chances.values()) - 1) < 1e-9
        mine = rows[fell.lot[rows] == said]
        for row in mine:
            name = "none" if fell.action[row] < 0 else ACTIONS[fell.action[row]]
            assert fell.chance[row] == chances[name]


def test_the_same_salt_is_the_same_lot_and_another_is_another() -> None:
    may, room = np.ones((len(IDS), 1), bool), Room(np.inf, np.inf, np.array([np.inf]))
    one, again, other = (draw(IDS, may, ACTIONS[:1], np.zeros(1), 0.5, 0.5, room, salt) for salt in ("a", "a", "b"))
    assert (one.action == again.action).all()
    assert (one.is_drawn != other.is_drawn).mean() > 0.3


def test_a_journey_with_one_split_is_a_lot_over_all_who_entered(tmp_path: Path) -> None:
    shop = Shop.create(tmp_path / "shop")
    kept = Journeys(shop)
    version = kept.keep(kept.get("win_back"))
    at = datetime(2024, 5, 1, tzinfo=UTC)
    rows = [
        {"journey": "win_back", "version": version.number, "customer_id": f"c{k}", "entry_key": f"c{k}",
         "entered_at": at, "step": "write", "at": at, "hops": 1, "outcome": "exit", "about": {}}
        for k in range(300)
    ]  # fmt: skip
    with prepare(shop.state).write() as change:
        change.execute(sa.insert(entries), rows)
    drawn = drawn_before(shop, datetime(2024, 6, 1, tzinfo=UTC), 14)
    assert drawn.lots == ({"win_back by email": 0.5, "none": 0.5},)
    assert len(drawn) == 300
    assert 100 < (drawn.arms == "none").sum() < 200
    assert len(drawn_before(shop, datetime(2024, 5, 10, tzinfo=UTC), 14)) == 0
    shop.state.close()


def test_a_journey_without_anybody_left_alone_is_no_lot(tmp_path: Path) -> None:
    journeys = Journeys(Shop.create(tmp_path / "shop"))
    assert arms_of(journeys.get("welcome")) is None
    found = arms_of(journeys.get("win_back"))
    assert found is not None
    assert found[1] == ["win_back by email", "none"]
