"""Fraud: the queue of attempts to look at, case by case, and how it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from regulars.console.listing import Column, Listing
from regulars.console.roles import ALL, only
from regulars.console.screen import Screen
from regulars.console.screens import fraud_costs, fraud_performance, fraud_rings, fraud_rules
from regulars.console.visit import Visit
from regulars.customers.by_hand import present
from regulars.fraud import review
from regulars.fraud.model import LEAST_FRAUDS

if TYPE_CHECKING:
    import pyarrow as pa

screen = Screen("fraud", group="guarding")

COLUMNS = (
    Column("id", "number"),
    Column("status", "badge"),
    Column("waits_for", is_wide=True),
    Column("about"),
    Column("attempts", "number", is_wide=True),
    Column("amount", "money"),
    Column("expected_loss", "money", is_wide=True),
    Column("loss_per_minute", "money", is_wide=True),
    Column("opened_at", "time", is_wide=True),
    Column("holder", is_wide=True),
)
USUAL = {"waits_for": "first", "holder": None}
"""What is not told where it is so of all cases."""
LOSSES = ("expected_loss", "loss_per_minute")
FILTERS = ("status",)
SHOWN = ("open", "claimed", "reopened")
"""Statuses of cases that wait or are held."""
MOST = 5_000
"""Cases of the queue that its list knows: those that save most a minute."""
JUDGING = only("risk")
KINDS = {"expected_loss": "money", "fraud_share": "share", "precision": "share", "low": "share", "high": "share"}
"""How columns of figures are shown; all else as it is."""


@screen.get("/fraud", may=ALL)
def index(visit: Visit) -> Response:
    """The queue, in the order in which cases are handed out."""
    listing = Listing.of(visit, COLUMNS, FILTERS, sort="-loss_per_minute")
    status = listing.filters["status"]
    cases = [case for case in review.queue(visit.shop.state, MOST) if status in ("", case.status)]
    found = listing.of_rows([_row(visit, case) for case in cases])
    untold = [name for name, usual in USUAL.items() if all(getattr(case, name) == usual for case in cases)]
    # Of a model that no label taught: a column of dashes would look like a fault.
    is_loss_known = any(case.expected_loss for case in cases)
    found = found.without([*untold, *(LOSSES if not is_loss_known else ())])
    choices = [(name, visit.t(f".status_{name}")) for name in SHOWN]
    return visit.page(
        "fraud/index.html", found=found, choices=choices, may_judge=JUDGING, least=LEAST_FRAUDS,
        is_loss_unknown=bool(cases) and not is_loss_known,
    )  # fmt: skip


@screen.post("/fraud/fill", may=JUDGING)
def fill(visit: Visit) -> Response:
    """Put the newest decisions into the queue."""
    with visit.console.reading() as shop:
        opened = review.fill(shop)
    visit.note("fraud.filled", "queue", None, opened._asdict())
    return visit.go("/fraud", visit.t(".filled_said", cases=opened.cases, attempts=opened.attempts))


@screen.post("/fraud/claim", may=JUDGING)
def claim_next(visit: Visit) -> Response:
    """Hold the case that is handed out next, and go there."""
    return _next(visit, "", None)


@screen.get("/fraud/case/{case}", may=ALL)
def case_(visit: Visit) -> Response:
    """One case: its attempts with their reasons, and what was done with it."""
    found = review.case(visit.shop.state, visit.number("case"), visit.who)
    own = [change.what for change in found.history if change.who == visit.who and change.what in ("judged", "undone")]
    return visit.page(
        "fraud/case.html",
        found=found,
        is_mine=found.summary.holder == visit.who,
        can_undo=own[-1:] == ["judged"],
        may_judge=JUDGING,
    )


@screen.post("/fraud/case/{case}/claim", may=JUDGING)
def claim(visit: Visit) -> Response:
    """Hold this case."""
    number = visit.number("case")
    review.claim(visit.shop.state, visit.who, number)
    visit.note("fraud.claimed", str(number))
    return visit.go(f"/fraud/case/{number}")


@screen.post("/fraud/case/{case}/release", may=JUDGING)
def release(visit: Visit) -> Response:
    """Give the case back."""
    number = visit.number("case")
    review.release(visit.shop.state, number, visit.who)
    visit.note("fraud.released", str(number))
    return visit.go("/fraud", visit.t(".released_said", case=number), undo=(f"/fraud/case/{number}/claim", {}))


@screen.post("/fraud/case/{case}/verdict", may=JUDGING)
def verdict(visit: Visit) -> Response:
    """Say of the case, or of one of its attempts, whether it is fraud; once all is judged, on to the next case."""
    number, outcome, attempt = visit.number("case"), visit.given("verdict"), visit.form.get("attempt")
    said = {str(attempt): outcome} if attempt else outcome
    state = visit.shop.state
    with visit.console.reading() as shop:
        status = review.give_verdict(state, number, visit.who, said, present(shop))
        review.deliver(state, shop)
    visit.note("fraud.judged", str(number), None, {"verdict": said, "status": status})
    told = visit.t(".judged_said", case=number, verdict=visit.t(f".outcome_{outcome}"))
    back: tuple[str, dict[str, str]] = (f"/fraud/case/{number}/undo", {})
    if status == "claimed":
        return visit.go(f"/fraud/case/{number}", told, undo=back)
    return _next(visit, told, back)


@screen.post("/fraud/case/{case}/undo", may=JUDGING)
def undo(visit: Visit) -> Response:
    """Take back one's own verdicts on the case, and hold it again."""
    number, state = visit.number("case"), visit.shop.state
    with visit.console.reading() as shop:
        undone = review.undo(state, number, visit.who, time=present(shop))
        review.deliver(state, shop)
    review.claim(state, visit.who, number)
    visit.note("fraud.undone", str(number), {"verdicts": undone}, None)
    return visit.go(f"/fraud/case/{number}", visit.t(".undone_said", case=number))


@screen.post("/fraud/case/{case}/note", may=JUDGING)
def note(visit: Visit) -> Response:
    """Write something down about the case."""
    number, text = visit.number("case"), visit.given("text")
    review.add_note(visit.shop.state, number, visit.who, text)
    visit.note("fraud.noted", str(number), None, {"text": text})
    return visit.go(f"/fraud/case/{number}", visit.t(".noted_said"))


@screen.get("/fraud/standing", may=ALL)
def standing(visit: Visit) -> Response:
    """What waits and how long, who does how much, how often it is fraud, and how the queue goes on."""
    settings = visit.shop.config
    found = review.standing(visit.shop.state, settings.fraud, settings.shop.timezone)
    ages = found.by_age.to_pylist()
    for place, row in enumerate(ages):
        row["age"] = visit.t(f".age_{place}")
    tables = {"by_age": ages} | {
        name: _rows(getattr(found, name)) for name in ("by_reviewer", "by_reason", "by_policy", "by_risk")
    }
    return visit.page("fraud/standing.html", found=found, tables=tables, kinds=KINDS)


def _next(visit: Visit, said: str, back: tuple[str, dict[str, str]] | None) -> Response:
    """Hold the next case and go there; to the queue if none waits."""
    number = review.claim(visit.shop.state, visit.who)
    if number is None:
        return visit.go("/fraud", f"{said} {visit.t('.none_waits')}".strip(), undo=back)
    visit.note("fraud.claimed", str(number))
    return visit.go(f"/fraud/case/{number}", said, undo=back)


def _row(visit: Visit, case: review.Summary) -> dict[str, Any]:
    about = visit.t(".ring", ring=case.ring) if case.ring is not None else case.customer_id or visit.t(".unknown")
    said = {"status": visit.t(f".status_{case.status}"), "waits_for": visit.t(f".stage_{case.waits_for}")}
    # Where no fraud is known yet a case is unusual, and what it may cost is not known either.
    known = {name: getattr(case, name) or None for name in LOSSES}
    looks = "warning" if case.status in ("open", "reopened") else ""
    return {**case._asdict(), **said, **known, "about": about, "looks": looks}


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


screen.warmed.append(fraud_performance.frauds)
for part in (fraud_performance, fraud_rings, fraud_rules, fraud_costs):
    screen.routes += part.screen.routes
