"""One campaign's day: may it bid now, at what price of money, and never more than the budget."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np

from regulars.ads.pacing.clock_day import HOURS, ClockDay
from regulars.ads.pacing.curve import SpendCurve
from regulars.errors import InputError

STEP = timedelta(minutes=5)
"""The price of money is set anew after so long."""
GAIN, STEADY, SURGE = 0.6, 0.08, 0.5
"""How far the logarithm of the price moves at a step for one step's plan too much: at once, for what has gathered since
the morning, and at most."""
AHEAD = timedelta(hours=1)
"""What is behind or ahead of the plan is to be made up within so long."""
CALMEST, DEAREST = -1.5, 5.0
"""The logarithm of the price stays between. Below 0 it bids above worth: only where that is allowed."""


class Permit(NamedTuple):
    """Whether a bid may be made, the most it may be, and the price of money to divide its value by."""

    may_bid: bool
    most: float
    price: float


@dataclass
class _Reserved:
    amount: float
    at: datetime


class Pacer:
    """Spreads a day's budget over the day, and stops hard at its end.

    A bid is reserved until its notice comes: won with a price, or lost. What is spent and what is reserved are never
    above the budget together, so no notice within `wait` can overspend it. A reserve whose notice takes longer is given
    up; only a win that is told after that can lead beyond the budget, and then nothing is bid any more.

    The price of money follows a controller with two parts (PI) on the distance from the plan; from morning on it begins
    where the day before ended.

    Parameters
    ----------
    budget : for a day, above 0.
    curve : how the day should be spent.
    start : when the first day begins, with the time zone on whose clock the others do.
    wait : how long a notice is waited for.
    spends_all : whether to bid above worth (price of money under 1) where the plan is behind; False keeps surplus.

    Attributes
    ----------
    today : what this day may spend: the budget, unless `give` said otherwise.
    day : on the clock; the hours of the plan are its own.

    Raises
    ------
    InputError
        If the budget is 0 or less, a time has no zone, or the clock goes backwards.

    Examples
    --------
    >>> from datetime import UTC
    >>> morning = datetime(2024, 5, 1, tzinfo=UTC)
    >>> pacer = Pacer(10.0, SpendCurve(), morning)
    >>> pacer.ask("bid 1", 4.0, morning).may_bid, pacer.ask("bid 2", 4.0, morning).may_bid
    (True, True)
    >>> pacer.ask("bid 3", 4.0, morning).most  # 8 are reserved
    2.0
    >>> pacer.won("bid 1", 3.0, morning), pacer.lost("bid 2", morning)
    (None, None)
    >>> pacer.spent, pacer.reserved
    (3.0, 2.0)
    """

    def __init__(
        self,
        budget: float,
        curve: SpendCurve,
        start: datetime,
        *,
        wait: timedelta = timedelta(minutes=10),
        spends_all: bool = False,
    ) -> None:
        if not 0 < budget < np.inf:
            raise InputError(f"budget = {budget:g}: more than 0 is expected. To spend nothing, end the campaign.")
        if start.utcoffset() is None:
            raise InputError(f"start = {start.isoformat()} has no time zone. Write it as 2024-05-01T00:00+00:00.")
        self.budget, self.curve, self.wait, self.spends_all = budget, curve, wait, spends_all
        self.day = ClockDay(start)
        self.today, self.spent = budget, 0.0
        self.offered = np.zeros(HOURS)
        self._reserved: dict[str, _Reserved] = {}
        self._given_up: dict[str, _Reserved] = {}
        self._now = self._stepped = self.day.begin
        self._spent_before, self._planned_before = 0.0, 0.0
        self._level, self._log_price = 0.0, 0.0

    def resume(self, spent: float, at: datetime) -> None:
        """Go on in the middle of the first day, in which so much was spent before: what is left may be spent.

        Raises
        ------
        InputError
            If the amount cannot be, or the clock would go backwards.

        Examples
        --------
        >>> from datetime import UTC
        >>> morning = datetime(2024, 5, 1, tzinfo=UTC)
        >>> pacer = Pacer(10.0, SpendCurve(), morning)
        >>> pacer.resume(9.0, morning + timedelta(hours=12))
        >>> pacer.ask("bid 1", 4.0, morning + timedelta(hours=13)).most
        1.0
        """
        if not 0 <= spent < np.inf:
            raise InputError(f"spent = {spent:g}: a finite amount of 0 or more is expected.")
        at = self._move(at)
        self.spent = self._spent_before = spent
        self._planned_before = self._due(at)
        self._stepped, self._level, self._log_price = at, 0.0, 0.0

    def committed(self, at: datetime) -> float:
        """What this day has spent by a moment, and what bids without a notice may still cost."""
        self._move(at)
        return self.spent + self.reserved

    def give(self, left: float, at: datetime) -> None:
        """For this day alone: so much may still be spent, beside what is spent and reserved.

        Raises
        ------
        InputError
            If the amount cannot be, or the clock would go backwards.

        Examples
        --------
        >>> from datetime import UTC
        >>> morning = datetime(2024, 5, 1, tzinfo=UTC)
        >>> pacer = Pacer(10.0, SpendCurve(), morning)
        >>> pacer.give(2.0, morning)
        >>> pacer.ask("bid 1", 4.0, morning).most, pacer.ask("bid 2", 4.0, morning + timedelta(days=1)).most
        (2.0, 4.0)
        """
        if not 0 <= left < np.inf:
            raise InputError(f"left = {left:g}: a finite amount of 0 or more is expected.")
        self.today = self.committed(at) + left
        self._planned_before = self._due(self._stepped)

    @property
    def start(self) -> datetime:
        """When this day began, in UTC."""
        return self.day.begin

    @property
    def reserved(self) -> float:
        """What bids without a notice may still cost."""
        return sum(one.amount for one in self._reserved.values())

    @property
    def price(self) -> float:
        """Of money: bid at most value / price."""
        return float(np.exp(self._log_price))

    def ask(self, bid_id: str, bid: float, at: datetime) -> Permit:
        """Ask to bid, and reserve what it may cost; where it may not be the whole, `most` is what is left.

        Parameters
        ----------
        bid_id : by which its notice comes; each once.
        bid : what the winner pays at most, above 0.
        """
        if not 0 < bid < np.inf:
            raise InputError(f"bid = {bid:g}: more than 0 is expected.")
        at = self._move(at)
        if bid_id in self._reserved:
            raise InputError(f'bid "{bid_id}" waits for its notice already: each needs an id of its own.')
        self.offered[self.day.hour(at)] += 1.0
        left = self.today - self.spent - self.reserved
        most = min(bid, max(left, 0.0))
        if most <= 0:
            return Permit(False, 0.0, self.price)
        self._reserved[bid_id] = _Reserved(most, at)
        return Permit(True, most, self.price)

    def won(self, bid_id: str, cost: float, at: datetime) -> None:
        """A bid won, and cost so much. The same notice again changes nothing."""
        if not 0 <= cost < np.inf:
            raise InputError(f"cost = {cost:g}: a finite amount of 0 or more is expected.")
        self._move(at)
        known = self._reserved.pop(bid_id, None) or self._given_up.pop(bid_id, None)
        if known is not None:
            self.spent += cost

    def lost(self, bid_id: str, at: datetime) -> None:
        """A bid lost: what was reserved for it is free again."""
        self._move(at)
        self._reserved.pop(bid_id, None)

    def _due(self, at: datetime) -> float:
        """What of today's money the plan has spent by a moment."""
        return self.today * self.day.share(self.curve.plan, at)

    def _move(self, at: datetime) -> datetime:
        """Go on to a moment; it in UTC."""
        if at.utcoffset() is None:
            raise InputError(f"at = {at.isoformat()} has no time zone. Write it as 2024-05-01T10:30+00:00.")
        at = at.astimezone(UTC)
        if at < self._now:
            raise InputError(
                f"the clock went back from {self._now.isoformat()} to {at.isoformat()}. What was spent since is not "
                "undone by that: give notices in the order in which they came, at the time of their coming."
            )
        while at >= self.day.end:
            self._next_day()
        self._now = at
        for bid_id in [name for name, one in self._reserved.items() if at - one.at > self.wait]:
            self._given_up[bid_id] = self._reserved.pop(bid_id)
        if at - self._stepped >= STEP:
            self._steer(at)
        return at

    def _next_day(self) -> None:
        if self.offered.any():
            self.curve.learn(self.offered)
        # What is under way is paid by the day in which its notice comes.
        self.day = self.day.after(1)
        self.today, self.spent, self.offered = self.budget, 0.0, np.zeros(HOURS)
        self._given_up.clear()
        self._now = self._stepped = self.day.begin
        self._spent_before = self._planned_before = 0.0
        self._level = self._log_price = max(self._level, 0.0)

    def _steer(self, at: datetime) -> None:
        planned = self._due(at)
        ahead = self._due(at + AHEAD)
        steps = (at - self._stepped) / STEP
        wanted = max(planned - self._planned_before, self.budget * 1e-6)
        to_come = max((ahead - planned) * (STEP / AHEAD), self.budget * 1e-6)
        now = (self.spent - self._spent_before) / wanted - 1
        gathered = (self.spent - planned) / (to_come * (AHEAD / STEP))
        lowest = CALMEST if self.spends_all else 0.0
        # The level is learned, and kept for the day after; what is made up for is not.
        self._level += float(np.clip(STEADY * now * min(steps, 3.0), -SURGE, SURGE))
        self._level = float(np.clip(self._level, lowest, DEAREST))
        self._log_price = float(np.clip(self._level + GAIN * np.clip(gathered, -1.0, 5.0), lowest, DEAREST))
        self._spent_before, self._planned_before, self._stepped = self.spent, planned, at
