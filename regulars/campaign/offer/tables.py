"""The tables of offers and coupons."""

from __future__ import annotations

import sqlalchemy as sa

from regulars.state import Document, Moment, State

PART = "campaign offers"
STEPS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE campaign_offers (
            name TEXT PRIMARY KEY, terms TEXT NOT NULL, created_at BIGINT NOT NULL, closed_at BIGINT
        )
        """,
        """
        CREATE TABLE campaign_coupons (
            code TEXT PRIMARY KEY, offer TEXT NOT NULL REFERENCES campaign_offers (name), customer_id TEXT NOT NULL,
            issue TEXT NOT NULL UNIQUE, issued_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, redeemed_at BIGINT,
            order_id TEXT, discount TEXT
        )
        """,
        "CREATE INDEX campaign_coupons_of_offer ON campaign_coupons (offer)",
    ),
)
_metadata = sa.MetaData()

offers = sa.Table(
    "campaign_offers",
    _metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("terms", Document),
    sa.Column("created_at", Moment),
    sa.Column("closed_at", Moment),
)
"""What is given, under a name; its terms never change."""

coupons = sa.Table(
    "campaign_coupons",
    _metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("offer", sa.Text),
    sa.Column("customer_id", sa.Text),
    sa.Column("issue", sa.Text),
    sa.Column("issued_at", Moment),
    sa.Column("expires_at", Moment),
    sa.Column("redeemed_at", Moment),
    sa.Column("order_id", sa.Text),
    sa.Column("discount", Document),
)
"""One a code. `issue` names what it was issued for: the same again is the same code."""


def prepare(state: State) -> State:
    """Make the tables where they are missing; the same state."""
    state.migrate(PART, STEPS)
    return state
