"""Competitors' prices out of a file: each row read, or refused with its line and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from regulars.errors import InputError
from regulars.events.sandbox import open_source
from regulars.events.timeformat import detect
from regulars.events.times import to_time
from regulars.events.values import to_money, to_text
from regulars.pricing.money import to_coin

COLUMNS = ("product", "competitor", "price", "seen_at", "source", "currency", "title")
"""Of a file; the first five are needed. `product` is an identifier that both use (the shop's own id, an EAN), or the
competitor's own id where `title` says what it is."""
NEEDED = COLUMNS[:5]


class Seen(NamedTuple):
    """A price that was seen: where in the file, of what (identifier, title), in which currency ("" for the shop's)."""

    where: str
    what: str
    title: str
    competitor: str
    price: Decimal
    currency: str
    seen_at: datetime
    source: str


class Read(NamedTuple):
    """What a file holds, and which of its rows were refused and why."""

    seen: list[Seen]
    refused: list[str]


def read(path: Path, timezone: str) -> Read:
    """The prices of a file: CSV, or what else `regulars import` reads.

    Parameters
    ----------
    timezone : of times that name none.

    Raises
    ------
    InputError
        If the file cannot be read at all, or a column that is needed is missing.
    """
    source = open_source(path)
    by_name = {header.strip().lower(): header for header in source.headers}
    if missing := [name for name in NEEDED if name not in by_name]:
        raise InputError(
            f"{path}: no column {', '.join(missing)}. Found: {', '.join(source.headers)}. A file of competitors' "
            f"prices has the columns {', '.join(NEEDED)}, and may have currency and title."
        )
    there = [name for name in COLUMNS if name in by_name]
    rows: list[tuple[str, Mapping[str, Any]]] = []
    refused: list[str] = []
    for chunk in source.chunks([by_name[name] for name in there]):
        piece = chunk()
        refused += [f"{path}, line {reject.line}: {reject.reason}" for reject in piece.rejects]
        names = {name: piece.table[by_name[name]] for name in there}
        columns = {name: to_text(column.combine_chunks().cast(pa.string())).values for name, column in names.items()}
        lines = pa.table(columns).to_pylist()
        rows += [(f"{path}, line {line}", row) for line, row in zip(piece.lines.tolist(), lines, strict=True)]
    return _read(rows, refused, timezone)


def _read(rows: Sequence[tuple[str, Mapping[str, Any]]], refused: list[str], timezone: str) -> Read:
    times = _times([row["seen_at"] for _, row in rows], timezone)
    prices = to_money(pa.array([row["price"] for _, row in rows], pa.string())).values.to_pylist()
    seen = []
    for (where, row), at, price in zip(rows, times, prices, strict=True):
        empty = [name for name in NEEDED if not row[name]]
        if empty:
            refused.append(f"{where}: no {', '.join(empty)}. Each price needs {', '.join(NEEDED)}.")
        elif at is None:
            refused.append(f"{where}: seen_at = {row['seen_at']!r} is no time. Write it as 2024-05-01 10:30.")
        elif price is None:
            refused.append(f"{where}: price = {row['price']!r} is no amount. Write it as 12.50.")
        elif price <= 0:
            refused.append(f"{where}: price = {row['price']}: nobody sells for nothing; more than 0 is expected.")
        else:
            currency = (row.get("currency") or "").upper()
            about = (row.get("title") or "", row["competitor"], price, currency, at, row["source"])
            seen.append(Seen(where, row["product"], *about))
    return Read(seen, refused)


def _times(texts: Sequence[str | None], timezone: str) -> list[datetime | None]:
    form = detect([text for text in texts if text], month_first=False)
    found: list[datetime | None] = to_time(
        pa.array(texts, pa.string()), form.format if form else "", timezone
    ).values.to_pylist()
    return found


def in_coins(seen: Seen, currency: str, rates: Mapping[str, Sequence[tuple[datetime, float]]]) -> int:
    """A price in the shop's smallest coin, at the newest rate before it was seen.

    Parameters
    ----------
    currency : of the shop.
    rates : of each foreign currency, since when one of it was worth how much; ascending.

    Raises
    ------
    InputError
        If no rate of its currency is known at that time.
    """
    if seen.currency in ("", currency):
        return to_coin(seen.price, currency)
    held = [rate for since, rate in rates.get(seen.currency, ()) if since <= seen.seen_at]
    if not held:
        raise InputError(
            f"{seen.where}: {seen.price} {seen.currency}: no rate of {seen.currency} is known at "
            f"{seen.seen_at:%Y-%m-%d}, and the shop's currency is {currency}. Import rates first: regulars rates FILE"
        )
    return to_coin(seen.price * Decimal(repr(held[-1])), currency)
