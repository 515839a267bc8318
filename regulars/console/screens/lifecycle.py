"""Lifecycle: the plan of the coming week and the letter to the owner, each looked at and then approved."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import altair as alt
from starlette.responses import Response

from regulars.console.approvals import Approval
from regulars.console.charts import Chart, chart
from regulars.console.deciding import Deciding
from regulars.console.roles import ALL, only
from regulars.console.screen import Screen
from regulars.console.visit import Visit
from regulars.lifecycle.decide import DAYS, NOTHING, situation
from regulars.lifecycle.letter import Letter, letter, write
from regulars.lifecycle.plan import Plan, plan

if TYPE_CHECKING:
    from regulars.console.jobs import Progress
    from regulars.shop import Shop

screen = Screen("lifecycle", group="acting")

CHANGING = only("growth")
WEEK = range(1, DAYS + 1)
PLANS = Deciding("plan", "/lifecycle", "/lifecycle", is_final=True)


class Week(NamedTuple):
    """The plan of the coming week, and the letter about the last one in both languages."""

    plan: Plan
    letters: dict[str, Letter]


def _week(visit: Visit) -> Week:
    """Worked out once for each version of the log, of the model and of the limits."""

    def make(shop: Shop) -> Week:
        now = situation(shop, shop.now)
        return Week(plan(now), {"en": letter(shop, now, "en"), "zh": letter(shop, now, "zh")})

    shop = visit.console.shop
    key = shop.models.version_in_use("lifecycle"), shop.config.lifecycle.model_dump_json()
    return visit.console.kept.of("lifecycle.week", shop.log.version, make, key=key)


@screen.get("/lifecycle", may=ALL)
def index(visit: Visit) -> Response:
    """The plan; worked out when the page is there."""
    return visit.page(
        "lifecycle/index.html", waiting=visit.console.approvals.waiting(PLANS.kind), may_change=CHANGING,
        job=visit.console.jobs.newest("lifecycle.job_decide"),
    )  # fmt: skip


@screen.get("/lifecycle/plan", may=ALL)
def planned(visit: Visit) -> Response:
    """What next week would look like, what is scarce, and what other limits would bring."""
    found = _week(visit).plan
    rows = [{**row, "customers": sum(row[f"day {day}"] for day in WEEK)} for row in found.actions.to_pylist()]
    rows = sorted((row for row in rows if row["customers"]), key=lambda row: -row["customers"])
    drawn = _drawn(visit, rows)
    return visit.page("lifecycle/plan.html", plan=found, rows=rows, drawn=drawn, may_change=CHANGING)


@screen.get("/lifecycle/letter", may=ALL)
def letters(visit: Visit) -> Response:
    """The letter to the owner; written when the page is there."""
    return visit.page("lifecycle/letter.html", may_change=CHANGING)


@screen.get("/lifecycle/letter/text", may=ALL)
def text(visit: Visit) -> Response:
    """What happened, was tried, was learned and is to decide; each sentence with its query."""
    return visit.page("lifecycle/text.html", letter=_week(visit).letters[visit.language], may_change=CHANGING)


@screen.post("/lifecycle/letter/write", may=CHANGING)
def written(visit: Visit) -> Response:
    """Write the letter as a page and as an e-mail into the shop's folder."""
    language: Literal["en", "zh"] = "zh" if visit.language == "zh" else "en"
    found = _week(visit).letters[language]
    paths = write(visit.console.shop, found, visit.console.now)
    visit.note("lifecycle.written", found.title)
    return visit.go("/lifecycle/letter", visit.t(".written_said", files=visit.t("shell.comma").join(map(str, paths))))


@screen.post("/lifecycle/ask", may=CHANGING)
def ask(visit: Visit) -> Response:
    """Ask to decide by this plan: another person approves it."""
    found, now = _week(visit).plan, visit.console.now
    document = {
        "as_of": now.isoformat(), "contacts": found.contacts, "gain": round(found.gain, 2),
        "spent": round(found.spent, 2),
    }  # fmt: skip
    undo = PLANS.ask(visit, visit.t(".plan_of", day=f"{now:%Y-%m-%d}"), document)
    return visit.go(PLANS.page, visit.t(".plan_asked"), undo)


@screen.post("/lifecycle/decide", may=CHANGING)
def decide(visit: Visit) -> Response:
    """Approve the plan, which decides by it; or reject it."""
    return PLANS.decide(visit, _decided)


@screen.post("/lifecycle/reopen", may=CHANGING)
def reopen(visit: Visit) -> Response:
    """Take a rejection back; what was decided is in the log."""
    return PLANS.reopen(visit)


def _decided(visit: Visit, asked: Approval) -> str:
    """Decide the one next best action of each customer as of the moment of the plan, by work that goes on."""
    console, moment = visit.console, datetime.fromisoformat(asked.document["as_of"])

    def work(_: Progress) -> str:
        with console.reading() as shop:
            found = shop.decide("lifecycle", moment)
        taken = [action for action in found.table["action"].to_pylist() if action != NOTHING]
        return visit.t(".decided_said", count=f"{len(taken):,}", customers=f"{found.table.num_rows:,}")

    console.jobs.begin("lifecycle.job_decide", work, by=visit.who)
    return visit.t(".plan_said", name=asked.about)


def _drawn(visit: Visit, rows: list[dict[str, Any]]) -> Chart:
    values = [
        {"day": day, "customers": row[f"day {day}"], "action": row["action"]}
        for row in rows
        for day in WEEK
        if row[f"day {day}"]
    ]
    drawn = alt.Chart(alt.Data(values=values)).mark_bar(height=16).encode(  # type: ignore[no-untyped-call]
        x=alt.X("customers:Q", title=visit.t(".customers")),
        y=alt.Y("action:N", title=None, sort=None, axis=alt.Axis(labelLimit=220)),
        color=alt.Color("day:N", title=visit.t(".day"), legend=alt.Legend(orient="top")),
        order="day:Q",
    )  # fmt: skip
    return chart(drawn, visit.t(".plan_about"))
