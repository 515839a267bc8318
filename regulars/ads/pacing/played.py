"""Days of traffic with shocks, to see how a budget is spent: by the pacer, and by what others do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import Protocol

import numpy as np
import numpy.typing as npt

from regulars.ads.pacing.clock_day import HOURS
from regulars.ads.pacing.curve import SpendCurve
from regulars.ads.pacing.pacer import Permit

Floats = npt.NDArray[np.float64]

DAY = timedelta(days=1)

NOTICE_SECONDS = 60.0
"""Mean wait for the notice of a bid."""


class Paces(Protocol):
    """What decides whether to bid; see `Pacer`."""

    def ask(self, bid_id: str, bid: float, at: datetime) -> Permit:
        """May it bid?"""

    def won(self, bid_id: str, cost: float, at: datetime) -> None:
        """A bid won."""

    def lost(self, bid_id: str, at: datetime) -> None:
        """A bid lost."""


class Threshold:
    """What others do: the chance to take part goes up or down by a tenth each minute, as spend is under or over the
    plan, and nothing is bid once the spend that is known reaches the budget. One day.

    Source
    ------
    Agarwal, Ghosh, Wei and You (2014), Budget Pacing for Targeted Online Advertisements at LinkedIn, section 3.
    """

    def __init__(self, budget: float, curve: SpendCurve, start: datetime, seed: int = 0) -> None:
        self.budget, self.curve, self.start = budget, curve, start
        self.spent, self.chance = 0.0, 0.1
        self._minute = 0
        self._rng = np.random.default_rng(seed)

    def ask(self, bid_id: str, bid: float, at: datetime) -> Permit:
        """See `Paces`."""
        minute = int((at - self.start) / timedelta(minutes=1))
        for _ in range(minute - self._minute):
            is_behind = self.spent < self.budget * self.curve.share(min((at - self.start) / DAY, 1.0))
            self.chance = float(np.clip(self.chance * (1.1 if is_behind else 0.9), 0.001, 1.0))
        self._minute = minute
        may = bool(self.spent < self.budget and self._rng.random() < self.chance)
        return Permit(may, bid if may else 0.0, 1.0)

    def won(self, bid_id: str, cost: float, at: datetime) -> None:
        """See `Paces`."""
        self.spent += cost

    def lost(self, bid_id: str, at: datetime) -> None:
        """See `Paces`."""


@dataclass(frozen=True)
class Day:
    """What a day brought.

    Attributes
    ----------
    spend : (24,) by hour in which the auction was.
    value : of all that was won.
    """

    spend: Floats
    value: float

    @property
    def total(self) -> float:
        """Spend of all."""
        return float(self.spend.sum())


def paced_day(pacer: Paces, start: datetime, hours: Floats, seed: int, level: float = 1.0) -> Day:
    """One day of second-price auctions whose traffic and prices jump, with notices that come late.

    Parameters
    ----------
    hours : (24,) mean auctions in each hour.
    level : how dear the day is: rivals bid so many times what they do on another.

    Examples
    --------
    >>> from datetime import UTC
    >>> from regulars.ads.pacing import Pacer
    >>> morning = datetime(2024, 5, 1, tzinfo=UTC)
    >>> day = paced_day(Pacer(20.0, SpendCurve(), morning), morning, np.full(24, 60.0), seed=0)
    >>> 15 < day.total <= 20
    True
    """
    rng = np.random.default_rng([seed, 21])
    minutes = np.repeat(hours / 60, 60)
    prices = np.full(len(minutes), level)
    for _ in range(4):
        begin, length = int(rng.integers(0, 1320)), int(rng.integers(15, 120))
        minutes[begin : begin + length] *= rng.choice([0.2, 3.0, 5.0])
        prices[begin : begin + length] *= rng.choice([0.5, 1.6])
    counts = rng.poisson(minutes)
    minute = np.repeat(np.arange(len(minutes)), counts)
    seconds = np.sort(minute * 60 + rng.random(len(minute)) * 60)
    rival = np.exp(0.5 * rng.normal(size=len(seconds))) * prices[(seconds // 60).astype(int)]
    worth = np.exp(0.4 + 0.5 * rng.normal(size=len(seconds)))
    wait = rng.exponential(NOTICE_SECONDS, len(seconds))
    waiting: list[tuple[float, str, float]] = []
    spend, value = np.zeros(HOURS), 0.0
    price = 1.0

    def tell(until: float) -> None:
        while waiting and waiting[0][0] <= until:
            second, bid_id, cost = heappop(waiting)
            at = start + timedelta(seconds=second)
            pacer.won(bid_id, cost, at) if cost >= 0 else pacer.lost(bid_id, at)

    for number, second in enumerate(seconds.tolist()):
        tell(second)
        # The price of money of the bid before: the permit for this one comes with the answer to it.
        permit = pacer.ask(f"{start:%j}/{number}", float(worth[number]) / price, start + timedelta(seconds=second))
        price = permit.price
        if not permit.may_bid:
            continue
        won = permit.most > rival[number]
        cost = float(rival[number]) if won else -1.0
        heappush(waiting, (second + float(wait[number]), f"{start:%j}/{number}", cost))
        if won:
            spend[int(second // 3600)] += cost
            value += float(worth[number])
    tell(86_399.0)
    return Day(spend, value)


def smoothness_error(days: npt.ArrayLike, plans: npt.ArrayLike) -> float:
    """The share of spend that came in other hours than planned, in the mean over days.

    Parameters
    ----------
    days, plans : (n, 24) spend, and the planned share of each hour of it.

    >>> smoothness_error([[2.0] * 12 + [0.0] * 12], [[1 / 24] * 24])
    0.5
    """
    spend = np.asarray(days, np.float64)
    shares = spend / spend.sum(axis=1, keepdims=True)
    return float(np.abs(shares - np.asarray(plans)).sum(axis=1).mean() / 2)
