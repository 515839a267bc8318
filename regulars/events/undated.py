"""Files about customers that tell no time: an export of accounts says what holds now, not since when.

Their mapping has `time = "import"`. A row becomes an event at the shop's present; but one that says what
the newest import said of that customer is that event again, so that importing an export every night
adds what changed and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.events.duplicates import Hashes
from regulars.events.identity import CONTENT, hash_rows
from regulars.events.schema import TIME

IMPORT = "import"
"""The constant for `time` that says so."""

SAYS = (*CONTENT, "properties")
"""What the ids of such events are made of: their properties too, for these are what they say."""

DERIVED_ID = r"^[0-9a-f]{14}-[0-9a-f]{16}$"
"""Ids as `identity.derived_ids` makes them: time, then content."""


@dataclass(frozen=True)
class Undated:
    """What is needed to give such rows a time.

    Attributes
    ----------
    present : the time of rows that say something new.
    content : (n,) hashes, ascending: what the newest import said of each customer.
    times : (n,) int64, microseconds: when.
    """

    present: datetime
    content: Hashes
    times: np.ndarray

    @classmethod
    def of(cls, present: datetime, newest_ids: pa.Array) -> Undated:
        """From the ids of the newest such events of each customer, as `DERIVED_ID` says."""
        numbers = [
            np.frombuffer(bytes.fromhex("".join(pc.utf8_slice_codeunits(newest_ids, *part).to_pylist())), np.uint8)
            for part in ((0, 14), (15, 31))
        ]
        times = np.zeros((len(newest_ids), 8), np.uint8)
        times[:, 1:] = numbers[0].reshape(-1, 7)
        content = numbers[1].view(">u8").astype(np.uint64)
        order = np.argsort(content)
        return cls(present, content[order], times.view(">i8").ravel().astype(np.int64)[order])

    def stamp(self, table: pa.Table) -> pa.Table:
        """Rows, in columns of the log, with their time: when the same was said last, else the present."""
        content = hash_rows(table, SAYS)
        times = np.full(table.num_rows, pa.scalar(self.present, TIME).value)
        if len(self.content):
            at = np.minimum(np.searchsorted(self.content, content), len(self.content) - 1)
            times = np.where(self.content[at] == content, self.times[at], times)
        return table.set_column(table.column_names.index("time"), "time", pa.array(times).cast(TIME))
