"""Models: what each capability learned, how good it is, and which version is in use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, NamedTuple

import altair as alt
from starlette.responses import Response

from regulars import capability
from regulars.console.charts import Chart, chart
from regulars.console.listing import Column, Listing
from regulars.console.roles import ADMIN, ALL
from regulars.console.screen import Screen
from regulars.console.visit import Visit
from regulars.console.words import catalogue
from regulars.errors import InputError
from regulars.evaluation import Report
from regulars.evaluation.wording import figure, interval
from regulars.shop import Shop

if TYPE_CHECKING:
    from regulars.console.jobs import Progress
    from regulars.models import Model

screen = Screen("models", group="running")

COLUMNS = (
    Column("name"),
    Column("state", "badge"),
    Column("version", "number"),
    Column("metric", "said", is_wide=True),
    Column("gain", "said", is_wide=True, is_sorted=False),
    Column("until", "date"),
    Column("versions", "number", is_wide=True),
)
VERSIONS = (
    Column("version", "number"),
    Column("state", "badge"),
    Column("made_at", "time"),
    Column("until", "date", is_wide=True),
    Column("value", "said", is_wide=True, is_sorted=False),
)
REPORT = "report.html"


class Card(NamedTuple):
    """A version of a model as the page shows it.

    Attributes
    ----------
    about : what it was made of, in plain values.
    size : of its files, in kB.
    """

    model: Model
    report: Report
    about: list[tuple[str, str]]
    size: float


@screen.get("/models", may=ALL)
def index(visit: Visit) -> Response:
    """Every capability, with its version in use."""
    rows = [_summary(visit, name) for name in capability.names()]
    return visit.page("models/index.html", found=Listing.of(visit, COLUMNS).of_rows(rows))


@screen.get("/models/{name}", may=ALL)
def one(visit: Visit) -> Response:
    """The card of one version (default: that in use, else the newest), and all versions."""
    name = _name(visit)
    models = visit.shop.models
    used = models.version_in_use(name)
    history = models.history(name)
    job = visit.console.jobs.newest(_job(name))
    asked = visit.asked("version")
    if not history:
        return visit.page("models/none.html", name=name, title=name_of(visit, name), job=job, may_change=ADMIN)
    number = int(asked) if asked.isdecimal() and len(asked) < 9 else used or history[0].version
    card = _card(models.get(name, number))
    rows = [_version_row(visit, model, used) for model in history]
    return visit.page(
        "models/one.html", name=name, title=name_of(visit, name), card=card, used=used, job=job, may_change=ADMIN,
        found=Listing.of(visit, VERSIONS, ("version",), sort="-version").of_rows(rows), figure=figure,
        interval=interval, trend=_trend(visit, history), until=datetime.fromisoformat(card.model.card["until"]),
    )  # fmt: skip


@screen.get("/models/{name}/{version}/charts", may=ALL)
def charts(visit: Visit) -> Response:
    """The charts of a version's report: calibration, gains, what moves it."""
    model = visit.shop.models.get(_name(visit), visit.number("version"))
    reader = _Figures()
    reader.feed(model.read(REPORT).decode())
    return visit.page("models/charts.html", figures=reader.found)


@screen.get("/models/{name}/{version}/report", may=ALL)
def report(visit: Visit) -> Response:
    """The whole report as a file: a page that stands alone."""
    model = visit.shop.models.get(_name(visit), visit.number("version"))
    headers = {"content-disposition": f'attachment; filename="{model.capability}-{model.version}.html"'}
    return Response(model.read(REPORT), media_type="text/html", headers=headers)


@screen.post("/models/{name}/use", may=ADMIN)
def use(visit: Visit) -> Response:
    """Put a version to use, at once: a newer one, or one from before."""
    name = _name(visit)
    wanted = visit.given("version")
    if not wanted.isdecimal():
        raise InputError(visit.t(".no_version", version=wanted))
    before = visit.shop.models.version_in_use(name)
    after = visit.shop.models.use(name, int(wanted)).version
    visit.note("models.used", name, {"version": before}, {"version": after})
    undo = None if before is None else (f"/models/{name}/use", {"version": str(before)})
    return visit.go(f"/models/{name}", visit.t(".uses", name=name_of(visit, name), version=after), undo=undo)


@screen.post("/models/{name}/learn", may=ADMIN)
def learn(visit: Visit) -> Response:
    """Learn a new version; it is put to use if it is better than its baseline."""
    name = _name(visit)

    def work(progress: Progress) -> str:
        # A shop of its own: it takes minutes, and nobody is to wait for it.
        model, found = Shop.open(visit.shop.folder).learn(name)
        return visit.t(".learned", version=model.version, verdict=found.verdict)

    visit.console.jobs.begin(_job(name), work, by=visit.who)
    visit.note("models.learning", name)
    return visit.go(f"/models/{name}")


def name_of(visit: Visit, name: str) -> str:
    """What people call a capability; one that comes from elsewhere goes by its own name."""
    return visit.t(f"models.name_{name}") if f"models.name_{name}" in catalogue() else name


def _job(name: str) -> str:
    return f"models.job_{name}" if f"models.job_{name}" in catalogue() else "models.job_learn"


def _name(visit: Visit) -> str:
    name = str(visit.request.path_params["name"])
    capability.load(name)  # NotFoundError, listing those there are
    return name


def _summary(visit: Visit, name: str) -> dict[str, Any]:
    models = visit.shop.models
    versions, used = models.versions(name), models.version_in_use(name)
    row: dict[str, Any] = {
        "name": name_of(visit, name), "id": name, "version": used, "versions": len(versions), "until": None,
        "metric": None, "gain": None, "state": visit.t(".not_learned"),
    }  # fmt: skip
    if versions:
        card = models.get(name, used or versions[-1]).card
        found = Report.from_dict(card["report"])
        main = found.primary_metric
        row |= {
            "state": visit.t(".in_use" if used else ".kept_out"),
            "looks": "good" if used else "",
            "metric": f"{main.name} {figure(main.value)}",
            "gain": interval(main.difference_low, main.difference_high),
            "until": datetime.fromisoformat(card["until"]),
        }
    return row


def _version_row(visit: Visit, model: Model, used: int | None) -> dict[str, Any]:
    found = Report.from_dict(model.card["report"])
    state = ".in_use" if model.version == used else ".fit" if found.in_use else ".kept_out"
    main = found.primary_metric
    return {
        "version": model.version, "state": visit.t(state), "is_used": model.version == used,
        "made_at": datetime.fromisoformat(model.card["made_at"]), "until": datetime.fromisoformat(model.card["until"]),
        "value": f"{main.name} {figure(main.value)} ({interval(main.low, main.high)})",
    }  # fmt: skip


def _card(model: Model) -> Card:
    size = sum(each["size"] for each in model.card["files"].values())
    return Card(model, Report.from_dict(model.card["report"]), list(_flat(model.card["about"])), size / 1000)


def _flat(about: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a card says of itself, one value a line."""
    found = []
    for name, value in about.items():
        said = name.replace("_", " ")
        if isinstance(value, dict):
            found += [(f"{said}: {inner}", each) for inner, each in _flat(value)]
        elif isinstance(value, list):
            found.append((said, ", ".join(str(each)[:10] for each in value)))
        elif isinstance(value, float):
            found.append((said, f"{value:.4g}"))
        elif value is not None:
            found.append((said, str(value)))
    return found


def _trend(visit: Visit, history: list[Model]) -> Chart | None:
    """The metric that decides, version by version: whether it drifts. None of a single version."""
    if len(history) < 2:
        return None
    rows = []
    for model in history:
        main = Report.from_dict(model.card["report"]).primary_metric
        for of, value in ((visit.t(".model"), main.value), (visit.t(".baseline"), main.baseline)):
            rows.append({"version": model.version, "of": of, "value": value})
    name = Report.from_dict(history[0].card["report"]).primary
    drawn = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_line(point=True)
        .encode(
            x=alt.X("version:O", title=visit.t(".column_version"), axis=alt.Axis(labelAngle=0)),
            y=alt.Y("value:Q", title=name, scale=alt.Scale(zero=False)),
            color=alt.Color("of:N", title=None, legend=alt.Legend(orient="top")),
        )
    )
    return chart(drawn, visit.t(".trend_about", metric=name))


class _Figures(HTMLParser):
    """Reads the charts of a report that we wrote: (title, chart) each."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, Chart]] = []
        self._in, self._title, self._spec = "", "", ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = dict(attrs)
        if tag == "figure":
            self._title = self._spec = ""
        elif tag == "h4":
            self._in = "title"
        elif tag == "script" and about.get("type") == "application/json":
            self._in = "spec"
        elif tag == "p" and about.get("class") == "reading" and self._spec:
            self._in = "reading"

    def handle_endtag(self, tag: str) -> None:
        self._in = ""
        if tag == "figure" and self._spec:
            self._keep("")

    def handle_data(self, data: str) -> None:
        if self._in == "title":
            self._title += data
        elif self._in == "spec":
            self._spec += data
        elif self._in == "reading":
            self._keep(data.strip())

    def _keep(self, reading: str) -> None:
        drawn = alt.Chart.from_dict(json.loads(self._spec))
        self.found.append((self._title.strip(), chart(drawn, reading or self._title.strip())))
        self._spec = ""
