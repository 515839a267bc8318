"""A sample of a file by columns: what its headers are called, and what its cells say."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import pyarrow as pa

from regulars.events.values import NULL_TEXTS, to_number

Table = dict[str, list[str]]
"""{header: its cells, one a row, stripped, "" where empty}; of columns with one name, the first."""

ENOUGH = 0.9
"""Share of the filled cells that must be of a field's kind, for the column to be that field."""

_CENTS = {decimal: re.compile(rf"{re.escape(decimal)}(?:\d{{1,2}}|\d{{4,}})\D*$", re.ASCII) for decimal in ".,"}
"""The end of a number that has this before its cents; three digits could as well be thousands."""

_UNITS = frozenset(
    ("usd", "eur", "gbp", "cny", "rmb", "jpy", "cad", "aud", "inr", "brl", "chf", "hkd", "twd", "krw", "sgd")
)
_NOTHING = frozenset(NULL_TEXTS.to_pylist())


def by_column(headers: Sequence[str], rows: Sequence[Sequence[str | None]]) -> Table:
    """The sample as a `Table`; the words for nothing are ""."""
    table: Table = {}
    for at, header in enumerate(headers):
        if header not in table:
            cells = [(row[at] or "").strip() if at < len(row) else "" for row in rows]
            table[header] = ["" if cell in _NOTHING else cell for cell in cells]
    return table


def filled(cells: Sequence[str]) -> list[str]:
    """The cells that are not empty."""
    return [cell for cell in cells if cell]


def mostly(holds: Iterable[object]) -> bool:
    """Does it hold of nine in ten?"""
    truths = [bool(each) for each in holds]
    return sum(truths) >= ENOUGH * len(truths)


def numbers(cells: Sequence[str], decimal: str) -> list[float | None]:
    """As an import will read them; None where that is empty or no number."""
    found: list[float | None] = to_number(pa.array(cells, pa.string()), decimal).values.to_pylist()
    return found


def are_numbers(cells: Sequence[str], decimal: str) -> bool:
    """Are there filled cells, and nine in ten of them numbers?"""
    there = filled(cells)
    return bool(there) and mostly(number is not None for number in numbers(there, decimal))


def decimal_of(table: Table, headers: Iterable[str]) -> str:
    """What stands before the cents: 12,50 and 1.234,56 tell, 1,234 could be either."""
    cells = [cell for header in headers for cell in filled(table[header])]
    votes = {decimal: sum(bool(_CENTS[decimal].search(cell)) for cell in cells) for decimal in _CENTS}
    return "," if votes[","] > votes["."] else "."


def is_wording(cell: str) -> bool:
    """Is it words rather than a code?"""
    return " " in cell or not re.search(r"\d", cell) or bool(re.search(r"[\u3040-\u9fff\uac00-\ud7a3]", cell))


def named(table: Table, names: Sequence[str]) -> Iterator[str]:
    """Headers with one of the names, the most preferred first."""
    ranks = {header: names.index(plain(header)) for header in table if plain(header) in names}
    yield from sorted(ranks, key=ranks.__getitem__)


def plain(header: str) -> str:
    """A name without case, spaces, punctuation, and units.

    >>> plain("单价（元）"), plain("Unit Price (EUR)"), plain("unit_price_eur"), plain("Order #")
    ('单价', 'unitprice', 'unitprice', 'order')
    """
    words = words_of(re.sub(r"\([^()]*\)|\[[^\[\]]*\]", " ", unicodedata.normalize("NFKC", header)))
    if len(words) > 1 and words[-1] in _UNITS:
        words.pop()
    return "".join(words)


def words_of(header: str) -> list[str]:
    """The words of a name, in small letters.

    >>> words_of("TX_FRAUD_SCENARIO"), words_of("付款 时间")
    (['tx', 'fraud', 'scenario'], ['付款', '时间'])
    """
    return re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", header).lower())


@cache
def synonyms() -> dict[str, Any]:
    """What shops call a field, as synonyms.toml has it, each name as `plain` gives it."""

    def plainly(found: Any) -> Any:
        if isinstance(found, dict):
            return {key: plainly(value) for key, value in found.items()}
        return [plain(word) for word in found]

    read = tomllib.loads((files("regulars.events") / "synonyms.toml").read_text("utf-8"))
    # Of that list, each is the name of a field, not what shops call it.
    return {key: value if key == "never_customer" else plainly(value) for key, value in read.items()}
