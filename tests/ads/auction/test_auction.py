"""The market and its replays: money adds up, rivals stay in budget, what a log cannot say is said to be unknown."""

from __future__ import annotations

import numpy as np
import pytest

from regulars.ads.auction import AuctionLog, Market, Oracle, play, replay, rivals
from regulars.ads.bidding import Bidder
from regulars.errors import InputError


class Seat:
    """Our bidder in the market."""

    def __init__(self, market: Market, bidder: Bidder) -> None:
        self.market, self.bidder, self.told = market, bidder, 0

    def bid(self, auction: int) -> tuple[float, int]:
        return self.bidder.bid(float(self.market.values[auction]), self.market.contexts[auction]), 0

    def learn(self, auction: int, bid: float, won: bool, price: float | None, clicked: bool) -> None:
        self.told += price is not None
        self.bidder.learn(bid, won, price)


def seated(auction: str, budget: float = 30.0) -> tuple[Market, Seat]:
    market = Market.drawn(600, features=2, creatives=1, seed=2)
    return market, Seat(market, Bidder(auction, features=2, budget=budget, auctions=600))  # type: ignore[arg-type]


@pytest.mark.parametrize("auction", ["first", "second"])
def test_the_highest_bid_wins_and_nobody_spends_more_than_the_budget(auction: str) -> None:
    market, seat = seated(auction)
    others = rivals(5.0, 600)
    found = play(market, seat, others, auction=auction)  # type: ignore[arg-type]
    assert (found.is_won == (found.bid > found.rival)).all()
    assert found.spend <= 30.0 + 1e-9
    assert all(one.dual.left >= -1e-9 for one in others)
    paid = found.bid if auction == "first" else found.rival
    assert np.allclose(found.price[found.is_won], paid[found.is_won])
    assert found.surplus == pytest.approx(found.value.sum() - found.price.sum())


def test_losers_are_not_told_the_price_where_the_auction_does_not() -> None:
    market, seat = seated("first")
    found = play(market, seat, rivals(5.0, 600), tells_price=False)
    assert seat.told == found.is_won.sum()


def test_the_oracle_stays_in_budget_and_gains() -> None:
    market = Market.drawn(300, features=2, creatives=1, seed=2)
    others = rivals(10.0, 300)
    oracle = Oracle(market, others, budget=5.0, price=1.2)

    class Knowing:
        def bid(self, auction: int) -> tuple[float, int]:
            return oracle.bid(auction), 0

        def learn(self, auction: int, bid: float, won: bool, price: float | None, clicked: bool) -> None:
            oracle.learn(bid, won)

    found = play(market, Knowing(), others)
    assert 0 < found.spend <= 5.0 + 1e-9
    assert found.surplus > 0


def test_a_replay_of_the_same_bids_gives_the_same_money() -> None:
    market, seat = seated("second", budget=1000.0)
    found = play(market, seat, rivals(50.0, 600), auction="second")
    log = AuctionLog(market.values, found.bid, found.is_won, found.rival, market.contexts)
    again = replay(log, Bidder("second", features=2), "second")
    assert again.unknown == 0
    assert again.won == found.is_won.sum()
    assert again.surplus_low == pytest.approx(found.surplus)


def test_a_replay_bounds_what_the_log_does_not_tell() -> None:
    market, seat = seated("first", budget=1000.0)
    found = play(market, seat, rivals(50.0, 600))
    hidden = AuctionLog(market.values, found.bid, found.is_won, np.full(600, np.nan), market.contexts)
    again = replay(hidden, Bidder("first", features=2, seed=9))
    assert again.unknown > 0
    assert again.surplus_low <= again.surplus_high
    assert again.spend_low <= again.spend_high


def test_a_log_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(InputError, match="auction 1: a bid of 1 against 2 is said to be won"):
        AuctionLog(np.ones(2), np.ones(2), np.array([True, True]), np.array([0.5, 2.0]), np.zeros((2, 0)))
    with pytest.raises(InputError, match="shape"):
        AuctionLog(np.ones(2), np.ones(3), np.array([True, True]), np.array([0.5, 2.0]), np.zeros((2, 0)))


def test_a_log_may_be_plain_lists_and_a_bidder_is_of_its_prices() -> None:
    log = AuctionLog([2.0, 2.0], [1.0, 1.0], [True, False], [0.5, 1.5], [[0.0], [1.0]])  # type: ignore[arg-type]
    assert replay(log, Bidder("second", features=1), "second").won == 2
    with pytest.raises(InputError, match="the bidder is of second prices"):
        replay(log, Bidder("second", features=1))
