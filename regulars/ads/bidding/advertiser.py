"""All of it for a loop of auctions that somebody else runs: which creative, what bid, and learning from what came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from regulars.ads.bidding.bidder import Bidder
from regulars.ads.bidding.clicks import OnlineClicks
from regulars.errors import InputError

HOPE = 1.0
"""Creative and bid rest on chances so many deviations above the middle: what is never won is never learned."""


class Ask(NamedTuple):
    """What an advertiser asks for: the number of the creative, the bid (0: none), and what the bid rests on."""

    creative: int
    bid: float
    click_probability: float
    value: float


class Advertiser:
    """Chooses a creative and bids for its impression, where only the clicks of won impressions are ever seen.

    Both the creative and the bid rest on a hopeful chance (an upper confidence bound), the less hopeful the more is
    known: of a creative that was chosen for what is not known of it, the bid must be high enough to find out.

    Parameters
    ----------
    click_values : (creatives,) what a click on each is worth, in money, each 0 or more.
    features : numbers in a context.
    auction, budget, auctions, seed : see `Bidder`.
    prior_click : click chance before anything is known.

    Source
    ------
    Li, Chu, Langford and Schapire (2010), A Contextual-Bandit Approach to Personalized News Article Recommendation:
    the bound; here of a logistic model, and bid by too.

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
        prior_click: float = 0.1,
        seed: int = 0,
    ) -> None:
        values = np.asarray(click_values, np.float64)
        if values.ndim != 1 or not len(values) or not np.isfinite(values).all() or values.min() < 0:
            raise InputError("click_values: one finite amount of 0 or more for each creative is expected.")
        self.click_values = values
        self.clicks = OnlineClicks(len(values), features, prior=prior_click)
        self.bidder = Bidder(auction, features=features, budget=budget, auctions=auctions, seed=seed)

    def ask(self, context: npt.ArrayLike = (), *, floor: float = 0.0) -> Ask:
        """The creative and the bid for an impression."""
        chances = self.clicks.above(context, HOPE)
        creative = int(np.argmax(chances * self.click_values))
        value = float(chances[creative] * self.click_values[creative])
        return Ask(creative, self.bidder.bid(value, context, floor=floor), float(chances[creative]), value)

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
