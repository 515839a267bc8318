"""Messages that were sent, on their way into the log: the event's id is made of the message's key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regulars import outbox
from regulars.campaign.actions import Action
from regulars.campaign.sending import tables
from regulars.campaign.sending.decided import DECIDED

if TYPE_CHECKING:
    from regulars.shop import Shop

TYPE = "message_sent"
PREFIX = "campaign-message "
"""Of the ids of events that tell of messages of ours."""


def tell(shop: Shop) -> int:
    """Append to the log all messages that were sent and that it has not heard of, as `message_sent`; how many.

    campaign_id is the journey, or what was decided to be sent; variant and propensity are those of the text; properties
    are step, version, message and message_id.
    """
    was_sent = tables.outbox.c.status == "sent"
    return outbox.deliver(tables.prepare(shop.state), shop, tables.outbox, _event, "messages of campaigns", was_sent)


def _event(row: Any) -> dict[str, Any]:
    return {
        "event_id": PREFIX + row.key, "time": row.sent_at, "customer_id": row.customer_id, "type": TYPE,
        "channel": row.channel, "campaign_id": Action.of(row.step).what if row.journey == DECIDED else row.journey,
        "variant": row.variant, "propensity": row.propensity,
        "properties": {
            "step": row.step, "version": row.version, "message": row.message, "message_id": row.message_id,
        },
    }  # fmt: skip
