"""A shop's own rows of the law: kept in its `pricing/law.toml`, with whatever else people wrote there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit

from regulars import storage
from regulars.errors import NotFoundError
from regulars.pricing.law.table import OWN, rows_of


def own_rows(shop_folder: Path) -> list[dict[str, Any]]:
    """The rows as the file has them, none where there is no file."""
    return [row.unwrap() for row in _document(shop_folder / OWN).get("law", [])]


def keep(shop_folder: Path, row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Add a row, or change the one of its id; that one as it was before, None if it is new.

    Parameters
    ----------
    row : with the names that `law.toml` has.

    Raises
    ------
    ConfigError
        If the row says something that cannot be; nothing is written.

    Examples
    --------
    >>> import tempfile
    >>> from datetime import date
    >>> folder = Path(tempfile.mkdtemp())
    >>> row = {"id": "own-de", "place": "DE", "mode": "declared", "status": "in force", "from": date(2026, 1, 1),
    ...        "asks": "We agreed to it.", "source": "our works council", "checked": date(2026, 11, 1)}
    >>> keep(folder, row), keep(folder, {**row, "mode": "off"})["mode"]
    (None, 'declared')
    >>> drop(folder, "own-de")["mode"], own_rows(folder)
    ('off', [])
    """
    path = shop_folder / OWN
    rows_of({"law": [row]}, path.name)
    document = _document(path)
    table = tomlkit.table()
    table.update(row)
    there = document.setdefault("law", tomlkit.aot())
    place = next((place for place, each in enumerate(there) if each["id"] == row["id"]), None)
    before = None if place is None else there[place].unwrap()
    if place is None:
        there.append(table)
    else:
        there[place] = table
    _write(path, document)
    return before


def drop(shop_folder: Path, id: str) -> dict[str, Any]:
    """Take a row out; the row as it was. NotFoundError if the shop has none of this id."""
    path = shop_folder / OWN
    document = _document(path)
    there = document.get("law", [])
    for place, each in enumerate(there):
        if each["id"] == id:
            before: dict[str, Any] = each.unwrap()
            del there[place]
            _write(path, document)
            return before
    raise NotFoundError(f'{path.name} has no row "{id}". It has: {", ".join(each["id"] for each in there) or "none"}.')


def _document(path: Path) -> tomlkit.TOMLDocument:
    return tomlkit.parse(path.read_text(encoding="utf-8-sig")) if path.is_file() else tomlkit.document()


def _write(path: Path, document: tomlkit.TOMLDocument) -> None:
    storage.make_folder(path.parent)
    storage.replace(path, tomlkit.dumps(document))
