"""Ads: what is bid for, how today's budget is paced, what may be shown to whom, and what ads brought."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from starlette.responses import Response

from regulars import clock
from regulars.ads.charts import pace_chart
from regulars.ads.creatives import creatives_of
from regulars.ads.delivered import delivered
from regulars.ads.lift import ADVERTISE, Lift, lift
from regulars.ads.pace import by_hour, planned
from regulars.ads.pacing import ClockDay, SpendCurve
from regulars.console.charts import Chart, chart
from regulars.console.listing import Column, Listing
from regulars.console.roles import ALL
from regulars.console.screen import Screen
from regulars.console.visit import Visit
from regulars.customers.by_hand import present
from regulars.errors import InputError, NotEnoughError, NotFoundError

if TYPE_CHECKING:
    from regulars.ads.openrtb.desk import Desk
    from regulars.shop import Shop

screen = Screen("ads", group="acting")

COLUMNS = (
    Column("campaign"),
    Column("spend", "money"),
    Column("shown", "number"),
    Column("clicked", "number"),
    Column("click_share", "share", is_wide=True),
    Column("bids", "number", is_wide=True),
    Column("reserved", "money", is_wide=True),
    Column("price", "number", is_wide=True),
)
BIDDING = ("bids", "reserved", "price")
"""Known where this process bids."""
CREATIVES = (
    Column("creative_id"),
    Column("campaign"),
    Column("product_id", is_wide=True),
    Column("size", is_wide=True),
    Column("chance", "share"),
)
LIFT_DAYS = 28


@screen.get("/ads", may=ALL)
def index(visit: Visit) -> Response:
    """Today: what each campaign spent, won and bids for; the day's pace; caps."""
    now, day, table = visit.console.kept.of("ads.today", visit.shop.log.version, _today)
    desk, settings = _desk(visit), visit.shop.config.ads
    rows = _campaigns(table, desk)
    found = Listing.of(visit, COLUMNS, sort="-spend").of_rows(rows)
    found = found if desk else found.without(BIDDING)
    spend = sum(row["spend"] for row in rows)
    return visit.page(
        "ads/index.html", found=found, now=now, settings=settings, spend=spend, is_live=desk is not None,
        decided=_decided(visit), drawn=_pace(visit, table, desk, day, now) if rows else None,
    )  # fmt: skip


@screen.get("/ads/creatives", may=ALL)
def creatives(visit: Visit) -> Response:
    """What may be shown, and with which chance each would be shown now."""
    try:
        made = creatives_of(visit.shop)
    except NotFoundError as error:
        return visit.page("ads/creatives.html", said=str(error))
    desk = _desk(visit)
    chances = desk.chances(clock.now()) if desk else {}
    rows = [
        {
            "creative_id": one.creative_id, "campaign": one.campaign, "product_id": one.product_id,
            "size": f"{one.width} × {one.height}" if one.width else "", "chance": chances.get(one.creative_id),
        }
        for one in made.creatives
    ]  # fmt: skip
    found = Listing.of(visit, CREATIVES, sort="campaign").of_rows(rows)
    return visit.page("ads/creatives.html", said="", found=found, advertiser=made.advertiser)


@screen.get("/ads/lift", may=ALL)
def brought(visit: Visit) -> Response:
    """What ads added; worked out when the page is there."""
    return visit.page("ads/lift.html", days=visit.asked("days", str(LIFT_DAYS)))


@screen.get("/ads/lift/found", may=ALL)
def measured(visit: Visit) -> Response:
    """Margin of those who may see ads beside those held out by lot, with its interval."""
    text = visit.asked("days", str(LIFT_DAYS))
    if not (text.isdecimal() and 0 < int(text) <= 365):
        raise InputError(visit.t(".no_days", text=text))
    days = int(text)

    def measure(shop: Shop) -> Lift | str:
        try:
            return lift(shop, present(shop), days)
        except NotEnoughError as error:
            return str(error)

    said = visit.console.kept.of("ads.lift", visit.shop.log.version, measure, key=days)
    if isinstance(said, str):
        return visit.page("ads/found.html", said=said)
    return visit.page("ads/found.html", said="", lift=said, found=said.found)


class Today(NamedTuple):
    """The shop's present, its day on the shop's clock, and what `delivered` tells of that so far."""

    now: datetime
    day: ClockDay
    delivered: pa.Table


def _today(shop: Shop) -> Today:
    now = present(shop)
    day = ClockDay.of(now, ZoneInfo(shop.config.shop.timezone))
    return Today(now, day, delivered(shop, day.begin, now + timedelta(microseconds=1)))


def _desk(visit: Visit) -> Desk | None:
    """The desk that bids in this process; None where it does not, or the server still starts."""
    live = visit.console.serving.live
    return None if live is None else live.ads.peek()


def _campaigns(table: pa.Table, desk: Desk | None) -> list[dict[str, Any]]:
    """A row for each campaign that was shown today, or is bid for."""
    summed = table.group_by("campaign").aggregate([(name, "sum") for name in ("shown", "clicked", "spend")])
    log = {row["campaign"]: row for row in summed.to_pylist()}
    pacers = {one.name: one.pacer for one in desk.campaigns} if desk else {}
    rows = []
    for name in sorted({*log, *pacers}):
        row, pacer = log.get(name, {}), pacers.get(name)
        shown = row.get("shown_sum", 0)
        rows.append(
            {
                "campaign": name, "spend": row.get("spend_sum", 0.0), "shown": shown,
                "clicked": row.get("clicked_sum", 0), "click_share": row["clicked_sum"] / shown if shown else None,
                "bids": pacer and int(pacer.offered.sum()), "reserved": pacer and pacer.reserved,
                "price": pacer and pacer.price,
            }
        )  # fmt: skip
    return rows


def _decided(visit: Visit) -> dict[str, Any] | None:
    """Of the newest decision: for how many to bid, how many are held out."""
    try:
        table = visit.shop.tables.read("ads", "decisions")
    except NotFoundError:
        return None
    actions, said = table["action"].to_pylist(), table.schema.metadata or {}
    bid_for = actions.count(ADVERTISE)
    return {
        "as_of": said.get(b"as_of", b"").decode()[:16].replace("T", " "), "bid_for": bid_for,
        "held_out": len(actions) - bid_for,
    }  # fmt: skip


def _pace(visit: Visit, table: pa.Table, desk: Desk | None, day: ClockDay, now: datetime) -> Chart:
    """Spend so far today, beside how it was planned."""
    spent = by_hour(table, day).cumsum()[: day.hour(now) + 1]
    curves = [one.pacer.curve for one in desk.campaigns] if desk else [SpendCurve()]
    plan = np.mean([planned(one, visit.shop.config.ads.budget, day) for one in curves], axis=0)
    hour = visit.t(".hour", zone=visit.shop.config.shop.timezone)
    money = f"{visit.t('.column_spend')} ({visit.console.currency})"
    return chart(pace_chart(spent, plan, hour, money), visit.t(".pace_about"))
