"""What customers were sent, as the log has it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.campaign.sending.hours import local_day, zones
from regulars.campaign.sending.telling import PREFIX, TYPE
from regulars.events.schema import TIME

if TYPE_CHECKING:
    from regulars.shop import Shop

LOOKED_BACK = timedelta(days=9)
"""Seven calendar days, wherever the customer is."""


def sent_by_others(
    shop: Shop, customers: Sequence[str], moment: datetime, known: pa.Table
) -> dict[str, dict[int, int]]:
    """How many messages each customer had each day from elsewhere: newsletters and the like that came into the log.

    Parameters
    ----------
    known : `customers_as_of` the moment.

    Returns
    -------
    customer -> day on its calendar -> messages.
    """
    events = shop.events
    since = ibis.literal(moment - LOOKED_BACK)
    sent = events.filter(events.type == TYPE, events.time >= since, events.time <= ibis.literal(moment))
    sent = sent.filter(~sent.event_id.startswith(PREFIX))
    named = shop.identities.named(sent.select("customer_id", "anonymous_id", "time", "event_id"), moment)
    named = named.filter(named.customer_id.isin(list(customers))).select("customer_id", "time", "event_id").distinct()
    rows = shop.engine.to_arrow(named)
    place = pc.index_in(rows["customer_id"], known["customer_id"].combine_chunks())
    rows, place = rows.filter(pc.is_valid(place)), place.drop_null()
    if not rows.num_rows:
        return {}
    zone = zones(known.take(place), shop.config.shop.timezone)
    days = local_day(rows["time"].cast(TIME).cast(pa.int64()).to_numpy(), zone)
    counted = pa.table({"customer_id": rows["customer_id"], "day": np.asarray(days)})
    counted = counted.group_by(["customer_id", "day"]).aggregate([([], "count_all")])
    found: dict[str, dict[int, int]] = {}
    for row in counted.to_pylist():
        found.setdefault(row["customer_id"], {})[row["day"]] = row["count_all"]
    return found
