"""A rule, checked, and ready to be asked of tables, of columns in memory and of single rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.rules import arrays, expression, rows
from regulars.rules.history import History
from regulars.rules.parser import parse
from regulars.rules.tree import Happened, InSegment, Kind, Name, Node, parts
from regulars.rules.vocabulary import Vocabulary


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
    def of(cls, text: str, columns: Mapping[str, Kind] | pa.Schema | Vocabulary, *, name: str = "") -> Rule:
        """A rule from its text.

        Parameters
        ----------
        columns : the names it may use and the kinds of their values, or the schema of the table they stand in; for
            events and segments besides, a `Vocabulary`.
        name : of the segment that it is the rule of, if it is one: it may not be made of itself.

        Raises
        ------
        RuleError
            Naming line and column, what is wrong there, and the names that there are.
        """
        return cls(text, parse(text, Vocabulary.of(columns), (name,) if name else ()))

    @property
    def columns(self) -> frozenset[str]:
        """The names of columns that it uses."""
        return frozenset(part.name for part in parts(self.tree) if isinstance(part, Name))

    @property
    def events(self) -> frozenset[str]:
        """The types of events that it asks for."""
        return frozenset(part.type for part in parts(self.tree) if isinstance(part, Happened))

    @property
    def fields(self) -> frozenset[str]:
        """What it asks of events."""
        happened = [part for part in parts(self.tree) if isinstance(part, Happened)]
        asked = [node for part in happened for node in (part.of, part.where) if node is not None]
        return frozenset(part.name for node in asked for part in parts(node) if isinstance(part, Name))

    @property
    def segments(self) -> frozenset[str]:
        """The segments that it is made of, and those that they are made of."""
        return frozenset(part.name for part in parts(self.tree) if isinstance(part, InSegment))

    def filter(
        self, table: ibis.Table, *, events: ibis.Table | None = None, as_of: datetime | None = None
    ) -> ibis.Table:
        """The rows of a table of the engine for which it is true.

        Parameters
        ----------
        events : where it asks for events: customer_id, time, type, event (one for all lines of an event), and fields;
            the table has a customer_id then.
        as_of : the moment that durations count from; later events do not count.

        Raises
        ------
        ValueError
            If it asks for events or durations, and they are not given.
        """
        self._require_events(events is not None)
        return expression.filtered(self.tree, table, events, as_of)

    def mask(
        self, table: pa.Table, *, history: History | None = None, as_of: datetime | None = None
    ) -> npt.NDArray[np.bool_]:
        """(n,) for which rows of a table in memory it is true; `history` has the events by the rows' numbers."""
        self._require_events(history is not None)
        scope = arrays.Scope(table, as_of)
        if history is not None:
            scope = replace(scope, happened=lambda node: history.came(node, as_of))
        return arrays.mask(arrays.evaluate(self.tree, scope), table.num_rows)

    def is_true(
        self, row: Mapping[str, Any], *, events: Sequence[Mapping[str, Any]] = (), as_of: datetime | None = None
    ) -> bool:
        """Whether it is true for one row, which has all of `columns`; `events` are those of its customer."""
        return self._function(rows.Case(row, as_of, events)) is True

    @cached_property
    def _function(self) -> Callable[[rows.Case], Any]:
        return rows.function(self.tree)

    def _require_events(self, are_given: bool) -> None:
        if self.events and not are_given:
            raise ValueError(f"the rule asks for {', '.join(sorted(self.events))} events, and none are given")
