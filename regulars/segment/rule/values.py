"""Which values columns of customers and fields of events have, and how often."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.rules import History

MOST = 20
"""Values that are offered at once."""
EXAMPLES = 3
SAMPLED = 10_000
"""Customers among whom examples of numbers are looked for."""


class Values:
    """Values by how often they occur.

    Parameters
    ----------
    table : of customers; texts are encoded.
    history : of their events.
    """

    def __init__(self, table: pa.Table, history: History) -> None:
        self._table, self._history = table, history
        self._counted = cache(self._count)
        self.examples = cache(self._examples)

    def of(self, name: str, begun: str, *, of_events: bool = False) -> list[tuple[str, int]]:
        """The most frequent texts that begin with some letters, then those that have them elsewhere, each with the
        number of customers, or of lines of events, that have it; `MOST` at most.

        Parameters
        ----------
        name : of a column, or a field of events.
        """
        texts, counts = self._counted(name, of_events)
        wanted = begun.casefold()
        found = [pair for pair in zip(texts, counts, strict=True) if wanted in pair[0].casefold()]
        found.sort(key=lambda pair: not pair[0].casefold().startswith(wanted))
        return found[:MOST]

    def _count(self, name: str, of_events: bool) -> tuple[list[str], list[int]]:
        column = self._history.field(name) if of_events else self._table[name]
        chunks = [chunk.flatten() if pa.types.is_list(chunk.type) else chunk for chunk in column.chunks]
        chunks = [chunk for chunk in chunks if pa.types.is_dictionary(chunk.type)]
        if not chunks:
            return [], []
        texts = pa.concat_arrays([chunk.dictionary for chunk in chunks])
        found = pa.table({"text": texts, "count": np.concatenate([_counts(chunk) for chunk in chunks])})
        found = found.group_by("text").aggregate([("count", "sum")])
        found = found.filter(pc.and_(pc.is_valid(found["text"]), pc.greater(found["count_sum"], 0)))
        # Of two that are as frequent, always the same one first.
        found = found.sort_by([("count_sum", "descending"), ("text", "ascending")])
        return found["text"].to_pylist(), found["count_sum"].to_pylist()

    def _examples(self, name: str) -> tuple[str, ...]:
        """A few values of a column: the most frequent texts; of numbers and times a low, a middle and a high one."""
        column = self._table[name]
        if pa.types.is_dictionary(column.type) or pa.types.is_list(column.type):
            return tuple(self._counted(name, False)[0][:EXAMPLES])
        step = max(len(column) // SAMPLED, 1)
        known: Any = column.take(pa.array(np.arange(0, len(column), step))).drop_null().combine_chunks().sort()
        if not len(known) or pa.types.is_boolean(known.type):
            return ()
        picked = [known[int(share * (len(known) - 1))].as_py() for share in (0.1, 0.5, 0.9)]
        return tuple(dict.fromkeys(map(_shown, picked)))


def _counts(column: pa.DictionaryArray) -> npt.NDArray[np.int64]:
    """How often each text of a dictionary stands in a column."""
    codes = column.indices.drop_null().to_numpy(zero_copy_only=False)
    return np.bincount(codes, minlength=len(column.dictionary))


def _shown(value: Any) -> str:
    if isinstance(value, float | int):
        return f"{value:g}"
    return f"{value:%Y-%m-%d}" if isinstance(value, datetime) else str(value)
