"""Fraud: from which expected loss on an attempt is held, moved by what a look, a fraud and an insult cost."""

from __future__ import annotations

from typing import Any, NamedTuple

import altair as alt
import pydantic
from starlette.responses import Response

from regulars import config
from regulars.config import FraudSettings
from regulars.console.approvals import Approval
from regulars.console.charts import Chart, chart
from regulars.console.deciding import Deciding
from regulars.console.roles import ALL, only
from regulars.console.screen import Screen
from regulars.console.visit import Visit
from regulars.errors import InputError
from regulars.evaluation import palette
from regulars.fraud.costs import Curve, curve, hold
from regulars.fraud.tried import Tried, tried

screen = Screen("fraud")


class Cost(NamedTuple):
    """A setting of [fraud] that can be moved, between which values and in which steps."""

    name: str
    low: float
    high: float
    step: float


COSTS = (
    Cost("fee", 0, 100, 1), Cost("loss_share", 0, 1, 0.05), Cost("review_minutes", 0.5, 30, 0.5),
    Cost("review_cost", 0, 5, 0.1), Cost("insult_share", 0, 2, 0.05),
)  # fmt: skip
CHANGING = only("risk")
PATH = "/fraud/costs"
DECIDING = Deciding("fraud costs", PATH, PATH)


@screen.get(PATH, may=ALL)
def index(visit: Visit) -> Response:
    """What holding attempts costs and saves; the curve is a part that follows the costs."""
    now = visit.console.shop.config.fraud
    values = [(cost, getattr(now, cost.name)) for cost in COSTS]
    return visit.page(
        "fraud/costs.html", values=values, waiting=visit.console.approvals.waiting(DECIDING.kind), may_change=CHANGING
    )


@screen.get(f"{PATH}/curve", may=ALL)
def moved(visit: Visit) -> Response:
    """By these costs: which attempts are cheapest to hold, beside what is in force."""
    now = visit.console.shop.config.fraud
    wanted = _settings(visit, {cost.name: visit.asked(cost.name) or getattr(now, cost.name) for cost in COSTS})
    used = visit.shop.models.version_in_use("fraud")
    found = visit.console.kept.of("fraud.tried", visit.shop.log.version, lambda shop: tried(shop, shop.now), key=used)
    costs = curve(found.is_fraud, found.risk, found.amount, wanted)
    rows = [(name, *_held(found, settings)) for name, settings in (("then", wanted), ("now", now))]
    return visit.page(
        "fraud/curve.html", drawn=_drawn(visit, costs), rows=rows, attempts=len(found.risk), found=found,
        best=int(costs.held[costs.best]), threshold=float(costs.threshold[costs.best]),
        total=float(costs.total[costs.best]), all_through=float(costs.total[0]),
    )  # fmt: skip


@screen.post(f"{PATH}/ask", may=CHANGING)
def ask(visit: Visit) -> Response:
    """Ask for other costs: another person approves them."""
    now = visit.console.shop.config.fraud
    wanted = _settings(visit, {cost.name: visit.given(cost.name) for cost in COSTS})
    changed = {
        cost.name: getattr(wanted, cost.name) for cost in COSTS if getattr(wanted, cost.name) != getattr(now, cost.name)
    }
    if not changed:
        raise InputError(visit.t(".nothing_moved"))
    about = visit.t(".costs_about", names=visit.t("shell.comma").join(visit.t(f".cost_{name}") for name in changed))
    document = {"values": changed, "before": {name: getattr(now, name) for name in changed}}
    undo = DECIDING.ask(visit, about, document)
    return visit.go(PATH, visit.t(".costs_asked"), undo)


@screen.post(f"{PATH}/decide", may=CHANGING)
def decide(visit: Visit) -> Response:
    """Approve the costs, which puts them in force; or reject them."""
    return DECIDING.decide(visit, _set)


@screen.post(f"{PATH}/reopen", may=CHANGING)
def reopen(visit: Visit) -> Response:
    """Take that back: the costs before are in force again."""
    return DECIDING.reopen(visit, _set_back)


def _set(visit: Visit, asked: Approval) -> str:
    return _in_force(visit, asked.document["values"])


def _set_back(visit: Visit, asked: Approval) -> str:
    return _in_force(visit, asked.document["before"])


def _in_force(visit: Visit, values: dict[str, Any]) -> str:
    console = visit.console
    console.shop.config = config.change(console.shop.folder, "fraud", values)
    return visit.t(".costs_said")


def _settings(visit: Visit, said: dict[str, Any]) -> FraudSettings:
    try:
        return FraudSettings.model_validate({**visit.console.shop.config.fraud.model_dump(), **said})
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        raise InputError(visit.t(".no_cost", name=visit.t(f".cost_{first['loc'][0]}"), text=first["input"])) from None


def _held(found: Tried, settings: FraudSettings) -> tuple[int, int]:
    """How many of the attempts are worth a look, and how many of them could be blocked without one."""
    held = hold(found.risk, found.amount, settings)
    return int(held.review.sum()), int((held.review & held.block).sum())


def _drawn(visit: Visit, costs: Curve) -> Chart:
    names = {name: visit.t(f".curve_{name}") for name in ("losses", "reviews", "total")}
    rows = [
        {"held": int(held), "cost": round(float(getattr(costs, name)[k]), 2), "of": names[name]}
        for name in names
        for k, held in enumerate(costs.held)
    ]
    scale = alt.Scale(domain=list(names.values()), range=[palette.BASELINE, palette.NEUTRAL, palette.MODEL])
    line = alt.Chart(alt.Data(values=rows)).mark_line().encode(  # type: ignore[no-untyped-call]
        x=alt.X("held:Q", scale=alt.Scale(type="symlog"), title=visit.t(".curve_held")),
        y=alt.Y("cost:Q", title=visit.t(".curve_cost", currency=visit.console.currency)),
        color=alt.Color("of:N", title=None, scale=scale, legend=alt.Legend(orient="top")),
    )  # fmt: skip
    best = [{"held": int(costs.held[costs.best]), "cost": round(float(costs.total[costs.best]), 2)}]
    point = alt.Chart(alt.Data(values=best)).mark_point(size=90, filled=True, color=palette.MODEL)  # type: ignore[no-untyped-call]
    return chart(line + point.encode(x="held:Q", y="cost:Q"), visit.t(".curve_about"))
