"""The tables of the review queue, and what a text that a person typed may be."""

from __future__ import annotations

import sqlalchemy as sa

from regulars.errors import InputError
from regulars.state import Document, Moment, State

PART = "fraud reviews"
OUTCOMES = ("fraud", "honest")
STATUSES = ("open", "claimed", "decided", "reopened", "merged")
STAGES = ("first", "second", "settling")
"""Which look a case waits for: the first; the second of two blind ones; one that settles what is in dispute."""
LONGEST_NAME, LONGEST_NOTE = 100, 2000

STEPS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE review_cases (
            id {id}, customer_id TEXT, ring BIGINT, status TEXT NOT NULL
                CHECK (status IN ('open', 'claimed', 'decided', 'reopened', 'merged')),
            stage TEXT NOT NULL CHECK (stage IN ('first', 'second', 'settling')),
            is_blind BOOLEAN NOT NULL, attempts INTEGER NOT NULL,
            amount DOUBLE PRECISION NOT NULL, expected_loss DOUBLE PRECISION NOT NULL,
            minutes DOUBLE PRECISION NOT NULL, loss_per_minute DOUBLE PRECISION NOT NULL, opened_at BIGINT NOT NULL,
            as_of BIGINT NOT NULL, holder TEXT, held_until BIGINT, decided_at BIGINT
        )
        """,
        "CREATE INDEX review_cases_waiting ON review_cases (status, loss_per_minute)",
        """
        CREATE TABLE review_attempts (
            attempt_id TEXT PRIMARY KEY, case_id BIGINT NOT NULL REFERENCES review_cases (id), customer_id TEXT,
            time BIGINT NOT NULL, amount DOUBLE PRECISION, risk DOUBLE PRECISION NOT NULL,
            expected_loss DOUBLE PRECISION NOT NULL, reasons TEXT NOT NULL, ring BIGINT, policy TEXT NOT NULL,
            model_version INTEGER NOT NULL, opened_at BIGINT NOT NULL, outcome TEXT
        )
        """,
        "CREATE INDEX review_attempts_of_case ON review_attempts (case_id)",
        """
        CREATE TABLE review_verdicts (
            id {id}, case_id BIGINT NOT NULL REFERENCES review_cases (id),
            attempt_id TEXT NOT NULL REFERENCES review_attempts (attempt_id), reviewer TEXT NOT NULL,
            outcome TEXT NOT NULL CHECK (outcome IN ('fraud', 'honest')),
            stage TEXT NOT NULL CHECK (stage IN ('first', 'second', 'settling')),
            at BIGINT NOT NULL, event_id TEXT, undone_at BIGINT
        )
        """,
        "CREATE INDEX review_verdicts_of_case ON review_verdicts (case_id)",
        """
        CREATE TABLE review_outbox (
            id {id}, event_id TEXT NOT NULL UNIQUE, time BIGINT NOT NULL, customer_id TEXT, outcome TEXT NOT NULL,
            properties TEXT NOT NULL, delivered_at BIGINT
        )
        """,
        """
        CREATE TABLE review_audit (
            id {id}, case_id BIGINT NOT NULL REFERENCES review_cases (id), at BIGINT NOT NULL, who TEXT NOT NULL,
            what TEXT NOT NULL, about TEXT NOT NULL
        )
        """,
        "CREATE INDEX review_audit_of_case ON review_audit (case_id)",
    ),
)

_metadata = sa.MetaData()

cases = sa.Table(
    "review_cases",
    _metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("customer_id", sa.Text),
    sa.Column("ring", sa.BigInteger),
    sa.Column("status", sa.Text),
    sa.Column("stage", sa.Text),
    sa.Column("is_blind", sa.Boolean),
    sa.Column("attempts", sa.Integer),
    sa.Column("amount", sa.Double),
    sa.Column("expected_loss", sa.Double),
    sa.Column("minutes", sa.Double),
    sa.Column("loss_per_minute", sa.Double),
    sa.Column("opened_at", Moment),
    sa.Column("as_of", Moment),
    sa.Column("holder", sa.Text),
    sa.Column("held_until", Moment),
    sa.Column("decided_at", Moment),
)
"""One a case: a ring, or a customer. `customer_id` is null where it is of several; the last claim stays named."""

attempts = sa.Table(
    "review_attempts",
    _metadata,
    sa.Column("attempt_id", sa.Text, primary_key=True),
    sa.Column("case_id", sa.BigInteger),
    sa.Column("customer_id", sa.Text),
    sa.Column("time", Moment),
    sa.Column("amount", sa.Double),
    sa.Column("risk", sa.Double),
    sa.Column("expected_loss", sa.Double),
    sa.Column("reasons", Document),
    sa.Column("ring", sa.BigInteger),
    sa.Column("policy", sa.Text),
    sa.Column("model_version", sa.Integer),
    sa.Column("opened_at", Moment),
    sa.Column("outcome", sa.Text),
)
"""What is to be judged. `outcome` is the verdict that holds: what the log has been told."""

verdicts = sa.Table(
    "review_verdicts",
    _metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("case_id", sa.BigInteger),
    sa.Column("attempt_id", sa.Text),
    sa.Column("reviewer", sa.Text),
    sa.Column("outcome", sa.Text),
    sa.Column("stage", sa.Text),
    sa.Column("at", Moment),
    sa.Column("event_id", sa.Text),
    sa.Column("undone_at", Moment),
)
"""All that was judged, the undone too. `event_id` is of the event that tells the log; null of second blind looks."""

outbox = sa.Table(
    "review_outbox",
    _metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("event_id", sa.Text),
    sa.Column("time", Moment),
    sa.Column("customer_id", sa.Text),
    sa.Column("outcome", sa.Text),
    sa.Column("properties", Document),
    sa.Column("delivered_at", Moment),
)
"""Events on their way into the log."""

audit = sa.Table(
    "review_audit",
    _metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("case_id", sa.BigInteger),
    sa.Column("at", Moment),
    sa.Column("who", sa.Text),
    sa.Column("what", sa.Text),
    sa.Column("about", Document),
)
"""Every change of a case: when, by whom, what. Rows are only ever added."""


def prepare(state: State) -> State:
    """Make the queue's tables where they are missing; the same state."""
    state.migrate(PART, STEPS)
    return state


def plain_text(what: str, text: str, longest: int) -> str:
    """A text that a person typed, without spaces around it.

    Raises
    ------
    InputError
        If it is empty, longer than allowed, or holds what is no letter (but for new lines and tabs).

    Examples
    --------
    >>> plain_text("a note", " 同一台设备 ", 100)
    '同一台设备'
    """
    text = text.strip()
    if not text:
        raise InputError(f"{what} is empty. Write something.")
    if len(text) > longest:
        raise InputError(f"{what} has {len(text):,} characters; at most {longest:,} are kept. Write it shorter.")
    if any((ord(letter) < 32 and letter not in "\n\t") or 0xD800 <= ord(letter) < 0xE000 for letter in text):
        raise InputError(f"{what} holds a control character. Write it as plain text.")
    return text


def name_of_reviewer(name: str) -> str:
    """A reviewer's name: one line of at most 100 characters.

    Raises
    ------
    InputError
        If it is none.
    """
    name = plain_text("The reviewer's name", name, LONGEST_NAME)
    if "\n" in name or "\t" in name:
        raise InputError("The reviewer's name has more than one line. Write it in one.")
    return name
