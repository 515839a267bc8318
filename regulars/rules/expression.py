"""A rule as an expression of the engine: values stay values, so no text of a rule ever becomes a part of SQL."""

from __future__ import annotations

import operator as python
from collections.abc import Callable
from typing import Any

import ibis
import ibis.expr.datatypes as dt

from regulars.rules.tree import Binary, In, IsNull, Kind, Literal, Name, Negative, Node, Not


def expression(node: Node, table: ibis.Table) -> Any:  # noqa: PLR0911 one for each kind of part
    """The value of a part of a rule, for each row of a table; null where it is unknown."""
    match node:
        case Literal(value=value):
            return ibis.literal(value, type=_TYPES[node.kind])
        case Name(name=name):
            return _column(table[name], node.kind)
        case Not(of=of):
            return ~expression(of, table)
        case Negative(of=of):
            return -expression(of, table)
        case IsNull(of=of):
            return expression(of, table).isnull()
        case In(of=of, values=values):
            return expression(of, table).isin([ibis.literal(value, type=_TYPES[of.kind]) for value in values])
        case Binary(operator=operator, left=left, right=right):
            return _binary(operator, expression(left, table), expression(right, table))
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
    "+": python.add,
    "-": python.sub,
    "*": python.mul,
    "/": lambda left, right: left / right.nullif(ibis.literal(0.0, type=dt.float64)),
}
_TESTS: dict[str, Callable[[Any, Any], Any]] = {
    "and": python.and_,
    "or": python.or_,
    "=": python.eq,
    "!=": python.ne,
    "<": python.lt,
    "<=": python.le,
    ">": python.gt,
    ">=": python.ge,
    "contains": lambda left, right: left.contains(right),
    "starts with": lambda left, right: left.startswith(right),
}
