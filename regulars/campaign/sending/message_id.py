"""Message-IDs that prove themselves: whether a letter that comes back, or is reported, is one of ours, and which."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import NamedTuple

import sqlalchemy as sa

from regulars.campaign.sending.tables import outbox, prepare
from regulars.state import State

SECRET = "campaign message ids"  # noqa: S105 the name of one
_FORM = re.compile(r"<?([0-9a-f]{40})\.([0-9a-f]{24})@[^>\s]+>?")


class Known(NamedTuple):
    """A letter of ours: the customer, the journey and step, and how it stands."""

    key: str
    customer_id: str
    journey: str
    step: str
    status: str


def make(state: State, key: str, domain: str) -> str:
    """The Message-ID of a letter: the same for the same key, and made by nobody else."""
    name = hashlib.sha256(key.encode()).hexdigest()[:40]
    return f"<{name}.{_proof(state, name)}@{domain}>"


def find(state: State, message_id: str) -> Known | None:
    """The letter that has a Message-ID; None if it is forged, or none of ours."""
    found = _FORM.fullmatch(message_id.strip())
    if found is None or not hmac.compare_digest(found[2], _proof(state, found[1])):
        return None
    with prepare(state).read() as view:
        of = outbox.c.message_id.startswith(f"<{found[1]}.{found[2]}@")
        row = view.execute(sa.select(outbox).where(of)).one_or_none()
    return None if row is None else Known(row.key, row.customer_id, row.journey, row.step, row.status)


def _proof(state: State, name: str) -> str:
    return hmac.new(state.secret(SECRET).encode(), name.encode(), hashlib.sha256).hexdigest()[:24]
