"""The commands of the review queue and of monitoring: what waits, claiming, judging, and how all of it stands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape
from rich.table import Table

from regulars.cli.common import AsOf, Json, ShopFolder, emit, err, out, to_moment, working

if TYPE_CHECKING:
    from regulars.shop import Shop
    from regulars.state import State

commands = typer.Typer()

CaseId = Annotated[int, typer.Argument(metavar="CASE", help="The case's number.")]
Reviewer = Annotated[str, typer.Option("--as", metavar="NAME", help="Who reviews.", envvar="REGULARS_REVIEWER")]


def _open(shop: Path) -> tuple[Shop, State]:
    from regulars.fraud.review import fill
    from regulars.shop import Shop

    door = Shop.open(shop)
    fill(door)
    return door, door.state


@commands.command("queue", epilog="Example: regulars fraud queue --shop myshop")
def queue_(
    shop: ShopFolder = Path(),
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many cases.")] = 20,
    as_json: Json = False,
) -> None:
    """The cases that wait for a person, in the order in which they are handed out: what saves most a minute first."""
    from regulars.fraud.review import queue

    _, state = _open(shop)
    found = queue(state, limit)
    if as_json:
        emit([summary._asdict() for summary in found])
        return
    if not found:
        out.print("No case waits. They come from: regulars decide fraud")
        return
    table = Table("Case", "Status", "Look", "Of", "Attempts", "Amount", "Expected loss", "A minute", "Held by")
    for one in found:
        of = f"ring {one.ring}" if one.ring is not None else one.customer_id or "unknown"
        figures = (
            f"{one.attempts:,}",
            f"{one.amount:,.2f}",
            f"{one.expected_loss:,.2f}",
            f"{one.loss_per_minute:,.2f}",
        )
        table.add_row(str(one.id), one.status, one.waits_for, escape(of), *figures, escape(one.holder or ""))
    out.print(table)


@commands.command("case", epilog="Example: regulars fraud case 1 --as mei --shop myshop")
def case_(case: CaseId, reviewer: Reviewer, shop: ShopFolder = Path(), as_json: Json = False) -> None:
    """One case: its attempts with their reasons, and what was done with it."""
    from regulars.fraud.review import case as case_of

    _, state = _open(shop)
    found = case_of(state, case, reviewer)
    if as_json:
        emit(
            {
                **found.summary._asdict(),
                "attempts": [one._asdict() for one in found.attempts],
                "history": [change._asdict() for change in found.history],
            }
        )
        return
    out.print(f"[bold]Case {found.summary.id}[/], {found.summary.status}", highlight=False)
    table = Table("Attempt", "Customer", "Time", "Amount", "Risk", "Verdict", "Reasons")
    for one in found.attempts:
        amount = "" if one.amount is None else f"{one.amount:,.2f}"
        cells = (one.attempt_id, one.customer_id or "", f"{one.time:%Y-%m-%d %H:%M}", amount, f"{one.risk:.3f}")
        table.add_row(*map(escape, cells), one.outcome or "", escape("; ".join(one.reasons)))
    out.print(table)
    for change in found.history:
        about = "; ".join(f"{key} {value}" for key, value in change.about.items())
        out.print(f"  {change.at:%Y-%m-%d %H:%M} {escape(change.who)}: {change.what} {escape(about)}", highlight=False)


@commands.command(epilog="Example: regulars fraud claim --as mei --shop myshop")
def claim(
    reviewer: Reviewer,
    shop: ShopFolder = Path(),
    case: Annotated[int | None, typer.Option(help="Which case. Default: the one held already, else the next.")] = None,
    minutes: Annotated[float, typer.Option(help="For so long nobody else gets it.")] = 30.0,
    as_json: Json = False,
) -> None:
    """Hold a case for a while, so that nobody else judges it meanwhile."""
    from regulars.fraud.review import claim as hold

    _, state = _open(shop)
    found = hold(state, reviewer, case, minutes=minutes)
    if as_json:
        emit({"case": found})
    elif found is None:
        out.print("No case waits for you.")
    else:
        out.print(f"[bold]Case {found}[/] is yours for {minutes:g} minutes.", highlight=False)
        out.print(f"See it: regulars fraud case {found} --as {escape(repr(reviewer))}", highlight=False)


@commands.command(epilog="Example: regulars fraud release 1 --as mei --shop myshop")
def release(case: CaseId, reviewer: Reviewer, shop: ShopFolder = Path(), as_json: Json = False) -> None:
    """Give a case back, for others to claim."""
    from regulars.fraud.review import release as give_back

    _, state = _open(shop)
    give_back(state, case, reviewer)
    if as_json:
        emit({"case": case})
    else:
        out.print(f"Case {case} is free.", highlight=False)


@commands.command("verdict", epilog="Example: regulars fraud verdict 1 fraud --as mei --shop myshop")
def verdict_(
    case: CaseId,
    verdict: Annotated[
        list[str],
        typer.Argument(
            metavar="VERDICT...",
            help="fraud or honest for the whole case; or by attempt: ATTEMPT=fraud ATTEMPT=honest.",
        ),
    ],
    reviewer: Reviewer,
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """Say whether a case that you hold is fraud. The log knows it at once, and the next model learns it."""
    from regulars.customers.by_hand import present
    from regulars.errors import InputError
    from regulars.fraud.review import deliver, give_verdict

    if len(verdict) == 1 and "=" not in verdict[0]:
        said: str | dict[str, str] = verdict[0]
    else:
        parted = [one.rpartition("=") for one in verdict]
        if any(not name for name, _, _ in parted):
            raise InputError(
                "Give one verdict for the whole case, or one for each attempt: ATTEMPT=fraud ATTEMPT=honest."
            )
        said = {name: outcome for name, _, outcome in parted}
    door, state = _open(shop)
    status = give_verdict(state, case, reviewer, said, present(door))
    told = deliver(state, door)
    if as_json:
        emit({"case": case, "status": status, "events": told})
    else:
        out.print(f"Case {case} is {status}; {told:,} verdicts are in the log.", highlight=False)


@commands.command(epilog="Example: regulars fraud undo 1 --as mei --shop myshop")
def undo(
    case: CaseId,
    reviewer: Reviewer,
    shop: ShopFolder = Path(),
    of: Annotated[str | None, typer.Option("--of", metavar="NAME", help="Whose verdicts. Default: your own.")] = None,
    as_json: Json = False,
) -> None:
    """Take back verdicts on a case. They stay on record; the log hears that they no longer hold."""
    from regulars.customers.by_hand import present
    from regulars.fraud.review import deliver
    from regulars.fraud.review import undo as take_back

    door, state = _open(shop)
    undone = take_back(state, case, reviewer, of, present(door))
    told = deliver(state, door)
    if as_json:
        emit({"case": case, "undone": undone, "events": told})
    else:
        out.print(f"{len(undone):,} verdicts on case {case} no longer hold.", highlight=False)


@commands.command(epilog='Example: regulars fraud note 1 "same device as last week" --as mei --shop myshop')
def note(
    case: CaseId,
    text: Annotated[str, typer.Argument(help="At most 2,000 characters.")],
    reviewer: Reviewer,
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """Write something down about a case."""
    from regulars.fraud.review import add_note

    _, state = _open(shop)
    add_note(state, case, reviewer, text)
    if as_json:
        emit({"case": case})
    else:
        out.print(f"Noted on case {case}.", highlight=False)


@commands.command(epilog="Example: regulars fraud standing --shop myshop")
def standing(shop: ShopFolder = Path(), as_json: Json = False) -> None:
    """How the queue stands: what waits and how long, who does how much, how often it is fraud, and how it goes on."""
    from regulars.fraud.review import standing as how

    door, state = _open(shop)
    found = how(state, door.config.fraud, door.config.shop.timezone)
    tables = {
        "by_age": found.by_age, "by_reviewer": found.by_reviewer, "by_reason": found.by_reason,
        "by_policy": found.by_policy, "by_risk": found.by_risk,
    }  # fmt: skip
    if as_json:
        emit(
            {
                "open": found.open, "claimed": found.claimed, "second": found.second, "oldest": found.oldest,
                **{name: table.to_pylist() for name, table in tables.items()},
                "overturned": found.overturned._asdict(), "forecast": found.forecast._asdict(),
            }
        )  # fmt: skip
        return
    out.print(f"[bold]{found.open:,}[/] cases wait, {found.claimed:,} are held.", highlight=False)
    if found.oldest:
        out.print(f"The oldest waits since {found.oldest:%Y-%m-%d %H:%M} UTC.", highlight=False)
    for name, table in tables.items():
        if table.num_rows:
            shown = Table(*(column.replace("_", " ") for column in table.column_names), title=name.replace("_", " "))
            for row in table.to_pylist():
                shown.add_row(
                    *(f"{cell:,.3f}" if isinstance(cell, float) else escape(str(cell)) for cell in row.values())
                )
            out.print(shown)
    over, ahead = found.overturned, found.forecast
    out.print(f"{over.overturned:,} of {over.judged:,} verdicts did not last.", highlight=False)
    out.print(
        f"{ahead.arrivals_per_day:,.1f} attempts a day come in ({ahead.low:,.1f} to {ahead.high:,.1f}), "
        f"{ahead.reviews_per_day:,} a day can be looked at: {ahead.waiting:,} wait now, "
        f"{ahead.in_7_days:,.0f} in a week.",
        highlight=False,
    )


@commands.command(epilog="Example: regulars fraud agreement --shop myshop")
def agreement(shop: ShopFolder = Path(), as_json: Json = False) -> None:
    """How far reviewers agree on cases that two have judged, neither knowing of the other (Cohen's kappa)."""
    from regulars.fraud.review import agreement_of

    _, state = _open(shop)
    found = agreement_of(state)
    if as_json:
        emit(found._asdict())
        return
    said = f"Kappa [bold]{found.kappa:.2f}[/] ({found.low:.2f} to {found.high:.2f})"
    out.print(f"{said}: {found.agreed:.1%} of {found.attempts:,} attempts in {found.cases:,} cases.", highlight=False)


@commands.command(epilog="Example: regulars fraud monitor --out monitor.html --shop myshop")
def monitor(
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    file: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the page with charts to this file, .html.")
    ] = None,
    language: Annotated[Literal["en", "zh"] | None, typer.Option(help="Of alerts. Default: [fraud] language.")] = None,
    as_json: Json = False,
) -> None:
    """Whether scores, rules and the rate of frauds are still what they were."""
    from regulars import storage
    from regulars.fraud.monitor import alerts, notes, page, scored, watch
    from regulars.shop import Shop

    door = Shop.open(shop)
    moment = to_moment(as_of) or door.now
    words = language or door.config.fraud.language
    with working("watching", quiet=as_json):
        found = watch(scored(door, moment), moment, door.config.fraud.dispute_days, door.config.shop.timezone)
        if file is not None:
            storage.replace(file, page(found, words))
    if as_json:
        emit(
            {
                "as_of": moment.isoformat(),
                "attempts": found.attempts,
                "alerts": [alert._asdict() for alert in found.alerts],
                "said": alerts(found, words),
                "notes": notes(found, words),
                "drift": None if found.drift is None else found.drift._asdict(),
                "matured_days": None if found.delay is None else found.delay.matured_days,
                "file": None if file is None else str(file),
            }
        )
        return
    for line in alerts(found, words):
        out.print(escape(line), highlight=False)
    for line in notes(found, words):
        err.print(f"[yellow]Note:[/] {escape(line)}")
    if file is not None:
        out.print(f"  {escape(str(file))}", soft_wrap=True, highlight=False)
