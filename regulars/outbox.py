"""Events on their way from the state into the log: each arrives once, whatever dies in between.

What happened and its row in an outbox are written by one transaction. The row bears the event's id, and the log knows
each id once: what was appended but not ticked off, because the process died, is appended again to no effect.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import sqlalchemy as sa

from regulars import clock
from regulars.events.schema import EVENTS

if TYPE_CHECKING:
    from regulars.shop import Shop
    from regulars.state import State

AT_ONCE = 5000


def deliver(
    state: State,
    shop: Shop,
    outbox: sa.Table,
    event_of: Callable[[Any], dict[str, Any]],
    about: str,
    waiting: sa.ColumnElement[bool] | None = None,
) -> int:
    """Append to the log all rows of an outbox that wait for it, in order of time; how many.

    Parameters
    ----------
    outbox : a prepared table with `id` and `delivered_at`, which is null until the log has the row's event.
    event_of : the event that a row tells of, by columns of the log; `event_id` and `time` are among them, `properties`
        is a plain object.
    about : what the log's commit says of them.
    waiting : which rows may go; default all.
    """
    asked = sa.select(outbox).where(outbox.c.delivered_at.is_(None)).order_by(outbox.c.id).limit(AT_ONCE)
    if waiting is not None:
        asked = asked.where(waiting)
    count = 0
    while True:
        with state.read() as view:
            rows = view.execute(asked).all()
        if not rows:
            return count
        received_at = clock.now()
        # Sorting keeps rows of one time in the order in which they were written.
        events = sorted((event_of(row) for row in rows), key=lambda event: event["time"])
        for event in events:
            said = json.dumps(event["properties"], ensure_ascii=False)
            event |= {"line": 0, "received_at": received_at, "properties": said}
        shop.log.append(pa.Table.from_pylist(events, schema=EVENTS), about)
        with state.write() as change:
            ids = [row.id for row in rows]
            change.execute(sa.update(outbox).where(outbox.c.id.in_(ids)).values(delivered_at=received_at))
        count += len(rows)
