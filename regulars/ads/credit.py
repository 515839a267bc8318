"""Which part of what clicking customers order would not have come without ads? By the hold-out, where there was one."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from scipy.stats import norm

from regulars.ads.lift import Lift, lift, starts, within
from regulars.errors import NotEnoughError

if TYPE_CHECKING:
    from regulars.shop import Shop


class Share(NamedTuple):
    """Of what customers who click order, the part that ads brought, in [0, 1]; its error; and what it rests on."""

    value: float
    error: float
    source: str


def drawn_to(setting: float, measured: float, error: float) -> tuple[float, float]:
    """What to believe of a share that was measured, and was set before to what it was thought to be.

    The setting counts as if it were known to itself: 0.1 may as well be 0 or 0.2.

    >>> [round(each, 3) for each in drawn_to(0.1, 0.3, 0.1)]
    [0.2, 0.071]
    >>> [round(each, 3) for each in drawn_to(0.1, -2.0, 0.1)]
    [0.0, 0.071]
    """
    known = 1 / setting**2 + 1 / error**2
    value = (1 / setting + measured / error**2) / known
    return min(max(value, 0.0), 1.0), known**-0.5


def incremental_share(shop: Shop, as_of: datetime) -> Share:
    """The setting `[ads] incremental`, and what the hold-out says, weighed by how sure each is.

    What ads added in the experiment is set beside what the values of clicks claimed: for each click of a customer who
    was to be shown ads, in the days that the experiment looks at, the margin foreseen of that customer after a click.
    """
    settings = shop.config.ads
    asked = Share(settings.incremental, settings.incremental, "[ads] incremental; nothing was measured yet")
    try:
        said = lift(shop, as_of, settings.horizon_days)
    except NotEnoughError:
        return asked
    if not said.found.is_sound:
        return Share(asked.value, asked.error, "[ads] incremental; the arms of the hold-out are uneven")
    claimed = _claimed(shop, as_of, said)
    if not claimed > 0:
        return asked
    total, low, high = (each / claimed for each in said.found.incremental)
    error = max((high - low) / (2 * norm.ppf(0.975)), 1e-6)
    value, left = drawn_to(settings.incremental, total, error)
    return Share(value, left, f"a hold-out since {said.since:%Y-%m-%d} ({total:.2f}, error {error:.2f})")


def _claimed(shop: Shop, as_of: datetime, said: Lift) -> float:
    """What clicks would have brought if each were followed by the margin that was foreseen after it, in money."""
    first, _ = starts(shop, as_of, said.days)
    events = shop.events
    clicks = within(shop, events.filter(events.type == "ad_clicked"), first, said.days, as_of)
    found = shop.engine.to_arrow(clicks.aggregate(claimed=clicks.margin.sum()))["claimed"][0].as_py()
    return float(found or 0.0)
