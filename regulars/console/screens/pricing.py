"""Pricing: which price, inside which guardrails, who asked for it and who approved it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from starlette.responses import Response

from regulars.console.approvals import Approval
from regulars.console.charts import chart
from regulars.console.deciding import Deciding
from regulars.console.listing import Column, Found, Listing
from regulars.console.roles import ALL
from regulars.console.screen import Screen
from regulars.console.screens import pricing_competitors
from regulars.console.screens.pricing_competitors import CHANGING, products_of
from regulars.console.visit import Visit
from regulars.customers.by_hand import present
from regulars.errors import InputError, NotFoundError
from regulars.pricing.audit import WHAT, audit_of
from regulars.pricing.given import tally
from regulars.pricing.guard import UNKNOWN, parity
from regulars.pricing.guard.parity import LOW
from regulars.pricing.money import to_amount, to_coins
from regulars.pricing.pictures import curve_of
from regulars.pricing.products import Products
from regulars.pricing.response.charts import demand_plot, profit_plot
from regulars.pricing.rules import known_of, rules_of
from regulars.pricing.suggesting import set_prices, suggestions

if TYPE_CHECKING:
    from regulars.console.jobs import Progress
    from regulars.engine import Engine
    from regulars.shop import Shop

screen = Screen("pricing", group="acting")

COLUMNS = (
    Column("product_id"),
    Column("title", is_wide=True),
    Column("category", is_wide=True),
    Column("list_price", "money"),
    Column("suggested", "money"),
    Column("gain", "money"),
    Column("chance", "share", is_wide=True),
    Column("competitor", "money", is_wide=True),
)
AUDITED = (
    Column("time", "time"),
    Column("what", "badge"),
    Column("product_id"),
    Column("customer_id", is_wide=True),
    Column("price", "money"),
    Column("list_price", "money", is_wide=True),
    Column("why", is_wide=True, is_sorted=False),
    Column("problem"),
)
GROUPS = (Column("group"), Column("customers", "number"), Column("discount", "share"), Column("is_judged", "yes"))
PRICES = Deciding("price", "/pricing", "/pricing/approvals")


@screen.get("/pricing", may=ALL)
def index(visit: Visit) -> Response:
    """The prices that were suggested last, as the address asks for them."""
    job = visit.console.jobs.newest("pricing.job_suggest")
    listing = Listing.of(visit, COLUMNS, ("q", "category", "moves"), sort="-gain")
    with visit.console.reading() as shop:
        try:
            table = shop.tables.read("pricing", "suggestions")
        except NotFoundError:
            return visit.page("pricing/none.html", job=job, may_change=CHANGING)
        found, categories = _listed(shop.engine, table, listing)
    return visit.page(
        "pricing/index.html", found=found, categories=categories, as_of=_as_of(table), job=job, may_change=CHANGING
    )


@screen.get("/pricing/given", may=ALL)
def given(visit: Visit) -> Response:
    """What personal discounts really gave away of late, and what the next decision may."""
    settings = visit.shop.config.pricing
    found = visit.console.kept.of(
        "pricing.given", visit.shop.log.version, lambda shop: tally(shop, present(shop)),
        key=(settings.budget, settings.horizon_days),
    )  # fmt: skip
    return visit.page("pricing/given.html", found=found, settings=settings)


@screen.post("/pricing/suggest", may=CHANGING)
def suggest(visit: Visit) -> Response:
    """Work out the price of most expected margin for each product."""
    console = visit.console

    def work(_: Progress) -> str:
        with console.reading() as shop:
            moment = present(shop)
            table = suggestions(shop, moment)
            shop.tables.write("pricing", "suggestions", table, moment)
        moves = pc.sum(pc.not_equal(table["suggested"], table["list_price"])).as_py()
        return visit.t(".suggested", count=f"{moves:,}", products=f"{table.num_rows:,}")

    console.jobs.begin("pricing.job_suggest", work, by=visit.who)
    return visit.go("/pricing")


@screen.get("/pricing/product", may=ALL)
def product(visit: Visit) -> Response:
    """One product; what its page shows comes part by part."""
    return visit.page("pricing/product.html", id=visit.needed("id"))


@screen.get("/pricing/product/price", may=ALL)
def price(visit: Visit) -> Response:
    """What is asked now, between which bounds it may move, what is suggested, and what waits for approval."""
    product_id = visit.needed("id")
    with visit.console.reading() as shop:
        products = products_of(visit)
        place = _place(visit, products, product_id)
        bounds, currency = products.bounds(rules_of(shop)), products.currency
        row = _suggested(shop, product_id)
    known = {
        name: None if values[place] == UNKNOWN else to_amount(int(values[place]), currency)
        for name, values in (("price", products.price), ("cost", products.cost), ("lowest", products.lowest))
    }
    is_open = not bounds.is_empty[place]
    ends = [to_amount(int(each[place]), currency) for each in (bounds.low, bounds.high)] if is_open else []
    waiting = [each for each in visit.console.approvals.waiting(PRICES.kind) if each.about == product_id]
    wanted = to_amount(int(to_coins([row["suggested"]], currency)[0]), currency) if row else known["price"]
    about = {"title": products.titles[place], "category": products.categories[place], "brand": products.brands[place]}
    return visit.page(
        "pricing/price.html", id=product_id, known=known, ends=ends, why=bounds.why(place), row=row, waiting=waiting,
        about=about, wanted=wanted, may_change=CHANGING,
    )  # fmt: skip


@screen.get("/pricing/product/curve", may=ALL)
def curve(visit: Visit) -> Response:
    """Demand and profit by price, with their intervals."""
    product_id = visit.needed("id")
    with visit.console.reading() as shop:
        products = products_of(visit)
        place = _place(visit, products, product_id)
        found = curve_of(shop, products, product_id)
    charts = [chart(demand_plot(found), visit.t(".demand_about"))]
    if products.cost[place] > UNKNOWN:
        charts.append(chart(profit_plot(found), visit.t(".profit_about")))
    return visit.page("pricing/curve.html", charts=charts, is_at_edge=found.is_at_edge)


@screen.get("/pricing/product/audit", may=ALL)
def trail(visit: Visit) -> Response:
    """The newest prices of this product that were set, shown or charged."""
    with visit.console.reading() as shop:
        rows = audit_of(shop, visit.needed("id")).to_pylist()
    return visit.page("pricing/trail.html", id=visit.needed("id"), rows=rows[: -TRAIL - 1 : -1], total=len(rows))


TRAIL = 12
"""Lines of a product's page; the rest is under the audit trail."""


@screen.post("/pricing/ask", may=CHANGING)
def ask(visit: Visit) -> Response:
    """Ask for a price: within the guardrails, and another person approves it."""
    product_id, wanted = visit.given("id"), visit.given("price")
    with visit.console.reading() as shop:
        products = products_of(visit)
        place = _place(visit, products, product_id)
        before = _held(visit, shop, products, place, wanted)
    document = {"price": wanted, "before": str(before), "why": str(visit.form.get("why") or "")}
    said = visit.t(".is_asked", product=product_id, price=wanted)
    undo = PRICES.ask(visit, product_id, document)
    return visit.go("/pricing/product", said, undo, id=product_id)


@screen.get(PRICES.page, may=ALL)
def approvals(visit: Visit) -> Response:
    """The prices that wait for a second person."""
    return visit.page(
        "pricing/approvals.html",
        waiting=visit.console.approvals.waiting(PRICES.kind),
        may_change=CHANGING,
        who=visit.who,
    )


@screen.post("/pricing/decide", may=CHANGING)
def decide(visit: Visit) -> Response:
    """Approve a price, which sets it; or reject it."""
    return PRICES.decide(visit, _set)


@screen.post("/pricing/reopen", may=CHANGING)
def reopen(visit: Visit) -> Response:
    """Take that back: the price is again what it was before."""
    return PRICES.reopen(visit, _set_back)


@screen.get("/pricing/fairness", may=ALL)
def fairness(visit: Visit) -> Response:
    """Whether groups of customers get like discounts."""
    return visit.page("pricing/fairness.html", sort=visit.asked("sort"))


@screen.get("/pricing/fairness/groups", may=ALL)
def groups(visit: Visit) -> Response:
    """Mean discounts by group: the trait that `[pricing] groups` names, else the place."""
    with visit.console.reading() as shop:
        table = shop.tables.read("pricing", "decisions")
        trait, as_of = shop.config.pricing.groups, _as_of(table)
        ids = table["customer_id"].to_pylist()
        names = (
            known_of(shop, ids, present(shop)).groups
            if trait
            else [place or None for place in table["place"].to_pylist()]
        )
    share, modes = table["share"].to_numpy(), Counter(table["mode"].to_pylist())
    found = parity(share, names)
    rows = [
        {"group": name, "customers": count, "discount": mean, "is_judged": is_judged}
        for name, count, mean, is_judged in zip(found.names, found.counts, found.means, found.is_judged, strict=True)
    ]
    # Its links lead to the page that this is a part of.
    listing = replace(Listing.of(visit, GROUPS, sort="-customers"), path="/pricing/fairness")
    return visit.page(
        "pricing/groups.html", found=listing.of_rows(rows), parity=found,
        trait=trait, as_of=as_of, modes=modes, least=LOW, mean=float(np.mean(share)) if len(share) else 0.0,
        left_out=int((table.schema.metadata or {}).get(b"left_out", b"0")),
    )  # fmt: skip


@screen.get("/pricing/audit", may=ALL)
def audit(visit: Visit) -> Response:
    """Every price of a customer or a product that was set, shown or charged."""
    listing = Listing.of(visit, AUDITED, ("name", "what"), sort="-time")
    name, what = listing.filters["name"], listing.filters["what"]
    rows: list[dict[str, Any]] = []
    if name:
        with visit.console.reading() as shop:
            rows = audit_of(shop, name).to_pylist()
    problems = sum(bool(row["problem"]) for row in rows)
    rows = [{**row, "what": visit.t(f".what_{row['what']}")} for row in rows if what in ("", row["what"])]
    kinds = tuple(WHAT.values())
    return visit.page("pricing/audit.html", found=listing.of_rows(rows), problems=problems, kinds=kinds)


def _place(visit: Visit, products: Products, product_id: str) -> int:
    if product_id not in products.place:
        raise NotFoundError(visit.t(".no_product", product=product_id))
    return products.place[product_id]


def _as_of(table: pa.Table) -> str:
    """The moment of a table, to the minute."""
    said: bytes = (table.schema.metadata or {}).get(b"as_of", b"")
    return said.decode()[:16].replace("T", " ")


def _listed(engine: Engine, table: pa.Table, listing: Listing) -> tuple[Found, list[str]]:
    """The page of suggestions, and the categories that there are."""
    rows = engine.table(table).mutate(gain=ibis._.margin - ibis._.margin_now)
    categories = sorted({name for name in table["category"].unique().to_pylist() if name})
    asked = listing.filters
    if asked["category"]:
        rows = rows.filter(rows.category == asked["category"])
    if asked["moves"]:
        rows = rows.filter(rows.suggested != rows.list_price)
    if asked["q"]:
        wanted = asked["q"].lower()
        rows = rows.filter(rows.product_id.lower().startswith(wanted) | rows.title.lower().contains(wanted))
    found = listing.of_table(engine, rows.select([column.name for column in COLUMNS]))
    # A shop without ids of its own names products by their titles: they are not said twice.
    empty = [name for name in ("category", "competitor") if table[name].null_count == table.num_rows]
    said_twice = ["title"] if table["title"].equals(table["product_id"]) else []
    return found.without([*empty, *said_twice]), categories[:200]


def _suggested(shop: Shop, product_id: str) -> dict[str, Any] | None:
    """What was suggested for a product last; None where nothing was."""
    try:
        table = shop.tables.read("pricing", "suggestions")
    except NotFoundError:
        return None
    rows = table.filter(pc.equal(table["product_id"], product_id)).to_pylist()
    return rows[0] if rows else None


def _held(visit: Visit, shop: Shop, products: Products, place: int, wanted: str) -> Decimal:
    """What is asked of a product now; InputError if a guardrail does not allow the wanted price."""
    try:
        coins = int(to_coins([Decimal(wanted)], products.currency)[0])
    except (InvalidOperation, ValueError, OverflowError):  # no number, none that is finite, none that is kept
        raise InputError(visit.t(".no_price", text=wanted)) from None
    bounds = products.bounds(rules_of(shop))
    asked = products.price.copy()
    asked[place] = coins
    nearest = int(bounds.nearest(asked)[place])
    if nearest != coins:
        said = {"price": to_amount(nearest, products.currency), "why": bounds.why(place)}
        raise InputError(visit.t(".outside", wanted=wanted, **said))
    return to_amount(int(products.price[place]), products.currency)


def _set(visit: Visit, asked: Approval) -> str:
    """Set an approved price from now on."""
    why = asked.document["why"] or visit.t(".by_hand")
    _ask_from_now(visit, asked, asked.document["price"], why)
    return visit.t(".said_approved", product=asked.about, price=asked.document["price"])


def _set_back(visit: Visit, asked: Approval) -> str:
    _ask_from_now(visit, asked, asked.document["before"], visit.t("shell.taken_back"))
    return visit.t(".said_approved", product=asked.about, price=asked.document["before"])


def _ask_from_now(visit: Visit, asked: Approval, price: str, why: str) -> None:
    """The guardrails are held again, for costs may have changed since."""
    said = f"{why} ({asked.asked_by}, {visit.who})"
    row = pa.table({"product_id": [asked.about], "suggested": [Decimal(price)], "why": [said]})
    with visit.console.reading() as shop:
        set_prices(shop, row, present(shop))


screen.routes += pricing_competitors.screen.routes
