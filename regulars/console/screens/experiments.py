"""Experiments: which of several ways is better, who gets which, and what was found."""

from __future__ import annotations

from collections import Counter
from typing import Any

from starlette.responses import Response

from regulars.console.charts import chart
from regulars.console.listing import Column, Listing
from regulars.console.roles import ALL, only
from regulars.console.screen import Screen
from regulars.console.visit import Visit
from regulars.errors import InputError
from regulars.experiment import READY, Design, Experiment, Experiments, named, past, run_time
from regulars.experiment.plots import looks_plot, segments_plot
from regulars.experiment.report import rows_of
from regulars.experiment.standing import figures_of, results_of
from regulars.experiment.words import Language, of_check, of_verdict

screen = Screen("experiments", group="acting")

COLUMNS = (
    Column("name"),
    Column("status", "badge"),
    Column("share", "share"),
    Column("arms", is_wide=True, is_sorted=False),
    Column("metric", is_wide=True),
    Column("started_at", "date"),
)
STATUSES = ("draft", "running", "stopped", "decided")
METRICS = tuple(name for name, metric in READY.items() if metric.kind != "quantile")
"""Of those that are ready, whose run time can be told."""
CHANGING = only("growth", "pricing")


@screen.get("/experiments", may=ALL)
def index(visit: Visit) -> Response:
    """The experiments there are, and how they stand."""
    listing = Listing.of(visit, COLUMNS, ("q", "status"), sort="-started_at")
    wanted, status = listing.filters["q"].casefold(), listing.filters["status"]
    rows = [
        {
            "id": one.name, "name": one.name, "status": visit.t(f".status_{one.status}"), "share": one.share,
            "arms": _arms(one), "metric": one.primary_metric, "started_at": one.started_at,
        }
        for one in Experiments(visit.shop.state).all()
        if status in ("", one.status) and wanted in one.name.casefold()
    ]  # fmt: skip
    return visit.page("experiments/index.html", found=listing.of_rows(rows), statuses=STATUSES, may_change=CHANGING)


@screen.get("/experiments/new", may=CHANGING)
def new(visit: Visit) -> Response:
    """A design, with how long it must run at this shop's own traffic."""
    return visit.page(
        "experiments/new.html", metrics=METRICS, metric=visit.asked("metric", "revenue"), lift=visit.asked("lift", "5")
    )


@screen.get("/experiments/power", may=CHANGING)
def power(visit: Visit) -> Response:
    """How long a test must run to find an effect."""
    metric, lift = visit.asked("metric", "revenue"), _number(visit, visit.asked("lift", "5")) / 100
    with visit.console.reading() as shop:
        found = run_time(past(shop, named([metric])[0], shop.now), lift)
    return visit.page("experiments/power.html", found=found)


@screen.post("/experiments/create", may=CHANGING)
def create(visit: Visit) -> Response:
    """Write a design down: a draft, until it is started."""
    arms = dict.fromkeys((name.strip() for name in visit.given("arms").split(",") if name.strip()), 1.0)
    guardrail = str(visit.form.get("guardrail") or "")
    design = Design(
        arms, str(visit.form.get("hypothesis") or ""), primary_metric=visit.given("metric"),
        guardrails=(guardrail,) if guardrail else (), planned_days=int(_number(visit, visit.given("days"))),
    )  # fmt: skip
    made = _known(visit).create(visit.given("name"), design)
    visit.note("experiments.created", made.name, None, {"arms": list(arms), "metric": made.primary_metric})
    return visit.go("/experiment", visit.t(".created_said", name=made.name), name=made.name)


@screen.get("/experiment", may=ALL)
def experiment(visit: Visit) -> Response:
    """One experiment: its design, its results, and every change that was made."""
    known = _known(visit)
    one = known.get(_asked_name(visit))
    return visit.page(
        "experiments/one.html", one=one, history=known.history(one.name), arms=_arms(one), by=visit.asked("by"),
        may_change=CHANGING,
    )  # fmt: skip


@screen.get("/experiment/results", may=ALL)
def results(visit: Visit) -> Response:
    """What it found so far: checks, both verdicts, every metric, and look by look."""
    one, by = _known(visit).get(_asked_name(visit)), visit.asked("by")
    language: Language = "zh" if visit.language == "zh" else "en"
    with visit.console.reading() as shop:
        found = results_of(shop, one, shop.now, metrics=list(READY), by=by)
    charts = [
        chart(looks_plot(found, variant), visit.t(".looks_about", arm=variant))
        for variant, points in found.series.items()
        if any(point.always_low > float("-inf") for point in points)
    ]
    charts += [chart(segments_plot(part), visit.t(".segments_about", arm=part.variant)) for part in found.segments]
    verdicts = [(one.state, of_verdict(found, one, language), one.planned) for one in found.verdicts]
    checks = [(check.passed, check.blocks, of_check(check, language)) for check in found.checks]
    return visit.page(
        "experiments/results.html", found=found, verdicts=verdicts, checks=checks, rows=rows_of(found), charts=charts,
        states=Counter(state for state, _, _ in verdicts),
    )  # fmt: skip


@screen.post("/experiment/change", may=CHANGING)
def change(visit: Visit) -> Response:
    """Start, take more customers in, stop, or make a draft again."""
    known, name, verb = _known(visit), visit.given("name"), visit.given("verb")
    before = known.get(name)
    if verb in ("start", "ramp"):
        share = _number(visit, visit.given("share")) / 100
        after = known.start(name, share) if verb == "start" else known.ramp(name, share)
    elif verb == "stop":
        after = known.stop(name, str(visit.form.get("reason") or ""))
    elif verb == "reset":
        after = known.reset(name)
    else:
        raise InputError(visit.t(".no_such_verb"))
    visit.note(f"experiments.{verb}", name, _standing(before), _standing(after))
    return visit.go("/experiment", visit.t(f".said_{verb}", name=name), name=name)


@screen.post("/experiment/decide", may=CHANGING)
def decide(visit: Visit) -> Response:
    """Keep the verdict on a stopped experiment, with what its results say at this moment."""
    known, name, arm = _known(visit), visit.given("name"), visit.given("arm")
    with visit.console.reading() as shop:
        figures = figures_of(shop, known.get(name))
    decided = known.decide(name, arm, visit.given("reason"), figures)
    visit.note("experiments.decided", name, {"status": "stopped"}, {"status": decided.status, "arm": arm})
    return visit.go("/experiment", visit.t(".said_decided", name=name, arm=arm), name=name)


def _known(visit: Visit) -> Experiments:
    return Experiments(visit.shop.state, who=visit.who)


def _asked_name(visit: Visit) -> str:
    name = visit.asked("name")
    if not name:
        raise InputError(visit.t("shell.field_missing", name="name"))
    return name


def _number(visit: Visit, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(visit.t(".no_number", text=text)) from None


def _arms(one: Experiment) -> str:
    return ", ".join(f"{arm.name} {arm.weight:.0%}" for arm in one.arms)


def _standing(one: Experiment) -> dict[str, Any]:
    return {"status": one.status, "share": one.share}
