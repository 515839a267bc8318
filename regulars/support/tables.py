"""The tables of support: the shop's own orders, conversations, proposals, what was done, and the queue of people."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from regulars.errors import NotFoundError
from regulars.state import Document, Moment, State

PART = "support"

STEPS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE support_customers (
            customer_id TEXT PRIMARY KEY, email TEXT NOT NULL, name TEXT NOT NULL, zip TEXT NOT NULL,
            document TEXT NOT NULL
        )
        """,
        "CREATE INDEX support_customers_by_email ON support_customers (email)",
        "CREATE INDEX support_customers_by_zip ON support_customers (zip, name)",
        """
        CREATE TABLE support_orders (
            order_id TEXT PRIMARY KEY, customer_id TEXT NOT NULL, document TEXT NOT NULL
        )
        """,
        "CREATE INDEX support_orders_of_customer ON support_orders (customer_id)",
        "CREATE TABLE support_products (product_id TEXT PRIMARY KEY, document TEXT NOT NULL)",
        "CREATE TABLE support_applied (key TEXT PRIMARY KEY, at BIGINT NOT NULL)",
        """
        CREATE TABLE support_conversations (
            conversation_id TEXT PRIMARY KEY, customer_id TEXT, language TEXT NOT NULL,
            status TEXT NOT NULL CHECK (status IN ('open', 'person', 'ended')),
            tries INTEGER NOT NULL, memory TEXT NOT NULL, opened_at BIGINT NOT NULL, changed_at BIGINT NOT NULL
        )
        """,
        """
        CREATE TABLE support_messages (
            id {id}, conversation_id TEXT NOT NULL REFERENCES support_conversations (conversation_id),
            at BIGINT NOT NULL, who TEXT NOT NULL, text TEXT NOT NULL, about TEXT NOT NULL
        )
        """,
        "CREATE INDEX support_messages_of_conversation ON support_messages (conversation_id)",
        """
        CREATE TABLE support_proposals (
            id {id}, conversation_id TEXT NOT NULL REFERENCES support_conversations (conversation_id),
            customer_id TEXT NOT NULL, actions TEXT NOT NULL, results TEXT NOT NULL,
            status TEXT NOT NULL CHECK (status IN ('shown', 'superseded', 'declined', 'confirmed', 'done')),
            shown_at BIGINT NOT NULL, confirmed_at BIGINT, said TEXT
        )
        """,
        "CREATE INDEX support_proposals_of_conversation ON support_proposals (conversation_id)",
        """
        CREATE TABLE support_journal (
            id {id}, at BIGINT NOT NULL, conversation_id TEXT NOT NULL, customer_id TEXT, who TEXT NOT NULL,
            action TEXT NOT NULL, arguments TEXT NOT NULL, outcome TEXT NOT NULL, about TEXT NOT NULL
        )
        """,
        "CREATE INDEX support_journal_of_customer ON support_journal (customer_id, action)",
        """
        CREATE TABLE support_handovers (
            id {id}, conversation_id TEXT NOT NULL REFERENCES support_conversations (conversation_id),
            customer_id TEXT, language TEXT NOT NULL, reason TEXT NOT NULL, summary TEXT NOT NULL, facts TEXT NOT NULL,
            proposed TEXT NOT NULL, urgency INTEGER NOT NULL,
            status TEXT NOT NULL CHECK (status IN ('waiting', 'taken', 'returned', 'closed')),
            opened_at BIGINT NOT NULL, holder TEXT, taken_at BIGINT, left_at BIGINT
        )
        """,
        "CREATE INDEX support_handovers_waiting ON support_handovers (status, urgency, opened_at)",
        """
        CREATE TABLE support_outbox (
            id {id}, event_id TEXT NOT NULL UNIQUE, time BIGINT NOT NULL, customer_id TEXT, session_id TEXT NOT NULL,
            type TEXT NOT NULL, text TEXT, outcome TEXT, properties TEXT NOT NULL, delivered_at BIGINT
        )
        """,
    ),
    (
        "ALTER TABLE support_conversations ADD COLUMN is_public BOOLEAN NOT NULL DEFAULT FALSE",
        "CREATE TABLE support_tries (id {id}, about TEXT NOT NULL, at BIGINT NOT NULL)",
        "CREATE INDEX support_tries_about ON support_tries (about)",
        "CREATE TABLE support_coupons (key TEXT PRIMARY KEY, customer_id TEXT NOT NULL, at BIGINT NOT NULL)",
        "CREATE INDEX support_coupons_of_customer ON support_coupons (customer_id)",
    ),
    ("CREATE INDEX support_outbox_of_type ON support_outbox (type, outcome)",),
)

_metadata = sa.MetaData()

customers = sa.Table(
    "support_customers",
    _metadata,
    sa.Column("customer_id", sa.Text, primary_key=True),
    sa.Column("email", sa.Text),
    sa.Column("name", sa.Text),
    sa.Column("zip", sa.Text),
    sa.Column("document", Document),
)
"""The shop's own customers. `email`, `name` and `zip` are folded, to be found by."""

orders = sa.Table(
    "support_orders",
    _metadata,
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("customer_id", sa.Text),
    sa.Column("document", Document),
)

products = sa.Table(
    "support_products",
    _metadata,
    sa.Column("product_id", sa.Text, primary_key=True),
    sa.Column("document", Document),
)

applied = sa.Table("support_applied", _metadata, sa.Column("key", sa.Text, primary_key=True), sa.Column("at", Moment))
"""Changes that were made: each key once."""

conversations = sa.Table(
    "support_conversations",
    _metadata,
    sa.Column("conversation_id", sa.Text, primary_key=True),
    sa.Column("customer_id", sa.Text),
    sa.Column("language", sa.Text),
    sa.Column("status", sa.Text),
    sa.Column("tries", sa.Integer),
    sa.Column("memory", Document),
    sa.Column("opened_at", Moment),
    sa.Column("changed_at", Moment),
    sa.Column("is_public", sa.Boolean),
)
"""`customer_id` is null until it is known who that is, and then never changes. `tries` counts the failed ones. One
that is public was opened by a page that anybody sees: nobody is identified there by words."""

tries = sa.Table(
    "support_tries",
    _metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("about", sa.Text),
    sa.Column("at", Moment),
)
"""Whom somebody claimed to be in vain, in any conversation; kept for a day. `about` is a digest of the e-mail or
name."""

coupons = sa.Table(
    "support_coupons",
    _metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("customer_id", sa.Text),
    sa.Column("at", Moment),
)
"""Who was given a coupon, under the key of that change."""

messages = sa.Table(
    "support_messages",
    _metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("conversation_id", sa.Text),
    sa.Column("at", Moment),
    sa.Column("who", sa.Text),
    sa.Column("text", sa.Text),
    sa.Column("about", Document),
)
"""`who` is customer, ai, or a person's name."""

proposals = sa.Table(
    "support_proposals",
    _metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("conversation_id", sa.Text),
    sa.Column("customer_id", sa.Text),
    sa.Column("actions", Document),
    sa.Column("results", Document),
    sa.Column("status", sa.Text),
    sa.Column("shown_at", Moment),
    sa.Column("confirmed_at", Moment),
    sa.Column("said", sa.Text),
)
"""What customers were shown and asked to confirm. `said` is the message that was the yes."""

journal = sa.Table(
    "support_journal",
    _metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("at", Moment),
    sa.Column("conversation_id", sa.Text),
    sa.Column("customer_id", sa.Text),
    sa.Column("who", sa.Text),
    sa.Column("action", sa.Text),
    sa.Column("arguments", Document),
    sa.Column("outcome", sa.Text),
    sa.Column("about", Document),
)
"""All that was proposed, refused and done. Rows are only ever added."""

handovers = sa.Table(
    "support_handovers",
    _metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("conversation_id", sa.Text),
    sa.Column("customer_id", sa.Text),
    sa.Column("language", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("summary", sa.Text),
    sa.Column("facts", Document),
    sa.Column("proposed", sa.Text),
    sa.Column("urgency", sa.Integer),
    sa.Column("status", sa.Text),
    sa.Column("opened_at", Moment),
    sa.Column("holder", sa.Text),
    sa.Column("taken_at", Moment),
    sa.Column("left_at", Moment),
)
"""What waits for a person, and who took it."""

outbox = sa.Table(
    "support_outbox",
    _metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("event_id", sa.Text),
    sa.Column("time", Moment),
    sa.Column("customer_id", sa.Text),
    sa.Column("session_id", sa.Text),
    sa.Column("type", sa.Text),
    sa.Column("text", sa.Text),
    sa.Column("outcome", sa.Text),
    sa.Column("properties", Document),
    sa.Column("delivered_at", Moment),
)
"""Events on their way into the log."""


def prepare(state: State) -> State:
    """Make the tables where they are missing; the same state."""
    state.migrate(PART, STEPS)
    return state


def conversation_of(connection: sa.Connection, conversation: str) -> Any:
    """The row of a conversation; NotFoundError if there is none."""
    row = connection.execute(
        sa.select(conversations).where(conversations.c.conversation_id == conversation)
    ).one_or_none()
    if row is None:
        raise NotFoundError(f'There is no conversation "{conversation}". Begin a new one.')
    return row
