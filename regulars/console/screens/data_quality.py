"""Data: the catalogue and what is wrong with it, which ids are one customer, and how late events come."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import altair as alt
import ibis
from starlette.responses import Response

from regulars.console.charts import chart
from regulars.console.listing import Column, Listing
from regulars.console.roles import ALL, only
from regulars.console.screen import Screen
from regulars.console.visit import Visit
from regulars.customers import merge, unmerge
from regulars.errors import InputError

screen = Screen("data")

PRODUCTS = (
    Column("product_id"),
    Column("title"),
    Column("category", is_wide=True),
    Column("list_price", "money"),
    Column("unit_cost", "money", is_wide=True),
    Column("stock", "number", is_wide=True),
    Column("problem", "badge"),
)
PROBLEMS = ("no_title", "no_category", "no_price", "no_cost", "below_cost", "out_of_stock")
"""The first that a product has is told."""
IDS = (Column("id"), Column("customer_id"), Column("valid_from", "time"))
JOINING = only("service", "growth")
LAG_DAYS = 30
"""So many last days on which events came."""


@screen.get("/data/catalogue", may=ALL)
def catalogue(visit: Visit) -> Response:
    """The products as they are now, by what is wrong with them."""
    listing = Listing.of(visit, PRODUCTS, ("q", "problem"), sort="product_id")
    table = visit.console.kept.of(
        "data.catalogue", visit.shop.log.version, lambda shop: shop.engine.to_arrow(_products(shop.catalogue))
    )
    counts = {row["values"]: row["counts"] for row in table["problem"].value_counts().to_pylist()}
    with visit.console.reading() as shop:
        rows = shop.engine.table(table)
        wanted, problem = listing.filters["q"].lower(), listing.filters["problem"]
        if problem:
            rows = rows.filter(rows.problem == problem)
        if wanted:
            rows = rows.filter(rows.product_id.lower().startswith(wanted) | rows.title.lower().contains(wanted))
        found = listing.of_table(shop.engine, rows)
    for row in found.rows:
        row["problem"] = row["problem"] and visit.t(f".problem_{row['problem']}")
    choices = [(name, f"{visit.t(f'.problem_{name}')} ({counts[name]:,})") for name in PROBLEMS if name in counts]
    return visit.page("data/catalogue.html", found=found, choices=choices)


@screen.get("/data/identities", may=ALL)
def identities(visit: Visit) -> Response:
    """Which ids belong to which customers and since when; and which were not joined, and why."""
    listing = Listing.of(visit, IDS, ("q",), sort="-valid_from")
    now = visit.console.now
    with visit.console.reading() as shop:
        joins = shop.engine.table(shop.identities.intervals)
        there = joins.filter(joins.valid_to.isnull(), joins.id != joins.customer_id)
        wanted = listing.filters["q"]
        if wanted:
            there = there.filter((there.id == wanted) | (there.customer_id == wanted))
        found = listing.of_table(shop.engine, there.select([column.name for column in IDS]))
        refused = shop.identities.refused(now).slice(0, 50).to_pylist()
    return visit.page("data/identities.html", found=found, refused=refused, may_join=JOINING)


@screen.post("/data/identities/join", may=JOINING)
def join(visit: Visit) -> Response:
    """Say that two ids are one customer, or that they are not; the log keeps it, and no event is changed."""
    one, other, verb = visit.given("id"), visit.given("other"), visit.given("verb")
    if verb not in ("merge", "part"):
        raise InputError(visit.t(".no_such_verb"))
    with visit.console.reading() as shop:
        if verb == "merge":
            merge(shop, one, other)
        else:
            unmerge(shop, one, other)
    what, back = ("data.merged", "part") if verb == "merge" else ("data.parted", "merge")
    visit.note(what, one, None, {"other": other})
    undo = ("/data/identities/join", {"id": one, "other": other, "verb": back})
    return visit.go("/data/identities", visit.t(f"{what}_said", one=one, other=other), undo, q=one)


@screen.get("/data/lag", may=ALL)
def lag(visit: Visit) -> Response:
    """How long events take to come; worked out when the page is there."""
    return visit.page("data/lag.html")


@screen.get("/data/lag/found", may=ALL)
def lag_found(visit: Visit) -> Response:
    """By the day on which they came: how many events, and how late half and 95 of a hundred of them were."""
    with visit.console.reading() as shop:
        events = shop.events
        came = events.filter(events.received_at.notnull()).mutate(
            day=events.received_at.truncate("D"), late=events.received_at.delta(events.time, unit="second") / 60.0
        )
        last = shop.engine.to_arrow(came.day.max()).as_py()
        rows: list[dict[str, Any]] = []
        if last is not None:
            recent = came.filter(came.day > ibis.literal(last - timedelta(days=LAG_DAYS)))
            by_day = recent.group_by("day").agg(
                events=recent.count(), half=recent.late.quantile(0.5), most=recent.late.quantile(0.95)
            )
            rows = shop.engine.to_arrow(by_day.order_by("day")).to_pylist()
    return visit.page("data/lag_found.html", rows=rows, drawn=_lag_chart(visit, rows) if rows else None)


def _lag_chart(visit: Visit, rows: list[dict[str, Any]]) -> Any:
    values = [
        {"day": f"{row['day']:%Y-%m-%d}", "minutes": max(row[name], 0.01), "of": visit.t(f".lag_{name}")}
        for row in rows
        for name in ("half", "most")
    ]
    drawn = alt.Chart(alt.Data(values=values)).mark_line(point=True).encode(  # type: ignore[no-untyped-call]
        x=alt.X("day:T", title=None), y=alt.Y("minutes:Q", title=visit.t(".minutes"), scale=alt.Scale(type="log")),
        color=alt.Color("of:N", title=None, legend=alt.Legend(orient="top")),
    )  # fmt: skip
    return chart(drawn, visit.t(".lag_about"))


def _products(catalogue: ibis.Table) -> ibis.Table:
    """The newest row of each product, with the first of `PROBLEMS` that it has, null for none."""
    columns = ("title", "category", "list_price", "unit_cost", "stock")
    newest = catalogue.group_by("product_id").agg(
        **{name: catalogue[name].argmax(catalogue.valid_from) for name in columns}
    )
    has = {
        "no_title": newest.title.isnull(), "no_category": newest.category.isnull(),
        "no_price": newest.list_price.isnull(), "no_cost": newest.unit_cost.isnull(),
        "below_cost": newest.list_price < newest.unit_cost, "out_of_stock": newest.stock <= 0,
    }  # fmt: skip
    problem = ibis.cases(*((has[name].fill_null(False), name) for name in PROBLEMS))
    return newest.mutate(problem=problem).select([column.name for column in PRODUCTS])
