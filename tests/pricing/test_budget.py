"""The budget of personal discounts is one: whatever lots draw, no more is expected to be given away."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.config import PricingSettings
from regulars.pricing.audience import Audience
from regulars.pricing.decide import _personal

ONE_RICH = [10_000.0] + [20.0] * 30


def given_away(
    spends: list[float], budget: float, explore: float, salt: str, elasticity: float = -2.0
) -> tuple[float, np.ndarray]:
    """What the discounts of customers are expected to give away, and the chances with which each was drawn."""
    count = len(spends)
    spend, one = np.array(spends), np.ones(count)
    asked = Audience(spend, elasticity * one, 0 * one, one, 0.3 * one, one)
    about = PricingSettings(mode="personal", budget=budget, explore=explore, min_margin=0.0, max_discount=0.3)
    ids = pa.array([f"c{number}" for number in range(count)])
    share, chances, _ = _personal(about, asked, [None] * count, ids, salt)
    return float(asked.gain(share[:, None], 0.5)[1].sum()), chances


def test_whom_the_lots_part_cannot_pay_for_draws_none() -> None:
    drew = 0
    for day in range(50):
        spent, chances = given_away(ONE_RICH, 100.0, 0.2, f"day {day}")
        assert spent <= 100.0
        assert (chances[0] > 0).sum() == 1
        drew += int(((chances[1:] > 0).sum(1) > 1).sum())
    assert drew >= 50  # the others do, each some time


@settings(max_examples=200, deadline=None)
@given(
    spends=st.lists(st.floats(0, 1e5).map(lambda spend: round(spend, 4)), min_size=1, max_size=40), budget=st.floats(0, 1e5), explore=st.floats(0, 1),
    salt=st.text(max_size=5), elasticity=st.floats(-6, 0),
)  # fmt: skip
def test_whatever_is_drawn_the_budget_holds_and_chances_are_those_of_a_lot(
    spends: list[float], budget: float, explore: float, salt: str, elasticity: float
) -> None:
    spent, chances = given_away(spends, budget, explore, salt, elasticity)
    assert spent <= budget * (1 + 1e-9)
    assert np.allclose(chances.sum(1), 1)
    assert (1 - chances.max(1)).sum() <= explore * len(spends) + 1e-6


def test_no_discount_is_the_whole_price() -> None:
    with pytest.raises(ValueError, match="less than 1"):
        PricingSettings(max_discount=1.0)
