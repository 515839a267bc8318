"""The commands of what experiments found: results, how long one must run, and whether the arithmetic holds here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from regulars.cli.common import AsOf, Json, ShopFolder, emit, out, to_moment, working

if TYPE_CHECKING:
    from regulars.experiment.words import Language

commands = typer.Typer(name="experiment", no_args_is_help=True)

MetricName = Annotated[str, typer.Option("--metric", help="Which metric, e.g. revenue.")]


@commands.command(epilog="Example: regulars experiment results spring --shop myshop --as-of 2024-05-01")
def results(
    name: Annotated[str, typer.Argument(help="The experiment's name.")],
    metric: Annotated[
        list[str] | None, typer.Option(help="More metrics to show. As often as needed. Default: all that are ready.")
    ] = None,
    margin: Annotated[
        float | None, typer.Option(help="The largest relative loss of a guardrail that is agreed to. Default: 0.02.")
    ] = None,
    by: Annotated[
        str, typer.Option(help="Effects by a column of the segment tables too, e.g. rfm_cell. Default: none.")
    ] = "",
    language: Annotated[str, typer.Option(help="en or zh.")] = "en",
    page: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write a page with charts to this file too, .html.")
    ] = None,
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """What an experiment found so far: checks first, then effects that hold whenever they are read, and the verdict."""
    from regulars import storage
    from regulars.errors import InputError
    from regulars.experiment import report
    from regulars.experiment.metrics import READY
    from regulars.experiment.registry import Experiments
    from regulars.experiment.standing import GUARDED, results_of
    from regulars.shop import Shop

    if language not in ("en", "zh"):
        raise InputError(f'--language "{language}": en or zh is expected.')
    spoken: Language = "zh" if language == "zh" else "en"
    door = Shop.open(shop)
    one = Experiments(door.state).get(name)
    moment = to_moment(as_of) or door.now
    with working(f"adding up {name}", quiet=as_json):
        found = results_of(
            door, one, moment, metrics=metric or list(READY), margin=GUARDED if margin is None else margin, by=by
        )
    if page is not None:
        storage.replace(page, report.to_html(found, name, spoken).encode())
    if as_json:
        emit(report.to_dict(found, spoken))
        return
    out.print(report.shown(found, spoken))
    if page is not None:
        out.print(f"  {page}", soft_wrap=True)


@commands.command(epilog="Example: regulars experiment power --metric revenue --lift 0.05 --shop myshop")
def power(
    metric: MetricName = "revenue",
    lift: Annotated[float, typer.Option(help="The relative effect that should be found.")] = 0.05,
    chance: Annotated[float, typer.Option("--power", help="With which chance it should be found.")] = 0.8,
    traffic: Annotated[float, typer.Option(help="Share of customers that take part.")] = 1.0,
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """How long a test must run at this shop's own traffic and variance."""
    from dataclasses import asdict

    from regulars.experiment.metrics import named
    from regulars.experiment.power import past, run_time
    from regulars.shop import Shop

    door = Shop.open(shop)
    with working("reading the past", quiet=as_json):
        found = run_time(
            past(door, named([metric])[0], to_moment(as_of) or door.now), lift, power=chance, traffic=traffic
        )
    if as_json:
        emit({**asdict(found), "metric": metric})
        return
    out.print(f"To find {lift:.1%} in {escape(metric)}: [bold]{found}[/].", highlight=False)
    out.print(
        f"In the past a customer's {escape(metric)} was {found.value:.4g} on average and varied by "
        f"{found.deviation:.4g}; CUPED takes {found.saved:.0%} of the variance away.",
        highlight=False,
    )


@commands.command(epilog="Example: regulars experiment aa --metric revenue --shop myshop")
def aa(
    metric: MetricName = "revenue",
    tests: Annotated[int, typer.Option(min=100, max=20_000, help="How many splits by chance.")] = 1000,
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Split the shop's own past by chance, look daily, and count what is found: all of it is false."""
    from dataclasses import asdict

    from regulars.experiment.aa import self_test
    from regulars.experiment.metrics import named
    from regulars.experiment.power import past
    from regulars.shop import Shop

    door = Shop.open(shop)
    with working("testing", quiet=as_json):
        found = self_test(past(door, named([metric])[0], to_moment(as_of) or door.now), tests=tests)
    if as_json:
        emit(asdict(found))
        return
    out.print(
        f"[bold]{found.tests:,}[/] A/A tests on {escape(metric)} of {found.customers:,} customers, {found.looks} daily "
        "looks. False findings (.05 were agreed to):",
        highlight=False,
    )
    for one in found.rates:
        out.print(f"  {one.rule}: {one.wrong:.1%} (95 %: {one.low:.1%} to {one.high:.1%})", highlight=False)
