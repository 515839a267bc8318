"""The state's tables without some customers: what is theirs is deleted; where another's row names them: `erased`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from regulars.privacy.finder import Finder
from regulars.state import State

AT_ONCE = 5_000
SHOPS = (
    "state_", "console_", "api_", "experiment", "language_", "pricing_", "realtime_position", "campaign_journeys",
    "campaign_offers", "campaign_switches", "campaign_approvals", "support_products", "support_applied",
)  # fmt: skip
"""Tables of the shop's own, by how their names begin: a row of them that names a customer stays, without the name.
A row of any other table is of the customer whom it names."""


def forget(state: State, finder: Finder) -> dict[str, int]:
    """Delete and redact; rows by table, of those where anything was done."""
    done: dict[str, int] = {}
    with state.write(alone="erasure") as change:
        known = sa.MetaData()
        known.reflect(change)
        for table in known.sorted_tables:
            if not list(table.primary_key):
                continue
            for rows in _pieces(change, table):
                found = np.flatnonzero(finder.rows(_as_arrow(table, rows)))
                if not len(found):
                    continue
                named = [rows[place] for place in found.tolist()]
                if table.name.startswith(SHOPS):
                    done[table.name] = done.get(table.name, 0) + len(named)
                    _redact(change, table, named, finder)
                else:
                    _delete(change, known, table, [_key(table, row) for row in named], done)
    state.scrub()
    return done


def about(state: State, finder: Finder) -> dict[str, list[dict[str, Any]]]:
    """The rows that are of some customers, by table: those that name them, and what hangs on these."""
    found: dict[str, list[dict[str, Any]]] = {}
    with state.read() as view:
        known = sa.MetaData()
        known.reflect(view)
        for table in known.sorted_tables:  # what others hang on comes first
            if table.name.startswith(SHOPS):
                continue
            links = [link for link in table.foreign_keys if link.column.table.name in found]
            for rows in _pieces(view, table):
                is_theirs = finder.rows(_as_arrow(table, rows))
                for link in links:
                    keys = {row[link.column.name] for row in found[link.column.table.name]}
                    is_theirs |= np.array([row._mapping[link.parent.name] in keys for row in rows])
                places = np.flatnonzero(is_theirs).tolist()
                found.setdefault(table.name, []).extend(dict(rows[place]._mapping) for place in places)
    return {name: rows for name, rows in found.items() if rows}


def _pieces(connection: sa.Connection, table: sa.Table) -> Iterator[list[sa.Row[Any]]]:
    rows = connection.execute(sa.select(table)).fetchall()
    return (list(rows[start : start + AT_ONCE]) for start in range(0, len(rows), AT_ONCE))


def _as_arrow(table: sa.Table, rows: list[sa.Row[Any]]) -> pa.Table:
    names = [column.name for column in table.columns if isinstance(column.type, sa.String)]
    return pa.table({name: pa.array([row._mapping[name] for row in rows], pa.string()) for name in names})


def _key(table: sa.Table, row: sa.Row[Any]) -> tuple[Any, ...]:
    return tuple(row._mapping[column.name] for column in table.primary_key)


def _is(columns: list[sa.Column[Any]], keys: list[tuple[Any, ...]]) -> sa.ColumnElement[bool]:
    if len(columns) == 1:
        return columns[0].in_([key[0] for key in keys])
    return sa.tuple_(*columns).in_(keys)


def _delete(
    change: sa.Connection, known: sa.MetaData, table: sa.Table, keys: list[tuple[Any, ...]], done: dict[str, int]
) -> None:
    """Delete rows by their keys, those that hang on them first: a conversation's messages, a case's verdicts."""
    own = list(table.primary_key)
    for start in range(0, len(keys), 500):  # SQLite takes so many values in one statement, and some more
        part = keys[start : start + 500]
        for other in known.sorted_tables:
            for link in other.foreign_keys:
                if link.column.table is table and len(own) == 1:
                    hanging = change.execute(sa.select(*other.primary_key).where(_is([link.parent], part))).fetchall()
                    if hanging:
                        _delete(change, known, other, [tuple(row) for row in hanging], done)
        gone = change.execute(sa.delete(table).where(_is(own, part))).rowcount
        done[table.name] = done.get(table.name, 0) + gone


def _redact(change: sa.Connection, table: sa.Table, rows: list[sa.Row[Any]], finder: Finder) -> None:
    own = list(table.primary_key)
    texts = [column.name for column in table.columns if isinstance(column.type, sa.String) and column not in own]
    for row in rows:  # few: a line of an audit log, an approval
        said = {name: finder.redacted(row._mapping[name]) for name in texts if row._mapping[name] is not None}
        if said:
            change.execute(sa.update(table).where(_is(own, [_key(table, row)])).values(**said))
