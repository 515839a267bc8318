"""The tables of competitors' prices, and of what each is matched with."""

from __future__ import annotations

import sqlalchemy as sa

from regulars.state import Document, Moment, State

PART = "pricing competitors"
STEPS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE pricing_seen (
            competitor TEXT NOT NULL, what TEXT NOT NULL, seen_at BIGINT NOT NULL, coins BIGINT NOT NULL,
            source TEXT NOT NULL, PRIMARY KEY (competitor, what, seen_at)
        )
        """,
        """
        CREATE TABLE pricing_matches (
            competitor TEXT NOT NULL, what TEXT NOT NULL, product_id TEXT NOT NULL, state TEXT NOT NULL,
            similarity DOUBLE PRECISION NOT NULL, who TEXT NOT NULL, at BIGINT NOT NULL,
            PRIMARY KEY (competitor, what)
        )
        """,
        """
        CREATE TABLE pricing_responses (
            category TEXT NOT NULL, at BIGINT NOT NULL, rule TEXT NOT NULL, outcome TEXT NOT NULL, who TEXT NOT NULL,
            PRIMARY KEY (category, at)
        )
        """,
    ),
)
_metadata = sa.MetaData()

seen = sa.Table(
    "pricing_seen",
    _metadata,
    sa.Column("competitor", sa.Text, primary_key=True),
    sa.Column("what", sa.Text, primary_key=True),
    sa.Column("seen_at", Moment, primary_key=True),
    sa.Column("coins", sa.BigInteger),
    sa.Column("source", sa.Text),
)
"""What a competitor asked for something of its own, when, and where it was seen; in the shop's smallest coin."""

matches = sa.Table(
    "pricing_matches",
    _metadata,
    sa.Column("competitor", sa.Text, primary_key=True),
    sa.Column("what", sa.Text, primary_key=True),
    sa.Column("product_id", sa.Text),
    sa.Column("state", sa.Text),
    sa.Column("similarity", sa.Double),
    sa.Column("who", sa.Text),
    sa.Column("at", Moment),
)
"""Which product of the shop it is: `same` by its identifier, `proposed` by its title, `approved` or `rejected` by a
person."""

responses = sa.Table(
    "pricing_responses",
    _metadata,
    sa.Column("category", sa.Text, primary_key=True),
    sa.Column("at", Moment, primary_key=True),
    sa.Column("rule", Document),
    sa.Column("outcome", Document),
    sa.Column("who", sa.Text),
)
"""How a category answers, since when, and what its simulation found: nothing is ever struck out."""


def prepare(state: State) -> State:
    """Make the tables where they are missing; the same state."""
    state.migrate(PART, STEPS)
    return state
