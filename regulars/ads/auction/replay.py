"""What would another bidder have earned on a log of auctions? Where the log cannot say, both answers are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from regulars.ads.bidding.bidder import Bidder
from regulars.errors import InputError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class AuctionLog:
    """n auctions of the past, in order.

    Attributes
    ----------
    value : (n,) what each impression was worth to us, as it was known before it.
    bid : (n,) what was bid, 0 or more.
    is_won : (n,).
    rival : (n,) the highest rival bid; NaN where the auction did not tell.
    contexts : (n, d).

    Raises
    ------
    InputError
        If lengths differ, or an auction was won or lost against its own numbers.
    """

    value: Floats
    bid: Floats
    is_won: npt.NDArray[np.bool_]
    rival: Floats
    contexts: Floats

    def __post_init__(self) -> None:
        for name in ("value", "bid", "rival", "contexts"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), np.float64))
        object.__setattr__(self, "is_won", np.asarray(self.is_won, bool))
        count = len(self.value)
        for name in ("bid", "is_won", "rival"):
            if getattr(self, name).shape != (count,):
                raise InputError(
                    f"{name} has the shape {getattr(self, name).shape}: ({count},), as value, is expected."
                )
        if self.contexts.ndim != 2 or len(self.contexts) != count:
            raise InputError(f"contexts have the shape {self.contexts.shape}: ({count}, features) is expected.")
        known = ~np.isnan(self.rival)
        wrong = known & (self.is_won != (self.bid > self.rival)) & (self.bid != self.rival)
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise InputError(
                f"auction {row}: a bid of {self.bid[row]:g} against {self.rival[row]:g} is said to be "
                f"{'won' if self.is_won[row] else 'lost'}. Check which column is which."
            )


@dataclass(frozen=True)
class Replayed:
    """What a bidder would have got.

    Attributes
    ----------
    surplus_low, surplus_high : value less cost, where auctions of which the log cannot say are all lost, or all won.
    spend_low, spend_high : the same of cost.
    won : auctions won for certain.
    unknown : auctions of which the log cannot say: a higher bid than one that was lost, or a lower than one that was
        won, where the rival bid was not told.
    """

    surplus_low: float
    surplus_high: float
    spend_low: float
    spend_high: float
    won: int
    unknown: int


def replay(log: AuctionLog, bidder: Bidder, auction: Literal["first", "second"] = "first") -> Replayed:
    """Let a bidder bid on the log, learning only from what it would have been told.

    Examples
    --------
    >>> rival = np.array([1.0, 3.0, np.nan, np.nan])
    >>> won = np.array([True, False, True, False])
    >>> log = AuctionLog(np.full(4, 2.0), np.full(4, 1.5), won, rival, np.zeros((4, 0)))
    >>> found = replay(log, Bidder("second"), "second")
    >>> found.won, found.unknown, found.surplus_low  # the third was won at 1.5, the fourth lost: 2 may win it
    (2, 1, 1.5)
    """
    if auction != bidder.auction:
        raise InputError(f"auction = {auction!r}, but the bidder is of {bidder.auction} prices: give both the same.")
    low, high, spent_low, spent_high, won_count, unknown = 0.0, 0.0, 0.0, 0.0, 0, 0
    for row in range(len(log.value)):
        value, context = float(log.value[row]), log.contexts[row]
        bid = bidder.bid(value, context)
        rival = float(log.rival[row])
        won = _outcome(bid, float(log.bid[row]), bool(log.is_won[row]), rival)
        # What is not told is at most the bid: the surplus of a win is at least value less bid.
        cost = bid if auction == "first" or np.isnan(rival) else rival
        if auction == "second" and np.isnan(rival):
            cost = min(bid, float(log.bid[row]) if log.is_won[row] else bid)
        if won is None:
            unknown += 1
            low, high = low + min(value - cost, 0.0), high + max(value - cost, 0.0)
            spent_high += cost
            continue
        if won:
            won_count += 1
            low, high = low + value - cost, high + value - cost
            spent_low, spent_high = spent_low + cost, spent_high + cost
        told = None if np.isnan(rival) else rival
        bidder.learn(bid, won, cost if won else None, rival=told, value=value, context=context)
    return Replayed(low, high, spent_low, spent_high, won_count, unknown)


def _outcome(bid: float, past: float, was_won: bool, rival: float) -> bool | None:
    """Whether a bid would have won; None where the log cannot say."""
    if bid <= 0:
        return False
    if not np.isnan(rival):
        return bid > rival
    if was_won:
        return True if bid >= past else None
    return False if bid <= past else None
