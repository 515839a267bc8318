"""The commands of how well support does, and of what it should learn."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from regulars.cli.common import AsOf, Json, ShopFolder, emit, out, to_moment, working

if TYPE_CHECKING:
    from regulars.support.quality import Share

commands = typer.Typer()


@commands.command("quality", epilog="Example: regulars support quality --days 30 --shop myshop")
def quality_(
    shop: ShopFolder = Path(),
    days: Annotated[int, typer.Option("--days", min=1, max=3650, help="Conversations of so many last days.")] = 30,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """How many conversations needed no person, were solved, cited what they said; how long they took; by intent."""
    from regulars.shop import Shop
    from regulars.support.quality import quality

    door = Shop.open(shop)
    found = quality(door, to_moment(as_of) or door.now, days)
    if as_json:
        shares = ("containment", "resolution", "grounded", "first_contact")
        emit([{**one._asdict(), **{name: getattr(one, name)._asdict() for name in shares}} for one in found])
        return
    table = Table("Wanted", "Talks", "No person", "Solved", "Cited", "Once", "Answer, s", "Minutes", "Stars")
    for one in found:
        shares_ = map(_share, (one.containment, one.resolution, one.grounded, one.first_contact))
        times = ("" if value is None else f"{value:,.1f}" for value in (one.answer_seconds, one.minutes))
        stars = "" if one.satisfaction is None else f"{one.satisfaction:.1f} ({one.rated})"
        table.add_row(escape(one.intent), f"{one.conversations:,}", *shares_, *times, stars)
    out.print(table)


def _share(share: Share) -> str:
    return f"{share.value:.0%} ({share.low:.0%} to {share.high:.0%})" if share.of else ""


@commands.command(epilog="Example: regulars support rehearse cases.jsonl --times 5 --shop myshop")
def rehearse(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Conversations and how they should end, JSON lines.")],
    shop: ShopFolder = Path(),
    times: Annotated[int, typer.Option("--times", min=1, max=100, help="Hold each so often.")] = 1,
    as_json: Json = False,
) -> None:
    """Hold written conversations again, changing nothing: which end as they should, and which no longer do."""
    import pyarrow as pa

    from regulars import clock
    from regulars.errors import NotFoundError
    from regulars.shop import Shop
    from regulars.state import State
    from regulars.support import assistant
    from regulars.support.rehearsal import Beside, pass_k, read_cases
    from regulars.support.rehearsal import rehearse as rehearse_
    from regulars.support.settings import backend_of

    door = Shop.open(shop)
    cases = read_cases(file)
    beside = Beside(backend_of(door))
    with tempfile.TemporaryDirectory() as folder, working("holding conversations", quiet=as_json):
        found = rehearse_(assistant(door, beside, State.open(Path(folder))), beside, cases, times)
    try:
        before = door.tables.read("support", "rehearsals").to_pylist()
    except NotFoundError:
        before = []
    went_well = {row["name"] for row in before if row["passed"] == row["times"]}
    rows: list[dict[str, Any]] = [
        {
            "name": one.name,
            "times": times,
            "passed": one.passed,
            "fails_now": one.name in went_well and one.passed < times,
            "why": "; ".join(dict.fromkeys(fault for each in one.faults for fault in each)),
        }
        for one in found
    ]
    door.tables.write("support", "rehearsals", pa.Table.from_pylist(rows), clock.now())
    chances = {k: pass_k(found, k) for k in range(1, times + 1)}
    if as_json:
        emit({"pass_k": chances, "cases": rows})
    else:
        for row in rows:
            if row["passed"] < times:
                new = "fails now: " if row["fails_now"] else ""
                out.print(escape(f"{row['name']}: {new}{row['passed']} of {times}: {row['why']}"), highlight=False)
        told = ", ".join(f"{k} times {chance:.0%}" for k, chance in chances.items())
        out.print(f"{len(rows):,} conversations; all as they should: {told}.", highlight=False)
    if any(row["fails_now"] for row in rows):
        raise typer.Exit(1)


@commands.command(epilog="Example: regulars support texts --shop myshop")
def texts(shop: ShopFolder = Path(), as_json: Json = False) -> None:
    """What the shop has written down: how many texts each file gave, and which files cannot be read, with why."""
    from regulars.errors import NotFoundError
    from regulars.shop import Shop
    from regulars.support.settings import knowledge_of

    door = Shop.open(shop)
    with working("reading texts", quiet=as_json):
        knowledge = knowledge_of(door)
    if knowledge is None:
        folder = door.folder / door.config.support.knowledge
        raise NotFoundError(f"{folder} is no folder. Put the shop's texts there: Markdown, HTML, PDF, DOCX, CSV.")
    counts = Counter(text.source for text in knowledge.texts)
    if as_json:
        emit({"texts": dict(sorted(counts.items())), "faults": knowledge.faults})
        return
    for name, count in sorted(counts.items()):
        out.print(escape(f"{name}: {count:,}"), highlight=False)
    for name, why in sorted(knowledge.faults.items()):
        is_part = "not all is read" if name in counts else "not read"
        out.print(escape(f"{name}: {is_part}. {why}"), highlight=False)
    out.print(f"{len(knowledge):,} texts; {len(knowledge.faults):,} files not read, or not whole.", highlight=False)


@commands.command("questions", epilog="Example: regulars support questions --shop myshop")
def questions_(
    shop: ShopFolder = Path(),
    most: Annotated[int, typer.Option("--most", min=1, max=1000, help="At most so many to label.")] = 20,
    as_json: Json = False,
) -> None:
    """What many asked and nobody could answer, and which questions are worth a label."""
    from regulars.shop import Shop
    from regulars.support.assistant import intents_of
    from regulars.support.intent import clusters, worth_labelling
    from regulars.support.questions import unanswered, unlabelled

    door = Shop.open(shop)
    groups = clusters(unanswered(door.state))
    worth = worth_labelling(intents_of(door), unlabelled(door, door.now), most)
    if as_json:
        emit({"unanswered": [{"count": len(one.texts), **vars(one)} for one in groups], "worth_labelling": worth})
        return
    for one in groups:
        out.print(f"{len(one.texts)} asked, and nothing answered: {escape(one.example)}", highlight=False)
    if not groups:
        out.print("Nothing was asked by several that could not be answered.")
    out.print("Worth a label (regulars support label QUESTION INTENT):" if worth else "No question waits for a label.")
    for text in worth:
        out.print(f"  {escape(text)}", highlight=False)


@commands.command(epilog='Example: regulars support label "can you engrave it?" engraving --shop myshop')
def label(
    question: Annotated[str, typer.Argument(help="As the customer asked it.")],
    intent: Annotated[
        str, typer.Argument(help="What it wants: an intent, an own one too; no_intent for a stranger's.")
    ],
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """Say what a question wants; `regulars learn support` learns from it."""
    from regulars.shop import Shop
    from regulars.support import deliver
    from regulars.support.questions import label as label_

    door = Shop.open(shop)
    label_(door.state, question, intent)
    deliver(door.state, door)
    emit({"question": question, "intent": intent}) if as_json else out.print("Noted. Then: regulars learn support")
