"""Messages that were sent, on their way into the log: each arrives once, whatever dies in between.

The event's id is made of the message's key, and the log knows each id once: what was appended but not ticked off,
because the process died, is appended again to no effect.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa
import sqlalchemy as sa

from regulars import clock
from regulars.campaign.sending.tables import outbox, prepare
from regulars.events.schema import EVENTS

if TYPE_CHECKING:
    from regulars.shop import Shop

TYPE = "message_sent"
PREFIX = "campaign-message "
"""Of the ids of events that tell of messages of ours."""
AT_ONCE = 5000


def tell(shop: Shop) -> int:
    """Append to the log all messages that were sent and that it has not heard of, as `message_sent`; how many.

    campaign_id is the journey; variant and propensity are those of the text; properties are step, version, message
    and message_id.
    """
    state, count = prepare(shop.state), 0
    untold = sa.select(outbox).where(outbox.c.status == "sent", outbox.c.delivered_at.is_(None))
    while True:
        with state.read() as view:
            rows = view.execute(untold.order_by(outbox.c.id).limit(AT_ONCE)).all()
        if not rows:
            return count
        received_at = clock.now()
        events = [
            {
                "event_id": PREFIX + row.key, "line": 0, "time": row.sent_at, "received_at": received_at,
                "customer_id": row.customer_id, "type": TYPE, "channel": row.channel, "campaign_id": row.journey,
                "variant": row.variant, "propensity": row.propensity,
                "properties": json.dumps(
                    {"step": row.step, "version": row.version, "message": row.message, "message_id": row.message_id},
                    ensure_ascii=False,
                ),
            }
            for row in sorted(rows, key=lambda row: (row.sent_at, row.id))
        ]  # fmt: skip
        shop.log.append(pa.Table.from_pylist(events, schema=EVENTS), "messages of campaigns")
        with state.write() as change:
            ids = [row.id for row in rows]
            change.execute(sa.update(outbox).where(outbox.c.id.in_(ids)).values(delivered_at=received_at))
        count += len(rows)
