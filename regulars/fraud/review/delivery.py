"""Verdicts on their way into the log: each arrives once, whatever dies in between.

A verdict and its event for the log are written by one transaction (an outbox). The event bears an id that was drawn
then; the log knows each id once. So what was appended but not ticked off, because the process died, is appended again
to no effect.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa
import sqlalchemy as sa

from regulars import clock
from regulars.events.schema import EVENTS
from regulars.fraud.review.tables import outbox, prepare
from regulars.state import State

if TYPE_CHECKING:
    from regulars.shop import Shop

TYPE = "fraud_reviewed"
AT_ONCE = 5000


def deliver(state: State, shop: Shop) -> int:
    """Append to the log all verdicts that wait for it, as events of type `fraud_reviewed`; how many.

    Their outcome is fraud, honest or withdrawn; their properties are attempt_id, reviewer, case, and of one that is
    withdrawn `withdraws`, the id of the event that no longer holds.
    """
    prepare(state)
    count = 0
    while True:
        with state.read() as view:
            waiting = sa.select(outbox).where(outbox.c.delivered_at.is_(None)).order_by(outbox.c.id).limit(AT_ONCE)
            rows = view.execute(waiting).all()
        if not rows:
            return count
        received_at = clock.now()
        events = [
            {
                "event_id": row.event_id,
                "line": 0,
                "time": row.time,
                "received_at": received_at,
                "customer_id": row.customer_id,
                "type": TYPE,
                "outcome": row.outcome,
                "properties": json.dumps(row.properties, ensure_ascii=False),
            }
            for row in sorted(rows, key=lambda row: (row.time, row.id))
        ]
        shop.log.append(pa.Table.from_pylist(events, schema=EVENTS), "verdicts of reviewers")
        with state.write() as change:
            ids = [row.id for row in rows]
            change.execute(sa.update(outbox).where(outbox.c.id.in_(ids)).values(delivered_at=received_at))
        count += len(rows)
