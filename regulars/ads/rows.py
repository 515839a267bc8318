"""Columns of numbers from a CSV: what past budgets brought, what past auctions cost."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.errors import InputError, NotEnoughError, NotFoundError
from regulars.experiment import Plan

Floats = npt.NDArray[np.float64]

MOST_BYTES = 200 * 1024 * 1024


def read(path: Path, columns: Sequence[str], optional: Sequence[str] = ()) -> dict[str, list[str]]:
    """The texts of some columns, row by row; an optional one that is missing is empty texts.

    Raises
    ------
    NotFoundError
        If there is no such file.
    InputError
        If it is too large, is no UTF-8 text, has no rows, or a column is missing: the message names those there are.
    """
    if not path.is_file():
        raise NotFoundError(f"There is no file {path}.")
    if path.stat().st_size > MOST_BYTES:
        raise InputError(f"{path}: more than {MOST_BYTES >> 20} MiB. Take a part of it.")
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            there = reader.fieldnames or []
            missing = [name for name in columns if name not in there]
            if missing:
                raise InputError(f'{path}: no column "{missing[0]}". Found: {", ".join(there) or "none"}.')
            rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: no CSV in UTF-8 ({error}).") from None
    if not rows:
        raise InputError(f"{path}: there are no rows below the names of the columns.")
    return {name: [row.get(name) or "" for row in rows] for name in (*columns, *optional)}


def numbers(path: Path, name: str, texts: Sequence[str], empty: float | None = None) -> list[float]:
    """A column's numbers; InputError, with the line, for what is none.

    Parameters
    ----------
    empty : what an empty cell is; None where it must not be.
    """
    found = []
    for line, text in enumerate(texts, start=2):
        try:
            found.append(empty if not text.strip() and empty is not None else float(text))
        except ValueError:
            raise InputError(f'{path}, line {line}: {name} is "{text}"; a number is expected.') from None
    return found


def by_region(path: Path, start: str, lot: Plan | None = None) -> tuple[Floats, Floats, int, int]:
    """Outcomes of the mean region with ads (periods,), of each other (periods, regions), the place of the start, and
    how many regions have ads.

    Parameters
    ----------
    lot : of an experiment whose customers are regions: it says which have ads, in place of a column `treated`; regions
        that it left out are neither.

    Raises
    ------
    InputError
        If a region has no row for a period or two, is treated in some of its rows alone, or no period is the start.
    NotEnoughError
        If no region has ads.
    """
    rows = read(path, ("period", "region", "outcome", *(() if lot else ("treated",))))
    outcome = numbers(path, "outcome", rows["outcome"])
    periods, period = np.unique(np.array(rows["period"]), return_inverse=True)
    names, region = np.unique(np.array(rows["region"]), return_inverse=True)
    count = np.zeros((len(periods), len(names)), np.int64)
    np.add.at(count, (period, region), 1)
    if (count != 1).any():
        at, where = np.argwhere(count != 1)[0]
        raise InputError(
            f'{path}: region "{names[where]}" has {count[at, where]} rows of period {periods[at]}; give one.'
        )
    if start not in periods:
        raise InputError(f'{path}: no period "{start}". They go from {periods[0]} to {periods[-1]}.')
    table = np.zeros(count.shape)
    table[period, region] = outcome
    if lot is None:
        is_treated = np.zeros(count.shape, bool)
        is_treated[period, region] = np.array(numbers(path, "treated", rows["treated"])) > 0
        ours = is_treated.any(axis=0)
        if (mixed := ours & ~is_treated.all(axis=0)).any():
            raise InputError(
                f'{path}: region "{names[mixed][0]}" is treated in some rows alone. Write 1 in all rows of a region '
                "with ads, and say with --start when they began."
            )
        others = ~ours
    else:
        arm = lot.numbers(pa.array(names.tolist()))
        ours, others = arm > 0, arm == 0
    if not ours.any():
        raise NotEnoughError(f"{path}: no region has ads.")
    # Their mean: a mix of others follows it best, for it is of the size of one.
    return table[:, ours].mean(axis=1), table[:, others], int(np.searchsorted(periods, start)), int(ours.sum())
