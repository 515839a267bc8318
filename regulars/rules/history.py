"""The events of many customers in arrays, so ordered that what came in a window lies side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.clock import micros
from regulars.rules import arrays
from regulars.rules.operators import DIGITS
from regulars.rules.tree import Happened, Name, Node, parts

KEYS = ("place", "time", "type", "event")

SCALE = 10.0**DIGITS
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
NONE: Any = np.empty(0, np.int32)


class History:
    """What the events of each customer come to, by any window and condition.

    Costs: a window without a condition reads the customers and event numbers of its events once; a condition besides
    the columns that it asks. Nothing is read of other types or times. Of a type, a field that none of its events has
    takes no memory.

    Parameters
    ----------
    pieces : tables of events, one after the other, in the same columns; a row a line: place (of the customer, in
        [0, customers)), time, type, event (the same for the lines of one event of one customer; null for all of a
        type whose events have one line each), and the fields that rules ask for; in any order.
    customers : how many.
    products : product_id, each once, and the fields that events have by theirs, where that is one of their fields and
        encoded.
    """

    def __init__(self, pieces: Iterable[pa.Table], customers: int, products: pa.Table | None = None) -> None:
        self.customers = customers
        products = pa.table({"product_id": pa.array([], pa.string())}) if products is None else products
        self._types: dict[str, pa.DataType] = {
            field.name: pa.dictionary(pa.int32(), field.type) for field in products.schema
        }
        of_types: dict[str, list[pa.Table]] = defaultdict(list)
        for piece in pieces:
            self._types |= {field.name: field.type for field in piece.schema if field.name not in KEYS}
            for name, lines in _by_type(piece):
                of_types[name].append(lines)
        # Each let go of when it is made: of the largest type there are two at once, and no more.
        self._lines = {name: _Lines(of_types.pop(name), customers, products) for name in sorted(of_types)}

    def field(self, name: str) -> pa.ChunkedArray:
        """All values of a field, in no order that means anything; a chunk for each type of event that has it."""
        found = [lines.fields[name].chunk(0) for lines in self._lines.values() if name in lines.fields.column_names]
        return pa.chunked_array(found, self._types[name]) if found else pa.chunked_array([], self._types[name])

    def came(self, node: Happened, as_of: datetime | None) -> Any:
        """(customers,) what is asked of the events before a moment, as an Arrow array; null where there is nothing."""
        lines = self._lines.get(node.type) or _Lines([], self.customers, pa.table({}))
        span = lines.span(node, as_of)
        chosen: Any = span
        if node.where is not None:
            is_meant = arrays.mask(self._evaluated(node.where, lines, span), span.stop - span.start)
            chosen = span.start + np.flatnonzero(is_meant)
        if node.of is None:
            counts = self._counts(node, lines, chosen)
            return pa.array(counts > 0) if node.function == "did" else pa.array(counts.astype(np.float64))
        return self._measured(node.function, node.of, lines, chosen, span)

    def _evaluated(self, node: Node, lines: _Lines, span: slice) -> Any:
        """The value of what asks fields, for the lines of a span."""
        count = span.stop - span.start
        asked = {part.name for part in parts(node) if isinstance(part, Name)}
        fields = {
            name: lines.fields[name].slice(span.start, count)
            if name in lines.fields.column_names
            else pa.nulls(count, self._types[name])
            for name in sorted(asked)
        }
        return arrays.evaluate(node, arrays.Scope(pa.table(fields)))

    def _counts(self, node: Happened, lines: _Lines, chosen: Any) -> npt.NDArray[np.int64]:
        if lines.events is None or node.function == "did":
            return np.bincount(lines.places[chosen], minlength=self.customers)
        # By the lines chosen, each event once.
        is_there = np.zeros(len(lines.of_events), bool)
        is_there[lines.events[chosen]] = True
        return np.bincount(lines.of_events[is_there], minlength=self.customers)

    def _measured(self, function: str, of: Node, lines: _Lines, chosen: Any, span: slice) -> Any:
        count = span.stop - span.start
        found = self._evaluated(of, lines, span)
        values = np.full(count, found.as_py(), float) if isinstance(found, pa.Scalar) else _floats(found)
        places = lines.places[span]
        is_counted = ~np.isnan(values)
        if not isinstance(chosen, slice):
            is_chosen = np.zeros(count, bool)
            is_chosen[chosen - span.start] = True
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


class _Lines:
    """The lines of one type of event, in the order of time.

    Attributes
    ----------
    places : (n,) whose each is.
    fields : (n,) rows, with the fields that some line has.
    events : (n,) the number of the event, from 0 on; None where every event has one line.
    of_events : (events,) whose each event is.
    """

    def __init__(self, pieces: list[pa.Table], customers: int, products: pa.Table) -> None:
        self.events: Ints | None = None
        self.of_events: Ints = NONE
        if not pieces:
            self.places, self._times, self.fields = NONE, np.empty(0, np.int64), pa.table({})
            return
        table = pa.concat_tables(pieces, promote_options="default").unify_dictionaries().combine_chunks()
        pieces.clear()
        times = table["time"].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()
        # The log is in the order of time, nearly: what is sorted in runs is sorted fast.
        order = np.argsort(times, kind="stable")
        rows = pa.array(order)
        self._times = times[order]
        self.places = table["place"].to_numpy().astype(np.int32)[order]
        names = [name for name in table.column_names if name not in KEYS]
        fields = {name: table[name].take(rows).combine_chunks() for name in names}
        if "product_id" in fields and pa.types.is_dictionary(fields["product_id"].type):
            fields |= _of_products(fields["product_id"], products)
        self.fields = pa.table(fields)
        events = table["event"]
        if events.null_count < len(events):
            self._number(events.take(rows).combine_chunks(), customers)

    def span(self, node: Happened, as_of: datetime | None) -> slice:
        """From where to where the lines lie in the window."""
        since, before = node.window.bounds(as_of)
        end = int(np.searchsorted(self._times, micros(before)))
        start = 0 if since is None else int(np.searchsorted(self._times, micros(since)))
        return slice(min(start, end), end)

    def _number(self, events: Any, customers: int) -> None:
        """A number for each event."""
        encoded = events if pa.types.is_dictionary(events.type) else events.dictionary_encode()
        codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        # Two customers may have events of one name: each is an event of its own.
        found, numbers = np.unique(codes * customers + self.places, return_inverse=True)
        if len(found) < len(codes):
            self.events = numbers.astype(np.int32)
            self.of_events = (found % customers).astype(np.int32)


def _of_products(product: pa.DictionaryArray, products: pa.Table) -> dict[str, pa.Array]:
    """What is known of the product of each line: the products' numbers, which stand there already, for the texts."""
    at = pc.index_in(product.dictionary, products["product_id"].combine_chunks())
    found = {name: products[name].take(at).combine_chunks() for name in products.column_names if name != "product_id"}
    return {
        name: pa.DictionaryArray.from_arrays(product.indices, texts)
        for name, texts in found.items()
        if texts.null_count < len(texts)
    }


def _by_type(piece: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """The lines of each type, with the fields that some of them have."""
    types = piece["type"].combine_chunks()
    types = types if pa.types.is_dictionary(types.type) else types.dictionary_encode()
    codes = types.indices.to_numpy(zero_copy_only=False)
    rest = piece.drop_columns(["type"])
    for code in np.unique(codes):
        lines = rest.take(pa.array(np.flatnonzero(codes == code)))
        empty = [name for name in lines.column_names if name not in KEYS and lines[name].null_count == lines.num_rows]
        yield types.dictionary[int(code)].as_py(), lines.drop_columns(empty)


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
