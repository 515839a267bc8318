"""A first mapping of attempts: payments that were tried, of some of which it is told that they were fraud.

What such a table says beside the fields of an event is what fraud is found by. So of it all columns are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import chain, count

import pyarrow as pa

from regulars.events.cells import (
    Table,
    are_numbers,
    decimal_of,
    filled,
    mostly,
    named,
    numbers,
    plain,
    synonyms,
    words_of,
)
from regulars.events.draft import Draft, confirmed, take_named, take_the_one_of_times
from regulars.events.mapping import EXTRA, FIELDS, PRODUCT_FIELDS
from regulars.events.schema import TYPES
from regulars.events.times import to_time
from regulars.events.verdicts import verdicts

ATTEMPT = "payment_attempted"
LABEL = f"{EXTRA}is_fraud"
CARD = f"{EXTRA}card"
SINCE_START = "unix"
"""Seconds since a start that nobody knows are read as seconds since 1970: what lies between them stays right."""

ALSO_THE_CUSTOMER = (f"{EXTRA}email", f"{EXTRA}phone", f"{EXTRA}name")
"""What may be the customer's id and is a trace of its own all the same."""
FIRST = ("time", f"{EXTRA}signed_up_at", f"{EXTRA}label_known_at", CARD, *ALSO_THE_CUSTOMER)
"""Fields that choose their columns before all others: a card number is no customer, where there are both."""
OF_PRODUCTS = ("quantity", *PRODUCT_FIELDS)
"""Fields that mean nothing without a product."""

MEASURED = 3
"""So many other columns of numbers make a table one of measurements rather than of orders."""
FEW = 20
"""A column of more values than these tells rows apart, whatever it is called."""
LEAST_ROWS = 10
"""Of fewer, that a column rises with the time says nothing."""
A_DAY = 86_400


def labelled_attempts(table: Table, currency: str) -> Draft | None:
    """A table that says of each attempt whether it was fraud; None if it is another."""
    label = _label(table, currency)
    if not label:
        return None
    draft = _drafted(table, currency, label)
    if "type" not in draft.columns and _has_lines(table, draft):
        draft.fix("type", "order_completed", f'"{label}" tells of fraud, and orders have a row for each product')
    elif "type" not in draft.columns:
        draft.fix("type", ATTEMPT, f'"{label}" tells of fraud: every row is of an attempt to pay')
    return draft


def unlabelled_attempts(table: Table, currency: str) -> Draft | None:
    """A table of payments that says nothing of fraud; None if it is one of orders or of other events."""
    words, scratch = _words(), Draft(decimal=_decimal(table))

    def has(kind: str) -> bool:
        return any(confirmed(kind, header, table, scratch, currency) for header in named(table, words[kind]))

    orders = [header for header in named(table, words["order_id"]) if plain(header) not in words["transaction"]]
    if any(has(kind) for kind in ("type", "product_id", "title", "quantity", "unit_price")) or any(
        filled(table[header]) for header in orders
    ):
        return None
    is_paid = has(CARD) or has("payment_id") or (has("amount") and (has("device_id") or has("ip")))
    draft = _drafted(table, currency)
    if not is_paid:
        is_orders = "customer_id" in draft.columns and draft.time_format != SINCE_START
        if is_orders or not {"time", "amount"} <= set(draft.columns) or not _is_measured(table, draft):
            return None
    why = "of cards, devices, addresses or payments, and none of products or orders" if is_paid else "of measurements"
    draft.fix("type", ATTEMPT, f"columns {why}: every row is of an attempt to pay")
    return draft


def _has_lines(table: Table, draft: Draft) -> bool:
    orders = filled(table.get(draft.columns.get("order_id", ""), []))
    return "product_id" in draft.columns and len(set(orders)) < len(orders)


def keep_what_is_measured(table: Table, draft: Draft) -> None:
    """Of a table of measurements beside a time, a customer and an amount, keep the columns that serve no field."""
    columns = draft.columns
    if not {"time", "amount"} <= set(columns) or {"type", "product_id"} & {*columns, *draft.constants}:
        return
    if plain(columns.get("order_id", "")) in ("", *_words()["transaction"]) and _is_measured(table, draft):
        _keep_the_rest(table, draft)


def _is_measured(table: Table, draft: Draft) -> bool:
    own = (header for field, header in draft.columns.items() if draft.evidence[field] == KEPT)
    free = (header for header in table if draft.is_free(header))
    return sum(are_numbers(table[header], draft.decimal) for header in chain(own, free)) >= MEASURED


def _label(table: Table, currency: str) -> str:
    """The column that tells of fraud, "" if there is none."""

    def tells(header: str) -> bool:
        cells = filled(table[header])
        return bool(cells) and mostly(verdicts(pa.array(cells, pa.string())).is_valid().to_pylist())

    words = _words()
    if sure := next(filter(tells, named(table, words["label"])), ""):
        return sure
    scratch = Draft(decimal=_decimal(table))
    traces = ("device_id", "ip", CARD, "payment_id", "amount")
    has_traces = any(
        confirmed(kind, header, table, scratch, currency) for kind in traces for header in named(table, words[kind])
    ) or any(filled(table[header]) for header in named(table, words["transaction"]))
    if not has_traces or any(named(table, [*words["product_id"], *words["title"], *words["unit_price"]])):
        return ""  # "class" and "target" may be of anything
    return next(filter(tells, named(table, words["perhaps_label"])), "")


def _drafted(table: Table, currency: str, label: str = "") -> Draft:
    """All but the type."""
    words = _words()
    draft = Draft(decimal=_decimal(table))
    if label:
        draft.take(LABEL, label, "header; values: fraud or not")
    _identify(table, draft)
    kinds = [kind for kind in words if kind in FIELDS or kind.startswith(EXTRA)]
    for kind in dict.fromkeys([*FIRST, *kinds]):
        if kind in ("event_id", "line") or (kind in OF_PRODUCTS and "product_id" not in draft.columns):
            continue
        if kind == "type" and not _tells_types(table):
            continue  # what many tables call a type is of the card, or of the transfer
        take_named(kind, words[kind], table, draft, currency)
        if kind == "time" and kind not in draft.columns:
            take_the_one_of_times(table, draft, currency)
    _check_amount(table, draft)
    if "time" not in draft.columns:
        _time_since_start(table, draft)
    _customer_by_a_trace(table, draft)
    _keep_the_rest(table, draft, label)
    if "currency" not in draft.columns:
        draft.fix("currency", currency, "no column tells the currency: the shop's own")
    # As they are shown: what every event has, then what is told of this one besides.
    draft.columns = dict(sorted(draft.columns.items(), key=lambda taken: taken[0].startswith(EXTRA)))
    return draft


def _tells_types(table: Table) -> bool:
    types = {plain(name) for name in TYPES}
    cells = [cell for header in named(table, _words()["type"]) for cell in filled(table[header])]
    return bool(cells) and mostly(plain(cell) in types for cell in cells)


def _identify(table: Table, draft: Draft) -> None:
    """The id of the attempt: it has another value in each row."""
    words = _words()
    for header in named(table, [*words["event_id"], *words["transaction"]]):
        cells = table[header]
        if all(cells) and len(set(cells)) == len(cells):
            draft.take("event_id", header, "header; values: each row has its own")
            return


def _check_amount(table: Table, draft: Draft) -> None:
    """No amount is better than one that is below nothing, or that each line of an order repeats."""
    header = draft.columns.get("amount", "")
    amounts = numbers(filled(table.get(header, [])), draft.decimal)
    is_paid = mostly(amount >= 0 for amount in amounts if amount is not None)
    if header and (not is_paid or (plain(header) in synonyms()["order_total"] and _has_lines(table, draft))):
        del draft.columns["amount"], draft.evidence["amount"]


def _time_since_start(table: Table, draft: Draft) -> None:
    """Seconds since a start, where nothing else can be the time."""
    words = _words()
    for header in named(table, [*words["since_start"], *words["time"]]):
        cells = filled(table[header])
        if not cells or not draft.is_free(header):
            continue
        seconds = [number for number in numbers(cells, draft.decimal) if number is not None and number >= 0]
        if len(seconds) == len(cells) and (seconds == sorted(seconds) or max(seconds) >= A_DAY):
            draft.take("time", header, "header; values: numbers, taken for seconds since 1970-01-01")
            draft.time_format = SINCE_START
            draft.notes.append(
                f'"{header}" tells no dates, nor does another column. It is taken for seconds, counted from 1970-01-01.'
            )
            return


def _customer_by_a_trace(table: Table, draft: Draft) -> None:
    """Where no column names the customer, an address or a number by which customers are known does."""
    for kind in ALSO_THE_CUSTOMER:
        header = draft.columns.get(kind, "")
        if "customer_id" not in draft.columns and plain(header) in synonyms()["fields"]["customer_id"]:
            draft.take("customer_id", header, "header; no column of ids names the customer")


def _keep_the_rest(table: Table, draft: Draft, label: str = "") -> None:
    """All columns that serve no field, under their own names, but for those that nothing can be learned from."""
    left_out: dict[str, list[str]] = {}
    for header in table:
        if not draft.is_free(header):
            continue
        if reason := _useless(header, table, draft, label):
            left_out.setdefault(reason, []).append(header)
            continue
        names = chain([header], (f"{header}_{number}" for number in count(2)))
        name = next(f"{EXTRA}{name}" for name in names if f"{EXTRA}{name}" not in draft.columns)
        draft.take(name, header, KEPT)
    for reason, headers in left_out.items():
        if reason == NAMELESS:
            continue
        draft.notes.append(f"Left out, for it {reason}: {', '.join(headers)}.")
        if reason == LEAK:
            draft.evidence[LABEL] += f"; left out, for it {reason}: {', '.join(headers)}"


KEPT = "kept under its own name: a model may learn from it"
NAMELESS = "has no name"
LEAK = "tells what the label tells, and is known no earlier"
CLOCK = "says the time once more"
ROW_NUMBER = "numbers the rows"


def _useless(header: str, table: Table, draft: Draft, label: str) -> str:
    """Why a column is not kept; "" if it is."""
    if not words_of(header):
        return NAMELESS
    if label and _leaks(header, table, label):
        return LEAK
    if not are_numbers(table[header], draft.decimal):
        return ""
    values = numbers(table[header], draft.decimal)
    if len(values) >= LEAST_ROWS and all(value == number for number, value in enumerate(values, int(values[0] or 0))):
        return ROW_NUMBER
    return CLOCK if _rises_with_time(header, values, table, draft) else ""


def _leaks(header: str, table: Table, label: str) -> bool:
    """Is it the label once more, as the kind of the fraud is, or the moment when it was found?"""
    words, name = _words(), plain(header)
    if name in (*words["label"], *words[f"{EXTRA}label_known_at"]):
        return True
    is_of_fraud = any(word in name for word in words["fraud_words"])
    if not (is_of_fraud or plain(label) in name) or _says(header, words["of_the_past"]):
        return False
    is_fraud = verdicts(pa.array(table[label], pa.string())).to_pylist()
    rows = [(cell, fraud) for cell, fraud in zip(table[header], is_fraud, strict=True) if fraud is not None]
    values = {cell for cell, _ in rows}
    if len({fraud for _, fraud in rows}) < 2:
        return is_of_fraud and len(values) == 1  # the sample holds no fraud: then only the name tells
    if all((cell in ("", "0", "0.0")) != fraud for cell, fraud in rows):
        return True
    return len(values) <= FEW and len(set(rows)) == len(values)


def _says(header: str, words: list[str]) -> bool:
    """Is one of the words in the name? Chinese has no spaces between them."""
    own, whole = words_of(header), plain(header)
    return any(word in own or (not word.isascii() and word in whole) for word in words)


def _rises_with_time(header: str, values: list[float | None], table: Table, draft: Draft) -> bool:
    """Is it a clock of its own, such as seconds or days since a start?"""
    time = draft.columns.get("time", "")
    if not time or not _says(header, _words()["clock"]):
        return False
    moments = to_time(pa.array(table[time], pa.string()), draft.time_format, "UTC").values.cast(pa.int64()).to_pylist()
    both = zip(moments, values, strict=True)
    rising = [
        value for _, value in sorted((when, value) for when, value in both if when is not None and value is not None)
    ]
    return len(rising) >= LEAST_ROWS and rising == sorted(rising)


def _decimal(table: Table) -> str:
    words = _words()
    return decimal_of(table, _of_kinds(table, (kind for kind in words if FIELDS.get(kind) in ("number", "money"))))


def _of_kinds(table: Table, kinds: Iterator[str]) -> Iterator[str]:
    return chain.from_iterable(named(table, _words()[kind]) for kind in kinds)


@cache
def _words() -> dict[str, list[str]]:
    """What fields are called in tables of attempts: by names of their own first, then as everywhere."""
    fields, own = synonyms()["fields"], synonyms()["attempts"]
    found = {kind: [*own.get(kind, ()), *names] for kind, names in fields.items()}
    found |= {kind: names for kind, names in own.items() if kind not in found}
    return found | {"amount": [*found["amount"], *synonyms()["order_total"]]}
