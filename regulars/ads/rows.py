"""Columns of numbers from a CSV: what past budgets brought, what past auctions cost."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from regulars.errors import InputError, NotFoundError

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
