"""Who may be written to: consents and objections from the log, and who said STOP."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import unicodedata
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from regulars import clock
from regulars.campaign.sending.tables import log, prepare, suppressed
from regulars.customers import consents_as_of, object_to, withheld, withheld_from
from regulars.errors import InputError, NotFoundError
from regulars.state import State

if TYPE_CHECKING:
    from regulars.shop import Shop

PURPOSE = "marketing"
SECRET = "campaign links"  # noqa: S105 the name of one
STOP_WORDS = frozenset(
    ("stop", "stopall", "unsubscribe", "cancel", "end", "quit", "arret", "stopp", "t", "td", "n", "退订", "退訂",
     "取消", "取消订阅", "停止", "不要", "拒收", "回复退订", "回t退订")
)  # fmt: skip
"""What a customer answers who wants no more; alone in the message, whatever its case and width."""


def refusals(
    shop: Shop, customers: pa.Array, channel: pa.Array, as_of: datetime, consent: Literal["given", "not refused"]
) -> pa.Array:
    """Why each of some messages may not be sent, as of a moment; null where it may.

    Parameters
    ----------
    customers, channel : (n,) of the messages.
    consent : `[sending] consent`.

    Returns
    -------
    (n,) text.
    """
    found = np.full(len(customers), None, dtype=object)
    if consent == "given":
        said = consents_as_of(shop, as_of)
        is_meant = pc.or_(pc.is_null(said["purpose"]), pc.fill_null(pc.equal(said["purpose"], PURPOSE), False))
        given = said.filter(pc.and_(is_meant, said["granted"]))["customer_id"].combine_chunks()
        found[~pc.is_in(customers, given).to_numpy(zero_copy_only=False)] = "no consent to marketing"
    for purpose in ("profiling", PURPOSE):
        refused = pc.is_in(customers, withheld(shop, purpose, as_of)).to_numpy(zero_copy_only=False)
        found[refused] = f"forbade {purpose}"
    with prepare(shop.state).read() as view:
        rows = view.execute(sa.select(suppressed).where(suppressed.c.lifted_at.is_(None))).all()
    for of in {row.channel for row in rows}:
        those = pa.array([row.customer_id for row in rows if row.channel == of], pa.string())
        here = pc.is_in(customers, those).to_numpy(zero_copy_only=False)
        if of:
            here &= pc.equal(channel, of).to_numpy(zero_copy_only=False)
        found[here] = f"suppressed by {of}" if of else "suppressed"
    return pa.array(found, pa.string())


def suppress(state: State, customer_id: str, channel: str = "", reason: str = "by the shop") -> None:
    """Send a customer nothing from now on, by a channel or ("") by any. To do it again changes nothing."""
    now = clock.now()
    of = (suppressed.c.customer_id == customer_id) & (suppressed.c.channel == channel)
    with prepare(state).write(alone="campaign suppression") as change:
        found = change.execute(sa.select(suppressed).where(of)).one_or_none()
        if found is not None and found.lifted_at is None:
            return
        values = {"reason": reason, "at": now, "lifted_at": None}
        if found is None:
            change.execute(sa.insert(suppressed).values(customer_id=customer_id, channel=channel, **values))
        else:
            change.execute(sa.update(suppressed).where(of).values(values))
        _note(change, customer_id, "suppressed", f"{channel or 'all channels'}: {reason}", now)


def lift(state: State, customer_id: str, channel: str = "") -> None:
    """Take a suppression back, at the customer's own wish; NotFoundError if there is none."""
    now = clock.now()
    of = (suppressed.c.customer_id == customer_id) & (suppressed.c.channel == channel)
    with prepare(state).write(alone="campaign suppression") as change:
        lifted = sa.update(suppressed).where(of, suppressed.c.lifted_at.is_(None)).values(lifted_at=now)
        if not change.execute(lifted).rowcount:
            raise NotFoundError(f'"{customer_id}" is not suppressed by {channel or "all channels"}.')
        _note(change, customer_id, "suppression lifted", channel or "all channels", now)


def is_stop(text: str) -> bool:
    """Whether an answer says that no more is wanted.

    >>> [is_stop(text) for text in ("Stop.", "ＳＴＯＰ", " 退订 ", "回复退订", "do not stop")]
    [True, True, True, True, False]
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(letter for letter in plain if letter.isalnum()) in STOP_WORDS


def answered(shop: Shop, customer_id: str, channel: str, text: str) -> bool:
    """Take in a customer's answer to a message: whether it said STOP, and nothing more is sent by that channel."""
    if not is_stop(text):
        return False
    suppress(shop.state, customer_id, channel, f'answered "{text.strip()[:20]}"')
    return True


def link_token(state: State, customer_id: str, channel: str) -> str:
    """What stands behind `[sending] unsubscribe_url`: who unsubscribes from what, signed."""
    said = base64.urlsafe_b64encode(json.dumps([customer_id, channel]).encode()).decode().rstrip("=")
    return f"{said}.{_signature(state, said)}"


def unsubscribe(shop: Shop, token: str) -> str:
    """Act on a link that was followed, or on the POST of RFC 8058: no more marketing, by any channel; whose it was.

    It counts at once, and is an objection in the log. To follow it twice changes nothing.

    Raises
    ------
    InputError
        If the link is none of ours.
    """
    said, _, signature = token.partition(".")
    if not hmac.compare_digest(signature.encode(), _signature(shop.state, said).encode()):
        raise InputError("This link is not one of ours, or was cut off. Copy it whole from the message.")
    customer_id, channel = json.loads(base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)))
    with prepare(shop.state).read() as view:
        of = (suppressed.c.customer_id == customer_id) & (suppressed.c.channel == "")
        is_done = view.execute(sa.select(suppressed).where(of, suppressed.c.lifted_at.is_(None))).first()
    if not is_done:
        # First what counts at once: should the process die between the two, nothing is sent all the same.
        suppress(shop.state, customer_id, "", f"unsubscribed by a link in {channel}")
    if PURPOSE not in withheld_from(shop, customer_id, clock.now()):
        object_to(shop, customer_id, PURPOSE)
    return str(customer_id)


def _signature(state: State, said: str) -> str:
    digest = hmac.new(state.secret(SECRET).encode(), said.encode(), hashlib.sha256).digest()[:16]
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _note(change: sa.Connection, customer_id: str, what: str, reason: str, at: datetime) -> None:
    line = {"at": at, "journey": "", "customer_id": customer_id, "step": "", "what": what, "reason": reason}
    change.execute(sa.insert(log).values(line))
