"""Which column is which field? A first mapping, from the headers of a file and a sample of its rows."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import pyarrow as pa
import tomlkit

from regulars.errors import InputError
from regulars.events.mapping import EXTRA, FIELDS, Mapping
from regulars.events.schema import TYPES
from regulars.events.timeformat import detect, is_bare_number, readings
from regulars.events.undated import IMPORT
from regulars.events.values import NULL_TEXTS, to_number, to_truth

LEAST_TRAITS = 2
"""Columns that a file about customers must have: who, and something of them."""

ENOUGH = 0.9
"""Share of the filled cells that must be of a field's kind, for the column to be that field."""

MONTH_FIRST = ("USD", "CAD")
"""Currencies of places where 3/4/2024 is in March."""

_CENTS = {decimal: re.compile(rf"{re.escape(decimal)}(?:\d{{1,2}}|\d{{4,}})\D*$", re.ASCII) for decimal in ".,"}
"""The end of a number that has this before its cents; three digits could as well be thousands."""

_UNITS = frozenset(
    ("usd", "eur", "gbp", "cny", "rmb", "jpy", "cad", "aud", "inr", "brl", "chf", "hkd", "twd", "krw", "sgd")
)
_NOTHING = frozenset(NULL_TEXTS.to_pylist())
_FOLDER = files("regulars.events")

_Table = dict[str, list[str]]
"""{header: its cells, one a row, stripped, "" where empty}; of columns with one name, the first."""


@dataclass(frozen=True)
class Guess:
    """A mapping, and what it rests on.

    Attributes
    ----------
    evidence : {field: why that column, or why that constant}.
    unmapped : headers that serve no field.
    """

    mapping: Mapping
    evidence: MappingABC[str, str]
    unmapped: tuple[str, ...]


def guess(headers: Sequence[str], rows: Sequence[Sequence[str | None]], *, name: str, currency: str) -> Guess:
    """Which column of this file is which field of an event?

    A data set with a preset is known by its headers. Else headers are looked up in synonyms.toml, and
    the cells must agree: a column "date" of which 1 in 5 is no time is not the time. A column whose name
    is unknown is taken only as the time, and only if no other column holds times.

    Parameters
    ----------
    headers : of the file, in order.
    rows : a sample, as many as tell (up to 1,000); None or "" where a cell is empty.
    name : of the mapping that comes out.
    currency : of the shop; stands for all rows if no column names one, and tells how dates are usual.

    Raises
    ------
    InputError
        If no column can be the time, or there are no rows; the message shows the mapping to write.

    Examples
    --------
    >>> found = guess(["Datum", "SKU", "Menge", "Price (EUR)"],
    ...               [["13.04.2024", "T-1", "2", "1.250,00"]], name="till", currency="EUR")
    >>> found.mapping.columns
    {'time': 'Datum', 'product_id': 'SKU', 'unit_price': 'Price (EUR)'}
    >>> found.mapping.time_format, found.mapping.decimal, found.unmapped
    ('%d.%m.%Y', ',', ('Menge',))
    """
    table = _by_column(headers, rows)
    if not any(any(cells) for cells in table.values()):
        raise InputError(
            f"the file has no rows to go by. Columns: {_listed(table)}. Give a file with rows, or write "
            f"[mapping.{name}] in shop.toml yourself."
        )
    found = _by_preset(table) or _of_customers(table) or _by_synonyms(table, name, currency)
    mapping = Mapping(name, found.columns, found.constants, found.time_format, found.decimal)
    used = set(found.columns.values())
    return Guess(mapping, found.evidence, tuple(header for header in table if header not in used))


def explain(
    guess: Guess, headers: Sequence[str], rows: Sequence[Sequence[str | None]]
) -> list[tuple[str, str, tuple[str, ...], str]]:
    """A guess as a table to show: field, header, up to three different values, why.

    The header of a constant is "", and its one value is the constant.
    """
    table = _by_column(headers, rows)
    shown = [
        (kind, header, tuple(dict.fromkeys(_filled(table[header])))[:3], guess.evidence[kind])
        for kind, header in guess.mapping.columns.items()
    ]
    return shown + [(kind, "", (value,), guess.evidence[kind]) for kind, value in guess.mapping.constants.items()]


@dataclass
class _Draft:
    columns: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    evidence: dict[str, str] = field(default_factory=dict)
    time_format: str = ""
    decimal: str = "."

    def take(self, kind: str, header: str, why: str) -> None:
        self.columns[kind] = header
        self.evidence[kind] = why

    def fix(self, kind: str, value: str, why: str) -> None:
        self.constants[kind] = value
        self.evidence[kind] = why


def _by_preset(table: _Table) -> _Draft | None:
    by_name = {_plain(header): header for header in table}
    for preset, variant in _presets():
        if {_plain(header) for header in variant["headers"]} != set(by_name):
            continue
        draft = _Draft()
        for name, header in variant["columns"].items():
            draft.take(name, by_name[_plain(header)], f"preset {preset}")
        for name, value in variant["constants"].items():
            draft.fix(name, value, f"preset {preset}")
        times = _filled(table[draft.columns["time"]])
        form = detect(times, month_first=False, candidates=variant["time_formats"])
        if form and form.share >= ENOUGH:
            draft.time_format = form.format
            draft.evidence["time"] += f"; values: {form.why}"
            draft.decimal = _decimal(table, [draft.columns["unit_price"]])
            return draft
    return None


def _of_customers(table: _Table) -> _Draft | None:
    """A file about customers that tells no time of events: accounts and what is known of them."""
    words, draft = _synonyms(), _Draft()
    fields = words["fields"]
    known = {name for names in (*words["customer"].values(), fields["customer_id"]) for name in names}
    of_events = {name for kind in words["never_customer"] for name in fields[kind] if name not in known}
    if any(_plain(header) in of_events for header in table):
        return None
    for kind in ("customer_id", *words["customer"]):
        for header in _named(table, words["customer"].get(kind) or fields[kind]):
            # Where it is the address that customers are known by, it is still their address.
            if (header not in draft.columns.values() or kind == "email") and _filled(table[header]):
                field_name = kind if kind == "customer_id" else f"{EXTRA}{kind}"
                draft.take(field_name, header, "header; a file about customers")
                break
    email = draft.columns.get(f"{EXTRA}email", "")
    if email and any(_named(table, words["known_by_email"])):
        draft.take("anonymous_id", draft.columns["customer_id"], "header; the customer's other id")
        draft.take("customer_id", email, "header; orders name customers by email")
    ids = _filled(table.get(draft.columns.get("customer_id", ""), []))
    if len(draft.columns) < LEAST_TRAITS or len(set(ids)) < ENOUGH * len(ids):
        return None
    for header in table:
        name = f"{EXTRA}{_as_name(header)}"
        if header not in draft.columns.values() and name not in (EXTRA, *draft.columns):
            draft.take(name, header, "all else that is said of a customer")
    draft.fix("type", "customer_identified", "one row a customer, and nothing of products or orders")
    draft.fix("time", IMPORT, "no column tells a time of events: what a row says holds from the import on")
    return draft


def _as_name(header: str) -> str:
    return "_".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", header).lower()))


def _by_synonyms(table: _Table, name: str, currency: str) -> _Draft:
    words = _synonyms()["fields"]
    numeric = [n for kind in words if FIELDS.get(kind) in ("number", "money") for n in words[kind]]
    draft = _Draft(decimal=_decimal(table, [h for h in table if _plain(h) in numeric]))
    month_first = currency in MONTH_FIRST
    for kind in words:
        for header in _named(table, words[kind]):
            free = header not in draft.columns.values()
            if free and (why := _confirmed(kind, header, table, draft, month_first)):
                draft.take(kind, header, why)
                break
        if kind == "time" and kind not in draft.columns:
            _time_by_values(table, draft, month_first)
    _amount_of_the_order(table, draft)
    _product_by_its_name(table, draft)
    _consents(table, draft)
    if "type" not in {*draft.columns, *draft.constants}:
        draft.fix("type", "order_completed", "no column tells kinds of event: every row is of an order")
    if "currency" not in draft.columns:
        draft.fix("currency", currency, "no column tells the currency: the shop's own")
    if "time" not in draft.columns:
        raise _no_time(name, table, draft)
    return draft


def _confirmed(kind: str, header: str, table: _Table, draft: _Draft, month_first: bool) -> str:
    """Why the column is this field, given that its header says so; "" if the cells say otherwise."""
    cells = _filled(table[header])
    if not cells:
        return ""
    if FIELDS.get(kind) != "time":
        return "header" if _fits(kind, header, table, draft) else ""
    form = detect(cells, month_first=month_first)
    # one mapping has one format: a second column of times must be written as the first
    if form is None or form.share < ENOUGH or (kind != "time" and form.format != draft.time_format):
        return ""
    draft.time_format = form.format
    return f"header; values: {form.why}"


def _fits(kind: str, header: str, table: _Table, draft: _Draft) -> bool:
    cells = _filled(table[header])
    match kind:
        case "line":
            return _mostly(re.fullmatch(r"\d{1,4}", cell, re.ASCII) for cell in cells)
        case "currency":
            return _mostly(re.fullmatch("[A-Za-z]{3}", cell) for cell in cells)
        case "device_id":  # "mobile", "desktop" would make one device of all customers
            return _mostly(re.search(r"\d", cell) for cell in cells)
        case "type":
            return _tells_events(header, cells)
    if FIELDS.get(kind) not in ("number", "money"):
        return True
    are_numbers = _mostly(number is not None for number in _numbers(cells, draft.decimal))
    return are_numbers and (kind != "amount" or _is_of_the_line(header, table, draft))


def _tells_events(header: str, cells: list[str]) -> bool:
    events = {_plain(word) for word in (*TYPES, *_synonyms()["event_words"])}
    return _plain(header) not in _synonyms()["bare_type"] or any(_plain(cell) in events for cell in set(cells))


def _is_of_the_line(header: str, table: _Table, draft: _Draft) -> bool:
    """Is this sum of the row, not of its whole order? The price tells, where there is one."""
    if "unit_price" not in draft.columns:
        return True
    counts = table.get(draft.columns.get("quantity", ""), ["1"] * len(table[header]))
    columns = (table[header], table[draft.columns["unit_price"]], counts)
    known = [
        (abs(amount), abs(price), abs(count))
        for amount, price, count in zip(*(_numbers(cells, draft.decimal) for cells in columns), strict=True)
        if amount is not None and price is not None and count is not None
    ]
    if "quantity" not in draft.columns:
        return bool(known) and _mostly(amount >= price for amount, price, _ in known)
    # a discount makes it less than price x quantity; 1 % and a cent are for rounding
    return bool(known) and _mostly(amount <= 1.01 * price * count + 0.01 for amount, price, count in known)


def _amount_of_the_order(table: _Table, draft: _Draft) -> None:
    orders = _filled(table.get(draft.columns.get("order_id", ""), []))
    if {"unit_price", "amount"} & set(draft.columns) or len(set(orders)) < len(orders):
        return
    for header in _named(table, _synonyms()["order_total"]):
        if header not in draft.columns.values() and _confirmed("amount", header, table, draft, False):
            draft.take("amount", header, "header; of a whole order, and each order has one row")
            return


def _consents(table: _Table, draft: _Draft) -> None:
    """Who allowed what, or objected to it: a column of purposes, and one of yes and no."""
    if {"type", "product_id", "order_id"} & set(draft.columns):
        return
    purposes = [header for header in _named(table, _synonyms()["purpose"]) if _filled(table[header])]
    for kind, names in _synonyms()["granted"].items():
        for header in _named(table, names):
            cells = pa.array(_filled(table[header]), pa.string())
            if purposes and len(cells) and _mostly(to_truth(cells).values.is_valid().to_pylist()):
                draft.take("text", purposes[0], "header")
                draft.take("granted", header, "header; values: yes or no")
                draft.fix("type", kind, "a column of purposes and one of yes and no")
                return


def _product_by_its_name(table: _Table, draft: _Draft) -> None:
    """One column may be both id and title: "品名" where there is no id, "商品" where it holds names."""
    columns = draft.columns
    if "title" in columns and "product_id" not in columns:
        draft.take("product_id", columns["title"], "header; no column of ids, so the name is the id")
    elif "product_id" in columns and "title" not in columns:
        header = columns["product_id"]
        cells = _filled(table[header])
        if _plain(header) in _synonyms()["fields"]["title"] and _mostly(_is_wording(cell) for cell in cells):
            draft.take("title", header, "header; values: names rather than codes")


def _time_by_values(table: _Table, draft: _Draft, month_first: bool) -> None:
    """The one column of times whose name is unknown; if there are two, a guess would be blind."""
    known = {word for kind, names in _synonyms()["fields"].items() if kind != "time" for word in names}
    found = []
    for header, column in table.items():
        plain = _plain(header)
        never = any(word in plain for word in _synonyms()["never_time"])
        if not plain or plain in known or never or not (cells := _filled(column)):
            continue
        form = detect(cells, month_first=month_first)
        if form and form.share >= ENOUGH and not is_bare_number(form.format):
            found.append((header, form))
    if len(found) == 1:
        header, form = found[0]
        draft.take("time", header, f"values: {form.why}; no other column holds times")
        draft.time_format = form.format


def _no_time(name: str, table: _Table, draft: _Draft) -> InputError:
    said = [f"no column is surely the time of the event. Columns: {_listed(table)}."]
    for header in _named(table, _synonyms()["fields"]["time"]):
        cells = _filled(table[header])
        untimely = [cell for cell in cells if not any(readings(cell))]
        example = (
            f'{len(untimely)} of {len(cells)} cells are not times, e.g. "{untimely[0][:40]}"'
            if cells
            else "it is empty"
        )
        said.append(f'"{header}" is named for it, but {example}.')
    section = {
        "time_format": "%d/%m/%Y %H:%M",
        "columns": {"time": "COLUMN", **draft.columns},
        "constants": draft.constants,
    }
    said.append(
        "Write in shop.toml which column it is, and how it is written (no time_format for ISO 8601; "
        '"unix" or "unix_ms" for seconds or milliseconds since 1970):'
    )
    return InputError(" ".join(said) + "\n\n" + tomlkit.dumps({"mapping": {name: section}}))


def _numbers(cells: Sequence[str], decimal: str) -> list[float | None]:
    """As an import will read them; None where that is empty or no number."""
    numbers: list[float | None] = to_number(pa.array(cells, pa.string()), decimal).values.to_pylist()
    return numbers


def _decimal(table: _Table, headers: Sequence[str]) -> str:
    """What stands before the cents: 12,50 and 1.234,56 tell, 1,234 could be either."""
    cells = [cell for header in headers for cell in _filled(table[header])]
    votes = {decimal: sum(bool(_CENTS[decimal].search(cell)) for cell in cells) for decimal in _CENTS}
    return "," if votes[","] > votes["."] else "."


def _is_wording(cell: str) -> bool:
    return " " in cell or not re.search(r"\d", cell) or bool(re.search(r"[\u3040-\u9fff\uac00-\ud7a3]", cell))


def _mostly(holds: Iterable[object]) -> bool:
    truths = [bool(each) for each in holds]
    return sum(truths) >= ENOUGH * len(truths)


def _named(table: _Table, names: Sequence[str]) -> Iterator[str]:
    """Headers with one of the names, the most preferred first."""
    ranks = {header: names.index(_plain(header)) for header in table if _plain(header) in names}
    yield from sorted(ranks, key=ranks.__getitem__)


def _plain(header: str) -> str:
    """A name without case, spaces, punctuation, and units.

    >>> _plain("单价（元）"), _plain("Unit Price (EUR)"), _plain("unit_price_eur"), _plain("Order #")
    ('单价', 'unitprice', 'unitprice', 'order')
    """
    text = unicodedata.normalize("NFKC", header).lower()
    words = re.findall(r"[^\W_]+", re.sub(r"\([^()]*\)|\[[^\[\]]*\]", " ", text))
    if len(words) > 1 and words[-1] in _UNITS:
        words.pop()
    return "".join(words)


def _by_column(headers: Sequence[str], rows: Sequence[Sequence[str | None]]) -> _Table:
    table: _Table = {}
    for at, header in enumerate(headers):
        if header not in table:
            cells = [(row[at] or "").strip() if at < len(row) else "" for row in rows]
            table[header] = ["" if cell in _NOTHING else cell for cell in cells]
    return table


def _filled(cells: Sequence[str]) -> list[str]:
    return [cell for cell in cells if cell]


def _listed(table: _Table) -> str:
    return ", ".join(table) or "none"


@cache
def _synonyms() -> dict[str, Any]:
    read = tomllib.loads((_FOLDER / "synonyms.toml").read_text("utf-8"))
    for key in ("never_time", "event_words", "bare_type", "order_total", "purpose", "known_by_email"):
        read[key] = [_plain(word) for word in read[key]]
    for key in ("customer", "granted", "fields"):
        read[key] = {kind: [_plain(word) for word in names] for kind, names in read[key].items()}
    return read


@cache
def _presets() -> list[tuple[str, dict[str, Any]]]:
    found = sorted((_FOLDER / "presets").iterdir(), key=lambda path: path.name)
    return [
        (path.name.removesuffix(".toml"), variant)
        for path in found
        if path.name.endswith(".toml")
        for variant in tomllib.loads(path.read_text("utf-8")).get("variant", ())  # a format has none
    ]
