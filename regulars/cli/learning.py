"""The commands of what was learned: learn, evaluate, history, rollback."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from regulars.cli.common import AsOf, Capabilities, Json, ShopFolder, emit, err, named, out, to_moment, working

commands = typer.Typer()


@commands.command(epilog="Example: regulars learn churn --shop myshop")
def learn(
    capability: Capabilities = None,
    shop: ShopFolder = Path(),
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="TIME", help="Learn from events before this time only. Default: all."),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(help="Size of the behaviour model: tiny, small, base or large. Default: that of shop.toml."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Learn from the log. What is better than its baseline is put to use; the rest is kept, out of use."""
    from regulars.errors import NotEnoughError
    from regulars.shop import Shop

    door = Shop.open(shop)
    if size:
        door.config = door.config.with_behavior(size)
    found = []
    missed: list[NotEnoughError] = []
    for name in named(capability):
        try:
            # The behaviour model shows how it goes by itself.
            with working(f"learning {name}", quiet=as_json or name == "behavior"):
                model, report = door.learn(name, to_moment(until))
        except NotEnoughError as error:
            # One that was not asked for by name must not stand in the way of the others.
            if capability:
                raise
            missed.append(error)
            continue
        found.append({"capability": name, "version": model.version, **report.to_dict()})
        if not as_json:
            out.print(f"[bold]{name}[/], version {model.version}: {escape(report.verdict)}")
            out.print(f"  Report: {model.folder / 'report.html'}")
    if missed and not found:
        raise missed[0]
    for reason in missed:
        err.print(f"[yellow]Not learned:[/] {escape(str(reason))}")
    if as_json:
        emit(found)


@commands.command(epilog="Example: regulars evaluate churn --as-of 2024-05-01 --shop myshop --html report.html")
def evaluate(
    capability: Capabilities = None,
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    horizon: Annotated[
        int | None,
        typer.Option(help="Days to judge by. Default: horizon_days of [churn] in shop.toml.", min=1, max=3650),
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write the report, with its charts, to this file.")] = None,
    as_json: Json = False,
) -> None:
    """How good is a capability? Learn before a time, judge by what came after it. Nothing is kept.

    The default time is the latest whose outcome is known: one horizon before the newest event. On a simulated shop,
    the capability's newest decisions are besides set against the best that the truth allows.
    """
    from datetime import timedelta

    from regulars import storage
    from regulars.evaluation import Section, Split, render
    from regulars.evaluation.regret import in_words, regret
    from regulars.shop import Shop

    door = Shop.open(shop)
    days = horizon or door.config.churn.horizon_days
    split = Split(to_moment(as_of) or door.now - timedelta(days=days), days)
    reports, regrets = [], []
    for name in named(capability):
        with working(f"evaluating {name} as of {split.as_of:%Y-%m-%d}", quiet=as_json):
            reports.append(door.evaluate(name, split))
            regrets.append(regret(door, name))
        if not as_json:
            out.print(reports[-1])
            if regrets[-1]:
                out.print(in_words(regrets[-1], door.config.shop.currency))
    if html:
        storage.replace(html, render(door.config.shop.name, [Section(report=report) for report in reports]))
        if not as_json:
            out.print(f"Report: {html}")
    if as_json:
        found = []
        for report, missed in zip(reports, regrets, strict=True):
            said = {**missed._asdict(), "regret": missed.regret} if missed else None
            found.append(report.to_dict() | ({"regret": said} if said else {}))
        emit(found)


@commands.command(epilog="Example: regulars history churn --shop myshop")
def history(
    capability: Capabilities = None,
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """The versions of what was learned, the newest first, each with its verdict."""
    from regulars.shop import Shop

    door = Shop.open(shop)
    found = []
    for name in named(capability):
        used = door.models.version_in_use(name)
        found += [{**model.card, "in_use": model.version == used} for model in door.models.history(name)]
    if as_json:
        emit(found)
        return
    if not found:
        out.print("Nothing was learned yet. Train: regulars learn")
        return
    table = Table("Capability", "Version", "In use", "Made", "Learned until", "Verdict")
    for card in found:
        table.add_row(
            card["capability"],
            str(card["version"]),
            "yes" if card["in_use"] else "",
            card["made_at"][:16],
            card["until"][:16],
            card["report"]["verdict"],
        )
    out.print(table)


@commands.command(epilog="Example: regulars rollback churn 1 --shop myshop")
def rollback(
    capability: Annotated[str, typer.Argument(help="Which one, e.g. churn.")],
    version: Annotated[int, typer.Argument(help="The version to use from now on; `regulars history` lists them.")],
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """Use another version of what was learned, at once."""
    from regulars.shop import Shop

    door = Shop.open(shop)
    named([capability])
    model = door.models.use(capability, version)
    if as_json:
        emit({"capability": capability, "version": model.version})
    else:
        out.print(f"{capability} uses version {model.version} now, learned until {model.card['until'][:16]}.")
