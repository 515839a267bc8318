"""The commands of campaigns: journeys from their files to the customer, and all that can stop one."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from regulars.cli import campaign_messages, campaign_offers, campaign_report
from regulars.cli.campaign_messages import ALL, Who
from regulars.cli.common import AsOf, Json, ShopFolder, emit, err, out, to_moment, working

if TYPE_CHECKING:
    from regulars.lifecycle.audience import SegmentAudience
    from regulars.shop import Shop

commands = typer.Typer(
    name="campaign", help="Journeys: which messages go to whom, when, and what became of each.", no_args_is_help=True
)
commands.add_typer(campaign_offers.commands)
for group in (campaign_report, campaign_messages):
    commands.registered_commands += group.commands.registered_commands

Name = Annotated[str, typer.Argument(help="The journey's name.")]
AtPresent = Annotated[
    str | None,
    typer.Option("--as-of", metavar="TIME", help="As if it were this time (UTC, e.g. 2024-05-01). Default: now."),
]


def _open(shop: Path, as_of: str | None) -> tuple[Shop, datetime, SegmentAudience]:
    from regulars.lifecycle.audience import SegmentAudience
    from regulars.shop import Shop

    door = Shop.open(shop)
    moment = to_moment(as_of) or door.now
    return door, moment, SegmentAudience(door, max(moment, door.now))


def _present(as_of: str | None) -> datetime:
    from regulars import clock

    return to_moment(as_of) or clock.now()


@commands.command("journeys", epilog="Example: regulars campaign journeys --shop myshop")
def journeys_(shop: ShopFolder = Path(), as_json: Json = False) -> None:
    """The journeys there are: the shop's own and ready ones, which were started, and how many customers are inside."""
    from regulars.campaign.journey import overview
    from regulars.shop import Shop

    rows: list[dict[str, Any]] = [
        {
            "journey": one.name, "from": "shop" if one.is_own else "ready", "state": one.state, "version": one.version,
            "inside": one.inside, "done": one.done, "note": one.note,
        }
        for one in overview(Shop.open(shop))
    ]  # fmt: skip
    if as_json:
        emit(rows)
        return
    table = Table("Journey", "From", "State", "Version", "Inside", "Done", "Note")
    for row in rows:
        table.add_row(*(escape("" if cell is None else f"{cell}") for cell in row.values()))
    out.print(table)


@commands.command(epilog="Example: regulars campaign check abandoned_cart --shop myshop")
def check(name: Name, shop: ShopFolder = Path(), as_json: Json = False) -> None:
    """Whether a journey can go live: every mistake with its file, line and step."""
    from regulars.campaign.journey import JourneyError, Journeys, problems, surroundings

    door, _, audience = _open(shop, None)
    kept = Journeys(door)
    file = str(kept.folder / f"{name}.toml") if kept.is_own(name) else f"ready journey {name}"
    try:
        found = problems(kept.get(name), surroundings(door, audience))
    except JourneyError as error:
        found = list(error.problems)
    if as_json:
        emit([problem._asdict() for problem in found])
    elif not found:
        out.print(f"{escape(name)} can go live.")
    else:
        for line in str(JourneyError(file, found)).splitlines():
            out.print(escape(line), soft_wrap=True, highlight=False)
    if found:
        raise typer.Exit(JourneyError.exit_code)


@commands.command(epilog="Example: regulars campaign draw abandoned_cart --out cart.svg --shop myshop")
def draw(
    name: Name,
    shop: ShopFolder = Path(),
    file: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write SVG to this file. Default: print Mermaid's text."),
    ] = None,
) -> None:
    """A journey as a graph."""
    from regulars import storage
    from regulars.campaign.journey import Journeys, mermaid, svg
    from regulars.shop import Shop

    journey = Journeys(Shop.open(shop)).get(name)
    if file is None:
        print(mermaid(journey), end="")
        return
    storage.replace(file, svg(journey))
    out.print(f"  {escape(str(file))}", soft_wrap=True, highlight=False)


@commands.command(epilog="Example: regulars campaign simulate abandoned_cart --days 30 --shop myshop")
def simulate(
    name: Name,
    days: Annotated[int, typer.Option(help="So many days before the moment.", min=1, max=366)] = 30,
    reachable: Annotated[
        bool, typer.Option("--reachable", help="As if every customer had an address for every channel.")
    ] = False,
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """What a journey would have done in the past days: messages, customers, and whom it would have left out and why."""
    from regulars.campaign.journey import JourneyError, Journeys, problems, surroundings
    from regulars.campaign.journey import simulate as simulated

    door, moment, audience = _open(shop, as_of)
    journey = Journeys(door).get(name)
    with working(f"simulating {name}", quiet=as_json):
        wrong = problems(journey, surroundings(door, audience))
        if wrong:
            raise JourneyError(name, wrong)
        found = simulated(door, journey, audience, moment, days, with_address=reachable)
    if as_json:
        emit({**vars(found), "said": found.said})
        return
    out.print(escape(found.said))
    for step, count in found.by_step.items():
        out.print(f"  {escape(step)}: {count:,} messages", highlight=False)
    for reason, count in found.skipped.items():
        out.print(f"  not sent, {escape(reason)}: {count:,}", highlight=False)
    if found.held:
        out.print(f"  held until later, for quiet hours or caps: {found.held:,}", highlight=False)
    ends = ", ".join(f"{outcome} {count:,}" for outcome, count in sorted(found.outcomes.items()))
    out.print(f"  how it ended: {ends or 'nobody entered'}", highlight=False)


@commands.command(epilog="Example: regulars campaign start welcome --as mei --shop myshop")
def start(name: Name, who: Who, shop: ShopFolder = Path(), as_of: AtPresent = None, as_json: Json = False) -> None:
    """Let customers enter a journey from now on. Those inside stay on the version that they entered."""
    from regulars.campaign.journey import start as begin

    door, _, audience = _open(shop, None)
    with working(f"checking {name}", quiet=as_json):
        version = begin(door, name, who, audience, _present(as_of))
    if as_json:
        emit({"journey": name, "version": version.number})
    else:
        out.print(
            f"[bold]{escape(name)}[/], version {version.number}, is open. Next: regulars campaign run", highlight=False
        )


@commands.command(epilog="Example: regulars campaign stop welcome --as mei --shop myshop")
def stop(name: Name, who: Who, shop: ShopFolder = Path(), as_json: Json = False) -> None:
    """Let nobody enter a journey any more; who is inside finishes. To send nothing at once: regulars campaign off."""
    from regulars.campaign.journey import stop as end
    from regulars.shop import Shop

    end(Shop.open(shop), name, who)
    if as_json:
        emit({"journey": name, "is_open": False})
    else:
        out.print(f"Nobody enters [bold]{escape(name)}[/] any more.", highlight=False)


@commands.command(epilog="Example: regulars campaign send spring --shop myshop")
def send(
    message: Annotated[str, typer.Argument(help="The message that they get, of campaigns/messages.")],
    actions: Annotated[
        list[str] | None,
        typer.Option("--action", metavar="ACTION", help='Only contacts by it, e.g. "spring by email". Default: all.'),
    ] = None,
    shop: ShopFolder = Path(),
    as_of: AtPresent = None,
    as_json: Json = False,
) -> None:
    """Queue the contacts of the newest decisions, each at its customer's hour. Done twice, nothing is sent twice."""
    from regulars.campaign.sending import queue_decided
    from regulars.shop import Shop

    found = queue_decided(Shop.open(shop), message, _present(as_of), actions or ())
    if as_json:
        emit({"as_of": found.as_of.isoformat(), "contacts": found.contacts})
        return
    for name, count in sorted(found.contacts.items()):
        out.print(f"{escape(name)}: {count:,} in the queue, as decided as of {found.as_of:%Y-%m-%d}", highlight=False)
    out.print("Next: regulars campaign run", highlight=False)


@commands.command(epilog="Example: regulars campaign run --shop myshop")
def run(shop: ShopFolder = Path(), as_of: AtPresent = None, as_json: Json = False) -> None:
    """Bring all journeys to the present and send what is due. To run it twice sends nothing twice."""
    from regulars.campaign.journey import run as advance

    door, _, audience = _open(shop, None)
    with working("running", quiet=as_json):
        found = advance(door, audience, _present(as_of))
    if as_json:
        moved = [each._asdict() for each in found.moved]
        tally = found.tally
        emit({"journeys": moved, "messages": dict(tally.counts), "reasons": dict(tally.reasons), "told": found.told})
        return
    for each in found.moved:
        left = "".join(f", {count:,} left ({outcome})" for outcome, count in each.left.items())
        out.print(
            f"{escape(each.journey)}: {each.entered:,} entered, {each.moved:,} moved{left}, {each.messages:,} messages",
            highlight=False,
        )
    for what, count in sorted(found.tally.counts.items()):
        out.print(f"  {what}: {count:,}", highlight=False)
    for reason, count in found.tally.reasons.most_common():
        err.print(f"[yellow]Note:[/] {escape(reason)} ({count:,})", highlight=False)


@commands.command(epilog="Example: regulars campaign off all --as mei --shop myshop")
def off(
    name: Annotated[str, typer.Argument(help='The journey\'s name, "decided" for contacts of decisions, or "all".')],
    who: Who,
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """The kill switch: send nothing more of a journey, or of all, at once. What waits is kept."""
    _turn(shop, name, who, off=True, as_json=as_json)


@commands.command(epilog="Example: regulars campaign on all --as mei --shop myshop")
def on(
    name: Annotated[str, typer.Argument(help='The journey\'s name, "decided" for contacts of decisions, or "all".')],
    who: Who,
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """Undo `off`: what waits is sent by the next run, if it is not too late."""
    _turn(shop, name, who, off=False, as_json=as_json)


def _turn(shop: Path, name: str, who: str, *, off: bool, as_json: bool) -> None:
    from regulars.campaign.journey import Journeys, status
    from regulars.campaign.sending import DECIDED, turn
    from regulars.errors import NotFoundError
    from regulars.shop import Shop

    door = Shop.open(shop)
    there = {DECIDED, *Journeys(door).names(), *(each.name for each in status(door))}
    if name != ALL and name not in there:
        raise NotFoundError(
            f'There is no journey "{name}". There are: {", ".join(sorted(there))}. For all of them: all'
        )
    turn(door.state, "" if name == ALL else name, off=off, who=who)
    if as_json:
        emit({"journey": name, "is_off": off})
    else:
        out.print(f"{escape(name)} is {'off: nothing is sent' if off else 'on'}.", highlight=False)
