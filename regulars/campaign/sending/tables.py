"""The tables of sending: messages on their way, what was done with each, who wants none, and the switches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from regulars.state import Document, Moment, State

PART = "campaign sending"
STATUSES = ("waiting", "claimed", "attempting", "sent", "skipped", "failed", "unsure")
"""waiting: for its time; claimed: by a process, nothing has left; attempting: it may have left; the rest are final."""
MAY_HAVE_LEFT = ("claimed", "attempting", "sent", "unsure")
"""What counts as sent for frequency caps: when unsure, rather one message too few."""

STEPS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE campaign_outbox (
            id {id}, key TEXT NOT NULL UNIQUE, journey TEXT NOT NULL, version INTEGER NOT NULL, step TEXT NOT NULL,
            customer_id TEXT NOT NULL, channel TEXT NOT NULL, message TEXT NOT NULL, offer TEXT NOT NULL,
            about TEXT NOT NULL, asked_at BIGINT NOT NULL, not_before BIGINT NOT NULL, status TEXT NOT NULL
                CHECK (status IN ('waiting', 'claimed', 'attempting', 'sent', 'skipped', 'failed', 'unsure')),
            tries INTEGER NOT NULL, holder TEXT, held_until BIGINT, local_day INTEGER, variant TEXT,
            propensity DOUBLE PRECISION, message_id TEXT, sent_at BIGINT, delivered_at BIGINT
        )
        """,
        "CREATE INDEX campaign_outbox_waiting ON campaign_outbox (status, not_before)",
        "CREATE INDEX campaign_outbox_of_customer ON campaign_outbox (customer_id, local_day)",
        "CREATE INDEX campaign_outbox_message_id ON campaign_outbox (message_id)",
        """
        CREATE TABLE campaign_log (
            id {id}, at BIGINT NOT NULL, journey TEXT NOT NULL, version INTEGER, customer_id TEXT, step TEXT NOT NULL,
            what TEXT NOT NULL, reason TEXT NOT NULL
        )
        """,
        "CREATE INDEX campaign_log_of_journey ON campaign_log (journey, id)",
        "CREATE INDEX campaign_log_of_customer ON campaign_log (customer_id, id)",
        """
        CREATE TABLE campaign_suppressed (
            customer_id TEXT NOT NULL, channel TEXT NOT NULL, reason TEXT NOT NULL, at BIGINT NOT NULL,
            lifted_at BIGINT, PRIMARY KEY (customer_id, channel)
        )
        """,
        """
        CREATE TABLE campaign_switches (
            journey TEXT PRIMARY KEY, is_off BOOLEAN NOT NULL, who TEXT NOT NULL, at BIGINT NOT NULL
        )
        """,
    ),
)
_metadata = sa.MetaData()

outbox = sa.Table(
    "campaign_outbox",
    _metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("key", sa.Text),
    sa.Column("journey", sa.Text),
    sa.Column("version", sa.Integer),
    sa.Column("step", sa.Text),
    sa.Column("customer_id", sa.Text),
    sa.Column("channel", sa.Text),
    sa.Column("message", sa.Text),
    sa.Column("offer", sa.Text),
    sa.Column("about", Document),
    sa.Column("asked_at", Moment),
    sa.Column("not_before", Moment),
    sa.Column("status", sa.Text),
    sa.Column("tries", sa.Integer),
    sa.Column("holder", sa.Text),
    sa.Column("held_until", Moment),
    sa.Column("local_day", sa.Integer),
    sa.Column("variant", sa.Text),
    sa.Column("propensity", sa.Double),
    sa.Column("message_id", sa.Text),
    sa.Column("sent_at", Moment),
    sa.Column("delivered_at", Moment),
)
"""One a message. `key` is of the customer's visit to the step, so a step sends once. `local_day` counts days since 1970
on the customer's calendar; `about` has the product that the journey is about; `delivered_at` is when the log heard."""

log = sa.Table(
    "campaign_log",
    _metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("at", Moment),
    sa.Column("journey", sa.Text),
    sa.Column("version", sa.Integer),
    sa.Column("customer_id", sa.Text),
    sa.Column("step", sa.Text),
    sa.Column("what", sa.Text),
    sa.Column("reason", sa.Text),
)
"""All that was done, skipped and held, with why. Rows are only ever added."""

suppressed = sa.Table(
    "campaign_suppressed",
    _metadata,
    sa.Column("customer_id", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text),
    sa.Column("at", Moment),
    sa.Column("lifted_at", Moment),
)
"""Who wants nothing by a channel; "" is every channel."""

switches = sa.Table(
    "campaign_switches",
    _metadata,
    sa.Column("journey", sa.Text, primary_key=True),
    sa.Column("is_off", sa.Boolean),
    sa.Column("who", sa.Text),
    sa.Column("at", Moment),
)
"""Of a journey, or of all ("")."""


def prepare(state: State) -> State:
    """Make the tables where they are missing; the same state."""
    state.migrate(PART, STEPS)
    return state


def note_down(
    change: sa.Connection, rows: Iterable[Any], what: str, reasons: Mapping[int, str] | str, at: datetime
) -> None:
    """Add lines to the log about messages; the reason of each by its id, or one for all."""
    lines = [
        {
            "at": at, "journey": row.journey, "version": row.version, "customer_id": row.customer_id, "step": row.step,
            "what": what, "reason": reasons if isinstance(reasons, str) else reasons[row.id],
        }
        for row in rows
    ]  # fmt: skip
    if lines:
        change.execute(sa.insert(log), lines)
