"""Auction after auction: who wins, what it costs, what everybody is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from regulars.ads.auction.competitors import Competitor
from regulars.ads.auction.market import Market

Floats = npt.NDArray[np.float64]


class Seat(Protocol):
    """Ours: what it does for an impression, by its number, and what it learns from what came."""

    def bid(self, auction: int) -> tuple[float, int]:
        """The bid (0: none), and the number of the creative."""

    def learn(self, auction: int, bid: float, won: bool, price: float | None, clicked: bool) -> None:
        """What came: `price` is what the winner paid, where that is told."""


@dataclass(frozen=True)
class Outcome:
    """What our seat got, by auction.

    Attributes
    ----------
    bid, price : (n,) what was bid, and paid; 0 where nothing.
    rival : (n,) the highest rival bid.
    value : (n,) what a won impression is worth in the mean (click chance of its creative, in money); 0 where lost.
    is_won, is_clicked : (n,).
    """

    bid: Floats
    price: Floats
    rival: Floats
    value: Floats
    is_won: npt.NDArray[np.bool_]
    is_clicked: npt.NDArray[np.bool_]

    @property
    def surplus(self) -> float:
        """Value less cost, over all."""
        return float((self.value - self.price).sum())

    @property
    def spend(self) -> float:
        """Cost of all."""
        return float(self.price.sum())


def play(
    market: Market,
    seat: Seat,
    competitors: Sequence[Competitor],
    *,
    auction: Literal["first", "second"] = "first",
    tells_price: bool = True,
    seed: int = 0,
) -> Outcome:
    """Sell all impressions of a market, one after another.

    Parameters
    ----------
    tells_price : whether losers are told what the winner paid.

    Examples
    --------
    >>> from regulars.ads.auction.competitors import Fixed
    >>> from regulars.ads.bidding import Dual
    >>> class Nobody:
    ...     def bid(self, auction): return 0.0, 0
    ...     def learn(self, auction, bid, won, price, clicked): pass
    >>> found = play(Market.drawn(50, rivals=1), Nobody(), [Fixed(1.0, Dual(5.0, 50))])
    >>> found.surplus, bool(found.rival.max() > 0)
    (0.0, True)
    """
    rng = np.random.default_rng([seed, 13])
    count = len(market)
    values = market.rival_values
    bid, price, rival, value = (np.zeros(count) for _ in range(4))
    is_won, is_clicked = np.zeros(count, bool), np.zeros(count, bool)
    draw = rng.random(count)
    offers = np.zeros(len(competitors))
    worth, shares = np.zeros(len(competitors)), np.zeros(len(competitors))
    for number in range(count):
        for place, one in enumerate(competitors):
            worth[place] = values[number, place] / one.dual.price
            shares[place] = one.shares(1, rng)[0]
            offers[place] = min(worth[place] * shares[place], max(one.dual.left, 0.0))
        highest = int(np.argmax(offers))
        rival[number] = offers[highest]
        bid[number], creative = seat.bid(number)
        won = is_won[number] = bool(bid[number] > rival[number])
        others = np.sort(offers)
        winning = bid[number] if won else offers[highest]
        runner_up = rival[number] if won else max(bid[number], others[-2] if len(others) > 1 else 0.0)
        paid = winning if auction == "first" else runner_up
        if won:
            price[number] = paid
            value[number] = market.clicks[number, creative] * market.click_value
            is_clicked[number] = draw[number] < market.clicks[number, creative]
        seat.learn(number, bid[number], won, paid if won or tells_price else None, bool(is_clicked[number]))
        for place, one in enumerate(competitors):
            has_won = not won and place == highest
            one.dual.spent(paid if has_won else 0.0)
            against = max(bid[number], others[-2] if place == highest and len(others) > 1 else offers[highest])
            one.learn(worth[place], shares[place], has_won, float(against))
    return Outcome(bid, price, rival, value, is_won, is_clicked)
