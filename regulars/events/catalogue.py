"""The catalogue: what is known of each product, and since when."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.events.columns import Mask
from regulars.events.schema import CATALOGUE

DESCRIBED = [name for name in CATALOGUE.names if name not in ("product_id", "valid_from")]


def merge(catalogue: pa.Table | None, said: Sequence[pa.Table]) -> pa.Table | None:
    """The catalogue with what new files say of products, or None if they say nothing new.

    A description stands from when it was first seen until another one takes its place: a file that is imported again,
    or that repeats what holds, changes nothing; a price or a stock that returns to an earlier value is a further row.

    Parameters
    ----------
    catalogue : the present one, in the columns of `CATALOGUE`; None if there is none.
    said : further rows in the same columns.

    Returns
    -------
    The new catalogue, ordered by product and time.
    """
    rows = pa.concat_tables([CATALOGUE.empty_table() if catalogue is None else catalogue, *said])
    if rows.num_rows == 0:
        return None
    # By every column: of one moment files say things in any order, and an order left to chance would be a new version
    # each time.
    order = dict.fromkeys(["product_id", "valid_from", *CATALOGUE.names])
    rows = rows.sort_by([(name, "ascending") for name in order])
    product = rows["product_id"].combine_chunks()
    begins = np.append(True, np.asarray(pc.not_equal(product[1:], product[:-1])))
    start = np.maximum.accumulate(np.where(begins, np.arange(len(rows)), 0))
    is_new = begins.copy()
    for name in DESCRIBED:
        is_new |= _differs(rows[name], start)
    merged = rows.filter(pa.array(is_new)).cast(CATALOGUE)
    return None if catalogue is not None and merged.equals(catalogue) else merged


def _differs(column: pa.ChunkedArray, start: np.ndarray) -> Mask:
    """(n,) whether a row says something of a field that is not what was said of it last: of its product, from row
    `start` on. A file that leaves a field out says nothing of it."""
    codes = column.combine_chunks().dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False)
    said = np.maximum.accumulate(np.where(codes >= 0, np.arange(len(codes)), -1))
    last = np.append(-1, said[:-1])
    found: Mask = (codes >= 0) & ((last < start) | (codes != codes[last]))
    return found
