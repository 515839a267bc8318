"""Raw rows to events: each field read, each rule checked, each row that fails refused with its place."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.engine.json import patched
from regulars.events.columns import Mask, distinct_rows, is_any_of, is_negative, is_null, nothing, objects
from regulars.events.identity import CONTENT, derived_ids, hash_rows, ordinals, whole
from regulars.events.mapping import EXTRA, FIELDS, PRODUCT_FIELDS, Mapping
from regulars.events.products import descriptions
from regulars.events.readers import RawRows, Reject
from regulars.events.schema import EVENTS, TIME
from regulars.events.times import SKIPPED, TWICE, to_time
from regulars.events.undated import IMPORT, SAYS, Undated
from regulars.events.values import Values, by_dictionary, encoded, plain, to_money, to_number, to_text, to_truth

EARLIEST = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
AHEAD = timedelta(days=1)
"""How far in the future an event may lie: clocks and time zones differ, a year 2100 is a mistake."""

NOTES = {
    SKIPPED: "times that the clock leapt over, taken for the moment of the leap",
    TWICE: "times that the clock showed twice, taken for the earlier of the two",
}
"""What is read all the same, but counted and said."""

WHO = ("customer_id", "anonymous_id")
ORDER_TYPES = ("order_completed", "order_refunded")
WANTED = {
    "text": "text",
    "whole number": "a whole number",
    "number": "a finite number",
    "money": "a finite amount of money",
    "time": "a time",
    "yes or no": "yes or no",
}
TAKEN_BACK = {"consent_given": "consent_withdrawn", "objection_made": "objection_withdrawn"}
"""What a type becomes in a row that says that it is not granted."""


@dataclass(frozen=True)
class Conversion:
    """What the shop decides about every file: how naive times and bare amounts are meant.

    Attributes
    ----------
    currency : ISO 4217, of amounts that name none.
    timezone : of times that name none.
    received_at : the moment of the import.
    undated : what gives rows their time where the mapping says `time = "import"`.
    met : product_id and since, the moment of a product's first event; for files about products that tell no time.
    """

    mapping: Mapping
    currency: str
    timezone: str
    received_at: datetime
    undated: Undated | None = None
    met: pa.Table | None = None


class Placed(NamedTuple):
    """Events in the columns of the log, ordered by time, and the line of the file each stands on."""

    events: pa.Table
    places: npt.NDArray[np.int64]


@dataclass
class Converted:
    """What a chunk holds. Refunds stand apart: the order that each belongs to is looked for at the end.

    Attributes
    ----------
    products : what is said of products. described : rows that say nothing else, and are no events.
    """

    events: Placed
    refunds: Placed
    products: pa.Table
    described: int
    rejects: list[Reject]
    notes: Counter[str]


def convert(rows: RawRows, conversion: Conversion) -> Converted:
    """Read a chunk of a file as events.

    A row is refused, with its line, column, value and reason, if a field cannot be read, if its time
    is missing, before 1970 or more than a day ahead, if its type is missing, if it names neither a
    customer nor a product and is no attempt to pay, or if its price is negative. An order line with a
    negative quantity becomes a line of `order_refunded` with the quantity positive.
    """
    reading = _Reading(rows, conversion)
    reading.read_fields()
    reading.check()
    return reading.finish()


class _Reading:
    """A chunk on its way: columns read so far, and which rows are still good."""

    def __init__(self, rows: RawRows, conversion: Conversion) -> None:
        self.rows, self.conversion, self.mapping = rows, conversion, conversion.mapping
        self.count = rows.table.num_rows
        self.columns: dict[str, pa.Array] = {}
        self.is_good: Mask = np.ones(self.count, bool)
        self.rejects = list(rows.rejects)
        self.notes: Counter[str] = Counter()
        self.time_codes: pa.Array | None = None  # of equal texts, where the file gives them

    def read_fields(self) -> None:
        for field, header in self.mapping.columns.items():
            raw = whole(self.rows.table[header])
            values, unreadable = self._read(field, raw)
            kind = FIELDS.get(field, "text")
            if unreadable is not None:
                self.refuse(np.asarray(unreadable), field, f"not {WANTED[kind]}")
            self.columns[field] = values
            if field == "time" and pa.types.is_dictionary(raw.type):
                self.time_codes = raw.indices
        for field, value in self.mapping.constants.items():
            if field == "time" and value == IMPORT:
                undated = self.conversion.undated
                present = self.conversion.received_at if undated is None else undated.present
                self.columns[field] = pa.repeat(pa.scalar(present, TIME), self.count)
                continue
            values, unreadable = self._read(field, pa.array([value]))
            if unreadable is not None and unreadable[0].as_py():
                self.refuse(np.ones(self.count, bool), field, f"the constant {value!r} cannot be read")
            self.columns[field] = self._constant(values)

    def _read(self, field: str, raw: pa.Array) -> Values:
        kind = FIELDS.get(field, "text")
        if kind == "time":
            moments, unreadable, changing = to_time(raw, self.mapping.time_format, self.conversion.timezone)
            if changing is not None and field == "time":
                for oddity, words in NOTES.items():
                    self.notes[words] += pc.sum(pc.equal(changing, oddity)).as_py() or 0
            return Values(_in_iso(moments) if field.startswith(EXTRA) else moments, unreadable)
        if kind == "money":
            return to_money(raw, self.mapping.decimal)
        if kind == "yes or no":
            return to_truth(raw)
        if kind == "number":
            return to_number(raw, self.mapping.decimal)
        if kind == "whole number":
            numbers, unreadable = to_number(raw, self.mapping.decimal)
            is_line = pc.and_(pc.equal(numbers, pc.floor(numbers)), pc.less(pc.abs(numbers), 2.0**31))
            broken = pc.invert(pc.fill_null(is_line, True))
            return Values(pc.if_else(broken, None, numbers).cast(pa.int32()), pc.or_(unreadable, broken))
        return to_text(raw)

    def _constant(self, value: pa.Array) -> pa.Array:
        if pa.types.is_string(value.type):
            indices = pa.array(np.zeros(self.count, np.int32))
            return pa.DictionaryArray.from_arrays(indices, value)
        return pa.repeat(value[0], self.count)

    def refuse(self, is_bad: Mask, field: str, reason: str) -> None:
        """Refuse rows; of several reasons, the first found is given."""
        found = np.flatnonzero(is_bad & self.is_good)
        if not len(found):
            return
        header = self.mapping.columns.get(field, "")
        shown = plain(whole(self.rows.table[header]).take(pa.array(found))).cast(pa.string()) if header else None
        for place, row in enumerate(found):
            value = "" if shown is None else (shown[place].as_py() or "")
            self.rejects.append(Reject(int(self.rows.lines[row]), header, value[:200], reason))
        self.is_good[found] = False

    def check(self) -> None:
        columns = self.columns
        self._check_time()
        self.refuse(is_null(columns["type"]), "type", "the type of the event is missing")
        columns["type"] = by_dictionary(columns["type"], _snake_case, keep=True).values
        self._settle_granted()
        if "event_id" in columns:
            self.refuse(is_null(columns["event_id"]), "event_id", "the id of the event is missing")
        # Tables of card payments often name nobody: the card, or the payment itself, is all they tell; a bank's list
        # of disputes names payments.
        nobody = ~is_any_of(columns["type"], ("payment_attempted", "payment_disputed", "fraud_reviewed"))
        for field in ("customer_id", "anonymous_id", "product_id"):
            if field in columns:
                nobody &= is_null(columns[field])
        self.refuse(nobody, "", "names neither a customer nor a product")
        if self.mapping.is_about_products:
            self._check_described()
        self._settle_quantity_and_price()
        self._name_orders()

    def _check_described(self) -> None:
        nameless = is_null(self.columns["product_id"]) if "product_id" in self.columns else np.ones(self.count, bool)
        self.refuse(nameless, "product_id", "names no product")
        if "currency" in self.columns:
            own = pc.equal(pc.utf8_upper(plain(self.columns["currency"])), self.conversion.currency)
            is_foreign = ~np.asarray(pc.fill_null(own, True))
            self.refuse(is_foreign, "currency", f"what products cost is told in {self.conversion.currency} here")

    def _check_time(self) -> None:
        times = self.columns["time"]
        self.refuse(is_null(times), "time", "the time is missing")
        moments = times.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
        self.refuse(moments < 0, "time", "before 1970")
        latest = (self.conversion.received_at + AHEAD - EARLIEST) // timedelta(microseconds=1)
        self.refuse(moments > latest, "time", "in the future")

    def _settle_granted(self) -> None:
        if "granted" not in self.columns:
            return
        granted = self.columns.pop("granted")
        self.refuse(is_null(granted), "granted", "it is not said whether it is granted")
        is_no = np.asarray(pc.equal(granted, False).fill_null(False))
        is_known = is_any_of(self.columns["type"], tuple(TAKEN_BACK))
        self.refuse(~is_known, "granted", f"granted is for {' and '.join(TAKEN_BACK)} alone")
        types = encoded(self.columns["type"])
        taken_back = pa.array([TAKEN_BACK.get(word) for word in types.dictionary.to_pylist()], pa.string())
        plain_types = pc.if_else(pa.array(is_no & is_known), taken_back.take(types.indices), plain(types))
        self.columns["type"] = plain_types.dictionary_encode()

    def _settle_quantity_and_price(self) -> None:
        columns = self.columns
        if "quantity" not in columns and "product_id" in columns:
            columns["quantity"] = pc.if_else(pa.array(is_null(columns["product_id"])), None, 1.0)
        if "amount" in columns:
            self._price_from_amount(columns.pop("amount"))
        if "unit_price" in columns:
            self.refuse(is_negative(columns["unit_price"]), "unit_price", "a price cannot be negative")
        if "quantity" in columns:
            is_return = is_negative(columns["quantity"])
            if is_return.any():
                is_order = is_any_of(columns["type"], ORDER_TYPES)
                self.refuse(is_return & ~is_order, "quantity", "negative, on an event that is no order")
                columns["type"] = _with_refunds(columns["type"], is_return)
                columns["quantity"] = pc.abs(columns["quantity"])

    def _price_from_amount(self, amount: pa.Array) -> None:
        quantity = self.columns.get("quantity", pa.nulls(self.count, pa.float64()))
        quantity = pc.if_else(pc.and_(pc.is_null(quantity), pc.is_valid(amount)), 1.0, quantity)
        # A refund may stand as a negative amount, a negative quantity, or both.
        negative = is_negative(amount)
        quantity = pc.if_else(pa.array(negative & ~is_negative(quantity)), pc.negate(quantity), quantity)
        self.columns["quantity"] = quantity
        pieces = pc.abs(quantity)
        is_zero = np.asarray(pc.fill_null(pc.equal(pieces, 0.0), False))
        self.refuse(is_zero, "quantity", "zero, so that the amount gives no price")
        prices = pc.divide(pc.abs(amount.cast(pa.float64())), pc.if_else(pa.array(is_zero), None, pieces))
        self.columns["unit_price"], too_large = to_money(prices)
        self.refuse(np.asarray(too_large), "amount", "too large for a price")

    def _name_orders(self) -> None:
        """Lines of one customer, or visitor, at one moment are one order, where the file gives no order id."""
        columns = self.columns
        is_order = is_any_of(columns["type"], ORDER_TYPES)
        given = columns.get("order_id")
        if given is not None:
            is_order &= is_null(given)
        if not is_order.any():
            return
        customers, visitors = (columns.get(name, pa.nulls(self.count, pa.string())) for name in WHO)
        if visitors.null_count < self.count:
            customers = pc.coalesce(plain(customers), plain(visitors))
        when = self.time_codes if self.time_codes is not None else columns["time"].dictionary_encode().indices
        pairs, first = distinct_rows([encoded(customers), when])
        first_rows = pa.array(first)
        names = pc.coalesce(plain(customers.take(first_rows)), "guest")
        seconds = columns["time"].take(first_rows).cast(pa.timestamp("s", "UTC"), safe=False)
        orders = pc.binary_join_element_wise(names, pc.strftime(seconds, "%Y-%m-%dT%H:%M:%S"), "@")
        # Rows without a time are refused; but a null among the words of a dictionary cannot be written.
        orders = pc.fill_null(orders, "")
        indices = pairs if is_order.all() else pc.if_else(pa.array(is_order), pairs, None)
        named = pa.DictionaryArray.from_arrays(indices, orders)
        columns["order_id"] = named if given is None else encoded(pc.coalesce(plain(given), plain(named)))

    def finish(self) -> Converted:
        columns = self.columns
        attributes = {name: columns.pop(name) for name in PRODUCT_FIELDS if name in columns}
        products = descriptions(attributes, columns.get("product_id"), columns["time"], self.is_good)
        if "currency" in columns:
            columns["currency"] = by_dictionary(columns["currency"], _in_capitals, keep=True).values
        else:
            has_price = pc.is_valid(columns["unit_price"]) if "unit_price" in columns else pa.nulls(0)
            if len(has_price):
                code = pa.array([self.conversion.currency])
                indices = pc.if_else(has_price, pa.scalar(0, pa.int32()), None)
                columns["currency"] = pa.DictionaryArray.from_arrays(indices, code)
        if properties := self._properties():
            columns["properties"] = properties
        received = columns.get("received_at", pa.nulls(self.count, TIME))
        columns["received_at"] = pc.fill_null(received, pa.scalar(self.conversion.received_at, TIME))
        table = pa.table({name: columns[name] for name in EVENTS.names if name in columns})
        undated = self.conversion.undated
        if undated is not None:
            table = undated.stamp(table)
        places = self.rows.lines
        moments = table["time"].cast(pa.int64()).fill_null(0).to_numpy()
        if (moments[1:] < moments[:-1]).any():
            order = np.argsort(moments, kind="stable")
            table, places, self.is_good = table.take(pa.array(order)), places[order], self.is_good[order]
        table = _with_identity(table, self.is_good, CONTENT if undated is None else SAYS)
        described = int(self.is_good.sum()) if self.mapping.is_about_products else 0
        is_event = self.is_good & (not self.mapping.is_about_products)
        is_refund = is_any_of(whole(table["type"]), ("order_refunded",))
        events = _part(table, places, is_event & ~is_refund)
        refunds = _part(table, places, is_event & is_refund)
        return Converted(events, refunds, products, described, sorted(self.rejects), +self.notes)

    def _properties(self) -> pa.Array | None:
        """Fields outside of the schema, as one JSON object a row; each distinct object is written once."""
        names = [name for name in self.columns if name.startswith(EXTRA)]
        if not names:
            return self.rows.properties
        if self.rows.properties is not None:
            own = {name.removeprefix(EXTRA): plain(self.columns[name]) for name in names}
            return patched(self.rows.properties, own)
        columns = [encoded(self.columns[name]) for name in names]
        codes, first = distinct_rows(columns)
        cells = {
            name.removeprefix(EXTRA): column.take(pa.array(first)) for name, column in zip(names, columns, strict=True)
        }
        # Rows without any have no code: a null among the words of a dictionary cannot be written.
        words = objects(cells).dictionary_encode()
        return pa.DictionaryArray.from_arrays(words.indices.take(codes), words.dictionary)


def _with_identity(table: pa.Table, is_good: Mask, says: tuple[str, ...]) -> pa.Table:
    """Give each event its id and line, where the file gave none: the id is made of its time and what it says."""
    if "event_id" not in table.column_names:
        times = whole(table["time"]).cast(pa.int64()).fill_null(0)
        content = hash_rows(table, says)
        # Equal content at different times is not the same event, so the time counts in the ordinal.
        identity = content ^ (times.to_numpy().view(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
        # Refused rows have no equals: else mending one would renumber, and count again, the good ones.
        identity[~is_good] = np.flatnonzero(~is_good)
        if "line" in table.column_names:
            table = table.drop_columns("line")
        table = table.append_column("event_id", derived_ids(times, content))
        table = table.append_column("line", pa.array(ordinals(identity)))
    elif "line" not in table.column_names:
        table = table.append_column("line", pa.array(np.zeros(table.num_rows, np.int32)))
    elif table["line"].null_count:
        table = table.set_column(table.column_names.index("line"), "line", pc.fill_null(table["line"], 0))
    return table


def _part(table: pa.Table, places: npt.NDArray[np.int64], is_part: Mask) -> Placed:
    """Some of the rows, in all columns of the log."""
    # By row numbers: to pick by a mask takes Arrow many times as long.
    part = table if is_part.all() else table.take(pa.array(np.flatnonzero(is_part)))
    columns = [
        part[field.name] if field.name in part.column_names else nothing(field.type, part.num_rows) for field in EVENTS
    ]
    return Placed(pa.table(columns, EVENTS.names), places[is_part])


def _with_refunds(types: pa.Array, is_refund: Mask) -> pa.Array:
    """The types, those of some rows changed to order_refunded."""
    types = encoded(types)
    dictionary = pa.concat_arrays([types.dictionary, pa.array(["order_refunded"])])
    codes = pc.if_else(pa.array(is_refund), pa.scalar(len(types.dictionary), types.indices.type), types.indices)
    return pa.DictionaryArray.from_arrays(codes, dictionary)


def _snake_case(types: pa.Array) -> Values:
    """ "Order Completed" and "orderCompleted" are order_completed."""
    words = pc.replace_substring_regex(types.cast(pa.string()), r"([a-z])([A-Z])", r"\1_\2")
    return Values(pc.utf8_lower(pc.replace_substring_regex(words, r"[\s\-]+", "_")), None)


def _in_capitals(texts: pa.Array) -> Values:
    return Values(pc.utf8_upper(texts.cast(pa.string())), None)


def _in_iso(moments: pa.Array) -> pa.Array:
    return pc.strftime(moments, "%Y-%m-%dT%H:%M:%SZ")
