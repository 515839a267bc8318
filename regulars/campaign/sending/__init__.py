"""May this message leave now, did it, and what became of it? Once each, and every skip with its reason."""

from regulars.campaign.sending.channel import Channel, DownError, LaterError, Letter, RefusedError, UnsureError
from regulars.campaign.sending.channels import channels
from regulars.campaign.sending.decided import DECIDED, Queued, queue_decided, take_back
from regulars.campaign.sending.message_id import Known, find
from regulars.campaign.sending.permission import answered, is_stop, lift, link_token, refusals, suppress, unsubscribe
from regulars.campaign.sending.post import Tally, send_due
from regulars.campaign.sending.preview import preview, some_customers
from regulars.campaign.sending.queue import Order, enqueue, history
from regulars.campaign.sending.ready import refuse_unready
from regulars.campaign.sending.switch import is_off, turn
from regulars.campaign.sending.telling import tell

__all__ = [
    "DECIDED", "Channel", "DownError", "Known", "LaterError", "Letter", "Order", "Queued", "RefusedError", "Tally",
    "UnsureError", "answered", "channels", "enqueue", "find", "history", "is_off", "is_stop", "lift", "link_token",
    "preview", "queue_decided", "refusals", "refuse_unready", "send_due", "some_customers", "suppress", "take_back",
    "tell", "turn", "unsubscribe",
]  # fmt: skip
