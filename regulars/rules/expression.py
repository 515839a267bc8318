"""A rule as an expression of the engine: values stay values, so no text of a rule ever becomes a part of SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import ibis
import ibis.expr.datatypes as dt

from regulars.rules.operators import ARITHMETIC, COMPARISONS, DIGITS
from regulars.rules.tree import (
    Ago,
    Binary,
    Happened,
    In,
    InSegment,
    IsNull,
    Kind,
    Length,
    Literal,
    Name,
    Negative,
    Node,
    Not,
    parts,
)


@dataclass(frozen=True)
class Scope:
    """What a rule is asked of: a table, as of a moment, and its column for each thing asked of events."""

    table: ibis.Table
    as_of: datetime | None = None
    happened: Mapping[Happened, str] = field(default_factory=dict)


def filtered(node: Node, table: ibis.Table, events: ibis.Table | None, as_of: datetime | None) -> ibis.Table:
    """The rows of a table for which a rule is true.

    Parameters
    ----------
    events : customer_id, time, type, event and the fields that rules ask for; joined by `customer_id`.
    """
    asked = list(dict.fromkeys(part for part in parts(node) if isinstance(part, Happened)))
    if not asked or events is None:
        return table.filter(expression(node, Scope(table, as_of)))
    names = {part: f"_happened_{place}" for place, part in enumerate(asked)}
    came = _came(events, names, as_of)
    met = table.left_join(came, table.customer_id == came._customer)
    return met.filter(expression(node, Scope(met, as_of, names))).select(*table.columns)


def _came(events: ibis.Table, names: Mapping[Happened, str], as_of: datetime | None) -> ibis.Table:
    """One row a customer: what its events come to, in one pass over them."""
    found = {}
    lines = events.filter(events.type.isin(sorted({part.type for part in names})))
    for part, name in names.items():
        since, before = part.window.bounds(as_of)
        is_meant = (lines.type == part.type) & (lines.time < _moment(before))
        if since is not None:
            is_meant &= lines.time >= _moment(since)
        if part.where is not None:
            is_meant &= expression(part.where, Scope(lines)).fill_null(False)
        value = None if part.of is None else expression(part.of, Scope(lines))
        found[name] = _FUNCTIONS[part.function](lines, value, is_meant)
    return lines.group_by(_customer=lines.customer_id).agg(**found)


_FUNCTIONS: dict[str, Callable[[ibis.Table, Any, Any], Any]] = {
    "did": lambda lines, value, where: where.any(),
    "count": lambda lines, value, where: lines.event.nunique(where=where).cast(dt.float64),
    "sum": lambda lines, value, where: _known(value.sum(where=where).round(DIGITS)),
    "avg": lambda lines, value, where: _known(
        (value.sum(where=where) / value.count(where=where).nullif(0).cast(dt.float64)).round(DIGITS)
    ),
    "min": lambda lines, value, where: value.min(where=where),
    "max": lambda lines, value, where: value.max(where=where),
}
_NOTHING: dict[str, Any] = {"did": False, "count": 0.0, "sum": 0.0}
"""What no events at all come to."""


def _moment(moment: datetime) -> Any:
    return ibis.literal(moment, type=_TYPES[Kind.TIME])


def expression(node: Node, scope: Scope) -> Any:  # noqa: PLR0911 one for each kind of part
    """The value of a part of a rule, for each row of a table; null where it is unknown."""
    match node:
        case Literal(value=value):
            return ibis.literal(value, type=_TYPES[node.kind])
        case Ago():
            return _moment(node.moment(scope.as_of))
        case Happened(function=function):
            column = scope.table[scope.happened[node]]
            return column.fill_null(_NOTHING[function]) if function in _NOTHING else column
        case Name(name=name):
            return _column(scope.table[name], node.kind)
        case Not(of=of):
            return ~expression(of, scope)
        case Negative(of=of):
            return -expression(of, scope)
        case Length(of=of):
            return expression(of, scope).length().cast(dt.float64)
        case IsNull(of=of):
            return expression(of, scope).isnull()
        case InSegment(of=of):
            return expression(of, scope).fill_null(False)
        case In(of=of, values=values):
            return expression(of, scope).isin([ibis.literal(value, type=_TYPES[of.kind]) for value in values])
        case Binary(operator=operator, left=left, right=right):
            return _binary(operator, expression(left, scope), expression(right, scope))
    raise TypeError(f"no rule has a {type(node).__name__}")


_TYPES: dict[Kind, Any] = {
    Kind.NUMBER: dt.float64,
    Kind.TEXT: dt.string,
    Kind.TRUTH: dt.boolean,
    Kind.TIME: dt.Timestamp("UTC", 6),
}


def _column(column: Any, kind: Kind) -> Any:
    if kind is Kind.NUMBER:
        return _known(column.cast(dt.float64))
    return column if kind is Kind.LIST else column.cast(_TYPES[kind])


def _known(number: Any) -> Any:
    """Null where it is not finite: a number that is none is unknown, as it is to whoever reads the rule."""
    return ibis.ifelse(number.isnan() | number.isinf(), ibis.null(dt.float64), number)


def _binary(operator: str, left: Any, right: Any) -> Any:
    if operator in _ARITHMETIC:
        return _known(_ARITHMETIC[operator](left, right))
    return _TESTS[operator](left, right)


_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    **ARITHMETIC,
    "/": lambda left, right: left / right.nullif(ibis.literal(0.0, type=dt.float64)),
}
_TESTS: dict[str, Callable[[Any, Any], Any]] = {
    **COMPARISONS,
    "and": lambda left, right: left & right,
    "or": lambda left, right: left | right,
    "contains": lambda left, right: left.contains(right),
    "starts with": lambda left, right: left.startswith(right),
}
