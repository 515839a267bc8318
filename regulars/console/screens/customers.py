"""Customers: finding one, and what is known of one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from starlette.responses import Response

from regulars import churn, profile
from regulars.churn.charts import alive_plot, waiting_plot
from regulars.console.charts import chart
from regulars.console.listing import Column, Found, Listing
from regulars.console.roles import ALL
from regulars.console.screen import Screen
from regulars.console.screens import customer_parts, customer_rights
from regulars.console.visit import Visit
from regulars.customers import one_customer
from regulars.customers.consent import PURPOSES
from regulars.errors import NotFoundError, RegularsError
from regulars.events.schema import TIME
from regulars.profile.measure import measure_in_use

if TYPE_CHECKING:
    from regulars.console.app import Console
    from regulars.console.jobs import Progress
    from regulars.engine import Engine
    from regulars.profile.model import Norms
    from regulars.shop import Shop

screen = Screen("customers", group="customers")

COLUMNS = (
    Column("customer_id"),
    Column("name"),
    Column("email", is_extra=True),
    Column("stage", "badge"),
    Column("segment", "said", is_wide=True),
    Column("city", is_extra=True),
    Column("country", "said", is_wide=True),
    Column("orders", "number"),
    Column("spend", "money"),
    Column("first_time", "date", is_extra=True),
    Column("last_time", "date", is_wide=True),
    Column("churn_probability", "share"),
    Column("value_at_risk", "money", is_wide=True),
)
SPARSE = ("name", "email", "segment", "city", "country")
"""What many shops know of nobody."""
CHOICES = ("stage", "country")
FILTERS = ("q", *CHOICES)
EVENTS_AT_ONCE = 100
SLIDER_DAYS = 730


@screen.get("/customers", may=ALL)
def index(visit: Visit) -> Response:
    """The list, as its address asks for it."""
    console = visit.console
    kinds = ("customers.job_index", customer_rights.JOB)
    jobs = [job for job in map(console.jobs.newest, kinds) if job and job.status != "done"]
    if console.index.version is None:
        return visit.page("customers/none.html", jobs=jobs)
    listing = Listing.of(visit, COLUMNS, FILTERS, sort="-spend")
    found = console.index.ask(lambda engine, table: _listed(engine, table, listing))
    if not found.rows and listing.filters["q"]:
        customer = _of_order(visit, listing.filters["q"])
        if customer is not None:
            return visit.go("/customer", id=customer)
    choices = {name: console.index.values(name) for name in CHOICES}
    found = found.without([name for name in SPARSE if not console.index.has(name)])
    return visit.page("customers/index.html", found=found, choices=choices, jobs=jobs, index=console.index)


@screen.post("/customers/index", may=ALL)
def make_index(visit: Visit) -> Response:
    """Make the list anew."""
    console = visit.console

    def work(progress: Progress) -> str:
        with console.reading() as shop:
            said = visit.t(".index_made", count=f"{console.index.make(shop, progress):,}")
            copy_by_customer(shop)
            return said

    console.jobs.begin("customers.job_index", work, by=visit.who)
    return visit.go("/customers")


@screen.get("/customer", may=ALL)
def customer(visit: Visit) -> Response:
    """One customer: what the list knows, and around it what takes longer, each part asked for by the page."""
    customer_id = visit.customer()
    row = visit.console.index.one(customer_id) if visit.console.index.version is not None else None
    now = visit.console.now
    days = [now - timedelta(days=days) for days in range(0, SLIDER_DAYS + 1, 7)]
    return visit.page(
        "customers/one.html", id=customer_id, row=row, as_of=visit.as_of, now=now, days=days,
        may_change=customer_rights.CHANGING, may_erase=customer_rights.ERASING,
    )  # fmt: skip


@screen.get("/customer/profile", may=ALL)
def told(visit: Visit) -> Response:
    """Who this is, in words, each with what it rests on."""
    as_of = visit.as_of
    norms = norms_of(visit.console, as_of)
    with visit.console.reading() as shop:
        found = profile.page(shop, visit.customer(), as_of, language=visit.language, norms=norms)
    return visit.page("customers/profile.html", found=found)


def norms_of(console: Console, as_of: datetime) -> Norms:
    """What a customer of the shop is set against: worked out of all customers where it was not learned before."""
    # The present has a name of its own: the newest one is shown until that of a log that has grown is there.
    name = "now" if as_of == console.now else as_of.isoformat()
    return console.kept.of(
        f"customers.norms.{name}", console.shop.log.version, lambda shop: measure_in_use(shop, as_of),
        key=console.shop.models.version_in_use("profile"),
    )  # fmt: skip


def copy_by_customer(shop: Shop) -> None:
    """Sort a large log by customer, so that nobody waits for the events of one."""
    if not shop.config.engine.spark:  # its engine reads by many machines
        shop.by_customer.make(shop.engine)


def _norms(console: Console) -> Norms:
    return norms_of(console, console.now)


def _copied(console: Console) -> None:
    return console.kept.of("customers.copy", console.shop.log.version, copy_by_customer)


screen.warmed += [_norms, _copied]


@screen.get("/customer/outlook", may=ALL)
def outlook(visit: Visit) -> Response:
    """What is to come: risk, value, and the chance that this is still a customer, day by day."""
    customer_id, as_of = visit.customer(), visit.as_of
    with visit.console.reading() as shop:
        found = churn.ahead(shop, customer_id, as_of)
        why = _why_at_risk(shop, customer_id) if as_of == visit.console.now else []
    charts = []
    if found.days:
        charts.append(chart(alive_plot(list(found.days), np.array(found.alive)), visit.t(".alive_about")))
        if found.survival:
            charts.append(
                chart(waiting_plot(np.array(found.ahead), np.array(found.survival)), visit.t(".waiting_about"))
            )
    return visit.page("customers/outlook.html", found=found, charts=charts, why=why)


def _why_at_risk(shop: Shop, customer_id: str) -> list[str]:
    """What moves the risk of one whom churn would contact; nothing of anybody else."""
    try:
        decided = shop.tables.read("churn", "decisions")
    except NotFoundError:
        return []
    mine: list[list[str]] = decided.filter(pc.equal(decided["customer_id"], customer_id))["reasons"].to_pylist()
    return mine[0] if mine else []


@screen.get("/customer/timeline", may=ALL)
def timeline(visit: Visit) -> Response:
    """What happened, the newest first, a hundred events at a time: the next ones come when one scrolls to them."""
    customer_id = visit.customer()
    before = _moment(visit.asked("before")) or visit.as_of
    with visit.console.reading() as shop:
        rows = _events(shop, customer_id, before).order_by(ibis.desc("time"), "event_id", "line")
        events = shop.engine.to_arrow(rows.limit(EVENTS_AT_ONCE)).to_pylist()
    # Rows of one moment are never parted: the next page begins before it.
    is_full = len(events) == EVENTS_AT_ONCE and events[0]["time"] != events[-1]["time"]
    if is_full:
        events = [row for row in events if row["time"] != events[-1]["time"]]
    return visit.page(
        "customers/timeline.html", id=customer_id, events=events, more=events[-1]["time"] if is_full else None
    )


@screen.get("/customer/recommended", may=ALL)
def recommended(visit: Visit) -> Response:
    """The list that was decided for this customer last, and why each product."""
    with visit.console.reading() as shop:
        rows = shop.tables.read("recommend", "decisions", visit.customer()).to_pylist()
    if not rows:
        raise NotFoundError(visit.t(".no_list"))
    found = rows[0]
    lines = list(zip(found["products"], found["titles"], found["reasons"], strict=False))
    return visit.page("customers/recommended.html", lines=lines, policy=found["policy"])


@screen.get("/customer/known", may=ALL)
def known(visit: Visit) -> Response:
    """Ids, traits, consents and objections."""
    as_of = visit.as_of
    with visit.console.reading() as shop:
        found = one_customer(shop, visit.customer(), as_of)
        segments = _segments(visit, found["customer_id"], as_of)
    may_change = customer_rights.CHANGING
    return visit.page("customers/known.html", found=found, segments=segments, purposes=PURPOSES, may_change=may_change)


def _listed(engine: Engine, table: ibis.Table, listing: Listing) -> Found:
    """The page of the list."""
    asked = listing.filters
    for name in CHOICES:
        if asked[name]:
            table = table.filter(table[name] == asked[name])
    if asked["q"]:
        wanted = asked["q"].lower()
        table = table.filter(
            (table.customer_id.lower() == wanted)
            | table.customer_id.lower().startswith(wanted)
            | table.name.lower().contains(wanted)
            | (table.email.lower() == wanted)
            | (table.email_hash == wanted)
        )
    columns = [column.name for column in COLUMNS]
    return listing.of_table(engine, table.select(columns))


def _of_order(visit: Visit, order_id: str) -> str | None:
    """Who placed an order; None if there is no such order."""
    with visit.console.reading() as shop:
        events = shop.events
        rows = events.filter(events.order_id == order_id).select("customer_id").limit(1)
        found = shop.engine.to_arrow(rows)["customer_id"].to_pylist()
    return found[0] if found else None


def _events(shop: Shop, customer_id: str, before: datetime) -> ibis.Table:
    """The events of a customer before a moment, under any of the customer's ids."""
    own = shop.events_of(_pair(customer_id, before)).filter(ibis._.time < ibis.literal(before, "timestamp('UTC')"))
    return own.select(
        "event_id", "line", "time", "type", "product_id", "quantity", "unit_price", "currency", "order_id", "query",
        "text", "channel",
    )  # fmt: skip


def _segments(visit: Visit, customer_id: str, as_of: datetime) -> dict[str, Any]:
    """What the segments say of a customer; nothing where none were learned."""
    pairs = _pair(customer_id, as_of)
    try:
        rows = visit.shop.tables.of("segment", pairs).drop_columns(["customer_id", "as_of"]).to_pylist()
    except RegularsError:
        return {}
    return {name: value for name, value in rows[0].items() if isinstance(value, str)} if rows else {}


def _pair(customer_id: str, as_of: datetime) -> pa.Table:
    return pa.table({"customer_id": [customer_id], "as_of": pa.array([as_of], TIME)})


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return moment if moment is None or moment.tzinfo else None


screen.routes += customer_parts.screen.routes + customer_rights.screen.routes
