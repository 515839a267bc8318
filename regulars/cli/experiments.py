"""The commands of experiments: write one down, start it, take more customers in, stop it, see how it stands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from regulars.cli.common import AsOf, Json, ShopFolder, emit, out, to_moment, working

if TYPE_CHECKING:
    from datetime import datetime

    import pyarrow as pa

    from regulars.experiment.registry import Experiment, Experiments
    from regulars.shop import Shop

commands = typer.Typer(
    name="experiment",
    help="Which of several ways is better: who gets which, by chance and for good.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help="The experiment's name.")]
Share = Annotated[float, typer.Option(help="Share of the customers in its range, e.g. 0.05.")]


def _open(shop: Path) -> tuple[Shop, Experiments]:
    from regulars.experiment.registry import Experiments
    from regulars.shop import Shop

    door = Shop.open(shop)
    return door, Experiments(door.state)


def _arms(given: list[str]) -> dict[str, float]:
    from regulars.errors import InputError

    arms: dict[str, float] = {}
    for text in given:
        name, is_weighed, weight = text.partition("=")
        try:
            said = float(weight) if is_weighed else 1.0
        except ValueError:
            raise InputError(f'--arm "{text}": a number is expected behind "=", as in blue=1.') from None
        if name in arms:
            raise InputError(f'--arm "{name}" is given twice.')
        arms[name] = said
    return arms


def _plain(one: Experiment) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(one)


def _say(one: Experiment, as_json: bool, *hints: str) -> None:
    if as_json:
        emit(_plain(one))
        return
    arms = ", ".join(f"{arm.name} {arm.weight:.4g}" for arm in one.arms)
    where = f" In the layer {one.layer}, {one.low:g} to {one.high:g}." if one.layer else ""
    share = f", {one.share:.4g} of its customers" if one.status == "running" else ""
    out.print(
        f"[bold]{escape(one.name)}[/] is {one.status}{share}. Arms: {escape(arms)}.{escape(where)}", highlight=False
    )
    for hint in hints:
        out.print(escape(hint), highlight=False)


@commands.command(
    epilog="Example: regulars experiment create spring --arm control=1 --arm blue=1 --metric revenue --shop myshop"
)
def create(
    name: Name,
    arm: Annotated[
        list[str],
        typer.Option("--arm", metavar="NAME[=WEIGHT]", help="An arm; the control first. Weight: 1 if left out."),
    ],
    hypothesis: Annotated[str, typer.Option(help="What is expected, and why.")] = "",
    metric: Annotated[str, typer.Option(help="By what it is decided, e.g. revenue.")] = "",
    guardrail: Annotated[
        list[str] | None, typer.Option(help="A metric that must not get worse. As often as needed.")
    ] = None,
    layer: Annotated[str, typer.Option(help="Experiments of one layer never share a customer.")] = "",
    low: Annotated[float, typer.Option("--from", help="Where its range of the layer begins, 0 to 1.")] = 0.0,
    high: Annotated[float, typer.Option("--to", help="Where it ends.")] = 1.0,
    eligible: Annotated[
        str,
        typer.Option("--for", metavar="RULE", help='Of whom it is, e.g. "orders >= 2". Default: all with an order.'),
    ] = "",
    customers: Annotated[int | None, typer.Option(help="How many customers are planned.")] = None,
    days: Annotated[int | None, typer.Option(help="How many days are planned.")] = None,
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """Write an experiment down: a draft, until it is started."""
    from regulars.experiment.registry import Design
    from regulars.segment.rule import Words

    door, known = _open(shop)
    if eligible:
        with working("reading the rule", quiet=as_json):
            Words.of(door, door.now).rule(eligible)
    guardrails = tuple(guardrail or ())
    design = Design(_arms(arm), hypothesis, layer, low, high, eligible, metric, guardrails, customers, days)
    _say(known.create(name, design), as_json, f"Start it: regulars experiment start {name!r} --share 0.05")


@commands.command("list", epilog="Example: regulars experiment list --shop myshop")
def list_(shop: ShopFolder = Path(), as_json: Json = False) -> None:
    """The experiments there are, and how they stand."""
    _, known = _open(shop)
    found = known.all()
    if as_json:
        emit([_plain(one) for one in found])
        return
    if not found:
        out.print("There are no experiments yet. Make one: regulars experiment create NAME --arm control --arm blue")
        return
    table = Table("Experiment", "Status", "Share", "Arms", "Layer", "Metric", "Started")
    for one in found:
        arms = ", ".join(f"{arm.name} {arm.weight:.4g}" for arm in one.arms)
        layer = f"{one.layer} {one.low:g} to {one.high:g}" if one.layer else ""
        started = f"{one.started_at:%Y-%m-%d}" if one.started_at else ""
        table.add_row(
            *map(escape, (one.name, one.status, f"{one.share:.4g}", arms, layer, one.primary_metric, started))
        )
    out.print(table)


@commands.command(epilog="Example: regulars experiment show spring --shop myshop")
def show(name: Name, shop: ShopFolder = Path(), as_of: AsOf = None, as_json: Json = False) -> None:
    """One experiment: who was exposed to which arm, who met two, and every change that was made."""
    from regulars.experiment.exposure import exposures, jumps

    door, known = _open(shop)
    one, history = known.get(name), known.history(name)
    moment = to_moment(as_of) or door.now
    with working("counting", quiet=as_json):
        counts = exposures(door, name, moment)["variant"].value_counts().to_pylist()
        jumped = jumps(door, name, moment).num_rows
    exposed = {arm.name: 0 for arm in one.arms} | {row["values"]: row["counts"] for row in counts}
    if as_json:
        changes = [change._asdict() for change in history]
        emit({**_plain(one), "as_of": moment.isoformat(), "exposed": exposed, "jumped": jumped, "history": changes})
        return
    _say(one, as_json)
    for label, text in (("Hypothesis", one.hypothesis), ("Of whom", one.eligible), ("Metric", one.primary_metric)):
        if text:
            out.print(f"{label}: {escape(text)}", highlight=False)
    if one.guardrails:
        out.print(f"Guardrails: {escape(', '.join(one.guardrails))}", highlight=False)
    said = ", ".join(f"{arm} {count:,}" for arm, count in exposed.items())
    out.print(f"Exposed before {moment:%Y-%m-%d %H:%M}: {escape(said)}.", highlight=False)
    if jumped:
        out.print(f"[yellow]{jumped:,} customers met more than one arm; they count in their first.[/]")
    if one.verdict:
        out.print(f"Verdict: {escape(one.verdict['arm'])}. {escape(one.verdict['reason'])}", highlight=False)
    for change in history:
        out.print(f"  {change.at:%Y-%m-%d %H:%M} {escape(change.who)}: {change.what}", highlight=False)


@commands.command(epilog="Example: regulars experiment start spring --share 0.05 --shop myshop")
def start(name: Name, share: Share = 1.0, shop: ShopFolder = Path(), as_json: Json = False) -> None:
    """Begin to assign. From then on its arms are fixed."""
    _, known = _open(shop)
    _say(known.start(name, share), as_json, f"Expose customers: regulars experiment assign {name!r}")


@commands.command(epilog="Example: regulars experiment ramp spring --share 0.5 --shop myshop")
def ramp(name: Name, share: Share, shop: ShopFolder = Path(), as_json: Json = False) -> None:
    """Take more customers in. Whoever is in stays in the same arm."""
    _, known = _open(shop)
    _say(known.ramp(name, share), as_json, f"Expose the others: regulars experiment assign {name!r}")


@commands.command(epilog='Example: regulars experiment stop spring --reason "the plan is met" --shop myshop')
def stop(
    name: Name,
    reason: Annotated[str, typer.Option(help="Why, for the history.")] = "",
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """Assign nobody any more. What it found stays, and its range of the layer is free."""
    _, known = _open(shop)
    _say(known.stop(name, reason), as_json)


@commands.command(
    epilog='Example: regulars experiment decide spring blue --reason "revenue up, refunds as before" --shop myshop'
)
def decide(
    name: Name,
    arm: Annotated[str, typer.Argument(help="The arm that goes on.")],
    reason: Annotated[str, typer.Option(help="Why, in words.")],
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """Keep the verdict on a stopped experiment, for ever, with what its results say at this moment."""
    from regulars.experiment.standing import figures_of

    door, known = _open(shop)
    one = known.get(name)
    with working(f"adding up {name}", quiet=as_json):
        figures = figures_of(door, one)
    decided = known.decide(name, arm, reason, figures)
    _say(decided, as_json, f"{arm} goes on. {reason}")


@commands.command(epilog="Example: regulars experiment reset spring --shop myshop")
def reset(name: Name, shop: ShopFolder = Path(), as_json: Json = False) -> None:
    """Make a stopped experiment a draft again, that will deal all customers anew."""
    _, known = _open(shop)
    _say(known.reset(name), as_json, f"Start it: regulars experiment start {name!r} --share 0.05")


@commands.command(epilog="Example: regulars experiment assign spring --as-of 2024-05-01 --shop myshop")
def assign(name: Name, shop: ShopFolder = Path(), as_of: AsOf = None, as_json: Json = False) -> None:
    """Expose every customer that is in an experiment and was not yet: one event each in the log, in one commit."""
    from regulars.experiment.exposure import assign_all

    door, _ = _open(shop)

    def eligible(rule: str, moment: datetime) -> pa.ChunkedArray:
        from regulars.segment.rule import members

        return members(door, rule, moment).table["customer_id"]

    moment = to_moment(as_of) or door.now
    with working(f"assigning {name}", quiet=as_json):
        done = assign_all(door, name, moment, eligible)
    if as_json:
        emit({"experiment": name, "as_of": moment.isoformat(), **done._asdict()})
        return
    said = ", ".join(f"{arm} {count:,}" for arm, count in done.added.items())
    out.print(f"[bold]{escape(name)}[/], as of {moment:%Y-%m-%d %H:%M}: {escape(said)} exposed.", highlight=False)
    out.print(f"{done.already:,} were before; {done.outside:,} are not in it.", highlight=False)


@commands.command(epilog="Example: regulars experiment holdout --share 0.05 --shop myshop")
def holdout(
    share: Annotated[float | None, typer.Option(help="Hold out this share of all customers. Set once.")] = None,
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """The customers whom no experiment ever touches: set their share once, or count them."""
    door, known = _open(shop)
    found = known.holdout if share is None else known.hold_out(share)
    if found is None:
        if as_json:
            emit({"share": None})
        else:
            out.print("Nobody is held out. Do it once, for ever: regulars experiment holdout --share 0.05")
        return
    moment = to_moment(as_of) or door.now
    with working("counting", quiet=as_json):
        is_held = found.holds(door.customers(moment)["customer_id"])
    held, customers = int(is_held.sum()), len(is_held)
    if as_json:
        emit(
            {
                "share": found.share,
                "salt": found.salt,
                "as_of": moment.isoformat(),
                "held": held,
                "customers": customers,
            }
        )
        return
    said = f"[bold]{found.share:.4g}[/] of all customers are held out of every experiment"
    out.print(f"{said}: {held:,} of {customers:,}, as of {moment:%Y-%m-%d %H:%M}.", highlight=False)
