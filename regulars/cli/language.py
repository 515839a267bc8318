"""The commands of language: is the model there, and a question about the shop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from regulars.cli.common import AsOf, Json, ShopFolder, emit, err, out, to_moment, working

if TYPE_CHECKING:
    from datetime import datetime

    from regulars.language.ask import Chart, Segment
    from regulars.shop import Shop

commands = typer.Typer(
    name="language", help="The language model, where the shop has connected one.", no_args_is_help=True
)
asking = typer.Typer()

SHOWN = 30
"""So many rows of a chart are shown on the screen; --json and --out have all."""


@commands.command("test", epilog="Example: regulars language test --shop myshop")
def try_model(shop: ShopFolder = Path(), as_json: Json = False) -> None:
    """Ask the connected model for one word, and say how long it took and what today has cost so far."""
    import time

    from regulars.language import Part, connect
    from regulars.shop import Shop

    door = Shop.open(shop)
    model = connect(door.config.language, door.state)
    schema = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}
    start = time.monotonic()
    with working("asking", quiet=as_json):
        answer = model.ask("Answer with the word in the data.", [Part("facts", {"word": "tea"})], schema=schema)
    spent = model.spending.today() if model.spending else None
    found = {
        "model": answer.model,
        "answer": answer.value["word"],
        "seconds": round(time.monotonic() - start, 2),
        "calls_today": spent.calls if spent else 0,
        "tokens_today": spent.tokens_in + spent.tokens_out if spent else 0,
        "may_leave": sorted(model.limits.send),
    }
    if as_json:
        emit(found)
        return
    out.print(
        f"{escape(answer.model)} answered in {found['seconds']} s. Today: {found['calls_today']:,} calls, "
        f"{found['tokens_today']:,} tokens. May leave this machine: {', '.join(sorted(model.limits.send))}.",
        highlight=False,
        soft_wrap=True,
    )


@asking.command(epilog='Example: regulars ask "who has not ordered for 90 days?" --yes --shop myshop')
def ask(
    question: Annotated[str, typer.Argument(help="In English or Chinese; or a plan: segment: RULE, chart: MEASURE …")],
    yes: Annotated[bool, typer.Option("--yes", help="Run the plan at once. Default: it is shown alone.")] = False,
    file: Annotated[Path | None, typer.Option("--out", help="Also write what is found as CSV here.")] = None,
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """A question about the shop becomes a segment or a chart: shown first, then run."""
    from regulars.language.ask import Segment, read_plan, understand
    from regulars.language.ask.known import Known
    from regulars.segment.rule import Words
    from regulars.shop import Shop

    door = Shop.open(shop)
    moment = to_moment(as_of) or door.now
    with working("reading", quiet=as_json):
        vocabulary = Words.of(door, moment).vocabulary
        if question.startswith(("segment:", "chart:")):
            plan, how = read_plan(question, vocabulary), "plan"
        else:
            understood = understand(question, Known.of(door, vocabulary, moment), _model(door))
            plan, how = understood.plan, understood.how
    said = f"{'segment' if isinstance(plan, Segment) else 'chart'}: {plan}"
    if not yes:
        if as_json:
            emit({"plan": said, "how": how})
            return
        out.print(escape(said), highlight=False, soft_wrap=True)
        err.print("Run it with --yes; a plan can be changed and asked itself.")
        return
    found = _run(door, plan, moment, file)
    if as_json:
        emit({"plan": said, "how": how, "as_of": moment.isoformat(), **found})
        return
    out.print(escape(said), highlight=False, soft_wrap=True)
    _show(found)


def _model(door: Shop) -> Any:
    from regulars.language import connect, is_connected

    return connect(door.config.language, door.state) if is_connected(door.config.language) else None


def _run(door: Shop, plan: Segment | Chart, moment: datetime, file: Path | None) -> dict[str, Any]:
    from regulars import storage
    from regulars.language.ask import Segment
    from regulars.segment.rule import members
    from regulars.spreadsheet import to_csv

    found: dict[str, Any]
    if isinstance(plan, Segment):
        segment = members(door, plan.rule.text, moment)
        table = segment.table
        found = {"members": table.num_rows, "customers": segment.customers, "notes": list(segment.notes)}
    else:
        table = plan.run(door, moment)
        found = {"rows": table.to_pylist()}
    if file is not None:
        storage.replace(file, to_csv(table))
    return found


def _show(found: dict[str, Any]) -> None:
    if "members" in found:
        share = found["members"] / found["customers"] if found["customers"] else 0.0
        out.print(f"[bold]{found['members']:,}[/] of {found['customers']:,} customers ({share:.1%}).")
        for note in found["notes"]:
            err.print(f"[yellow]Note:[/] {escape(note)}")
        return
    rows = found["rows"]
    if not rows:
        out.print("Nothing: no such events in these days.")
        return
    table = Table(*map(escape, rows[0]))
    from regulars.language.ask.chart import TIMES

    # Of times the newest, of all else the largest.
    for row in rows[-SHOWN:] if next(iter(rows[0])) in TIMES else rows[:SHOWN]:
        table.add_row(*(f"{value:,.2f}" if isinstance(value, float) else escape(str(value)) for value in row.values()))
    out.print(table)
    if len(rows) > SHOWN:
        out.print(f"{SHOWN} of {len(rows):,} rows. All: --out FILE")
