"""A rule on columns in memory, for all rows at once: Arrow's own functions, with the same meaning as in the engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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


@dataclass(frozen=True)
class Scope:
    """What a rule is asked of: a table, as of a moment, and what the events of each row's customer come to."""

    table: pa.Table
    as_of: datetime | None = None
    happened: Callable[[Happened], Any] = lambda node: pa.scalar(None, TYPES[node.kind])


def evaluate(node: Node, scope: Scope) -> Any:  # noqa: PLR0911 one for each kind of part
    """The value of a part of a rule for each row of a table: an array, or one scalar for all; null where unknown."""
    of_texts = _by_dictionary(node, scope) if node.kind is Kind.TRUTH else None
    if of_texts is not None:
        return of_texts
    match node:
        case Literal(value=value):
            return pa.scalar(value, TYPES[node.kind])
        case Ago():
            return pa.scalar(node.moment(scope.as_of), TYPES[Kind.TIME])
        case Happened():
            return scope.happened(node)
        case Name(name=name):
            return _column(scope.table[name], node.kind)
        case Not(of=of):
            return pc.invert(evaluate(of, scope))
        case Negative(of=of):
            return pc.negate(evaluate(of, scope))
        case Length(of=of):
            return pc.cast(pc.list_value_length(evaluate(of, scope)), pa.float64())
        case IsNull(of=of):
            return pc.is_null(evaluate(of, scope))
        case InSegment(of=of):
            return pc.fill_null(evaluate(of, scope), False)
        case In(of=of, values=values):
            found = evaluate(of, scope)
            is_one = pc.is_in(found, pa.array(values, TYPES[of.kind]))
            return pc.if_else(pc.is_valid(found), is_one, pa.scalar(None, pa.bool_()))
        case Binary(operator=operator, left=left, right=right):
            return _binary(operator, evaluate(left, scope), evaluate(right, scope))
    raise TypeError(f"no rule has a {type(node).__name__}")


def _by_dictionary(node: Node, scope: Scope) -> Any:
    """The value of what asks one encoded column alone: once for each text that it has, not for each row."""
    if isinstance(node, Literal | Name):
        return None
    names = set()
    for part in parts(node):
        if isinstance(part, Happened):
            return None
        if isinstance(part, Name):
            names.add(part.name)
    if len(names) != 1:
        return None
    name = names.pop()
    column = scope.table[name]
    if not pa.types.is_dictionary(column.type) or not len(column):
        return None
    column = _one(column)
    # One null behind the texts, for the rows without one.
    texts = pa.concat_arrays([column.dictionary, pa.nulls(1, column.dictionary.type)])
    found = evaluate(node, Scope(pa.table({name: texts}), scope.as_of))
    if isinstance(found, pa.Scalar):
        return found
    return found.take(pc.fill_null(column.indices, len(texts) - 1))


def _one(column: Any) -> Any:
    """The chunks of a column as one array."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    if pa.types.is_dictionary(column.type) and column.num_chunks > 1:
        column = column.unify_dictionaries()
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _column(column: Any, kind: Kind) -> Any:
    column = _one(column)
    if kind is Kind.LIST:
        return column
    found = column.cast(TYPES[kind], safe=False)  # a whole number above 2**53 is rounded, as everywhere
    return _known(found) if kind is Kind.NUMBER else found


def _known(number: Any) -> Any:
    is_known = pc.is_finite(number)
    if isinstance(is_known, pa.Array) and is_known.true_count == len(is_known) - number.null_count:
        return number
    return pc.if_else(is_known, number, pa.scalar(None, pa.float64()))


def _binary(operator: str, left: Any, right: Any) -> Any:
    if operator in _FUNCTIONS:
        return _FUNCTIONS[operator](left, right)
    if operator in _ARITHMETIC:
        return _known(_ARITHMETIC[operator](left, right))
    return _of_texts(operator, left, right)


def _of_texts(operator: str, left: Any, right: Any) -> Any:
    """Whether a text (or one of a list's) contains or begins with another."""
    is_list = pa.types.is_list(left.type)
    if isinstance(right, pa.Scalar) and isinstance(left, pa.Array) and is_list:
        return _have(left, right)
    if isinstance(right, pa.Scalar) and not is_list:
        function = pc.match_substring if operator == "contains" else pc.starts_with
        return pc.match_like(left, "%") if right.as_py() is None else function(left, right.as_py())
    # Arrow has no function of two columns for these: rare, and so are the rows of a list of candidates.
    count = len(left) if isinstance(left, pa.Array) else len(right) if isinstance(right, pa.Array) else 1
    sides = [(side.to_pylist() if isinstance(side, pa.Array) else [side.as_py()] * count) for side in (left, right)]
    test = contains if operator == "contains" else starts_with
    found = pa.array([test(a, b) for a, b in zip(*sides, strict=True)], pa.bool_())
    return found if isinstance(left, pa.Array) or isinstance(right, pa.Array) else found[0]


def _have(lists: pa.ListArray, text: pa.Scalar) -> Any:
    """Which lists have a text."""
    values = lists.flatten()  # of what is not null, from the first row on
    if pa.types.is_dictionary(values.type):
        code = pc.index(values.dictionary, text).as_py()
        is_it = pc.equal(values.indices, -1 if code is None else code)
    else:
        is_it = pc.equal(values.cast(pa.string()), text.cast(pa.string()))
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    hits = np.flatnonzero(mask(is_it, len(values)))
    ends = np.cumsum(lengths)
    has = np.zeros(len(lists), bool)
    has[np.searchsorted(ends, hits, side="right")] = True
    is_unknown = np.asarray(pc.is_null(lists)) | (text.as_py() is None)
    return pa.array(has, mask=is_unknown)


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
