"""A rule on columns in memory, for all rows at once: Arrow's own functions, with the same meaning as in the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.rules.tree import Binary, In, IsNull, Kind, Literal, Name, Negative, Node, Not

TYPES: dict[Kind, Any] = {
    Kind.NUMBER: pa.float64(),
    Kind.TEXT: pa.string(),
    Kind.TRUTH: pa.bool_(),
    Kind.TIME: pa.timestamp("us", tz="UTC"),
}

_FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "and": pc.and_kleene,
    "or": pc.or_kleene,
    "=": pc.equal,
    "!=": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}

_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": pc.add,
    "-": pc.subtract,
    "*": pc.multiply,
    "/": lambda left, right: pc.divide(
        left, pc.if_else(pc.not_equal(right, 0.0), right, pa.scalar(None, pa.float64()))
    ),
}


def evaluate(node: Node, table: pa.Table) -> Any:  # noqa: PLR0911 one for each kind of part
    """The value of a part of a rule for each row of a table: an array, or one scalar for all; null where unknown."""
    match node:
        case Literal(value=value):
            return pa.scalar(value, TYPES[node.kind])
        case Name(name=name):
            return _column(table[name], node.kind)
        case Not(of=of):
            return pc.invert(evaluate(of, table))
        case Negative(of=of):
            return pc.negate(evaluate(of, table))
        case IsNull(of=of):
            return pc.is_null(evaluate(of, table))
        case In(of=of, values=values):
            found = evaluate(of, table)
            is_one = pc.is_in(found, pa.array(values, TYPES[of.kind]))
            return pc.if_else(pc.is_valid(found), is_one, pa.scalar(None, pa.bool_()))
        case Binary(operator=operator, left=left, right=right):
            return _binary(operator, evaluate(left, table), evaluate(right, table))
    raise TypeError(f"no rule has a {type(node).__name__}")


def _column(column: pa.ChunkedArray, kind: Kind) -> Any:
    column = column.combine_chunks()
    if kind is Kind.LIST:
        return column
    found = column.cast(TYPES[kind], safe=False)  # a whole number above 2**53 is rounded, as everywhere
    return _known(found) if kind is Kind.NUMBER else found


def _known(number: Any) -> Any:
    return pc.if_else(pc.is_finite(number), number, pa.scalar(None, pa.float64()))


def _binary(operator: str, left: Any, right: Any) -> Any:
    if operator in _FUNCTIONS:
        return _FUNCTIONS[operator](left, right)
    if operator in _ARITHMETIC:
        return _known(_ARITHMETIC[operator](left, right))
    return _of_texts(operator, left, right)


def _of_texts(operator: str, left: Any, right: Any) -> Any:
    """Whether a text (or one of a list's) contains or begins with another."""
    if isinstance(right, pa.Scalar) and not pa.types.is_list(left.type):
        function = pc.match_substring if operator == "contains" else pc.starts_with
        return pc.match_like(left, "%") if right.as_py() is None else function(left, right.as_py())
    # Arrow has no function of two columns for these: rare, and so are the rows of a list of candidates.
    count = len(left) if isinstance(left, pa.Array) else len(right) if isinstance(right, pa.Array) else 1
    sides = [(side.to_pylist() if isinstance(side, pa.Array) else [side.as_py()] * count) for side in (left, right)]
    test = contains if operator == "contains" else starts_with
    found = pa.array([test(a, b) for a, b in zip(*sides, strict=True)], pa.bool_())
    return found if isinstance(left, pa.Array) or isinstance(right, pa.Array) else found[0]


def contains(whole: str | list[str] | None, part: str | None) -> bool | None:
    """Whether a text holds another, or a list has it; None where one of them is unknown.

    >>> contains("green tea", "tea"), contains(["tea", "pots"], "pot"), contains(None, "tea")
    (True, False, None)
    """
    return None if whole is None or part is None else part in whole


def starts_with(whole: str | None, part: str | None) -> bool | None:
    """Whether a text begins with another; None where one of them is unknown."""
    return None if whole is None or part is None else whole.startswith(part)


def mask(value: Any, count: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """(count,) where a rule is true; unknown is not true."""
    if isinstance(value, pa.Scalar):
        return np.full(count, value.as_py() is True)
    found: np.ndarray[Any, np.dtype[np.bool_]] = pc.fill_null(value, False).to_numpy(zero_copy_only=False)
    return found
