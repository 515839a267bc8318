"""A desk that bids for a shop: values from its newest decision, budget and caps from its settings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

from regulars.ads.bidding import Bidder
from regulars.ads.delivery import BrandSafety, Cap, Creative, Exposures, Placement, Rotation
from regulars.ads.lift import ADVERTISE
from regulars.ads.openrtb.desk import Campaign, Desk
from regulars.ads.pacing import Pacer, SpendCurve
from regulars.errors import InputError

if TYPE_CHECKING:
    from regulars.shop import Shop


class Decided:
    """Values of customers as the newest decision has them: nobody else is bid for, the held out among them.

    Parameters
    ----------
    decisions : of `regulars.ads.decide`.
    stranger_value : of an impression for somebody unknown, or who may not be profiled; in money, 0 or more.
    """

    def __init__(self, decisions: pa.Table, stranger_value: float = 0.0) -> None:
        who, what, cpm = (decisions[name].to_pylist() for name in ("customer_id", "action", "value_cpm"))
        rows = zip(who, what, cpm, strict=True)
        self._values = {one: value / 1000 for one, action, value in rows if action == ADVERTISE}
        self.stranger_value = stranger_value

    def value(self, customer: str | None, creative: Creative, place: Placement, at: datetime) -> float:
        """See `openrtb.Valuer`."""
        return self.stranger_value if customer is None else self._values.get(customer, 0.0)

    def may_see(self, customer: str) -> bool:
        """See `openrtb.Valuer`."""
        return customer in self._values


def desk(
    shop: Shop, creatives: Sequence[Creative], advertiser: str, start: datetime, *, stranger_value: float = 0.0
) -> Desk:
    """A desk with one campaign for each that creatives name; `[ads] budget` is shared evenly among them.

    Parameters
    ----------
    creatives : two or more of each campaign, to choose among.
    advertiser : the shop's domain. start : when the first day begins, with its time zone.

    Raises
    ------
    NotFoundError
        If nothing was decided yet.
    InputError
        If there is no creative.
    """
    settings = shop.config.ads
    names = sorted({one.campaign for one in creatives})
    if not names:
        raise InputError("creatives: at least two of one campaign are expected.")
    caps = [Cap(settings.most_per_day, timedelta(days=1)), Cap(settings.most_per_week, timedelta(days=7))]
    campaigns = [
        Campaign(
            name,
            Rotation(name, [one for one in creatives if one.campaign == name]),
            Bidder(settings.auction, seed=number),
            Pacer(settings.budget / len(names), SpendCurve(), start),
        )
        for number, name in enumerate(names)
    ]
    return Desk(
        campaigns,
        Decided(shop.tables.read("ads", "decisions"), stranger_value),
        BrandSafety(advertiser),
        Exposures(caps, timedelta(minutes=settings.gap_minutes)),
        shop.config.shop.currency,
    )
