"""How long events are kept, by type: which are too old, and what stands in them alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from regulars import clock
from regulars.customers.consent import CONSENTS, OBJECTIONS
from regulars.events.commit import Commit
from regulars.privacy.finder import Mask
from regulars.privacy.person import People, only_in
from regulars.privacy.rewriting import Cut

if TYPE_CHECKING:
    from regulars.shop import Shop

OTHERS = "*"
"""Stands for every type that is not named, but for these:"""
LEDGER = (*CONSENTS, *OBJECTIONS)
"""An objection holds until it is taken back, and a consent must be proven for as long as it is relied on."""


def limits_of(shop: Shop) -> dict[str, int]:
    """By type of event, the moment (microseconds since 1970) before which it is kept no longer."""
    now = clock.now()
    return {kind: clock.micros(now - timedelta(days=days)) for kind, days in shop.config.log.keep_events.items()}


def too_old(rows: pa.Table, limits: Mapping[str, int]) -> Mask:
    """Which rows are older than their type is kept.

    Parameters
    ----------
    rows : (n,) type and time.

    Examples
    --------
    >>> days = pa.array([1, 1, 9], pa.timestamp("us", tz="UTC"))
    >>> rows = pa.table({"type": ["page_viewed", "order_completed", "page_viewed"], "time": days})
    >>> too_old(rows, {"page_viewed": 5}).tolist()
    [True, False, False]
    >>> too_old(rows, {"page_viewed": 0, "*": 5}).tolist()
    [False, True, False]
    """
    kinds = sorted({*limits, *LEDGER} - {OTHERS})
    # 0 is before every event: what nothing is said of is kept for ever.
    until = np.array([*(limits.get(kind, 0) for kind in kinds), limits.get(OTHERS, 0)], np.int64)
    place = pc.fill_null(pc.index_in(rows["type"].cast(pa.string()), pa.array(kinds, pa.string())), len(kinds))
    found: Mask = np.asarray(rows["time"].cast(pa.int64())) < until[np.asarray(place)]
    return found


def is_due(shop: Shop, limits: Mapping[str, int]) -> bool:
    """Whether any event is too old."""
    paths = shop.log.paths(shop.log.snapshot(), "events")
    return any(too_old(pq.read_table(path, columns=["type", "time"]), limits).any() for path in paths)


def expired_people(shop: Shop, snapshot: Commit, limits: Mapping[str, int]) -> People:
    """What stands in events that are too old, and in no other."""
    return only_in(shop, snapshot, lambda rows: too_old(rows, limits), lambda rows: ~too_old(rows, limits))


def expiring(limits: Mapping[str, int]) -> Cut:
    """What is too old goes; nothing else changes."""
    return lambda rows: (~too_old(rows, limits), rows)
