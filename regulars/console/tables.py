"""The tables of the console: people, their sessions and links, approvals, long work, and the audit log."""

from __future__ import annotations

import sqlalchemy as sa

from regulars.state import Document, Moment, State

PART = "console"

STEPS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE console_people (
            id {id}, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
            role TEXT NOT NULL CHECK (role IN ('admin', 'growth', 'risk', 'pricing', 'service', 'read_only')),
            password TEXT NOT NULL, language TEXT NOT NULL, theme TEXT NOT NULL, created_at BIGINT NOT NULL,
            blocked_at BIGINT
        )
        """,
        """
        CREATE TABLE console_sessions (
            hash TEXT PRIMARY KEY, person_id BIGINT NOT NULL REFERENCES console_people (id),
            begun_at BIGINT NOT NULL, seen_at BIGINT NOT NULL, said TEXT NOT NULL
        )
        """,
        "CREATE INDEX console_sessions_of_person ON console_sessions (person_id)",
        """
        CREATE TABLE console_links (
            hash TEXT PRIMARY KEY, role TEXT NOT NULL, made_by TEXT NOT NULL, expires_at BIGINT NOT NULL,
            used_at BIGINT
        )
        """,
        """
        CREATE TABLE console_approvals (
            id {id}, kind TEXT NOT NULL, about TEXT NOT NULL, document TEXT NOT NULL, asked_by TEXT NOT NULL,
            asked_at BIGINT NOT NULL, status TEXT NOT NULL CHECK (status IN ('waiting', 'approved', 'rejected')),
            decided_by TEXT, decided_at BIGINT, note TEXT
        )
        """,
        "CREATE INDEX console_approvals_waiting ON console_approvals (status, kind)",
        """
        CREATE TABLE console_jobs (
            id {id}, kind TEXT NOT NULL, begun_by TEXT NOT NULL, begun_at BIGINT NOT NULL,
            status TEXT NOT NULL CHECK (status IN ('running', 'done', 'failed')),
            done BIGINT NOT NULL, total BIGINT NOT NULL, said TEXT NOT NULL, ended_at BIGINT
        )
        """,
        """
        CREATE TABLE console_audit (
            id {id}, at BIGINT NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, about TEXT NOT NULL,
            before TEXT NOT NULL, after TEXT NOT NULL
        )
        """,
        "CREATE INDEX console_audit_by_what ON console_audit (what, id)",
    ),
)

_metadata = sa.MetaData()

people = sa.Table(
    "console_people",
    _metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("email", sa.Text),
    sa.Column("name", sa.Text),
    sa.Column("role", sa.Text),
    sa.Column("password", sa.Text),
    sa.Column("language", sa.Text),
    sa.Column("theme", sa.Text),
    sa.Column("created_at", Moment),
    sa.Column("blocked_at", Moment),
)
"""`email` in small letters; `password` as Argon2 writes it; `theme` is auto, light or dark."""

sessions = sa.Table(
    "console_sessions",
    _metadata,
    sa.Column("hash", sa.Text, primary_key=True),
    sa.Column("person_id", sa.BigInteger),
    sa.Column("begun_at", Moment),
    sa.Column("seen_at", Moment),
    sa.Column("said", Document),
)
"""`said`: what the next page says, once."""

links = sa.Table(
    "console_links",
    _metadata,
    sa.Column("hash", sa.Text, primary_key=True),
    sa.Column("role", sa.Text),
    sa.Column("made_by", sa.Text),
    sa.Column("expires_at", Moment),
    sa.Column("used_at", Moment),
)

approvals = sa.Table(
    "console_approvals",
    _metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("kind", sa.Text),
    sa.Column("about", sa.Text),
    sa.Column("document", Document),
    sa.Column("asked_by", sa.Text),
    sa.Column("asked_at", Moment),
    sa.Column("status", sa.Text),
    sa.Column("decided_by", sa.Text),
    sa.Column("decided_at", Moment),
    sa.Column("note", sa.Text),
)

jobs = sa.Table(
    "console_jobs",
    _metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("kind", sa.Text),
    sa.Column("begun_by", sa.Text),
    sa.Column("begun_at", Moment),
    sa.Column("status", sa.Text),
    sa.Column("done", sa.BigInteger),
    sa.Column("total", sa.BigInteger),
    sa.Column("said", sa.Text),
    sa.Column("ended_at", Moment),
)

audit = sa.Table(
    "console_audit",
    _metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("at", Moment),
    sa.Column("who", sa.Text),
    sa.Column("what", sa.Text),
    sa.Column("about", sa.Text),
    sa.Column("before", Document),
    sa.Column("after", Document),
)
"""All that was changed through the console. Rows are only ever added."""


def prepare(state: State) -> State:
    """Make the tables where they are missing; the same state."""
    state.migrate(PART, STEPS)
    return state
