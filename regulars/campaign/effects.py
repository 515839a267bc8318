"""What did each campaign bring? Those whom a lot let be contacted, beside those whom it left alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.campaign.actions import NONE, cost_of
from regulars.campaign.dataset import KEYS, later
from regulars.campaign.drawn import Drawn, Floats, Numbers
from regulars.campaign.sources import drawn_before
from regulars.clock import moment_of
from regulars.errors import NotEnoughError
from regulars.experiment.checks import MISMATCH
from regulars.experiment.stats import Effect, Moments, adjusted, difference, mean_of, mismatch

if TYPE_CHECKING:
    from regulars.shop import Shop

BEFORE_DAYS = 28
"""Days before by which CUPED takes noise away."""
LEAST = 30
"""In each arm so many customers, for an interval that means something."""


@dataclass(frozen=True)
class Total:
    """What all contacted customers of a campaign brought more, with its 95 % interval."""

    value: float
    low: float
    high: float

    def times(self, factor: float, less: float = 0.0) -> Total:
        """Scaled, and so much taken off."""
        return Total(self.value * factor - less, self.low * factor - less, self.high * factor - less)


@dataclass(frozen=True)
class CampaignEffect:
    """What a campaign changed.

    Attributes
    ----------
    campaign : the action; source : where its lot is known from.
    since, until : the first and the last draw.
    contacted, left_alone : customers.
    orders, margin : incremental, of all who were contacted.
    cost : of the contacts.
    net : margin less cost; returned : net for each unit of cost, None where contacts cost nothing.
    saved : share of the variance of margins that CUPED took away; 0 where it was not used.
    balance : the chance of a split as far from the lot as this one; below .001 something is wrong with it.
    attributed : margin of all orders of the contacted, as tools say that count what came after a message. What would
        have come anyway is in it.
    """

    campaign: str
    source: str
    since: datetime
    until: datetime
    contacted: int
    left_alone: int
    orders: Total
    margin: Total
    cost: float
    net: Total
    returned: Total | None
    saved: float
    balance: float
    attributed: float

    @property
    def is_sound(self) -> bool:
        """Whether the split is what the lot says."""
        return self.balance >= MISMATCH

    @property
    def is_sure(self) -> bool:
        """Whether it is beyond luck that it earned, or lost."""
        return self.is_sound and (self.net.low > 0 or self.net.high < 0)


@dataclass(frozen=True)
class _Stratum:
    """Customers of one lot: values after and before, by arm; and the chance of being treated given either arm."""

    treated: npt.NDArray[np.bool_]
    after: Floats
    before: Floats
    chance: float


def effects(shop: Shop, as_of: datetime, days: int) -> list[CampaignEffect]:
    """What each campaign of which a lot is known brought in the days after, by source and action.

    A customer counts from the first draw on, under the arm that it fell upon, whether the message reached it or not.
    Draws of different chances are compared each within its own, and put together.

    Parameters
    ----------
    days : how long after a draw is counted; only draws whose days are over.

    Raises
    ------
    NotEnoughError
        If of no campaign 30 customers were contacted and 30 left alone.
    """
    drawn = drawn_before(shop, as_of, days)
    found = []
    for source in sorted(set(drawn.table["source"].to_pylist())):
        mine = drawn.where(np.asarray(pc.equal(drawn.table["source"], source)))
        for name in sorted(set(mine.arms) - {NONE}):
            one = _effect(shop, mine, source, name, days)
            if one is not None:
                found.append(one)
    if not found:
        raise NotEnoughError(
            f"campaign: {len(drawn):,} draws of lots whose {days} days are over by {as_of:%Y-%m-%d}; for no campaign "
            f"{LEAST} customers were contacted and {LEAST} left alone. Let a lot decide: regulars decide campaign, a "
            "journey with a split, or an experiment. What was earned without those left alone, nobody can know."
        )
    return found


def _effect(shop: Shop, drawn: Drawn, source: str, name: str, days: int) -> CampaignEffect | None:
    lot = drawn.table["lot"].to_numpy()
    has_both = np.array([one.get(name, 0) > 0 and one.get(NONE, 0) > 0 for one in drawn.lots], bool)
    rows = drawn.where(has_both[lot] & np.isin(drawn.arms, (NONE, name)))
    rows = rows.where(_first(rows))
    treated = rows.arms == name
    if min(treated.sum(), (~treated).sum()) < LEAST:
        return None
    pairs = rows.table.select(KEYS)
    margin, orders = later(shop, pairs, days)
    earlier = pc.subtract(pairs["as_of"], pa.scalar(timedelta(days=BEFORE_DAYS), pa.duration("us")))
    past = pairs.set_column(1, "as_of", earlier)
    margin_before, orders_before = later(shop, past, BEFORE_DAYS)
    number = rows.table["lot"].to_numpy()
    chances = np.array([one.get(name, 0.0) / max(one.get(name, 0.0) + one.get(NONE, 0.0), 1e-12) for one in rows.lots])
    kinds, kind = np.unique(chances[number].round(9), return_inverse=True)
    of_margin, saved = _together(kinds, kind, treated, margin, margin_before)
    of_orders, _ = _together(kinds, kind, treated, orders, orders_before)
    count = int(treated.sum())
    cost = cost_of(name, shop.config.campaign) * count
    total = of_margin.times(count)
    expected = np.bincount(kind, minlength=len(kinds)) @ kinds
    times = rows.microseconds
    return CampaignEffect(
        campaign=name,
        source=source,
        since=moment_of(int(times.min())),
        until=moment_of(int(times.max())),
        contacted=count,
        left_alone=int((~treated).sum()),
        orders=of_orders.times(count),
        margin=total,
        cost=cost,
        net=total.times(1, cost),
        returned=total.times(1 / cost, 1) if cost else None,
        saved=saved,
        balance=mismatch([count, len(treated) - count], [expected, len(treated) - expected]),
        attributed=float(margin[treated].sum()),
    )


def _first(drawn: Drawn) -> npt.NDArray[np.bool_]:
    """(n,) the first draw of each customer; rows are by time."""
    ids = drawn.table["customer_id"].combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
    first = np.zeros(len(ids), bool)
    first[np.unique(ids, return_index=True)[1]] = True
    return first


def _together(
    kinds: Floats, kind: Numbers, treated: npt.NDArray[np.bool_], after: Floats, before: Floats
) -> tuple[Total, float]:
    """The effect per contacted customer over lots of different chances, each weighed by its contacted; and what CUPED
    saved in the largest."""
    found: list[tuple[int, Effect, float]] = []
    for number in range(len(kinds)):
        inside = kind == number
        one = _Stratum(treated[inside], after[inside], before[inside], float(kinds[number]))
        if min(one.treated.sum(), (~one.treated).sum()) >= 2:
            found.append((int(one.treated.sum()), *_difference(one)))
    weight = np.array([each[0] for each in found], float) / max(sum(each[0] for each in found), 1)
    value = float(weight @ np.array([each[1].difference for each in found]))
    error = float(np.sqrt((weight**2) @ np.array([each[1].error ** 2 for each in found])))
    if len(found) == 1:
        return Total(value, found[0][1].low, found[0][1].high), found[0][2]
    return Total(value, value - 1.96 * error, value + 1.96 * error), max(found, key=lambda each: each[0])[2]


def _difference(one: _Stratum) -> tuple[Effect, float]:
    """Contacted less left alone, less what the days before foretold where that can be relied on."""
    both = np.column_stack([one.after, one.before])
    arms = [Moments.of(both[~one.treated]), Moments.of(both[one.treated])]
    square = float(((one.before - one.before.mean()) ** 2).sum())
    leverage = float(((one.before - one.before.mean()) ** 2).max() / square) if square else 0.0
    found = adjusted(arms, leverage)
    if found.health.is_sound:
        return difference(found.arms[1], found.arms[0]), found.health.saved
    return difference(mean_of(arms[1]), mean_of(arms[0])), 0.0
