"""How long events are kept, by type: which are too old, and what stands in them alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from regulars import clock
from regulars.customers.consent import CONSENTS, OBJECTIONS
from regulars.customers.identities import JOINS
from regulars.events.commit import Commit
from regulars.events.schema import TIME
from regulars.privacy.finder import Mask
from regulars.privacy.person import IDS, People, after_all, only_in
from regulars.privacy.rewriting import Cut

if TYPE_CHECKING:
    from regulars.shop import Shop

OTHERS = "*"
"""Stands for every type that is not named, but for these:"""
LEDGER = (*CONSENTS, *OBJECTIONS)
"""An objection holds until it is taken back, and a consent must be proven for as long as it is relied on. So what joins
the ids of who said them stays too: an objection made under a visitor's id would else be nobody's."""
NOBODY = pa.array([], pa.string())

Old = Callable[[pa.Table], Mask]
"""Which of some rows of the log are too old; (n,) bool."""


def limits_of(shop: Shop) -> dict[str, int]:
    """By type of event, the moment (microseconds since 1970) before which it is kept no longer."""
    now = clock.now()
    return {kind: clock.micros(now - timedelta(days=days)) for kind, days in shop.config.log.keep_events.items()}


def old(shop: Shop, limits: Mapping[str, int]) -> Old:
    """`too_old` in a shop."""
    if OTHERS not in limits:
        return lambda rows: too_old(rows, limits)
    events = shop.events
    said = events.filter(events.type.isin(LEDGER)).select("type", "time", *IDS)
    rows = shop.engine.to_arrow(said)
    rows = rows.filter(pa.array(~too_old(rows, limits)))
    who = pc.coalesce(*(rows[name] for name in IDS)).unique().drop_null()
    pairs = pa.table({"customer_id": who, "as_of": pa.repeat(pa.scalar(after_all(shop), TIME), len(who))})
    heard = shop.identities.members(pairs)["customer_id"].unique()
    return lambda rows: too_old(rows, limits, heard)


def too_old(rows: pa.Table, limits: Mapping[str, int], heard: pa.Array = NOBODY) -> Mask:
    """Which rows are older than their type is kept.

    Parameters
    ----------
    rows : (n,) type and time; `IDS` too, where `heard` names anybody.
    heard : all ids of who said something in the ledger that stays.

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
    if len(heard):
        stay = pc.is_in(rows["type"].cast(pa.string()), pa.array(set(JOINS) - set(limits), pa.string()))
        stay = pc.and_(stay, pc.and_(*(pc.is_valid(rows[name]) for name in IDS)))
        stay = pc.and_(stay, pc.or_(*(pc.is_in(rows[name].cast(pa.string()), heard) for name in IDS)))
        found &= ~np.asarray(stay)
    return found


def is_due(shop: Shop, is_old: Old) -> bool:
    """Whether any event is too old."""
    paths = shop.log.paths(shop.log.snapshot(), "events")
    return any(is_old(pq.read_table(path, columns=["type", "time", *IDS])).any() for path in paths)


def expired_people(shop: Shop, snapshot: Commit, is_old: Old) -> People:
    """What stands in events that are too old, and in no other."""
    return only_in(shop, snapshot, is_old, lambda rows: ~is_old(rows))


def expiring(is_old: Old) -> Cut:
    """What is too old goes; nothing else changes."""
    return lambda rows: (~is_old(rows), rows)
