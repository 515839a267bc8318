"""Events that list their products inside: each product a line, an event without a list one line by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.engine.json import elements, extract


class Listed:
    """Lists of products inside events, taken apart.

    Attributes
    ----------
    texts : (products,) each product, as JSON.
    problems : {event: why its list cannot be read}.
    events : (lines,) the event of each line; places : (lines,) which line of it that is, from 0.
    is_listed : (lines,) whether it is of a product in a list; element : (lines,) then which of `texts`, else 0.

    Parameters
    ----------
    lists : (n,) JSON arrays as text; null where an event has none.
    names : fields to read of each product.
    called : what the list is called in the file, for problems.
    """

    def __init__(self, lists: pa.Array, names: Iterable[str], called: str) -> None:
        self._counts, self.texts = elements(lists)
        names = tuple(names)
        read = extract(self.texts, [(name,) for name in names])
        self._columns: Mapping[str, pa.Array] = dict(zip(names, read.columns, strict=True))
        is_lost = pc.and_(pa.array(self._counts == 0), pc.not_equal(lists, "[]"))
        self.problems = dict.fromkeys(np.flatnonzero(pc.fill_null(is_lost, False)).tolist(), f"{called} is not a list")
        events = np.repeat(np.arange(len(lists)), self._counts)
        self.problems |= {int(events[row]): f"in {called}: {why}" for row, why in read.problems.items()}

    def unfold(self, left_out: Iterable[int]) -> None:
        """Make the lines, but none of some events."""
        counts = np.maximum(self._counts, 1)
        counts[list(left_out)] = 0
        self.events = np.repeat(np.arange(len(counts)), counts)
        self.places = np.arange(len(self.events)) - np.repeat(np.cumsum(counts) - counts, counts)
        self.is_listed = self._counts[self.events] > 0
        self._is_alike = bool((counts == 1).all())
        first = np.cumsum(self._counts) - self._counts
        self.element = np.where(self.is_listed, first[self.events] + self.places, 0)

    def of_event(self, values: pa.Array) -> pa.Array:
        """For each line the value of its event."""
        if values.null_count == len(values):
            return pa.nulls(len(self.events), values.type)
        return values if self._is_alike else values.take(pa.array(self.events))

    def beside(self, of_listed: pa.Array) -> pa.Array:
        """For each line the value of its product, given one for each that is listed; null for other lines."""
        return of_listed.take(pa.array(np.cumsum(self.is_listed) - 1, mask=~self.is_listed))

    def of_product(self, name: str, of_event: pa.Array) -> pa.Array:
        """For each line a field of its product; where its event lists none, the value of the event."""
        of_element = self._columns[name]
        if not len(of_element):
            return self.of_event(of_event)
        at = np.where(self.is_listed, len(of_event) + self.element, self.events)
        return pa.concat_arrays([of_event, of_element]).take(pa.array(at))
