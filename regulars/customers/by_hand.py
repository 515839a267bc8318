"""Events that a person of the shop writes by a command."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from regulars import clock
from regulars.errors import NotEnoughError
from regulars.events.schema import EVENTS

if TYPE_CHECKING:
    from regulars.shop import Shop


def present(shop: Shop) -> datetime:
    """Just after the newest event; of an empty log the clock's present."""
    try:
        return shop.now
    except NotEnoughError:
        return clock.now()


def event_by_hand(shop: Shop, kind: str, customer_id: str, **about: Any) -> pa.Table:
    """One event at the shop's present; `received_at` says when it was typed."""
    moment = present(shop)
    said = {
        "event_id": " ".join([kind, customer_id, *map(str, about.values()), moment.isoformat()]),
        "line": 0,
        "time": moment,
        "received_at": clock.now(),
        "type": kind,
        "customer_id": customer_id,
        **about,
    }
    # As columns are read from files: the engine holds that a column without nulls is of another type.
    nullable = pa.schema([field.with_nullable(True) for field in EVENTS])
    return pa.Table.from_pylist([said], schema=nullable)
