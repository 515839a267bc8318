"""Pricing: what competitors ask, what of theirs is which product, and where they ask less than we do."""

from __future__ import annotations

from datetime import timedelta

from starlette.responses import Response

from regulars.console.listing import Column, Listing
from regulars.console.roles import ALL, only
from regulars.console.screen import Screen
from regulars.console.visit import Visit
from regulars.customers.by_hand import present
from regulars.pricing.competitor import FRESH_DAYS, Competitors, Undercut, matches_of, seen_between, undercuts
from regulars.pricing.competitor.book import PROPOSED
from regulars.pricing.money import to_amount
from regulars.pricing.products import Products

screen = Screen("pricing")

MATCHES = (Column("competitor"), Column("what"), Column("product_id"), Column("similarity", "share"))
UNDERCUT = (
    Column("product_id"), Column("competitor"), Column("list_price", "money"), Column("theirs", "money"),
    Column("gap", "share"),
)  # fmt: skip
CHANGING = only("pricing")


@screen.get("/pricing/product/rivals", may=ALL)
def rivals(visit: Visit) -> Response:
    """What competitors ask for this product, where that is fresh."""
    product_id = visit.needed("id")
    with visit.console.reading() as shop:
        moment = present(shop)
        rows = Competitors(shop, products_of(visit)).newest(moment).to_pylist()
        currency = shop.config.shop.currency
    found = [{**row, "price": to_amount(row["coins"], currency)} for row in rows if row["product_id"] == product_id]
    return visit.page("pricing/rivals.html", found=found)


@screen.get("/pricing/competitors", may=ALL)
def competitors(visit: Visit) -> Response:
    """What of competitors' is thought to be which product: a person says whether it is."""
    rows = matches_of(visit.shop.state, PROPOSED)
    found = Listing.of(visit, MATCHES, sort="-similarity").of_rows([row._asdict() for row in rows])
    return visit.page("pricing/competitors.html", found=found, may_change=CHANGING)


@screen.post("/pricing/competitors/judge", may=CHANGING)
def judge(visit: Visit) -> Response:
    """Say that something of a competitor's is a product of the shop, or is not."""
    competitor, what, is_same = visit.given("competitor"), visit.given("what"), visit.given("same") == "yes"
    with visit.console.reading() as shop:
        book = Competitors(shop, products_of(visit))
        found = book.judge(competitor, what, approve=is_same, who=visit.who)
    verb = "pricing.matched" if is_same else "pricing.parted"
    visit.note(verb, found.product_id, None, {"competitor": competitor, "what": what})
    fields = {"competitor": competitor, "what": what, "same": "" if is_same else "yes"}
    undo = ("/pricing/competitors/judge", {**fields, "same": "no" if is_same else "yes"})
    return visit.go("/pricing/competitors", visit.t(f"{verb}_said", what=what, product=found.product_id), undo)


@screen.get("/pricing/undercut", may=ALL)
def undercut(visit: Visit) -> Response:
    """The products for which a competitor asks less, and by how much."""
    currency = visit.console.currency
    rows = [
        {**one._asdict(), "list_price": to_amount(one.ours, currency), "theirs": to_amount(one.theirs, currency)}
        for one in undercut_now(visit)
    ]
    found = Listing.of(visit, UNDERCUT, sort="-gap").of_rows(rows)
    return visit.page("pricing/undercut.html", found=found, days=FRESH_DAYS)


def undercut_now(visit: Visit) -> list[Undercut]:
    """Where a competitor asks less than we do at present."""
    with visit.console.reading() as shop:
        moment = present(shop)
        # A shop that keeps no competitors' prices does not wait for its products.
        if not seen_between(shop.state, moment - timedelta(days=FRESH_DAYS), moment).num_rows:
            return []
        products = products_of(visit)
        return undercuts(products, Competitors(shop, products).newest(moment))


def products_of(visit: Visit) -> Products:
    """The products at present, for a page asks in several parts; a price that was set is in it at once."""
    return visit.console.kept.of(
        "pricing.products",
        visit.shop.log.version,
        lambda shop: Products.of(shop, present(shop)),
        key=visit.shop.log.snapshot().tables.get("catalogue"),
    )
