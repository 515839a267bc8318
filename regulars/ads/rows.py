"""Columns of numbers from a CSV: what past budgets brought, what past auctions cost."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError, NotFoundError

Floats = npt.NDArray[np.float64]

MOST_BYTES = 200 * 1024 * 1024


def read(path: Path, columns: Sequence[str], optional: Sequence[str] = ()) -> dict[str, list[str]]:
    """The texts of some columns, row by row; an optional one that is missing is empty texts.

    Raises
    ------
    NotFoundError
        If there is no such file.
    InputError
        If it is too large, is no UTF-8 text, or a column is missing: the message names those there are.
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


def by_region(path: Path, start: str) -> tuple[Floats, Floats, int]:
    """Outcomes of regions with ads together (periods,), of each other (periods, regions), and the place of the start.

    Raises
    ------
    InputError
        If a region has no row for a period or two, is treated in some of its rows alone, or no period is the start.
    """
    rows = read(path, ("period", "region", "outcome", "treated"))
    outcome, flag = (numbers(path, name, rows[name]) for name in ("outcome", "treated"))
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
    table, is_treated = np.zeros(count.shape), np.zeros(count.shape, bool)
    table[period, region], is_treated[period, region] = outcome, np.array(flag) > 0
    ours = is_treated.any(axis=0)
    if (mixed := ours & ~is_treated.all(axis=0)).any():
        raise InputError(
            f'{path}: region "{names[mixed][0]}" is treated in some rows alone. Write 1 in all rows of a region with '
            "ads, and say with --start when they began."
        )
    return table[:, ours].sum(axis=1), table[:, ~ours], int(np.searchsorted(periods, start))
