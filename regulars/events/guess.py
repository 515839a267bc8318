"""Which column is which field? A first mapping, from the headers of a file and a sample of its rows."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping as MappingABC
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import pyarrow as pa
import tomlkit

from regulars.errors import InputError
from regulars.events.cells import (
    ENOUGH,
    Table,
    by_column,
    decimal_of,
    filled,
    is_wording,
    mostly,
    named,
    plain,
    synonyms,
    words_of,
)
from regulars.events.draft import Draft, confirmed, take_named, take_the_one_of_times
from regulars.events.guess_attempts import keep_what_is_measured, labelled_attempts, unlabelled_attempts
from regulars.events.guess_products import products
from regulars.events.mapping import EXTRA, FIELDS, Mapping
from regulars.events.timeformat import detect, readings
from regulars.events.undated import IMPORT
from regulars.events.values import to_truth

LEAST_TRAITS = 2
"""Columns that a file about customers must have: who, and something of them."""


@dataclass(frozen=True)
class Guess:
    """A mapping, and what it rests on.

    Attributes
    ----------
    evidence : {field: why that column, or why that constant}.
    unmapped : headers that serve no field.
    notes : what should be known before it is taken, in whole sentences.
    """

    mapping: Mapping
    evidence: MappingABC[str, str]
    unmapped: tuple[str, ...]
    notes: tuple[str, ...] = ()


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
    table = by_column(headers, rows)
    if not any(any(cells) for cells in table.values()):
        raise InputError(
            f"the file has no rows to go by. Columns: {', '.join(table) or 'none'}. Give a file with rows, or write "
            f"[mapping.{name}] in shop.toml yourself."
        )
    found = (
        _by_preset(table)
        or labelled_attempts(table, currency)
        or _of_customers(table)
        or products(table, currency)
        or unlabelled_attempts(table, currency)
        or _by_synonyms(table, currency)
    )
    if "time" not in {*found.columns, *found.constants}:
        raise _no_time(name, table, found)
    mapping = Mapping(name, found.columns, found.constants, found.time_format, found.decimal)
    used = set(found.columns.values())
    unmapped = tuple(header for header in table if header not in used)
    return Guess(mapping, found.evidence, unmapped, tuple(found.notes))


def explain(
    guess: Guess, headers: Sequence[str], rows: Sequence[Sequence[str | None]]
) -> list[tuple[str, str, tuple[str, ...], str]]:
    """A guess as a table to show: field, header, up to three different values, why.

    The header of a constant is "", and its one value is the constant.
    """
    table = by_column(headers, rows)
    shown = [
        (kind, header, tuple(dict.fromkeys(filled(table[header])))[:3], guess.evidence[kind])
        for kind, header in guess.mapping.columns.items()
    ]
    return shown + [(kind, "", (value,), guess.evidence[kind]) for kind, value in guess.mapping.constants.items()]


def _by_preset(table: Table) -> Draft | None:
    by_name = {plain(header): header for header in table}
    for preset, variant in _presets():
        if {plain(header) for header in variant["headers"]} != set(by_name):
            continue
        draft = Draft()
        for name, header in variant["columns"].items():
            draft.take(name, by_name[plain(header)], f"preset {preset}")
        for name, value in variant["constants"].items():
            draft.fix(name, value, f"preset {preset}")
        times = filled(table[draft.columns["time"]])
        form = detect(times, month_first=False, candidates=variant["time_formats"])
        if form and form.share >= ENOUGH:
            draft.time_format = form.format
            draft.evidence["time"] += f"; values: {form.why}"
            draft.decimal = decimal_of(table, [draft.columns["unit_price"]])
            return draft
    return None


def _of_customers(table: Table) -> Draft | None:
    """A file about customers that tells no time of events: accounts and what is known of them."""
    words, draft = synonyms(), Draft()
    fields = words["fields"]
    known = {name for names in (*words["customer"].values(), fields["customer_id"]) for name in names}
    of_events = {name for kind in words["never_customer"] for name in fields[kind] if name not in known}
    if any(plain(header) in of_events for header in table):
        return None
    for kind in ("customer_id", *words["customer"]):
        for header in named(table, words["customer"].get(kind) or fields[kind]):
            # Where it is the address that customers are known by, it is still their address.
            if (header not in draft.columns.values() or kind == "email") and filled(table[header]):
                field_name = kind if kind == "customer_id" else f"{EXTRA}{kind}"
                draft.take(field_name, header, "header; a file about customers")
                break
    email = draft.columns.get(f"{EXTRA}email", "")
    if email and any(named(table, words["known_by_email"])):
        draft.take("anonymous_id", draft.columns["customer_id"], "header; the customer's other id")
        draft.take("customer_id", email, "header; orders name customers by email")
    ids = filled(table.get(draft.columns.get("customer_id", ""), []))
    if len(draft.columns) < LEAST_TRAITS or len(set(ids)) < ENOUGH * len(ids):
        return None
    for header in table:
        name = f"{EXTRA}{'_'.join(words_of(header))}"
        if header not in draft.columns.values() and name not in (EXTRA, *draft.columns):
            draft.take(name, header, "all else that is said of a customer")
    draft.fix("type", "customer_identified", "one row a customer, and nothing of products or orders")
    draft.fix("time", IMPORT, "no column tells a time of events: what a row says holds from the import on")
    return draft


def _by_synonyms(table: Table, currency: str) -> Draft:
    words = synonyms()["fields"]
    numeric = [n for kind in words if FIELDS.get(kind) in ("number", "money") for n in words[kind]]
    draft = Draft(decimal=decimal_of(table, named(table, numeric)))
    for kind in words:
        take_named(kind, words[kind], table, draft, currency)
        if kind == "time" and kind not in draft.columns:
            take_the_one_of_times(table, draft, currency)
    _amount_of_the_order(table, draft, currency)
    _product_by_its_name(table, draft)
    _consents(table, draft)
    keep_what_is_measured(table, draft)
    if "type" not in {*draft.columns, *draft.constants}:
        draft.fix("type", "order_completed", "no column tells kinds of event: every row is of an order")
    if "currency" not in draft.columns:
        draft.fix("currency", currency, "no column tells the currency: the shop's own")
    return draft


def _amount_of_the_order(table: Table, draft: Draft, currency: str) -> None:
    orders = filled(table.get(draft.columns.get("order_id", ""), []))
    if {"unit_price", "amount"} & set(draft.columns) or len(set(orders)) < len(orders):
        return
    for header in named(table, synonyms()["order_total"]):
        if draft.is_free(header) and confirmed("amount", header, table, draft, currency):
            draft.take("amount", header, "header; of a whole order, and each order has one row")
            return


def _consents(table: Table, draft: Draft) -> None:
    """Who allowed what, or objected to it: a column of purposes, and one of yes and no."""
    if {"type", "product_id", "order_id"} & set(draft.columns):
        return
    purposes = [header for header in named(table, synonyms()["purpose"]) if filled(table[header])]
    for kind, names in synonyms()["granted"].items():
        for header in named(table, names):
            cells = pa.array(filled(table[header]), pa.string())
            if purposes and len(cells) and mostly(to_truth(cells).values.is_valid().to_pylist()):
                draft.take("text", purposes[0], "header")
                draft.take("granted", header, "header; values: yes or no")
                draft.fix("type", kind, "a column of purposes and one of yes and no")
                return


def _product_by_its_name(table: Table, draft: Draft) -> None:
    """One column may be both id and title: "品名" where there is no id, "商品" where it holds names."""
    columns = draft.columns
    if "title" in columns and "product_id" not in columns:
        draft.take("product_id", columns["title"], "header; no column of ids, so the name is the id")
    elif "product_id" in columns and "title" not in columns:
        header = columns["product_id"]
        cells = filled(table[header])
        if plain(header) in synonyms()["fields"]["title"] and mostly(is_wording(cell) for cell in cells):
            draft.take("title", header, "header; values: names rather than codes")


def _no_time(name: str, table: Table, draft: Draft) -> InputError:
    said = [f"no column is surely the time of the event. Columns: {', '.join(table) or 'none'}."]
    for header in named(table, synonyms()["fields"]["time"]):
        cells = filled(table[header])
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


@cache
def _presets() -> list[tuple[str, dict[str, Any]]]:
    found = sorted((files("regulars.events") / "presets").iterdir(), key=lambda path: path.name)
    return [
        (path.name.removesuffix(".toml"), variant)
        for path in found
        if path.name.endswith(".toml")
        for variant in tomllib.loads(path.read_text("utf-8")).get("variant", ())  # a format has none
    ]
