"""Bids: never above worth or budget, near the best reply whatever auctions tell, clear about what cannot be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from regulars.ads.bidding import Advertiser, Bidder, Dual, OnlineClicks, RivalBids
from regulars.errors import InputError

AMOUNT = st.floats(0.0, 1e6, allow_nan=False)


def share_of_best(tells: str, auctions: int = 2000, jump: float = 0.0) -> float:
    """Expected surplus over the best that who knows the rivals' distribution can have, in the later half."""
    rng = np.random.default_rng(3)
    slope, spread = rng.normal(0, 0.4, 3), 0.4
    bidder = Bidder("first", features=3, seed=1)
    grid = np.exp(np.linspace(-3, 3, 300))
    ours = best = 0.0
    for number in range(auctions):
        context = rng.normal(size=3)
        value = float(np.exp(0.5 * rng.normal()))
        middle = context @ slope - 0.3 + jump * (number > auctions // 3)
        rival = float(np.exp(middle + spread * rng.normal()))
        bid = bidder.bid(value, context)
        won = bid > rival
        told = rival if tells == "price" and not won else bid if won else None
        bidder.learn(bid, won, told, rival=rival if tells == "rival" else None)
        if number > auctions // 2:
            ours += (value - bid) * ndtr((np.log(max(bid, 1e-9)) - middle) / spread)
            best += max(((value - grid) * ndtr((np.log(grid) - middle) / spread)).max(), 0.0)
    return ours / best


@pytest.mark.parametrize(("tells", "least"), [("nothing", 0.93), ("price", 0.97), ("rival", 0.97)])
def test_first_price_bids_come_near_the_best_reply(tells: str, least: float) -> None:
    assert share_of_best(tells) > least


def test_rivals_that_change_their_ways_are_followed() -> None:
    assert share_of_best("price", jump=-0.8) > 0.93


@given(st.lists(st.tuples(AMOUNT, st.booleans()), min_size=60, max_size=90), AMOUNT, st.integers(0, 9))
@settings(max_examples=15, deadline=None)
def test_whatever_was_seen_no_bid_is_above_worth(seen: list[tuple[float, bool]], value: float, seed: int) -> None:
    bidder = Bidder("first", seed=seed)
    for bid, won in seen:
        bidder.learn(bid, won, bid if won else None, value=value)
    bid = bidder.bid(value)
    assert 0 <= bid <= value * (1 + 1e-9)


def test_a_second_price_bid_is_the_worth_over_the_price_of_money() -> None:
    bidder = Bidder("second")
    assert bidder.bid(3.0) == 3.0
    assert bidder.bid(3.0, price=1.5) == 2.0
    assert bidder.bid(-1.0) == 0.0


def test_a_floor_is_met_or_nothing_is_bid() -> None:
    bidder = Bidder("first", seed=2)
    for number in range(200):
        bidder.learn(0.2, number % 2 == 0, 0.2 if number % 2 == 0 else None, value=1.0)
    assert bidder.bid(1.0, floor=0.6) >= 0.6
    assert bidder.bid(0.5, floor=0.6) == 0.0


def test_a_budget_is_never_overspent_and_lasts_to_the_end() -> None:
    rng = np.random.default_rng(0)
    bidder = Bidder("second", budget=50.0, auctions=2000)
    spent_half = 0.0
    for number in range(2000):
        bid = bidder.bid(float(rng.uniform(0, 1)))
        rival = float(rng.uniform(0, 1))
        won = bid > rival
        bidder.learn(bid, won, rival if won else None)
        if number == 999:
            spent_half = 50.0 - bidder.dual.left  # type: ignore[union-attr]
    assert bidder.dual is not None
    assert 0 <= bidder.dual.left < 5.0
    assert 20.0 < spent_half < 30.0


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Bidder("third"), '"first" or "second"'),  # type: ignore[arg-type]
        (lambda: Bidder(budget=0.0, auctions=10), "budget = 0: more than 0"),
        (lambda: Bidder(budget=5.0), "go together"),
        (lambda: Dual(1.0, 0), "auctions = 0"),
        (lambda: Bidder().bid(float("nan")), "not a finite number"),
        (lambda: Bidder("second").bid(1.0, price=0.0), "price = 0, floor = 0: above 0"),
        (lambda: Bidder().bid(1.0, floor=float("nan")), "floor = nan"),
        (lambda: Bidder(features=2).bid(1.0, [1.0]), "shape"),
        (lambda: Bidder(features=1).bid(1.0, ["phone"]), r"numbers are expected, not \[\['phone'\]\]"),
        (lambda: Bidder(features=1).learn(1.0, True, 1.0, context=[1.0, 2.0]), "shape"),
        (lambda: OnlineClicks(1, 1).learn(0, ["phone"], True), "numbers are expected"),
        (lambda: Bidder().learn(1.0, True, 2.0), "at most the bid"),
        (lambda: Bidder().learn(1.0, False, -2.0), "0 or more"),
        (lambda: RivalBids(0).learn(-1.0, True), "bid = -1"),
        (lambda: RivalBids(1, half_lives=[0.0]), "half-lives above 0"),
        (lambda: OnlineClicks(0, 1), "one creative or more"),
        (lambda: OnlineClicks(1, 1).learn(1, [0.0], True), "there are 1"),
        (lambda: Advertiser([], 1), "one finite amount"),
    ],
)
def test_what_cannot_be_is_refused_with_what_is_expected(make: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        make()  # type: ignore[operator]


def test_a_new_creative_begins_where_the_others_stand() -> None:
    clicks = OnlineClicks(1, features=1, prior=0.5)
    for _ in range(500):
        clicks.learn(0, [0.0], False)
    assert clicks.add() == 1
    old, new = clicks.chances([0.0])
    assert old < 0.05
    assert new < 0.2
    known, unknown = clicks.above([0.0], 1.0) - clicks.above([0.0], 0.0)
    assert unknown > 2 * known


def test_the_same_seed_gives_the_same_bids() -> None:
    def bids() -> list[float]:
        bidder, found = Bidder("first", seed=5), []
        for number in range(150):
            bid = bidder.bid(1.0 + number % 3)
            bidder.learn(bid, number % 2 == 0, bid if number % 2 == 0 else None)
            found.append(bid)
        return found

    assert bids() == bids()


def test_a_loss_to_a_lower_price_is_only_a_loss() -> None:
    odd, plain = Bidder("first", seed=1), Bidder("first", seed=1)
    for number in range(120):
        for bidder, price in ((odd, 0.1), (plain, None)):
            bidder.learn(1.0, False, price, value=2.0 + number % 3)
    assert odd.bid(2.0) == plain.bid(2.0)
