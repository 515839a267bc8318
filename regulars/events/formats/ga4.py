"""Google Analytics 4 as BigQuery exports it: events with parameters and items, each item a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.engine.json import elements, extract, objects, patched
from regulars.events.formats.format import by_word, refused
from regulars.events.formats.listed import Listed
from regulars.events.readers import WHOLE, Chunk, RawRows
from regulars.events.schema import TIME
from regulars.events.values import encoded

TYPES = {
    "view_item_list": "product_list_viewed",
    "select_item": "product_clicked",
    "view_item": "product_viewed",
    "add_to_cart": "product_added",
    "remove_from_cart": "product_removed",
    "view_cart": "cart_viewed",
    "add_to_wishlist": "product_added_to_wishlist",
    "begin_checkout": "checkout_started",
    "add_shipping_info": "checkout_step_completed",
    "add_payment_info": "payment_info_entered",
    "purchase": "order_completed",
    "refund": "order_refunded",
    "view_promotion": "promotion_viewed",
    "select_promotion": "promotion_clicked",
    "search": "products_searched",
    "view_search_results": "products_searched",
    "login": "sign_in",
    "sign_up": "signed_up",
    "share": "product_shared",
    "page_view": "page_viewed",
    "screen_view": "page_viewed",
}
"""What an event is in the log; others keep their names."""

KEY = ("user_pseudo_id", "event_timestamp", "event_name", "event_bundle_sequence_id", "batch_event_index")

EVENT = {
    name: (name,)
    for name in (
        "event_timestamp", "event_name", "event_bundle_sequence_id", "batch_event_index", "user_pseudo_id", "platform",
        "items", "event_params",
    )
} | {
    "transaction": ("ecommerce", "transaction_id"),
    "refund_value": ("ecommerce", "refund_value"),
    "purchase_revenue": ("ecommerce", "purchase_revenue"),
    "manual_campaign": ("collected_traffic_source", "manual_campaign_name"),
}  # fmt: skip
"""What is read of an event to make columns of it."""

KEPT = {
    "country": ("geo", "country"),
    "region": ("geo", "region"),
    "device_category": ("device", "category"),
    "device_operating_system": ("device", "operating_system"),
    "device_language": ("device", "language"),
    "traffic_source_source": ("traffic_source", "source"),
    "traffic_source_medium": ("traffic_source", "medium"),
    "traffic_source_name": ("traffic_source", "name"),
}
"""What is kept among the properties, by these names."""

PARAMETERS = ("ga_session_id", "transaction_id", "currency", "search_term", "campaign", "value")
"""Parameters that columns are made of; all but `value` are then no properties."""

ITEM = ("item_id", "item_name", "item_brand", "item_category", "price", "quantity")

MADE = (
    "event_id", "line", "type", "time", "user_pseudo_id", "session_id", "product_id", "quantity", "unit_price",
    "currency", "order_id", "query", "channel", "campaign", "title", "category", "brand", "list_price",
)  # fmt: skip
INSIDE = ("user_id", "device.vendor_id")
OBJECTS = [(), ("ecommerce",), ("geo",), ("device",)]


class GoogleAnalytics:
    """Tables events_YYYYMMDD of the BigQuery export."""

    name = "ga4"
    weakness = ""
    added: tuple[str, ...] = (*MADE, *INSIDE)

    def recognises(self, headers: Sequence[str]) -> bool:
        """By the columns that every event has."""
        return {"event_timestamp", "event_name", "user_pseudo_id"} <= set(headers)

    def reads(self, headers: Sequence[str]) -> tuple[str, ...]:
        """Whole events."""
        return (WHOLE,)

    def unfold(self, pieces: Iterator[Chunk], columns: Sequence[str]) -> Iterator[Chunk]:
        """Each event by itself."""
        for piece in pieces:
            yield partial(_unfold, piece, tuple(columns))


def _unfold(piece: Chunk, columns: tuple[str, ...]) -> RawRows:
    raw = piece()
    texts = raw.table[WHOLE].combine_chunks()
    events = _Events(texts, [name for name in columns if name not in MADE])
    table = pa.table({name: _encoded(events.column(name)) for name in columns})
    rejects = [*raw.rejects, *refused(raw, events.problems, texts)]
    return RawRows(table, raw.lines[events.list.events], rejects, events.properties())


class _Events:
    """Events, and the lines that they become.

    Attributes
    ----------
    problems : {event: why it cannot be read}.
    list : their items, and the lines.
    """

    def __init__(self, texts: pa.Array, own: Sequence[str]) -> None:
        paths = {**EVENT, **KEPT, **{name: tuple(name.split(".")) for name in own}}
        read = extract(texts, list(paths.values()), OBJECTS)
        self.read = {name: _said(values) for name, values in zip(paths, read.columns, strict=True)}
        self.list = Listed(self.read["items"], ITEM, "items")
        self.problems = read.problems | self.list.problems | self._read_parameters()
        self.types = by_word(self.read["event_name"], lambda name: TYPES.get(name, name))
        self.list.unfold(self.problems)
        nothing = pa.nulls(len(texts), pa.string())
        self.item = {name: _said(self.list.of_product(name, nothing)) for name in ITEM}

    def _read_parameters(self) -> dict[int, str]:
        """Take the parameters apart; events that have a key twice."""
        counts, texts = elements(self.read["event_params"])
        kinds = ("string_value", "int_value", "float_value", "double_value")
        read = extract(texts, [("key",), *(("value", kind) for kind in kinds)])
        keys, strings, *numbers = read.columns
        number = pc.coalesce(*numbers)
        events = np.repeat(np.arange(len(counts)), counts)
        problems = {int(events[row]): f"in event_params: {why}" for row, why in read.problems.items()}
        codes = keys.dictionary_encode()
        pairs = events * (len(codes.dictionary) + 1) + codes.indices.fill_null(-1).to_numpy(zero_copy_only=False) + 1
        again = np.setdiff1d(np.arange(len(pairs)), np.unique(pairs, return_index=True)[1])
        problems |= {int(events[row]): f'in event_params: the key "{keys[row]}" stands twice' for row in again}
        self.parameter = {}
        for name in PARAMETERS:
            rows = np.flatnonzero(np.asarray(pc.fill_null(pc.equal(keys, name), False)))
            at = np.full(len(counts), -1)
            at[events[rows]] = rows
            self.parameter[name] = _said(pc.coalesce(strings, number).take(pa.array(at, mask=at < 0)))
        is_used = pc.is_in(keys, pa.array([name for name in PARAMETERS if name != "value"]))
        self.others = objects(counts, pc.if_else(is_used, None, keys), strings, number)
        return problems

    def column(self, name: str) -> pa.Array:
        """A column of the lines."""
        if name in self.made:
            return self.made[name]()
        return self.list.of_event(self.of_events[name] if name in self.of_events else self.read[name])

    @cached_property
    def made(self) -> dict[str, Callable[[], pa.Array]]:
        """{column of the lines: how it is made}."""
        item, amount = self.item, self.list.of_event(self._amount())
        # An order without items is one of its amount.
        one = pc.if_else(pc.or_(pa.array(self.list.is_listed), pc.is_valid(amount)), "1", None)
        return {
            "line": lambda: pa.array(self.list.places),
            "product_id": lambda: pc.coalesce(item["item_id"], item["item_name"]),
            "unit_price": lambda: pc.if_else(pa.array(self.list.is_listed), item["price"], amount),
            "quantity": lambda: pc.coalesce(item["quantity"], one),
            "title": lambda: item["item_name"],
            "category": lambda: item["item_category"],
            "brand": lambda: item["item_brand"],
            "list_price": lambda: item["price"],
        }

    @cached_property
    def of_events(self) -> dict[str, pa.Array]:
        """{column: its values, one an event}."""
        read, parameter = self.read, self.parameter
        is_whole = pc.match_substring_regex(read["event_timestamp"], r"^\d{1,18}$")
        return {
            # There is no id in the export: these tell its events apart.
            "event_id": pc.binary_join_element_wise(*(read[part] for part in KEY), ".", null_handling="skip"),
            "type": self.types,
            "time": pc.if_else(is_whole, read["event_timestamp"], None).cast(pa.int64()).cast(TIME),
            # The number of a session is its own visitor's only.
            "session_id": pc.binary_join_element_wise(read["user_pseudo_id"], parameter["ga_session_id"], "."),
            "currency": parameter["currency"],
            "campaign": pc.coalesce(parameter["campaign"], read["manual_campaign"]),
            "order_id": pc.coalesce(read["transaction"], parameter["transaction_id"]),
            "query": parameter["search_term"],
            "channel": pc.utf8_lower(read["platform"]),
        }

    def _amount(self) -> pa.Array:
        """What an order came to, whose items are not listed."""
        is_refund = pc.equal(self.types, "order_refunded")
        own = pc.if_else(is_refund, self.read["refund_value"], self.read["purchase_revenue"])
        is_order = pc.is_in(self.types, pa.array(["order_completed", "order_refunded"]))
        return pc.if_else(is_order, pc.coalesce(self.parameter["value"], own), None)

    def properties(self) -> pa.Array:
        """What went into no column: parameters, place and device, and under `product` the rest of the item."""
        listed = self.list.element[self.list.is_listed]
        of_item = patched(self.list.texts.take(pa.array(listed)), {}, [ITEM])
        kept = {name: self.list.of_event(self.read[name]) for name in KEPT}
        return patched(self.list.of_event(self.others), {**kept, "product{}": self.list.beside(of_item)})


def _said(texts: pa.Array) -> pa.Array:
    """Texts; Google writes "(not set)" for nothing."""
    return pc.if_else(pc.is_in(texts, pa.array(["(not set)", ""])), None, texts)


def _encoded(values: pa.Array) -> pa.Array:
    return encoded(values) if pa.types.is_string(values.type) else values
