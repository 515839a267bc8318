"""A mapping in the making: columns are taken for fields where header and cells agree."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from regulars.events.cells import ENOUGH, Table, are_numbers, filled, mostly, named, numbers, plain, synonyms
from regulars.events.mapping import FIELDS
from regulars.events.schema import TYPES
from regulars.events.timeformat import detect, is_bare_number

MONTH_FIRST = ("USD", "CAD")
"""Currencies of places where 3/4/2024 is in March."""

_CODE = re.compile(r"\d|^[A-Z]{10,}$|^\S{16,}$")
"""What an id has and a word such as "mobile" or "desktop" has not."""


@dataclass
class Draft:
    """What is mapped so far, and why.

    Attributes
    ----------
    notes : what a user should know before taking it, in whole sentences.
    """

    columns: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    evidence: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    time_format: str = ""
    decimal: str = "."

    def take(self, kind: str, header: str, why: str) -> None:
        """A column for a field."""
        self.columns[kind] = header
        self.evidence[kind] = why

    def fix(self, kind: str, value: str, why: str) -> None:
        """One value of a field for all rows."""
        self.constants[kind] = value
        self.evidence[kind] = why

    def is_free(self, header: str) -> bool:
        """Does the column serve no field yet?"""
        return header not in self.columns.values()


def confirmed(kind: str, header: str, table: Table, draft: Draft, currency: str) -> str:
    """Why the column is this field, given that its header says so; "" if the cells say otherwise.

    Of a column of times, its format becomes the draft's.
    """
    cells = filled(table[header])
    if not cells:
        return ""
    if FIELDS.get(kind) != "time":
        return "header" if _fits(kind, header, table, draft) else ""
    form = detect(cells, month_first=currency in MONTH_FIRST)
    # one mapping has one format: a second column of times must be written as the first
    if form is None or form.share < ENOUGH or (kind != "time" and form.format != draft.time_format):
        return ""
    draft.time_format = form.format
    return f"header; values: {form.why}"


def _fits(kind: str, header: str, table: Table, draft: Draft) -> bool:
    cells = filled(table[header])
    match kind:
        case "line":
            return mostly(re.fullmatch(r"\d{1,4}", cell, re.ASCII) for cell in cells)
        case "currency":
            return mostly(re.fullmatch("[A-Za-z]{3}", cell) for cell in cells)
        case "device_id":  # "mobile", "desktop" would make one device of all customers
            return mostly(_CODE.search(cell) for cell in cells)
        case "type":
            return _tells_events(header, cells)
    if FIELDS.get(kind) not in ("number", "money"):
        return True
    return are_numbers(cells, draft.decimal) and (kind != "amount" or _is_of_the_line(header, table, draft))


def _tells_events(header: str, cells: list[str]) -> bool:
    events = {plain(word) for word in (*TYPES, *synonyms()["event_words"])}
    return plain(header) not in synonyms()["bare_type"] or any(plain(cell) in events for cell in set(cells))


def _is_of_the_line(header: str, table: Table, draft: Draft) -> bool:
    """Is this sum of the row, not of its whole order? The price tells, where there is one."""
    if "unit_price" not in draft.columns:
        return True
    counts = table.get(draft.columns.get("quantity", ""), ["1"] * len(table[header]))
    columns = (table[header], table[draft.columns["unit_price"]], counts)
    known = [
        (abs(amount), abs(price), abs(count))
        for amount, price, count in zip(*(numbers(cells, draft.decimal) for cells in columns), strict=True)
        if amount is not None and price is not None and count is not None
    ]
    if "quantity" not in draft.columns:
        return bool(known) and mostly(amount >= price for amount, price, _ in known)
    # a discount makes it less than price x quantity; 1 % and a cent are for rounding
    return bool(known) and mostly(amount <= 1.01 * price * count + 0.01 for amount, price, count in known)


def take_named(kind: str, names: Sequence[str], table: Table, draft: Draft, currency: str) -> None:
    """The first column of such a name whose cells agree, if it serves no other field."""
    for header in named(table, names):
        if draft.is_free(header) and (why := confirmed(kind, header, table, draft, currency)):
            draft.take(kind, header, why)
            return


def take_the_one_of_times(table: Table, draft: Draft, currency: str) -> None:
    """The one column of times whose name is unknown; if there are two, a guess would be blind."""
    known = {word for kind, names in synonyms()["fields"].items() if kind != "time" for word in names}
    found = []
    for header, column in table.items():
        name = plain(header)
        never = any(word in name for word in synonyms()["never_time"])
        if not name or name in known or never or not draft.is_free(header) or not (cells := filled(column)):
            continue
        form = detect(cells, month_first=currency in MONTH_FIRST)
        if form and form.share >= ENOUGH and not is_bare_number(form.format):
            found.append((header, form))
    if len(found) == 1:
        header, form = found[0]
        draft.take("time", header, f"values: {form.why}; no other column holds times")
        draft.time_format = form.format
