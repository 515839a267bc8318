"""The events of many customers in arrays, so ordered that what came in a window lies side by side."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.clock import micros
from regulars.rules import arrays
from regulars.rules.operators import DIGITS
from regulars.rules.tree import Happened, Node

KEYS = ("place", "time", "type", "event")

SCALE = 10.0**DIGITS
Floats = npt.NDArray[np.float64]


class History:
    """What the events of each customer come to, by any window and condition.

    Costs: a window without a condition reads the customers and event numbers of its events once; a condition besides
    the columns that it asks. Nothing is read of other types or times.

    Parameters
    ----------
    events : a row a line: place (of the customer, in [0, customers)), time, type, event (the same for the lines of one
        event of one customer), and the fields that rules ask for; in any order.
    customers : how many.
    """

    def __init__(self, events: pa.Table, customers: int) -> None:
        self.customers = customers
        types = events["type"].combine_chunks()
        types = types if pa.types.is_dictionary(types.type) else types.dictionary_encode()
        codes = types.indices.to_numpy(zero_copy_only=False)
        times = events["time"].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()
        order = np.lexsort((times, codes))
        rows = pa.array(order)
        self._fields = events.drop_columns(list(KEYS)).take(rows).combine_chunks()
        self._times = times[order]
        self._places = events["place"].to_numpy().astype(np.int32)[order]
        counts = np.bincount(codes, minlength=len(types.dictionary))
        ends = np.append(0, np.cumsum(counts))
        self._spans = {name: (ends[k], ends[k + 1]) for k, name in enumerate(types.dictionary.to_pylist())}
        self._number_events(events["event"].take(rows))

    def _number_events(self, events: pa.ChunkedArray) -> None:
        """A number for each event, by type from 0 on; none where every event has one line."""
        self._events: dict[str, npt.NDArray[np.int32] | None] = {}
        self._of_events: dict[str, npt.NDArray[np.int32]] = {}
        for name, (start, end) in self._spans.items():
            own = events.slice(start, end - start).combine_chunks().dictionary_encode()
            codes = own.indices.to_numpy(zero_copy_only=False).astype(np.int64)
            if len(own.dictionary) == end - start:
                self._events[name] = None
                continue
            # Two customers may have events of one name: each is an event of its own.
            keys = codes * self.customers + self._places[start:end]
            found, numbers = np.unique(keys, return_inverse=True)
            self._events[name] = numbers.astype(np.int32)
            self._of_events[name] = (found % self.customers).astype(np.int32)

    def field(self, name: str) -> pa.ChunkedArray:
        """All values of a field, in no order that means anything."""
        return self._fields[name]

    def came(self, node: Happened, as_of: datetime | None) -> Any:
        """(customers,) what is asked of the events before a moment, as an Arrow array; null where there is nothing."""
        start, end = self._span(node, as_of)
        chosen: Any = slice(start, end)
        if node.where is not None:
            lines = self._fields.slice(start, end - start)
            is_meant = arrays.mask(arrays.evaluate(node.where, arrays.Scope(lines)), end - start)
            chosen = start + np.flatnonzero(is_meant)
        if node.of is None:
            counts = self._counts(node, chosen)
            return pa.array(counts > 0) if node.function == "did" else pa.array(counts.astype(np.float64))
        return self._measured(node.function, node.of, chosen, (start, end))

    def _span(self, node: Happened, as_of: datetime | None) -> tuple[int, int]:
        """From where to where the events of the type lie in the window."""
        first, last = self._spans.get(node.type, (0, 0))
        since, before = node.window.bounds(as_of)
        times = self._times[first:last]
        end = first + int(np.searchsorted(times, micros(before)))
        start = first if since is None else first + int(np.searchsorted(times, micros(since)))
        return min(start, end), end

    def _counts(self, node: Happened, chosen: Any) -> npt.NDArray[np.int64]:
        numbers = self._events.get(node.type)
        if numbers is None or node.function == "did":
            return np.bincount(self._places[chosen], minlength=self.customers)
        # By the lines chosen, each event once.
        at = chosen.start if isinstance(chosen, slice) else 0
        first = self._spans[node.type][0]
        inside = slice(at - first, chosen.stop - first) if isinstance(chosen, slice) else chosen - first
        is_there = np.zeros(len(self._of_events[node.type]), bool)
        is_there[numbers[inside]] = True
        return np.bincount(self._of_events[node.type][is_there], minlength=self.customers)

    def _measured(self, function: str, of: Node, chosen: Any, span: tuple[int, int]) -> Any:
        start, end = span
        found = arrays.evaluate(of, arrays.Scope(self._fields.slice(start, end - start)))
        values = np.full(end - start, found.as_py(), float) if isinstance(found, pa.Scalar) else _floats(found)
        places = self._places[start:end]
        is_counted = ~np.isnan(values)
        if not isinstance(chosen, slice):
            is_chosen = np.zeros(end - start, bool)
            is_chosen[chosen - start] = True
            is_counted &= is_chosen
        if not is_counted.all():
            values, places = values[is_counted], places[is_counted]
        if function == "sum":
            return _known(pa.array(rounded(np.bincount(places, weights=values, minlength=self.customers))))
        counts = np.bincount(places, minlength=self.customers)
        if function == "avg":
            totals = np.bincount(places, weights=values, minlength=self.customers)
            with np.errstate(invalid="ignore", divide="ignore"):
                return _known(pa.array(rounded(totals / counts), mask=counts == 0))
        extreme = np.full(self.customers, np.inf if function == "min" else -np.inf)
        (np.minimum if function == "min" else np.maximum).at(extreme, places, values)
        return pa.array(extreme, mask=counts == 0)


def rounded(values: Any) -> Any:
    """To what is the same however it was added up; see `operators.DIGITS`.

    >>> rounded(np.array([0.1 + 0.2])).tolist()
    [0.3]
    """
    # As the engine rounds: halves away from zero, and what is too large to have such digits stays as it is.
    with np.errstate(over="ignore", invalid="ignore"):
        found = np.trunc(values * SCALE + np.copysign(0.5, values)) / SCALE
    return np.where(np.isfinite(found), found, values)


def _known(numbers: Any) -> Any:
    return pc.if_else(pc.is_finite(numbers), numbers, pa.scalar(None, pa.float64()))


def _floats(numbers: Any) -> Floats:
    found: Floats = pc.fill_null(numbers, float("nan")).to_numpy(zero_copy_only=False)
    return found
