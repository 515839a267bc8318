"""Which texts a person has approved: nothing else is sent."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from regulars import clock
from regulars.campaign.copy.message import Message, Variant
from regulars.errors import InputError
from regulars.state import Moment, State

PART = "campaign copy"
STEPS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE campaign_approvals (
            id {id}, fingerprint TEXT NOT NULL, message TEXT NOT NULL, variant TEXT NOT NULL, who TEXT NOT NULL,
            at BIGINT NOT NULL, is_approved BOOLEAN NOT NULL
        )
        """,
        "CREATE INDEX campaign_approvals_of ON campaign_approvals (fingerprint)",
    ),
)
_approvals = sa.Table(
    "campaign_approvals",
    sa.MetaData(),
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("fingerprint", sa.Text),
    sa.Column("message", sa.Text),
    sa.Column("variant", sa.Text),
    sa.Column("who", sa.Text),
    sa.Column("at", Moment),
    sa.Column("is_approved", sa.Boolean),
)


class Approval(NamedTuple):
    """What was said last of a text: by whom, when, and whether it may be used."""

    who: str
    at: datetime
    is_approved: bool


def approve(state: State, message: Message, who: str, *, withdraw: bool = False) -> int:
    """Approve all variants of a message as they are now, or take that back; how many. A changed text is not approved.

    Raises
    ------
    InputError
        If nobody is named, or a template of the message cannot be used.
    """
    if not who.strip() or len(who) > 100 or not who.isprintable():
        raise InputError("Say who approves: one line of 1 to 100 characters.")
    wrong = [] if withdraw else list(message.problems())
    if wrong:
        raise InputError("\n".join(wrong))
    state.migrate(PART, STEPS)
    rows = [
        {
            "fingerprint": variant.fingerprint, "message": message.name, "variant": variant.name, "who": who.strip(),
            "at": clock.now(), "is_approved": not withdraw,
        }
        for variant in message.variants
    ]  # fmt: skip
    with state.write() as change:
        change.execute(sa.insert(_approvals), rows)
    return len(rows)


def approvals(state: State, variants: tuple[Variant, ...]) -> dict[str, Approval]:
    """What was said last of each text, by its fingerprint; nothing of one that nobody has looked at."""
    state.migrate(PART, STEPS)
    of = _approvals.c.fingerprint.in_([variant.fingerprint for variant in variants])
    with state.read() as view:
        rows = view.execute(sa.select(_approvals).where(of).order_by(_approvals.c.id)).all()
    return {row.fingerprint: Approval(row.who, row.at, row.is_approved) for row in rows}


def approved(state: State, variants: tuple[Variant, ...]) -> tuple[Variant, ...]:
    """Those that a person has approved, and did not take back."""
    said = approvals(state, variants)
    return tuple(each for each in variants if (found := said.get(each.fingerprint)) and found.is_approved)
