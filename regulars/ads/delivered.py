"""What ads were shown and clicked in a day, by campaign and hour, as the log has it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import ibis
import pyarrow as pa

if TYPE_CHECKING:
    from regulars.shop import Shop


def delivered(shop: Shop, since: datetime, until: datetime) -> pa.Table:
    """Impressions, clicks and spend from a moment until before another.

    Returns
    -------
    A row for each campaign and hour with any: `campaign` ("" where the log names none), `hour` (how many have passed
    since the first moment), `shown`, `clicked`, `spend` in the shop's currency.
    """
    events = shop.events
    ads = events.filter(
        events.type.isin(["ad_shown", "ad_clicked"]),
        events.time >= ibis.literal(since),
        events.time < ibis.literal(until),
    )
    is_shown = ads.type == "ad_shown"
    hour = (ads.time.epoch_seconds() - int(since.timestamp())) // 3600
    counted = ads.group_by(campaign=ads.campaign_id.fill_null(""), hour=hour).agg(
        shown=is_shown.sum(),
        clicked=(~is_shown).sum(),
        spend=ibis.ifelse(is_shown, ads.unit_price.cast("float64"), 0.0).fill_null(0.0).sum(),
    )
    return shop.engine.to_arrow(counted.order_by("campaign", "hour"))
