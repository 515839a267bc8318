"""The log without some rows: files that hold them are written anew, and older versions go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from regulars.events.commit import DataFile
from regulars.events.schema import EVENTS
from regulars.events.transaction import Transaction

Cut = Callable[[pa.Table], tuple[Any, pa.Table]]
"""Takes rows of the log; gives which of them stay (n,) bool, and the same rows as those that stay shall be."""


def rewrite(
    transaction: Transaction,
    paths: list[Path],
    files: tuple[DataFile, ...],
    cut: Cut,
    named: Callable[[str], str] = str,
) -> int:
    """Leave rows out of the version that a change makes; how many. Memory holds one file at a time.

    Parameters
    ----------
    paths, files : of the events of the version that the change started from.
    named : what a source is called from now on: one may bear the name of who is gone.
    """
    removed = 0
    for path, file in zip(paths, files, strict=True):
        rows = pq.read_table(path).cast(EVENTS)
        stays, said = cut(rows)
        if stays.all() and said.equals(rows) and all(named(name) == name for name in file.sources):
            continue
        left = said.filter(pa.array(stays))
        removed += rows.num_rows - left.num_rows
        # Which row came from which source is not known: of each goes its share.
        sources = {named(name): round(count * left.num_rows / rows.num_rows) for name, count in file.sources.items()}
        made = [transaction.store(left, transaction.reserve(), sources)] if left.num_rows else []
        transaction.replace("events", {file.path}, made)
    return removed
