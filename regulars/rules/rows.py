"""A rule on one row, as a function: for live use, where a row is all there is."""

from __future__ import annotations

import math
import operator as python
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from regulars.rules.arrays import contains, starts_with
from regulars.rules.history import rounded
from regulars.rules.operators import ARITHMETIC, COMPARISONS
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
)

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """What a rule is asked of: a row, as of a moment, and the events of its customer."""

    row: Row
    as_of: datetime | None = None
    events: Sequence[Row] = ()


Value = Callable[[Case], Any]


def function(node: Node) -> Value:  # noqa: PLR0911 one for each kind of part
    """What gives the value of a part of a rule from a row, None where it is unknown."""
    match node:
        case Literal(value=value):
            return lambda case: value
        case Ago():
            return lambda case: node.moment(case.as_of)
        case Happened():
            return _happened(node)
        case Name(name=name):
            return _column(name, node.kind)
        case Not(of=of):
            return _unless_unknown(python.not_, function(of))
        case Negative(of=of):
            return _unless_unknown(python.neg, function(of))
        case Length(of=of):
            return _unless_unknown(lambda value: float(len(value)), function(of))
        case IsNull(of=of):
            inner = function(of)
            return lambda case: inner(case) is None
        case InSegment(of=of):
            inner = function(of)
            return lambda case: inner(case) is True
        case In(of=of, values=values):
            among = frozenset(values)
            return _unless_unknown(lambda value: value in among, function(of))
        case Binary(operator=operator, left=left, right=right):
            return _binary(operator, function(left), function(right))
    raise TypeError(f"no rule has a {type(node).__name__}")


def _column(name: str, kind: Kind) -> Value:
    if kind is Kind.NUMBER:
        return lambda case: None if case.row[name] is None else _known(float(case.row[name]))
    if kind is Kind.TIME:
        return lambda case: None if case.row[name] is None else _utc(case.row[name])
    return lambda case: case.row[name]


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _known(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _happened(node: Happened) -> Value:
    where = function(node.where) if node.where is not None else None
    of = function(node.of) if node.of is not None else None

    def lines(case: Case) -> Iterator[Case]:
        since, before = node.window.bounds(case.as_of)
        for event in case.events:
            is_in_time = _utc(event["time"]) < before and (since is None or _utc(event["time"]) >= since)
            line = Case(event)
            if event["type"] == node.type and is_in_time and (where is None or where(line) is True):
                yield line

    if node.function == "did":
        return lambda case: any(True for _ in lines(case))
    if of is None:
        return lambda case: float(len({line.row["event"] for line in lines(case)}))
    return lambda case: _MEASURES[node.function](value for line in lines(case) if (value := of(line)) is not None)


def _rounded(number: float) -> float | None:
    return _known(float(rounded(np.float64(number))))


def _average(values: Iterable[float]) -> float | None:
    numbers = list(values)
    return _rounded(sum(numbers) / len(numbers)) if numbers else None


_MEASURES: dict[str, Callable[[Iterable[float]], float | None]] = {
    "sum": lambda values: _rounded(sum(values, 0.0)),
    "avg": _average,
    "min": lambda values: min(values, default=None),
    "max": lambda values: max(values, default=None),
}


def _unless_unknown(test: Callable[[Any], Any], inner: Value) -> Value:
    def found(case: Case) -> Any:
        value = inner(case)
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


def _reckoned(operation: Callable[[float, float], float]) -> Callable[[float, float], float | None]:
    return lambda left, right: _known(operation(left, right))


_TESTS: dict[str, Callable[[Any, Any], Any]] = {
    **{sign: _reckoned(operation) for sign, operation in ARITHMETIC.items()},
    **COMPARISONS,
    "/": lambda left, right: None if right == 0 else _known(left / right),
    "contains": contains,
    "starts with": starts_with,
}


def _binary(operator: str, left: Value, right: Value) -> Value:
    if operator in ("and", "or"):
        join = _and if operator == "and" else _or
        return lambda case: join(left(case), right(case))
    test = _TESTS[operator]

    def found(case: Case) -> Any:
        a, b = left(case), right(case)
        return None if a is None or b is None else test(a, b)

    return found
