"""Home: how the shop's customers stand, and what waits for a person."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from starlette.responses import Response

from regulars import capability, clock
from regulars.campaign.sending.tables import outbox
from regulars.campaign.sending.tables import prepare as with_outbox
from regulars.console.charts import chart
from regulars.console.roles import ALL
from regulars.console.screen import Screen
from regulars.console.screens.fraud_performance import frauds
from regulars.console.screens.models import name_of
from regulars.console.screens.pricing_competitors import undercut_now
from regulars.console.visit import Visit
from regulars.drift import Change, told
from regulars.drift import watch as drifted
from regulars.errors import NotEnoughError, NotFoundError
from regulars.fraud.monitor import alerts as fraud_alerts
from regulars.fraud.review import queue
from regulars.lifecycle.dataset import known_as_of
from regulars.lifecycle.stages.map import NAMES
from regulars.lifecycle.stages.panel import ABSENT, QUARTER, Panel, Stages
from regulars.profile.stage import STAGES
from regulars.segment.plots import migration_plot

if TYPE_CHECKING:
    from regulars.console.app import Console
    from regulars.shop import Shop

screen = Screen("home", group="")

WEEKS = (4, 13, 26, 52)
LATE_DAYS = 2
"""So old the newest event may be before it is an alert."""
OLD_DAYS = 60
"""So much the log may grow before what was learned from it is an alert."""
DELIVERED_DAYS = 7
MOST_CHANGES = 3
"""Of one broken import many things change: the furthest are told, `regulars doctor` tells all."""
KINDS = {
    "price": "/pricing/approvals", "campaign": "/campaigns/approvals", "fraud costs": "/fraud/costs",
    "plan": "/lifecycle",
}  # fmt: skip
"""Where approvals of a kind are decided."""
MOST_CASES = 1000
PLACES = {"fraud": "/fraud", "pricing": "/pricing", "campaign": "/campaigns", "ads": "/ads", "support": "/support"}
"""Where decisions of a capability are looked at; the others' at the customers."""


class Alert(NamedTuple):
    """Something that is not as it should be: how bad, in words, and the screen that shows more."""

    level: Literal["warning", "bad"]
    text: str
    path: str


class Life(NamedTuple):
    """The customers by weeks, and the stage in which each week ended for each."""

    panel: Panel
    stages: Stages


@screen.get("/", may=ALL)
def index(visit: Visit) -> Response:
    """The first page: what waits is there at once, what takes longer comes after."""
    return visit.page(
        "home/index.html", waiting=visit.console.approvals.waiting(), weeks=_weeks(visit), spans=WEEKS, places=KINDS
    )


@screen.get("/home/flow", may=ALL)
def flow(visit: Visit) -> Response:
    """Who went from which stage of life into which, and what the customers of each stage brought."""
    weeks, names = _weeks(visit), NAMES[visit.language]
    panel, stages = life(visit.console)
    begin = stages[:, -1 - weeks] if panel.weeks > weeks else np.full(len(panel), ABSENT, np.int8)
    now = stages[:, -1]
    outside = visit.t(".not_known")
    said = np.array([outside, *(names[stage] for stage in STAGES)], object)
    # Each pair of stages as one number: a million customers are counted in milliseconds, and sorted in a second.
    count = np.bincount((begin.astype(np.int64) - ABSENT)[now != ABSENT] * len(said) + now[now != ABSENT] - ABSENT)
    order = np.argsort(-count, kind="stable")[: np.count_nonzero(count)]
    matrix = pa.table(
        {
            "from": pa.array(said[order // len(said)], pa.string()),
            "to": pa.array(said[order % len(said)], pa.string()),
            "customers": count[order],
        }
    )
    money = panel.money[:, -QUARTER:].sum(1, dtype=float)
    rows = [
        {
            "name": names[stage],
            "stage": stage,
            "customers": int((now == place).sum()),
            "before": int((begin == place).sum()),
            "money": float(money[now == place].sum()),
        }
        for place, stage in enumerate(STAGES)
    ]
    from_top = [*(names[stage] for stage in STAGES), outside]
    drawn = chart(migration_plot(matrix, from_top), visit.t(".flow_about", weeks=weeks))
    return visit.page("home/flow.html", rows=[row for row in rows if row["customers"] or row["before"]], drawn=drawn)


@screen.get("/home/week", may=ALL)
def week(visit: Visit) -> Response:
    """What changed in the last seven days, in sentences."""
    return visit.page("home/week.html", said=_sentences(visit, *life(visit.console)))


@screen.get("/home/decisions", may=ALL)
def decisions(visit: Visit) -> Response:
    """What was decided last, capability by capability."""
    rows = visit.console.kept.of("home.decisions", visit.shop.log.version, _decided)
    named = [{**row, "name": name_of(visit, row["capability"])} for row in rows]
    return visit.page("home/decisions.html", rows=named, places=PLACES)


@screen.get("/home/alerts", may=ALL)
def alerts(visit: Visit) -> Response:
    """What is not as it should be."""
    with visit.console.reading() as shop:
        found = [
            *_late(visit, shop),
            *_drifts(visit),
            *_deliveries(visit, shop),
            *_frauds(visit),
            *_undercut(visit),
            *_models(visit, shop),
        ]
        cases = len(queue(shop.state, MOST_CASES))
    return visit.page("home/alerts.html", alerts=found, cases=cases)


def _weeks(visit: Visit) -> int:
    asked = visit.asked("weeks")
    return int(asked) if asked in map(str, WEEKS) else WEEKS[1]


def life(console: Console) -> Life:
    """The customers by weeks; what the first page draws."""

    def make(shop: Shop) -> Life:
        settings = shop.config.profile
        panel = known_as_of(shop, shop.now).panel
        return Life(panel, panel.stages(panel.rhythm(settings.new_days, settings.won_back_days)))

    return console.kept.of("home.life", console.shop.log.version, make)


def drifts(console: Console) -> list[Change]:
    """What is far from usual in the last days of the log."""
    return console.kept.of("home.drift", console.shop.log.version, drifted)


screen.warmed += [life, drifts]


def _sentences(visit: Visit, panel: Panel, stages: Stages) -> list[str]:
    """The week beside the one before it, and beside the usual one of the quarter."""
    names, t = NAMES[visit.language], visit.t
    money, orders = panel.money.sum(0, dtype=float), panel.orders.sum(0, dtype=float)
    said = [_compared(visit, "money", money), _compared(visit, "orders", orders)]
    said.append(t(".week_customers", count=f"{int((panel.orders[:, -1] > 0).sum()):,}"))
    fresh = int((panel.since == panel.weeks - 1).sum())
    said.append(t(".week_new", count=f"{fresh:,}") if fresh else t(".week_none_new"))
    if panel.weeks > 1:
        before, now = stages[:, -2], stages[:, -1]
        for stage in ("won back", "growing", "cooling", "lapsed"):
            place = STAGES.index(stage)
            entered = (now == place) & (before != place) & (before != ABSENT)
            if entered.any():
                worth = panel.money[entered, -52:].sum(dtype=float)
                shown = _money(visit, worth)
                said.append(t(".week_entered", count=f"{int(entered.sum()):,}", stage=names[stage], worth=shown))
    return said


def _compared(visit: Visit, what: str, weekly: np.ndarray) -> str:
    now, before = float(weekly[-1]), float(weekly[-2]) if len(weekly) > 1 else 0.0
    shown = [_money(visit, value) if what == "money" else f"{value:,.0f}" for value in (now, before)]
    if before <= 0:
        return visit.t(f".week_{what}", now=shown[0])
    change = now / before - 1
    way = visit.t(".more" if change >= 0 else ".less", share=f"{abs(change):.0%}")
    return visit.t(f".week_{what}_compared", now=shown[0], before=shown[1], way=way)


def _money(visit: Visit, value: float) -> str:
    return f"{value:,.0f} {visit.console.currency}"


def _decided(shop: Shop) -> list[dict[str, Any]]:
    found = []
    for name in capability.names():
        if not hasattr(capability.load(name), "decide"):
            continue
        try:
            table = shop.tables.read(name, "decisions")
        except NotFoundError:
            continue
        as_of = (table.schema.metadata or {}).get(b"as_of", b"").decode()
        found.append({"capability": name, "count": table.num_rows, "as_of": as_of[:10]})
    return found


def _late(visit: Visit, shop: Shop) -> list[Alert]:
    try:
        days = (clock.now() - visit.console.now).days
    except NotEnoughError:
        return [Alert("warning", visit.t(".empty_log"), "/data")]
    said = visit.t(".late", day=f"{visit.console.now:%Y-%m-%d}")
    return [Alert("warning", said, "/data")] if days > LATE_DAYS else []


def _drifts(visit: Visit) -> list[Alert]:
    language = cast(Literal["en", "zh"], visit.language)
    return [Alert("warning", told(change, language), "/data") for change in drifts(visit.console)[:MOST_CHANGES]]


def _deliveries(visit: Visit, shop: Shop) -> list[Alert]:
    since = clock.now() - timedelta(days=DELIVERED_DAYS)
    asked = sa.select(outbox.c.status, sa.func.count()).where(outbox.c.asked_at >= since).group_by(outbox.c.status)
    with with_outbox(shop.state).read() as view:
        count = {row[0]: row[1] for row in view.execute(asked)}
    failed, unsure = count.get("failed", 0), count.get("unsure", 0)
    if not failed + unsure:
        return []
    values = {"failed": failed, "unsure": unsure, "sent": count.get("sent", 0), "days": DELIVERED_DAYS}
    return [Alert("bad", visit.t(".failing", **values), "/campaigns")]


def _frauds(visit: Visit) -> list[Alert]:
    found = frauds(visit.console)
    if found is None or not found.alerts:
        return []
    language = cast(Literal["en", "zh"], visit.language)
    return [Alert("bad", text, "/fraud") for text in fraud_alerts(found, language)]


def _undercut(visit: Visit) -> list[Alert]:
    found = undercut_now(visit)
    if not found:
        return []
    count = len({one.product_id for one in found})
    return [Alert("warning", visit.t(".undercut", count=f"{count:,}", gap=f"{found[0].gap:.0%}"), "/pricing/undercut")]


def _models(visit: Visit, shop: Shop) -> list[Alert]:
    """One alert a kind, with the names of those that it is about."""
    kinds: dict[str, list[str]] = {"failed_check": [], "none_in_use": [], "old_model": []}
    for name in capability.names():
        used = shop.models.version_in_use(name)
        if used is None:
            kinds["none_in_use"] += [name_of(visit, name)] if shop.models.versions(name) else []
            continue
        card = shop.models.get(name, used).card
        if (visit.console.now - datetime.fromisoformat(card["until"])).days > OLD_DAYS:
            kinds["old_model"].append(name_of(visit, name))
        if not all(check["passed"] for check in card["report"]["checks"]):
            kinds["failed_check"].append(name_of(visit, name))
    return [
        Alert("bad" if kind == "failed_check" else "warning", _of_models(visit, kind, names), "/models")
        for kind, names in kinds.items()
        if names
    ]


def _of_models(visit: Visit, kind: str, names: list[str]) -> str:
    return visit.t(f".{kind}", names=visit.t(".comma").join(names), days=OLD_DAYS)
