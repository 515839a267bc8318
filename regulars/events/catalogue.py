"""The catalogue: what is known of each product, and since when."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from regulars.events.schema import CATALOGUE


def merge(catalogue: pa.Table | None, said: Sequence[pa.Table]) -> pa.Table | None:
    """The catalogue with what new files say of products, or None if they say nothing new.

    Each distinct description of a product stands once, valid from when it was first seen: a file that
    is imported again, or that repeats what is known, changes nothing.

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
    keys = [name for name in CATALOGUE.names if name != "valid_from"]
    merged = rows.group_by(keys).aggregate([("valid_from", "min")])
    merged = merged.rename_columns({"valid_from_min": "valid_from"}).select(CATALOGUE.names).cast(CATALOGUE)
    # By every column: Arrow groups in any order, and an order left to chance would be a new version each time.
    order = dict.fromkeys(["product_id", "valid_from", *CATALOGUE.names])
    merged = merged.sort_by([(name, "ascending") for name in order])
    return None if catalogue is not None and merged.equals(catalogue) else merged
