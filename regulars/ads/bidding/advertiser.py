"""All of it for a loop of auctions that somebody else runs: which creative, what bid, and learning from what came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from regulars.ads.bidding.bidder import Bidder
from regulars.ads.bidding.clicks import OnlineClicks
from regulars.errors import InputError

EXPLORE = 0.3
"""How far click chances are drawn around what is believed: contexts differ, so most is learned without it."""
HOPE = 0.3
"""The bid rests on a chance so many deviations above the middle: what is never won is never learned."""


class Ask(NamedTuple):
    """What an advertiser asks for: the number of the creative, the bid (0: none), and what the bid rests on."""

    creative: int
    bid: float
    click_probability: float
    value: float


class Advertiser:
    """Chooses a creative and bids for its impression, where only the clicks of won impressions are ever seen.

    The creative is drawn by what is believed of its click chance; the bid rests on a somewhat hopeful
    chance of that one, the less hopeful the more is known.

    Parameters
    ----------
    click_values : (creatives,) what a click on each is worth, in money, each 0 or more.
    features : numbers in a context.
    auction, budget, auctions, seed : see `Bidder`.
    prior_click : click chance before anything is known; rather too high than too low, or nothing is ever won.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> ads = Advertiser([1.0, 1.0], features=1, auction="second")
    >>> for _ in range(3000):
    ...     context = rng.normal(size=1)
    ...     ask = ads.ask(context)
    ...     rival = rng.uniform(0, 0.5)
    ...     won = ask.bid > rival
    ...     liked = 0.6 if ask.creative == (context[0] > 0) else 0.1
    ...     ads.learn(ask, context, won, rival if won else None, clicked=bool(won and rng.random() < liked))
    >>> ads.ask([1.5]).creative, ads.ask([-1.5]).creative
    (1, 0)
    """

    def __init__(
        self,
        click_values: Sequence[float],
        features: int,
        *,
        auction: Literal["first", "second"] = "first",
        budget: float | None = None,
        auctions: int | None = None,
        prior_click: float = 0.3,
        seed: int = 0,
    ) -> None:
        values = np.asarray(click_values, np.float64)
        if values.ndim != 1 or not len(values) or not np.isfinite(values).all() or values.min() < 0:
            raise InputError("click_values: one finite amount of 0 or more for each creative is expected.")
        self.click_values = values
        self.clicks = OnlineClicks(len(values), features, prior=prior_click)
        self.bidder = Bidder(auction, features=features, budget=budget, auctions=auctions, seed=seed)
        self._rng = np.random.default_rng([seed, 1])

    def ask(self, context: npt.ArrayLike = (), *, floor: float = 0.0) -> Ask:
        """The creative and the bid for an impression."""
        creative = int(np.argmax(self.clicks.drawn(context, self._rng, EXPLORE) * self.click_values))
        chance = float(self.clicks.above(context, HOPE)[creative])
        value = chance * float(self.click_values[creative])
        return Ask(creative, self.bidder.bid(value, context, floor=floor), chance, value)

    def learn(
        self,
        ask: Ask,
        context: npt.ArrayLike,
        won: bool,
        price: float | None = None,
        *,
        clicked: bool = False,
        rival: float | None = None,
    ) -> None:
        """What came of it; see `Bidder.learn`. A click counts only where the impression was won."""
        self.bidder.learn(ask.bid, won, price, rival=rival, value=ask.value, context=context)
        if won:
            self.clicks.learn(ask.creative, context, clicked)
