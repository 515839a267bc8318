"""A rule, checked, and ready to be asked of tables, of columns in memory and of single rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.rules import arrays, expression, rows
from regulars.rules.parser import parse
from regulars.rules.tree import Binary, In, IsNull, Kind, Name, Negative, Node, Not


@dataclass(frozen=True)
class Rule:
    """Which rows are meant.

    Attributes
    ----------
    text : as it was written.
    tree : what it says.

    Examples
    --------
    >>> rule = Rule.of("price < 20 and category = 'lamps'", {"price": Kind.NUMBER, "category": Kind.TEXT})
    >>> rule.is_true({"price": 12.5, "category": "lamps"}), rule.is_true({"price": None, "category": "lamps"})
    (True, False)
    >>> rule.mask(pa.table({"price": [12.5, 30], "category": ["lamps", "lamps"]})).tolist()
    [True, False]
    """

    text: str
    tree: Node

    @classmethod
    def of(cls, text: str, columns: Mapping[str, Kind] | pa.Schema) -> Rule:
        """A rule from its text.

        Parameters
        ----------
        columns : the names it may use and the kinds of their values, or the schema of the table they stand in.

        Raises
        ------
        RuleError
            Naming line and column, what is wrong there, and the names that there are.
        """
        return cls(text, parse(text, kinds(columns) if isinstance(columns, pa.Schema) else columns))

    @property
    def columns(self) -> frozenset[str]:
        """The names that it uses."""
        return frozenset(part.name for part in _parts(self.tree) if isinstance(part, Name))

    def filter(self, table: ibis.Table) -> ibis.Table:
        """The rows of a table of the engine for which it is true."""
        return table.filter(expression.expression(self.tree, table))

    def mask(self, table: pa.Table) -> npt.NDArray[np.bool_]:
        """(n,) for which rows of a table in memory it is true."""
        return arrays.mask(arrays.evaluate(self.tree, table), table.num_rows)

    def is_true(self, row: Mapping[str, Any]) -> bool:
        """Whether it is true for one row, which has all of `columns`."""
        return self._function(row) is True

    @cached_property
    def _function(self) -> Callable[[Mapping[str, Any]], Any]:
        return rows.function(self.tree)


def _parts(node: Node) -> Iterator[Node]:
    yield node
    match node:
        case Binary(left=left, right=right):
            yield from _parts(left)
            yield from _parts(right)
        case Not(of=of) | Negative(of=of) | IsNull(of=of) | In(of=of):
            yield from _parts(of)


def kinds(schema: pa.Schema) -> dict[str, Kind]:
    """The kind of each column that a rule can ask for; columns of other types are left out.

    >>> kinds(pa.schema({"price": pa.float64(), "tags": pa.list_(pa.string()), "raw": pa.binary()}))
    {'price': <Kind.NUMBER: 'number'>, 'tags': <Kind.LIST: 'list of texts'>}
    """
    found = {field.name: _kind(field.type) for field in schema}
    return {name: kind for name, kind in found.items() if kind is not None}


def _kind(type_: pa.DataType) -> Kind | None:
    if pa.types.is_dictionary(type_):
        return _kind(type_.value_type)
    if pa.types.is_list(type_):
        return Kind.LIST if pa.types.is_string(type_.value_type) else None
    for kind, tests in _KINDS.items():
        if any(test(type_) for test in tests):
            return kind
    return None


_KINDS: dict[Kind, tuple[Callable[[pa.DataType], bool], ...]] = {
    Kind.TRUTH: (pa.types.is_boolean,),
    Kind.NUMBER: (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal),
    Kind.TEXT: (pa.types.is_string, pa.types.is_large_string),
    Kind.TIME: (pa.types.is_timestamp, pa.types.is_date),
}
