"""Segment's calls as JSON lines: track, identify, page, screen, group and alias, each product a line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache, partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.engine.json import extract, patched
from regulars.events.formats.format import by_word, refused
from regulars.events.formats.listed import Listed
from regulars.events.readers import WHOLE, Chunk, RawRows
from regulars.events.schema import MONEY
from regulars.events.values import encoded, to_money

NOTHING = pa.scalar(0, MONEY)

CALLS = {
    "identify": "customer_identified",
    "alias": "customer_aliased",
    "group": "group_joined",
    "page": "page_viewed",
    "screen": "page_viewed",
}
"""What a call is that is no track."""

OTHER_NAMES = {
    # The first version of the e-commerce specification.
    "viewed_product_category": "product_list_viewed",
    "viewed_product": "product_viewed",
    "clicked_product": "product_clicked",
    "added_product": "product_added",
    "removed_product": "product_removed",
    "viewed_promotion": "promotion_viewed",
    "clicked_promotion": "promotion_clicked",
    "viewed_cart": "cart_viewed",
    "started_order": "checkout_started",
    "viewed_checkout_step": "checkout_step_viewed",
    "completed_checkout_step": "checkout_step_completed",
    "updated_order": "order_updated",
    "completed_order": "order_completed",
    "refunded_order": "order_refunded",
    "cancelled_order": "order_cancelled",
    "order_canceled": "order_cancelled",
    # Its sister specifications.
    "signed_in": "sign_in",
    "email_delivered": "message_sent",
    "email_opened": "message_opened",
    "email_link_clicked": "message_clicked",
    "push_notification_received": "message_sent",
    "push_notification_tapped": "message_clicked",
    "live_chat_message_sent": "support_asked",
    "live_chat_message_received": "support_answered",
    "unsubscribed": "consent_withdrawn",
}
"""Names of events that the log knows by another."""

OF_AN_ORDER = ("order_completed", "order_updated", "order_cancelled", "order_refunded")
OF_A_COST = "ad_shown"
"""An event whose price is its property `cost`: what was paid for it. A `price` would be one of its product."""
OF_A_PRODUCT = ("product_viewed", "product_clicked", "product_added", "product_removed")

CALL = {name: (name,) for name in ("event", "timestamp", "originalTimestamp", "receivedAt", "sentAt")} | {
    "call": ("type",),
    "previousId": ("previousId",),
    "anonymous": ("anonymousId",),
    "page_name": ("name",),
    "page_category": ("category",),
    "group_id": ("groupId",),
    "properties": ("properties",),
    "traits": ("traits",),
    "location_country": ("context", "location", "country"),
    "location_region": ("context", "location", "region"),
    "trait_country": ("traits", "country"),
    "trait_region": ("traits", "region"),
    "address_country": ("traits", "address", "country"),
    "address_state": ("traits", "address", "state"),
}
"""What is read of a call to make columns of it."""

PROPERTIES = (
    "products", "order_id", "orderId", "currency", "query", "review_body", "variation_id", "country", "region",
    "revenue", "subtotal", "total", "shipping", "tax", "cost",
)  # fmt: skip
"""What is read of its properties."""

PRODUCT = ("product_id", "id", "sku", "name", "category", "brand", "price", "quantity")
"""What is read of a product."""

# What went into columns, and so is left out of the properties: by whether the call has a product of its own,
# whether that goes by `id`, and whether its order goes by `orderId`; the first for calls with traits and decisions.
_ALWAYS = ("products", "order_id", "currency", "query", "review_body")
_OF_PRODUCT = ("product_id", "name", "category", "brand", "price", "quantity")
WITHOUT_OF_PRODUCT = [_OF_PRODUCT, (*_OF_PRODUCT, "id")]
WITHOUT = [()] + [
    (*_ALWAYS, *product, *by_id, *old)
    for old in ((), ("orderId",))
    for by_id in ((), ("id",))
    for product in ((), _OF_PRODUCT)
]

CONTEXT = {
    "context_locale": ("context", "locale"),
    "context_timezone": ("context", "timezone"),
    "context_user_agent": ("context", "userAgent"),
    "context_device_type": ("context", "device", "type"),
    "context_os_name": ("context", "os", "name"),
    "context_page_path": ("context", "page", "path"),
    "context_page_referrer": ("context", "page", "referrer"),
    "context_campaign_source": ("context", "campaign", "source"),
    "context_campaign_medium": ("context", "campaign", "medium"),
}
"""Fields of the context that are kept among the properties, by the names that Segment gives them in tables."""

OWN = ("messageId", "receivedAt", "userId", "channel")
INSIDE = ("context.sessionId", "context.campaign.name", "context.device.id", "context.ip")
"""Columns of the preset that are fields of the call: on some calls only."""

MADE = (
    "type", "line", "time", "anonymousId", "product_id", "quantity", "unit_price", "currency", "order_id", "query",
    "text", "variant", "title", "category", "brand", "list_price",
)  # fmt: skip

DISTINCT = ("messageId", "time", "receivedAt")
"""Columns whose values hardly repeat, for which a dictionary would be in vain."""

OBJECTS = [(), ("properties",), ("traits",), ("context",), ("context", "device")]


class Segment:
    """Calls of Segment's API, as RudderStack, PostHog, Jitsu and Dittofeed have them too."""

    name = "segment"
    weakness = ""
    added: tuple[str, ...] = (*MADE, *OWN, *INSIDE)

    def recognises(self, headers: Sequence[str]) -> bool:
        """By the id of the message, the type of the call, and one of the ids of the person."""
        return {"messageId", "type"} <= set(headers) and bool({"userId", "anonymousId"} & set(headers))

    def reads(self, headers: Sequence[str]) -> tuple[str, ...]:
        """Whole calls."""
        return (WHOLE,)

    def unfold(self, pieces: Iterator[Chunk], columns: Sequence[str]) -> Iterator[Chunk]:
        """Each call by itself: no call needs another."""
        for piece in pieces:
            yield partial(_unfold, piece, tuple(columns))


def _unfold(piece: Chunk, columns: tuple[str, ...]) -> RawRows:
    raw = piece()
    texts = raw.table[WHOLE].combine_chunks()
    calls = _Calls(texts, [name for name in columns if name not in MADE])
    table = pa.table({name: _encoded(name, calls.column(name)) for name in columns})
    rejects = [*raw.rejects, *refused(raw, calls.problems, texts)]
    return RawRows(table, raw.lines[calls.list.events], rejects, calls.properties())


def _encoded(name: str, values: pa.Array) -> pa.Array:
    return values if name in DISTINCT else encoded(values)


class _Calls:
    """Calls, and the lines of events that they become.

    Attributes
    ----------
    problems : {call: why it cannot be read}.
    list : their products, and the lines.
    """

    def __init__(self, texts: pa.Array, own: Sequence[str]) -> None:
        paths = {
            **CALL,
            **{name: ("properties", name) for name in (*PROPERTIES, *PRODUCT)},
            **CONTEXT,
            **{name: tuple(name.split(".")) for name in own},
        }
        read = extract(texts, list(paths.values()), OBJECTS)
        self.read = dict(zip(paths, read.columns, strict=True))
        self.shape, self.keys = read.shape, read.keys
        self.call = by_word(self.read["call"], str.lower)
        self.types = self._types()
        # The products of a decision are what it says, not lines of an order.
        self.is_decision = pc.fill_null(pc.equal(self.types, "decision_made"), False)
        self.list = Listed(pc.if_else(self.is_decision, None, self.read["products"]), PRODUCT, "products")
        self.problems = read.problems | self.list.problems
        self.list.unfold(self.problems)
        self._find_products()

    def _types(self) -> pa.Array:
        tracked = by_word(self.read["event"], type_of)
        named = by_word(self.call, CALLS.get)
        is_track = pc.fill_null(pc.equal(self.call, "track"), True)
        return pc.if_else(is_track, tracked, named)

    def _find_products(self) -> None:
        of_line = {name: self.list.of_product(name, self.read[name]) for name in PRODUCT}
        self.type = self.list.of_event(self.types)
        # Elsewhere an id is of whatever the event is about.
        is_product = pc.or_(pa.array(self.list.is_listed), pc.is_in(self.type, pa.array(OF_A_PRODUCT)))
        by_id = pc.if_else(is_product, of_line["id"], None)
        self.uses_id = np.asarray(pc.and_(pc.is_null(of_line["product_id"]), pc.is_valid(by_id)))
        self.product_id = pc.coalesce(of_line["product_id"], by_id, of_line["sku"])
        self.has_product = pc.is_valid(self.product_id)
        self.product = {name: pc.if_else(self.has_product, values, None) for name, values in of_line.items()}

    def column(self, name: str) -> pa.Array:
        """A column of the lines."""
        if name in self.made:
            return self.made[name]()
        return self.list.of_event(self.of_calls[name] if name in self.of_calls else self.read[name])

    @cached_property
    def made(self) -> dict[str, Callable[[], pa.Array]]:
        """{column of the lines: how it is made}."""
        product = self.product
        amount = self.list.of_event(self._amount())
        # An order without products is one of its amount.
        one = pc.if_else(pc.or_(self.has_product, pc.is_valid(amount)), "1", None)
        return {
            "type": lambda: self.type,
            "line": lambda: pa.array(self.list.places),
            "product_id": lambda: self.product_id,
            "unit_price": lambda: pc.if_else(self.has_product, product["price"], amount),
            "quantity": lambda: pc.coalesce(product["quantity"], one),
            "title": lambda: product["name"],
            "category": lambda: product["category"],
            "brand": lambda: product["brand"],
            "list_price": lambda: product["price"],
        }

    @cached_property
    def of_calls(self) -> dict[str, pa.Array]:
        """{column: its values, one a call}."""
        read = self.read
        is_unsubscribed = pc.fill_null(pc.equal(self.types, "consent_withdrawn"), False)
        return {
            "time": pc.coalesce(read["timestamp"], read["originalTimestamp"], read["receivedAt"], read["sentAt"]),
            "anonymousId": pc.if_else(self._is_call("alias"), read["previousId"], read["anonymous"]),
            "order_id": pc.coalesce(read["order_id"], read["orderId"]),
            "text": pc.if_else(is_unsubscribed, "marketing", read["review_body"]),
            "variant": read["variation_id"],
        }

    def _is_call(self, *names: str) -> pa.Array:
        return pc.is_in(self.call, pa.array(names))

    def _amount(self) -> pa.Array:
        """What an order without products came to, without shipping and tax; and what an ad cost."""
        read = self.read
        is_ad = pc.equal(self.types, OF_A_COST)
        is_order = pc.is_in(self.types, pa.array(OF_AN_ORDER))
        given = pc.coalesce(read["revenue"], read["subtotal"])
        # Of most calls there is nothing to work out.
        total = pc.if_else(pc.and_(is_order, pc.is_null(given)), read["total"], None)
        net = to_money(total.dictionary_encode()).values
        for name in ("shipping", "tax"):
            net = pc.subtract(net, pc.fill_null(to_money(read[name].dictionary_encode()).values, NOTHING)).cast(MONEY)
        # A total that is no number is handed on as it is, to be refused by what it says.
        of_order = pc.if_else(is_order, pc.coalesce(given, net.cast(pa.string()), total), None)
        return pc.if_else(pc.fill_null(is_ad, False), read["cost"], of_order)

    def properties(self) -> pa.Array:
        """What went into no column: of the call, of its context, and under `product` of each listed product."""
        read, line = self.read, self.list.of_event
        has_traits = self._is_call("identify", "group")
        is_page = self._is_call("page", "screen")
        country = pc.if_else(has_traits, pc.coalesce(read["trait_country"], read["address_country"]), read["country"])
        region = pc.if_else(has_traits, pc.coalesce(read["trait_region"], read["address_state"]), read["region"])
        # Which keys went into columns: a number for each choice, from its bits.
        is_alone = ~self.list.is_listed
        uses_old = np.asarray(pc.and_(pc.is_null(read["order_id"]), pc.is_valid(read["orderId"])))[self.list.events]
        choice = 1 + (is_alone & np.asarray(self.has_product)) + 2 * (is_alone & self.uses_id) + 4 * uses_old
        choice[np.asarray(pc.or_(has_traits, self.is_decision))[self.list.events]] = 0
        of_product = patched(
            self.list.texts.take(pa.array(self.list.element[~is_alone])),
            {},
            WITHOUT_OF_PRODUCT,
            self.uses_id[~is_alone].astype(np.int64),
        )
        left = pc.if_else(
            pa.array(self._has_more(choice)), line(pc.if_else(has_traits, read["traits"], read["properties"])), None
        )
        return patched(
            left,
            {
                "page_name": line(pc.if_else(is_page, read["page_name"], None)),
                "page_category": line(pc.if_else(is_page, read["page_category"], None)),
                "group_id": line(pc.if_else(self._is_call("group"), read["group_id"], None)),
                "country": line(pc.coalesce(country, read["location_country"])),
                "region": line(pc.coalesce(region, read["location_region"])),
                **{name: line(read[name]) for name in CONTEXT},
                "product{}": self.list.beside(of_product),
            },
            WITHOUT,
            choice,
        )

    def _has_more(self, choice: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """(lines,) whether the properties may hold more than went into columns: of most calls nothing is left."""
        at = OBJECTS.index(("properties",))
        table = [[not (names := keys[at]) or not set(names) <= set(gone) for gone in WITHOUT] for keys in self.keys]
        more = np.array([*table, [True] * len(WITHOUT)])[self.shape[self.list.events], choice]
        more[choice == 0] = True  # of traits, and of decisions
        return more


@lru_cache(10_000)
def type_of(event: str) -> str:
    """The kind of event that the log has for the name of a tracked one.

    >>> type_of("Product Viewed"), type_of("completedOrder")
    ('product_viewed', 'order_completed')
    """
    words = re.sub(r"([a-z])([A-Z])", r"\1 \2", event.strip())
    name = re.sub(r"[\s_\-]+", "_", words).lower()
    return OTHER_NAMES.get(name, name)
