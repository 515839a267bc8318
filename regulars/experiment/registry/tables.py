"""The tables of experiments in a shop's state."""

from __future__ import annotations

import sqlalchemy as sa

from regulars.state import Document, Moment, State

PART = "experiments"
STATUSES = ("draft", "running", "stopped", "decided")

STEPS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE experiments (
            id {id}, name TEXT NOT NULL UNIQUE, hypothesis TEXT NOT NULL, unit TEXT NOT NULL,
            status TEXT NOT NULL CHECK (status IN ('draft', 'running', 'stopped', 'decided')),
            arms TEXT NOT NULL, layer TEXT NOT NULL, low DOUBLE PRECISION NOT NULL, high DOUBLE PRECISION NOT NULL,
            eligible TEXT NOT NULL, primary_metric TEXT NOT NULL, guardrails TEXT NOT NULL,
            planned_customers BIGINT, planned_days INTEGER, share DOUBLE PRECISION NOT NULL,
            generation INTEGER NOT NULL, salt TEXT NOT NULL, created_at BIGINT NOT NULL,
            started_at BIGINT, stopped_at BIGINT, verdict TEXT
        )
        """,
        "CREATE INDEX experiments_of_layer ON experiments (layer)",
        """
        CREATE TABLE experiment_changes (
            id {id}, experiment_id BIGINT NOT NULL REFERENCES experiments (id), at BIGINT NOT NULL, who TEXT NOT NULL,
            what TEXT NOT NULL, about TEXT NOT NULL
        )
        """,
        "CREATE INDEX experiment_changes_of ON experiment_changes (experiment_id)",
        """
        CREATE TABLE experiment_holdout (
            id INTEGER PRIMARY KEY CHECK (id = 1), share DOUBLE PRECISION NOT NULL, salt TEXT NOT NULL,
            set_at BIGINT NOT NULL
        )
        """,
    ),
)

_metadata = sa.MetaData()

experiments = sa.Table(
    "experiments",
    _metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("hypothesis", sa.Text),
    sa.Column("unit", sa.Text),
    sa.Column("status", sa.Text),
    sa.Column("arms", Document),
    sa.Column("layer", sa.Text),
    sa.Column("low", sa.Double),
    sa.Column("high", sa.Double),
    sa.Column("eligible", sa.Text),
    sa.Column("primary_metric", sa.Text),
    sa.Column("guardrails", Document),
    sa.Column("planned_customers", sa.BigInteger),
    sa.Column("planned_days", sa.Integer),
    sa.Column("share", sa.Double),
    sa.Column("generation", sa.Integer),
    sa.Column("salt", sa.Text),
    sa.Column("created_at", Moment),
    sa.Column("started_at", Moment),
    sa.Column("stopped_at", Moment),
    sa.Column("verdict", Document),
)
"""One an experiment. `arms` is a list of [name, weight]; a generation is what runs between two resets, from 1."""

changes = sa.Table(
    "experiment_changes",
    _metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("experiment_id", sa.BigInteger),
    sa.Column("at", Moment),
    sa.Column("who", sa.Text),
    sa.Column("what", sa.Text),
    sa.Column("about", Document),
)
"""Every change of an experiment: when, by whom, what. Rows are only ever added."""

holdouts = sa.Table(
    "experiment_holdout",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("share", sa.Double),
    sa.Column("salt", sa.Text),
    sa.Column("set_at", Moment),
)
"""The shop's hold-out: one row, or none."""


def prepare(state: State) -> State:
    """Make the tables where they are missing; the same state."""
    state.migrate(PART, STEPS)
    return state
