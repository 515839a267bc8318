"""The last days of a shop, watched."""

from __future__ import annotations

from datetime import timedelta

import ibis

from regulars import clock
from regulars.drift.changes import Change, changes
from regulars.drift.daily import daily
from regulars.drift.festivals import festivals
from regulars.events.schema import EVENTS
from regulars.shop import Shop

DAYS = 3
"""So many last days are judged: what was told and has ended is told no more."""


def watch(shop: Shop) -> list[Change]:
    """What is far from usual in a shop's last days, the newest first, then the furthest; one for each signal.

    The day of the newest event is not over and not judged.
    """
    snapshot = shop.log.snapshot()
    settings = shop.config.shop
    events = shop.engine.parquet(shop.log.paths(snapshot, "events"), EVENTS)
    # A client's clock may be a day ahead; today is not over for that.
    events = events.filter(events.time <= ibis.literal(clock.now()))
    counted = daily(shop.engine, events, shop.catalogue, currency=settings.currency, timezone=settings.timezone)
    if counted is None:
        return []
    last = counted.first + timedelta(days=len(counted.counts) - 1)
    known = festivals(last - timedelta(days=len(counted.visits)), last, settings.festivals)
    found: dict[object, Change] = {}
    for back in range(DAYS):
        for change in changes(counted, known, last - timedelta(days=back)):
            found.setdefault(change.signal, change)
    return list(found.values())
