"""Auctions: who bids more wins more, pays by the rule of the auction, and stops at the budget."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from regulars.simulate import Params, World, ads, load
from regulars.simulate.oracle import best_bids
from regulars.simulate.raw import CODES, Rows

COUNT = 3000


def shown(bid: float, budget: float = np.inf, auction: str = "second", day: int = 0) -> tuple[Rows, Rows]:
    """Ads shown and clicked on a day, where the same is bid for all."""
    params = load("gifts")
    said = params.ads.model_copy(update={"auction": auction})
    customers = World(params, customers=COUNT, seed=1, days=10).hidden.customers
    who = np.arange(COUNT)
    same = np.ones(COUNT)
    rows, _, _ = ads.auctions(
        who, bid * same, budget * same, np.zeros(COUNT, np.int64), 0.5 * same, day, 1, said, customers
    )
    return rows[rows["type"] == CODES["ad_shown"]], rows[rows["type"] == CODES["ad_clicked"]]


def cost(rows: Rows) -> npt.NDArray[np.float64]:
    return np.asarray(rows["price"] / 10_000)


def test_who_bids_more_wins_more_and_nothing_wins_nothing() -> None:
    wins = [len(shown(bid)[0]) for bid in (0.0, 0.1, 0.2, 5.0)]
    assert wins[0] == 0
    assert wins == sorted(set(wins))


def test_in_a_second_price_auction_the_rival_s_bid_is_paid_in_a_first_price_one_the_own() -> None:
    second, first = (cost(shown(0.2, auction=auction)[0]) for auction in ("second", "first"))
    assert len(second) == len(first) > 100
    assert (second < 0.2).all()
    assert np.allclose(first, 0.2)


def test_a_budget_is_never_overspent_and_is_spent_by_time() -> None:
    rows, _ = shown(0.2, budget=10.0)
    everything, _ = shown(0.2)
    assert 9.5 < cost(rows).sum() <= 10.0
    assert rows["time"].max() <= np.sort(everything["time"])[len(rows)]


def test_some_days_move_all_rivals() -> None:
    paid = [np.median(cost(shown(50.0, day=day)[0])) for day in range(12)]
    assert max(paid) > 1.4 * min(paid)


def test_clicks_are_few_and_follow_what_was_shown() -> None:
    rows, clicked = shown(5.0)
    assert 0.02 < len(clicked) / len(rows) < 0.1
    assert set(clicked["customer"].tolist()) <= set(rows["customer"].tolist())


@pytest.mark.parametrize("auction", ["second", "first"])
def test_no_bid_is_better_than_the_best_bid(gifts: Params, auction: str) -> None:
    params = gifts.model_copy(update={"ads": gifts.ads.model_copy(update={"auction": auction, "shock": 0.0})})
    world = World(params, customers=1, seed=1, days=5)
    worth = np.array([0.3])
    bid, profit = best_bids(world, worth)
    said = params.ads
    rival = said.rival_bid * np.exp(said.rival_spread * np.random.default_rng(0).normal(size=400_000))

    def gain(offer: float) -> float:
        paid = rival if auction == "second" else offer
        return float(np.mean(np.where(rival < offer, worth[0] - paid, 0.0)))

    assert gain(float(bid[0])) == pytest.approx(float(profit[0]), rel=0.03)
    assert all(gain(float(bid[0]) * share) <= profit[0] * 1.01 for share in (0.5, 0.8, 1.25, 2.0))
