"""Settings: the law of prices by place, consents, retention and budgets, and whether the language endpoint answers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
import pydantic
from starlette.responses import Response

from regulars import clock, config
from regulars.config import SECTIONS
from regulars.console.listing import Column, Listing
from regulars.console.roles import ADMIN
from regulars.console.screen import Screen
from regulars.console.visit import Visit
from regulars.customers.consent import PURPOSES, consents_as_of, objections_as_of
from regulars.errors import InputError, RegularsError
from regulars.events.schema import TYPES
from regulars.language import Part, connect, is_connected
from regulars.pricing.law import MODES, STATUSES, Law, drop, keep, own_rows
from regulars.privacy.erase import retain
from regulars.privacy.retention import OTHERS

if TYPE_CHECKING:
    from regulars.console.jobs import Progress

screen = Screen("settings")

LAWS = (
    Column("place"),
    Column("mode", "badge"),
    Column("status", "said", is_wide=True),
    Column("since", "date"),
    Column("asks", "said", is_sorted=False),
    Column("sentence", is_wide=True, is_sorted=False),
    Column("checked", "date", is_wide=True),
)
LIMITS = (
    ("campaign", "budget"), ("campaign", "contacts"), ("lifecycle", "budget"), ("lifecycle", "contacts_week"),
    ("lifecycle", "minutes_week"), ("pricing", "budget"), ("ads", "budget"), ("sending", "most_per_day"),
    ("sending", "most_per_week"), ("language", "money_per_day"), ("log", "keep_days"),
)  # fmt: skip
"""What may be spent and how long versions are kept: section and key of shop.toml."""
PATH, LAW = "/settings/limits", "/settings/law"
RETAIN = "settings.job_retain"
MOST_DAYS = 36_525
"""A century: what is to be kept longer is kept for ever."""


@screen.get("/settings/law", may=ADMIN)
def law(visit: Visit) -> Response:
    """What the law allows of personal prices, by place, and the words that it asks for."""
    listing = Listing.of(visit, LAWS, ("q",), sort="place")
    rows = [
        {**asdict(row), "sentence": row.sentence.get(visit.language) or row.sentence.get("en", "")}
        for row in Law.known(visit.shop.folder).rows
        if listing.filters["q"].casefold() in row.place.casefold()
    ]
    return visit.page("settings/law.html", found=listing.of_rows(rows))


@screen.get("/settings/law/row", may=ADMIN)
def law_row(visit: Visit) -> Response:
    """A row to be written, or to be changed: of a shipped one the shop's own copy takes its place."""
    id = visit.asked("id")
    row = next((row for row in Law.known(visit.shop.folder).rows if row.id == id), None)
    said = _lines(row.sentence) if row else ""
    is_own = id in {each["id"] for each in own_rows(visit.shop.folder)}
    return visit.page("settings/law_row.html", row=row, said=said, is_own=is_own, modes=MODES, statuses=STATUSES)


@screen.post("/settings/law", may=ADMIN)
def keep_law(visit: Visit) -> Response:
    """Keep a row of the shop's own, in pricing/law.toml."""
    row: dict[str, Any] = {name: visit.given(name) for name in ("id", "place", "mode", "status", "asks", "source")}
    try:
        row |= {name: date.fromisoformat(visit.given(name)) for name in ("from", "checked")}
    except ValueError as error:
        raise InputError(str(error)) from None
    row["kinds"] = _split(visit, "kinds", ",")
    sentences = (line.partition(":") for line in _split(visit, "sentence", "\n"))
    row["sentence"] = {language.strip(): text.strip() for language, _, text in sentences}
    before = keep(visit.shop.folder, row)
    visit.note("settings.law_kept", row["id"], before and _form(before), _form(row))
    undo = (LAW, _form(before)) if before else ("/settings/law/drop", {"id": row["id"]})
    return visit.go(LAW, visit.t(".law_said", id=row["id"]), undo)


@screen.post("/settings/law/drop", may=ADMIN)
def drop_law(visit: Visit) -> Response:
    """Take a row of the shop's own out again; a shipped one of its id holds again."""
    id = visit.given("id")
    before = drop(visit.shop.folder, id)
    visit.note("settings.law_dropped", id, _form(before), None)
    return visit.go(LAW, visit.t(".law_dropped_said", id=id), (LAW, _form(before)))


@screen.get("/settings/consent", may=ADMIN)
def consent(visit: Visit) -> Response:
    """By purpose: how many customers allowed it, withdrew that, and object; counted when the page is there."""
    return visit.page("settings/consent.html")


@screen.get("/settings/consent/counts", may=ADMIN)
def counts(visit: Visit) -> Response:
    """The counts."""
    with visit.console.reading() as shop:
        said, objections = consents_as_of(shop, visit.console.now), objections_as_of(shop, visit.console.now)
    rows = []
    for purpose in PURPOSES:
        of = said.filter(pc.equal(said["purpose"], purpose))
        named = objections["purpose"]  # null is every purpose
        against = objections.filter(pc.or_kleene(pc.is_null(named), pc.equal(named, purpose)))
        granted = pc.sum(of["granted"]).as_py() or 0
        rows.append(
            {"purpose": purpose, "granted": granted, "withdrawn": of.num_rows - granted,
             "objects": pc.count_distinct(against["customer_id"]).as_py()}
        )  # fmt: skip
    return visit.page("settings/counts.html", rows=rows)


@screen.get(PATH, may=ADMIN)
def limits(visit: Visit) -> Response:
    """Budgets, caps and retention, as shop.toml has them, to be changed."""
    now = visit.console.shop.config
    rows = [(f"{section}.{key}", getattr(getattr(now, section), key)) for section, key in LIMITS]
    kept = sorted(now.log.keep_events.items())
    return visit.page(
        "settings/limits.html", rows=rows, kept=kept, types=(OTHERS, *TYPES), job=visit.console.jobs.newest(RETAIN)
    )


@screen.post(PATH, may=ADMIN)
def limit(visit: Visit) -> Response:
    """Change one of them."""
    name, text = visit.given("name"), visit.given("value")
    section, _, key = name.partition(".")
    if (section, key) not in LIMITS:
        raise InputError(visit.t(".no_limit", name=name))
    console = visit.console
    before = getattr(getattr(console.shop.config, section), key)
    try:
        whole = SECTIONS[section].model_validate({**getattr(console.shop.config, section).model_dump(), key: text})
    except pydantic.ValidationError as error:
        raise InputError(f"{name}: {text}: {error.errors()[0]['msg']}") from None
    after: Any = getattr(whole, key)
    console.shop.config = config.change(console.shop.folder, section, {key: after})
    visit.note("settings.limit_changed", name, before, after)
    return visit.go(PATH, visit.t(".limit_said", name=name, value=after), (PATH, {"name": name, "value": str(before)}))


@screen.post("/settings/retention", may=ADMIN)
def retention(visit: Visit) -> Response:
    """For how many days events of a type are kept; without days for ever."""
    kind, days = visit.given("type"), str(visit.form.get("days") or "").strip()
    console = visit.console
    before = dict(console.shop.config.log.keep_events)
    if days and not (days.isdecimal() and 0 < int(days) < MOST_DAYS):
        raise InputError(visit.t(".no_days", text=days))
    after = {name: kept for name, kept in before.items() if name != kind} | ({kind: int(days)} if days else {})
    console.shop.config = config.change(console.shop.folder, "log", {"keep_events": after})
    visit.note("settings.retention_changed", kind, before.get(kind), after.get(kind))
    undo = ("/settings/retention", {"type": kind, "days": str(before.get(kind, ""))})
    return visit.go(PATH, visit.t(".retention_said", type=kind, days=days or visit.t(".for_ever")), undo)


@screen.post("/settings/retain", may=ADMIN)
def retain_now(visit: Visit) -> Response:
    """Remove what is kept no longer, from the log and all that was made of it: that cannot be undone."""
    console = visit.console

    def work(_: Progress) -> str:
        with console.reading() as shop:
            done = retain(shop)
        return visit.t(".retained_said", rows=f"{done.rows if done else 0:,}")

    console.jobs.begin(RETAIN, work, by=visit.who)
    visit.note("settings.retained", "log")
    return visit.go(PATH)


@screen.get("/settings/language", may=ADMIN)
def language(visit: Visit) -> Response:
    """Which language model is connected, and what may leave this machine."""
    now = visit.console.shop.config.language
    return visit.page("settings/language.html", settings=now, is_connected=is_connected(now), found=None, problem="")


@screen.post("/settings/language/test", may=ADMIN)
def test(visit: Visit) -> Response:
    """Ask the model for one word: how long it took, and what today has cost so far."""
    now, found, problem = visit.console.shop.config.language, None, ""
    schema = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}
    begun = time.monotonic()
    try:
        model = connect(now, visit.console.shop.state)
        answer = model.ask("Answer with the word in the data.", [Part("facts", {"word": "tea"})], schema=schema)
        spent = model.spending.today() if model.spending else None
        found = {
            "model": answer.model, "word": answer.value["word"], "seconds": time.monotonic() - begun,
            "calls": spent.calls if spent else 0, "tokens": spent.tokens_in + spent.tokens_out if spent else 0,
        }  # fmt: skip
    except RegularsError as error:
        problem = str(error)
    visit.note("settings.language_tested", now.url or "none", None, {"problem": problem, "at": str(clock.now())})
    return visit.page(
        "settings/language.html", settings=now, is_connected=is_connected(now), found=found, problem=problem
    )


def _split(visit: Visit, name: str, between: str) -> list[str]:
    return [part.strip() for part in str(visit.form.get(name) or "").split(between) if part.strip()]


def _lines(sentence: Mapping[str, str]) -> str:
    """Sentences by language, one a line, as the form has them."""
    return "\n".join(f"{language}: {text}" for language, text in sentence.items())


def _form(row: Mapping[str, Any]) -> dict[str, str]:
    """A row as its form sends it."""
    said = {name: str(value) for name, value in row.items() if name not in ("kinds", "sentence")}
    return {**said, "kinds": ",".join(row.get("kinds", ())), "sentence": _lines(row.get("sentence", {}))}
