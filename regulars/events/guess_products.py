"""Is it a file about products: what each is called, costs, is made by? Such a file tells no events."""

from __future__ import annotations

from collections.abc import Iterable

from regulars.events.cells import ENOUGH, Table, decimal_of, filled, named, plain, synonyms
from regulars.events.draft import Draft, take_named
from regulars.events.mapping import DESCRIBED
from regulars.events.timeformat import detect, is_bare_number
from regulars.events.undated import IMPORT

NEVER = (
    "customer_id", "anonymous_id", "session_id", "event_id", "order_id", "line", "quantity", "amount", "query", "text",
    "campaign_id", "payment_id", "device_id", "ip", "outcome",
)  # fmt: skip
"""Fields of events: a file that has one is about events, even if it describes products."""


def tells_products(headers: Iterable[str]) -> bool:
    """Whether no column is one of events; the time of an event is none that a product has.

    >>> tells_products(["SKU", "Title", "Cost"]), tells_products(["SKU", "Cost", "Quantity"])
    (True, False)
    """
    words, there = synonyms(), {plain(header) for header in headers}
    of_products = {name for names in words["product"].values() for name in names}
    never = {name for kind in NEVER for name in words["fields"][kind]}
    times = {*words["fields"]["time"], *words["fields"]["received_at"]} - {*words["of_the_product"]}
    return not there & ((never | times) - of_products)


def products(table: Table, currency: str) -> Draft | None:
    """A mapping of a file about products; None where it is about something else."""
    if not tells_products(table):
        return None
    words = synonyms()["product"]
    prices = [header for kind in ("list_price", "unit_cost") for header in named(table, words[kind])]
    draft = Draft(decimal=decimal_of(table, prices))
    if any(named(table, synonyms()["known_by_id"])):
        take_named("product_id", ["id"], table, draft, currency)
    for kind, names in words.items():
        if kind not in draft.columns:
            take_named(kind, names, table, draft, currency)
    ids = filled(table.get(draft.columns.get("product_id", ""), []))
    # What is called "price" may be one that somebody paid.
    asked = set(draft.columns) - {"product_id", "time", "currency"}
    asked -= {"list_price"} if any(named(table, synonyms()["fields"]["unit_price"])) else set()
    if not ids or not asked or len(set(ids)) < ENOUGH * len(ids) or _has_a_time(table, draft):
        return None
    for kind in draft.columns:
        draft.evidence[kind] += "; a file about products"
    draft.fix("type", DESCRIBED, "one row a product, and nothing of customers or orders")
    if "time" not in draft.columns:
        draft.fix("time", IMPORT, "no column tells since when: what a row says holds from the import on")
    return draft


def _has_a_time(table: Table, draft: Draft) -> bool:
    """Whether a column that serves nothing holds times, and not those of the product itself."""
    of_the_product = synonyms()["of_the_product"]
    for header, cells in table.items():
        if draft.is_free(header) and plain(header) not in of_the_product and (there := filled(cells)):
            form = detect(there, month_first=False)
            if form and form.share >= ENOUGH and not is_bare_number(form.format):
                return True
    return False
