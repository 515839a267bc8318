"""Campaigns: whom a budget reaches, and what it is expected to earn."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from starlette.responses import Response

from regulars.campaign.copy import Messages
from regulars.campaign.plots import reach_plot
from regulars.campaign.reach import reach
from regulars.console.charts import Chart, chart
from regulars.console.listing import Column, Listing
from regulars.console.roles import ALL, only
from regulars.console.screen import Screen
from regulars.console.visit import Visit
from regulars.customers.by_hand import present
from regulars.errors import InputError, NotEnoughError, NotFoundError

if TYPE_CHECKING:
    from regulars.shop import Shop

screen = Screen("campaigns")

REACHED = (
    Column("customer_id"),
    Column("action", "said", is_wide=True),
    Column("expected_gain", "money"),
    Column("between", is_wide=True, is_sorted=False),
    Column("cost", "money"),
)
CHANGING = only("growth")
BUDGETS, POINTS = 21, 200
"""Places of the slider of budgets; points of the curve."""


@screen.get("/campaigns/audience", may=ALL)
def audience(visit: Visit) -> Response:
    """What was decided last, and the budget of which is asked; the curve comes by itself."""
    try:
        table = visit.shop.tables.read("campaign", "decisions")
    except NotFoundError:
        table = None
    return visit.page(
        "campaigns/audience.html", decided=None if table is None else _decided(table), may_change=CHANGING,
        messages=Messages(visit.shop.folder).names(), budget=visit.asked("budget"), sort=visit.asked("sort"),
        number=visit.asked("page"),
    )  # fmt: skip


@screen.get("/campaigns/audience/reach", may=ALL)
def reached(visit: Visit) -> Response:
    """Who is in within a budget, and what all budgets are expected to earn."""
    used = visit.shop.models.version_in_use("campaign")
    try:
        table = visit.console.kept.of(
            "campaigns.reach", visit.shop.log.version, lambda shop: reach(shop, present(shop)), key=used
        )
    except (NotFoundError, NotEnoughError) as error:
        return visit.page("campaigns/reach.html", said=str(error))
    with visit.console.reading() as shop:
        budget = _budget(visit, shop)
        within = table.filter(pc.less_equal(table["spent"], budget))
        # Its links lead to the page that this is a part of.
        listing = replace(Listing.of(visit, REACHED, ("budget",), sort="-expected_gain"), path="/campaigns/audience")
        found = listing.of_table(shop.engine, shop.engine.table(within))
    for row in found.rows:
        row["between"] = visit.t(".between", low=f"{row['gain_low']:,.2f}", high=f"{row['gain_high']:,.2f}")
    # Beyond what all are worth a budget changes nothing.
    most = float(table["spent"][-1].as_py()) if table.num_rows else budget
    return visit.page(
        "campaigns/reach.html", said="", found=found, drawn=_curve(visit, table, budget), budget=budget,
        budgets=[f"{each:.2f}" for each in np.linspace(0, most, BUDGETS)],
        step=round(min(budget / (most or 1), 1) * (BUDGETS - 1)),
        customers=within.num_rows, all_customers=table.num_rows,
        earned=within["earned"][-1].as_py() if within.num_rows else 0.0,
    )  # fmt: skip


def _decided(table: pa.Table) -> dict[str, Any]:
    said: bytes = (table.schema.metadata or {}).get(b"as_of", b"")
    return {
        "as_of": said.decode()[:16].replace("T", " "), "cost": pc.sum(table["cost"]).as_py() or 0.0,
        "actions": Counter(table["action"].to_pylist()).most_common(),
        "contacted": table.num_rows - table["channel"].null_count, "alone": table["channel"].null_count,
    }  # fmt: skip


def _budget(visit: Visit, shop: Shop) -> float:
    text = visit.asked("budget")
    try:
        budget = float(text) if text else shop.config.campaign.budget
    except ValueError:
        budget = -1.0
    if not 0 <= budget < float("inf"):
        raise InputError(visit.t(".no_budget", text=text))
    return budget


def _curve(visit: Visit, table: pa.Table, budget: float) -> Chart:
    few = table.take(pa.array(np.linspace(0, table.num_rows - 1, min(POINTS, table.num_rows)).astype(np.int64)))
    drawn = reach_plot(few["spent"].to_pylist(), few["earned"].to_pylist(), budget, visit.console.currency)
    return chart(drawn, visit.t(".reach_about"))
