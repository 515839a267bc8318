"""A rule on one row, as a function: for live use, where a row is all there is."""

from __future__ import annotations

import math
import operator as python
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from regulars.rules.arrays import contains, starts_with
from regulars.rules.tree import Binary, In, IsNull, Kind, Literal, Name, Negative, Node, Not

Row = Mapping[str, Any]
Value = Callable[[Row], Any]


def function(node: Node) -> Value:  # noqa: PLR0911 one for each kind of part
    """What gives the value of a part of a rule from a row, None where it is unknown."""
    match node:
        case Literal(value=value):
            return lambda row: value
        case Name(name=name):
            return _column(name, node.kind)
        case Not(of=of):
            return _unless_unknown(python.not_, function(of))
        case Negative(of=of):
            return _unless_unknown(python.neg, function(of))
        case IsNull(of=of):
            inner = function(of)
            return lambda row: inner(row) is None
        case In(of=of, values=values):
            among = frozenset(values)
            return _unless_unknown(lambda value: value in among, function(of))
        case Binary(operator=operator, left=left, right=right):
            return _binary(operator, function(left), function(right))
    raise TypeError(f"no rule has a {type(node).__name__}")


def _column(name: str, kind: Kind) -> Value:
    if kind is Kind.NUMBER:
        return lambda row: None if row[name] is None else _known(float(row[name]))
    if kind is Kind.TIME:
        return lambda row: None if row[name] is None else _utc(row[name])
    return lambda row: row[name]


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _known(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _unless_unknown(test: Callable[[Any], Any], inner: Value) -> Value:
    def found(row: Row) -> Any:
        value = inner(row)
        return None if value is None else test(value)

    return found


def _and(left: bool | None, right: bool | None) -> bool | None:
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def _or(left: bool | None, right: bool | None) -> bool | None:
    if left is True or right is True:
        return True
    return None if left is None or right is None else False


def _divided(left: float, right: float) -> float | None:
    return None if right == 0 else _known(left / right)


_TESTS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: _known(a + b),
    "-": lambda a, b: _known(a - b),
    "*": lambda a, b: _known(a * b),
    "/": _divided,
    "=": python.eq,
    "!=": python.ne,
    "<": python.lt,
    "<=": python.le,
    ">": python.gt,
    ">=": python.ge,
    "contains": contains,
    "starts with": starts_with,
}


def _binary(operator: str, left: Value, right: Value) -> Value:
    if operator in ("and", "or"):
        join = _and if operator == "and" else _or
        return lambda row: join(left(row), right(row))
    test = _TESTS[operator]

    def found(row: Row) -> Any:
        a, b = left(row), right(row)
        return None if a is None or b is None else test(a, b)

    return found
