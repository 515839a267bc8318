"""Campaigns: who is led through which messages, whom a budget reaches, and what contacts brought."""

from __future__ import annotations

import re
from datetime import datetime
from html import escape, unescape
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from starlette.responses import Response

from regulars import clock
from regulars.campaign.effects import CampaignEffect, effects
from regulars.campaign.effects_report import rows_of
from regulars.campaign.journey import Journeys, inside, overview, surroundings, svg
from regulars.campaign.journey import problems as problems_of
from regulars.campaign.journey import resume as resumed
from regulars.campaign.journey import run as advance
from regulars.campaign.journey import simulate as simulated
from regulars.campaign.journey import stop as end
from regulars.campaign.plots import effects_plot
from regulars.campaign.sending import (
    history,
    is_off,
    turn,
)
from regulars.campaign.sending.tables import STATUSES, outbox
from regulars.campaign.sending.tables import prepare as with_outbox
from regulars.console.charts import chart
from regulars.console.listing import Column, Listing
from regulars.console.roles import ALL, only
from regulars.console.screen import Screen
from regulars.console.screens import campaign_approvals, campaign_audience, campaign_texts
from regulars.console.screens.campaign_approvals import waiting_of
from regulars.console.screens.campaign_texts import is_approved
from regulars.console.spoken import spoken
from regulars.console.visit import Visit
from regulars.customers.by_hand import present
from regulars.errors import InputError, NotEnoughError, NotFoundError
from regulars.lifecycle.audience import SegmentAudience

if TYPE_CHECKING:
    from regulars.console.app import Console
    from regulars.console.jobs import Progress
    from regulars.shop import Shop

screen = Screen("campaigns", group="acting")

COLUMNS = (
    Column("name"),
    Column("state", "badge"),
    Column("inside", "number"),
    Column("done", "number", is_wide=True),
    Column("version", "number", is_wide=True),
    Column("started_at", "date", is_wide=True),
    Column("note", "said", is_wide=True, is_sorted=False),
)
QUEUED = (
    Column("not_before", "time"),
    Column("status", "badge"),
    Column("customer_id"),
    Column("journey"),
    Column("step", is_wide=True),
    Column("message", is_wide=True),
    Column("channel", is_wide=True),
)
STATES = ("open", "stopped", "not_started")
CHANGING = only("growth")
EVERYTHING = "all"
SIMULATED_DAYS = 30
SHOWN = 5
"""Reasons of what was not sent."""
_SAID = re.compile(r"(?<=>)[^<>]+(?=</text>)")
"""What is written in the picture of a journey."""
TOLD = 20
"""Lines of a journey's history."""


@screen.get("/campaigns", may=ALL)
def index(visit: Visit) -> Response:
    """The journeys: the shop's own and ready ones, whether customers enter, and how many are inside."""
    listing = Listing.of(visit, COLUMNS, ("q", "state"), sort="state")
    wanted, state = listing.filters["q"].casefold(), listing.filters["state"]
    rows = [row for row in _journeys(visit) if wanted in row["name"].casefold() and state in ("", row["is"])]
    return visit.page(
        "campaigns/index.html", found=listing.of_rows(rows), states=STATES, may_change=CHANGING,
        job=visit.console.jobs.newest("campaigns.job_run"), is_all_off=is_off(visit.shop.state, ""),
    )  # fmt: skip


@screen.post("/campaigns/run", may=CHANGING)
def run(visit: Visit) -> Response:
    """Bring all journeys to the present, and send what is due."""
    console = visit.console

    def work(_: Progress) -> str:
        moment = clock.now()
        with console.reading() as shop:
            found = advance(shop, SegmentAudience(shop, max(moment, present(shop))), moment)
        entered, counts = sum(each.entered for each in found.moved), found.tally.counts
        reasons = "; ".join(f"{reason} ({count:,})" for reason, count in found.tally.reasons.most_common(SHOWN))
        values = {name: f"{counts.get(name, 0):,}" for name in ("sent", "skipped", "failed")}
        return visit.t(".ran", entered=f"{entered:,}", **values) + (f" {reasons}" if reasons else "")

    console.jobs.begin("campaigns.job_run", work, by=visit.who)
    visit.note("campaigns.run", EVERYTHING)
    return visit.go("/campaigns")


@screen.post("/campaigns/switch", may=CHANGING)
def switch(visit: Visit) -> Response:
    """The kill switch, of one journey or of all: nothing is sent; what waits is kept."""
    name, off = visit.given("name"), visit.given("off") == "yes"
    if name != EVERYTHING:
        _known(visit, name)
    turn(visit.shop.state, "" if name == EVERYTHING else name, off=off, who=visit.who)
    visit.note("campaigns.switched_off" if off else "campaigns.switched_on", name)
    undo = ("/campaigns/switch", {"name": name, "off": "no" if off else "yes"})
    said = visit.t(".said_off" if off else ".said_on", name=visit.t(".everything") if name == EVERYTHING else name)
    if name == EVERYTHING:
        return visit.go("/campaigns", said, undo)
    return visit.go("/campaigns/journey", said, undo, name=name)


@screen.get("/campaigns/journey", may=ALL)
def journey(visit: Visit) -> Response:
    """One journey: its graph, when it writes, where customers stand in it, its messages, and what was done."""
    row = _known(visit, visit.needed("name"))
    state, name = visit.shop.state, row["name"]
    one = Journeys(visit.shop).get(name)
    sends = [(step, is_approved(visit, step.message)) for step in one.sends]
    return visit.page(
        "campaigns/journey.html", row=row, one=one, sends=sends, counts=_counts(visit, name),
        is_off=is_off(state, name), history=history(state, journey=name, limit=TOLD), waiting=waiting_of(visit, name),
        sending=visit.shop.config.sending, may_change=CHANGING,
    )  # fmt: skip


@screen.get("/campaigns/journey/graph", may=ALL)
def graph(visit: Visit) -> Response:
    """A journey as a picture, with how many customers are at each step."""
    name = visit.needed("name")
    drawn = svg(Journeys(visit.shop).get(name), inside(visit.shop, name))
    drawn = _SAID.sub(lambda text: escape(spoken(unescape(text[0]), visit.language), quote=False), drawn)
    return Response(drawn, media_type="image/svg+xml")


@screen.get("/campaigns/journey/tried", may=ALL)
def tried(visit: Visit) -> Response:
    """Whether a journey can go live, and what it would have done in the past days."""
    name = visit.needed("name")
    with visit.console.reading() as shop:
        one, moment = Journeys(shop).get(name), present(shop)
        audience = SegmentAudience(shop, moment)
        wrong = problems_of(one, surroundings(shop, audience))
        found = None if wrong else simulated(shop, one, audience, moment, SIMULATED_DAYS)
    return visit.page("campaigns/tried.html", wrong=wrong, found=found, days=SIMULATED_DAYS)


@screen.post("/campaigns/stop", may=CHANGING)
def stop(visit: Visit) -> Response:
    """Let nobody enter a journey any more; who is inside finishes."""
    name = visit.given("name")
    end(visit.shop, name, visit.who)
    visit.note("campaigns.stopped", name, {"state": "open"}, {"state": "stopped"})
    undo = ("/campaigns/resume", {"name": name})
    return visit.go("/campaigns/journey", visit.t(".said_stopped", name=name), undo, name=name)


@screen.post("/campaigns/resume", may=CHANGING)
def resume(visit: Visit) -> Response:
    """Take back that a journey was stopped: customers enter the version that a second person approved before."""
    name = visit.given("name")
    resumed(visit.shop, name, visit.who)
    visit.note("campaigns.resumed", name, {"state": "stopped"}, {"state": "open"})
    return visit.go("/campaigns/journey", visit.t(".said_resumed", name=name), name=name)


@screen.get("/campaigns/queue", may=ALL)
def queue(visit: Visit) -> Response:
    """Messages: those that wait with when they leave, and what became of the others."""
    listing = Listing.of(visit, QUEUED, ("journey", "status"), sort="-not_before")
    asked = sa.select(*(outbox.c[column.name] for column in QUEUED))
    for name, value in listing.filters.items():
        asked = asked.where(outbox.c[name] == value) if value else asked
    found = listing.of_state(with_outbox(visit.shop.state), asked)
    for row in found.rows:
        row["status"] = visit.t(f".message_{row['status']}")
    return visit.page("campaigns/queue.html", found=found, statuses=STATUSES, counts=_counts(visit))


@screen.get("/campaigns/results", may=ALL)
def results(visit: Visit) -> Response:
    """What campaigns brought; worked out when the page is there."""
    return visit.page("campaigns/results.html", days=visit.asked("days"))


@screen.get("/campaigns/results/effects", may=ALL)
def brought(visit: Visit) -> Response:
    """What contacted customers brought more than those whom a lot left alone, with intervals."""
    text = visit.asked("days")
    if text and not (text.isdecimal() and 0 < int(text) <= 365):
        raise InputError(visit.t(".no_days", text=text))
    days = int(text or visit.shop.config.campaign.horizon_days)
    found, moment, said = effects_within(visit.console, days)
    if said:
        return visit.page("campaigns/effects.html", said=said)
    names = [f"{one.campaign} ({one.source})" for one in found]
    nets = [(one.net.value, one.net.low, one.net.high) for one in found]
    drawn = chart(effects_plot(names, nets, f"{visit.t('.earned')} ({visit.console.currency})"), visit.t(".net_about"))
    rows = list(zip(found, rows_of(found, visit.console.currency), strict=True))
    return visit.page("campaigns/effects.html", said="", drawn=drawn, rows=rows, days=days, as_of=moment)


def effects_within(console: Console, days: int) -> tuple[list[CampaignEffect], datetime, str]:
    """What campaigns brought in so many days, as of the present; and why nothing can be said."""

    def make(shop: Shop) -> tuple[list[CampaignEffect], datetime, str]:
        moment = present(shop)
        try:
            return effects(shop, moment, days), moment, ""
        except NotEnoughError as error:
            return [], moment, str(error)

    return console.kept.of("campaigns.effects", console.shop.log.version, make, key=days)


def _effects(console: Console) -> object:
    return effects_within(console, console.shop.config.campaign.horizon_days)


screen.warmed.append(_effects)


def _journeys(visit: Visit) -> list[dict[str, Any]]:
    return [
        {
            **one._asdict(), "is": (state := one.state.replace(" ", "_")), "state": visit.t(f".state_{state}"),
            "looks": "good" if state == "open" else "",
        }
        for one in overview(visit.shop)
    ]  # fmt: skip


def _known(visit: Visit, name: str) -> dict[str, Any]:
    for row in _journeys(visit):
        if row["name"] == name:
            return row
    raise NotFoundError(visit.t(".no_journey", name=name))


def _counts(visit: Visit, name: str = "") -> dict[str, int]:
    """How many messages of a journey, or of all, there are by what became of them."""
    asked = sa.select(outbox.c.status, sa.func.count()).group_by(outbox.c.status)
    asked = asked.where(outbox.c.journey == name) if name else asked
    with with_outbox(visit.shop.state).read() as view:
        return {row[0]: row[1] for row in view.execute(asked)}


for part in (campaign_audience, campaign_texts, campaign_approvals):
    screen.routes += part.screen.routes
