"""The tables of journeys: which are on, and where each customer is."""

from __future__ import annotations

import sqlalchemy as sa

from regulars.state import Document, Moment, State

PART = "campaign journeys"
STEPS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE campaign_journeys (
            name TEXT PRIMARY KEY, version INTEGER NOT NULL, is_open BOOLEAN NOT NULL, started_at BIGINT NOT NULL,
            seen_until BIGINT NOT NULL, who TEXT NOT NULL
        )
        """,
        """
        CREATE TABLE campaign_entries (
            id {id}, journey TEXT NOT NULL, version INTEGER NOT NULL, customer_id TEXT NOT NULL,
            entry_key TEXT NOT NULL, entered_at BIGINT NOT NULL, step TEXT NOT NULL, at BIGINT NOT NULL,
            hops INTEGER NOT NULL, outcome TEXT, about TEXT NOT NULL, UNIQUE (journey, entry_key)
        )
        """,
        """
        CREATE UNIQUE INDEX campaign_entries_inside ON campaign_entries (journey, customer_id) WHERE outcome IS NULL
        """,
    ),
)
_metadata = sa.MetaData()

journeys = sa.Table(
    "campaign_journeys",
    _metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer),
    sa.Column("is_open", sa.Boolean),
    sa.Column("started_at", Moment),
    sa.Column("seen_until", Moment),
    sa.Column("who", sa.Text),
)
"""Journeys that were started: the version that customers enter, whether they still do, and until when they were looked
for."""

entries = sa.Table(
    "campaign_entries",
    _metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("journey", sa.Text),
    sa.Column("version", sa.Integer),
    sa.Column("customer_id", sa.Text),
    sa.Column("entry_key", sa.Text),
    sa.Column("entered_at", Moment),
    sa.Column("step", sa.Text),
    sa.Column("at", Moment),
    sa.Column("hops", sa.Integer),
    sa.Column("outcome", sa.Text),
    sa.Column("about", Document),
)
"""Customers in journeys: each on the version it entered, at a step since `at` after so many `hops`; `outcome` is null
while it is inside. `entry_key` names what let it in, so that nothing lets it in twice."""


def prepare(state: State) -> State:
    """Make the tables where they are missing; the same state."""
    state.migrate(PART, STEPS)
    return state
