"""From what an impression is worth to a bid, in first- and second-price auctions, learning from win and lose."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from regulars.ads.bidding.contexts import as_contexts
from regulars.ads.bidding.dual import Dual
from regulars.ads.bidding.rivals import Landscape, RivalBids
from regulars.errors import InputError

Floats = npt.NDArray[np.float64]

BLIND = (0.35, 0.95)
"""Before anything is known of rivals, bids are drawn between these shares of the value, evenly: all are tried."""


class Bidder:
    """Bids so that value less cost is largest: truthfully where the second price is paid, shaded where the own is.

    In first-price auctions the bid b is where (value - price of money x b) x chance to win with b is largest; the
    chance is drawn around what is believed of it, the wider the less is known, so that bids of which little is known
    are tried. No bid is above value over price of money.

    Parameters
    ----------
    auction : "first" or "second": whether the winner pays the own bid or the next.
    features : numbers in a context; the value itself is always one more.
    budget, auctions : what may be spent, over how many auctions; without a budget only value counts.
    explore : how far chances are drawn around what is believed; 0 for never.
    seed : of what is drawn.

    Raises
    ------
    InputError
        If a number cannot be.

    Examples
    --------
    A loop of any auction; the highest rival bid is around 1, and an impression is worth 2:

    >>> rng = np.random.default_rng(0)
    >>> bidder = Bidder("first")
    >>> for _ in range(2000):
    ...     bid = bidder.bid(2.0)
    ...     won = bid > np.exp(0.2 * rng.normal())
    ...     bidder.learn(bid, won, bid if won else None)
    >>> 1.1 < bidder.bid(2.0) < 1.5
    True
    >>> Bidder("second").bid(2.0)
    2.0
    """

    def __init__(
        self,
        auction: Literal["first", "second"] = "first",
        *,
        features: int = 0,
        budget: float | None = None,
        auctions: int | None = None,
        explore: float = 0.5,
        seed: int = 0,
    ) -> None:
        if auction not in ("first", "second"):
            raise InputError(f'auction = "{auction}": "first" or "second" is expected.')
        if not 0 <= explore < np.inf:
            raise InputError(f"explore = {explore:g}: 0 or more is expected.")
        if (budget is None) != (auctions is None):
            raise InputError("budget and auctions go together: how much, over how many auctions.")
        self.auction, self.features, self.explore = auction, features, explore
        self.rivals = RivalBids(features + 1)
        self.dual = None if budget is None or auctions is None else Dual(budget, auctions)
        self._rng = np.random.default_rng(seed)
        self._value, self._context = 0.0, np.zeros(features)

    def bid(
        self, value: float, context: npt.ArrayLike = (), *, floor: float = 0.0, price: float | None = None
    ) -> float:
        """What to bid; 0 is not to bid. See `bids`."""
        rows = as_contexts([context], 1, self.features)
        found = float(self.bids([value], rows, floor=floor, price=price)[0])
        self._value, self._context = value, rows[0]
        return found

    def bids(
        self, values: npt.ArrayLike, contexts: npt.ArrayLike | None = None, *, floor: float = 0.0,
        price: float | None = None,
    ) -> Floats:  # fmt: skip
        """What to bid for each of n impressions.

        Parameters
        ----------
        values : (n,) what each is worth, in money; of one worth 0 or less nothing is bid.
        contexts : (n, features).
        floor : the least that the auction takes, 0 or more.
        price : of money, above 0; below 1 it bids above worth. Default: what the budget says.

        Returns
        -------
        (n,) bids; 0 where not to bid. None is above what is left of the budget.
        """
        worth = np.asarray(values, np.float64)
        rows = as_contexts(np.zeros((len(worth), 0)) if contexts is None else contexts, len(worth), self.features)
        if not np.isfinite(worth).all():
            raise InputError("a value is not a finite number. Bid nothing for what is not known.")
        if price is None:
            price = 1.0 if self.dual is None else self.dual.price
        if not 0 < price < np.inf or not 0 <= floor < np.inf:
            raise InputError(f"price = {price:g}, floor = {floor:g}: above 0, and 0 or more, are expected.")
        most = np.maximum(worth, 0.0) / price
        if self.auction == "second":
            found = most
        elif self.rivals.landscape_ is None:
            found = most * self._rng.uniform(*BLIND, len(worth))
        else:
            found = self._shaded(self.rivals.landscape_, most, self._known(worth, rows), floor)
        found = np.where(found < floor, np.where(most >= floor, floor, 0.0), found)
        return found if self.dual is None else np.minimum(found, max(self.dual.left, 0.0))

    def learn(
        self,
        bid: float,
        won: bool,
        price: float | None = None,
        *,
        rival: float | None = None,
        value: float | None = None,
        context: npt.ArrayLike | None = None,
    ) -> None:
        """What came of a bid.

        Parameters
        ----------
        price : where it won, what was paid; where it lost, what the winner paid, if told.
        rival : the highest rival bid (or the least that would have won), where the auction tells it.
        value, context : of the bid; default: those of the newest one.

        Raises
        ------
        InputError
            If an amount is no finite amount of 0 or more, or a price was paid above the bid.
        """
        if price is not None and not 0 <= price < np.inf:
            raise InputError(f"price = {price:g}: a finite amount of 0 or more is expected.")
        if won and price is not None and price > bid * (1 + 1e-9):
            raise InputError(f"a price of {price:g} was paid for a bid of {bid:g}: at most the bid is expected.")
        if self.dual is not None:
            cost = price if price is not None else bid
            self.dual.spent(cost if won else 0.0)
        if self.auction == "second":
            return
        # Where the own price is paid, what the winner paid is the rival bid of who lost, and tells a winner nothing.
        # A price under the own bid does not: some other rule decided.
        told = rival
        if rival is None and not won and price is not None and price >= bid:
            told = price
        rows = as_contexts([self._context if context is None else context], 1, self.features)
        known = self._known(np.array([self._value if value is None else value]), rows)[0]
        self.rivals.learn(bid, won, rival=told, context=known)

    def _known(self, values: Floats, contexts: Floats) -> Floats:
        """Contexts with the value: what others would pay goes with what we would."""
        return np.hstack([contexts, np.log(np.maximum(values, 1e-9))[:, None]])

    def _shaded(self, seen: Landscape, most: Floats, contexts: Floats, floor: float) -> Floats:
        tried = np.exp(seen.middle(contexts)[:, None] + seen.edges)  # (n, K)
        chance = seen.below
        if self.explore > 0:
            unsure = np.sqrt((chance * (1 - chance) + 1e-4) / (seen.known + 1.0))
            chance = np.clip(chance + self.explore * self._rng.normal(size=(len(most), 1)) * unsure, 0, 1)
        gain = (most[:, None] - tried) * chance
        gain = np.where(tried < floor, -np.inf, gain)
        best = np.argmax(gain, axis=1)
        rows = np.arange(len(most))
        found = tried[rows, best]
        return np.where(gain[rows, best] > 0, np.minimum(found, most), 0.0)
