"""The command that says what campaigns brought."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regulars.cli.common import AsOf, Json, ShopFolder, emit, out, to_moment, working

commands = typer.Typer()


@commands.command(epilog="Example: regulars campaign report --days 14 --out campaigns.html --shop myshop")
def report(
    days: Annotated[
        int | None,
        typer.Option(help="Count so many days after each contact. Default: [campaign] horizon_days.", min=1, max=365),
    ] = None,
    page: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write a page with charts to this file too, .html.")
    ] = None,
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """What each campaign brought: orders, margin, cost and return, beside customers whom a lot left alone.

    Lots are those of decisions, of journeys with a split, of experiments, and of messages whose chance is in the log.
    """
    from regulars import storage
    from regulars.campaign.effects import effects
    from regulars.campaign.effects_report import to_dict, to_html, to_rich
    from regulars.shop import Shop

    door = Shop.open(shop)
    moment, window = to_moment(as_of) or door.now, days or door.config.campaign.horizon_days
    currency = door.config.shop.currency
    with working("comparing", quiet=as_json):
        found = effects(door, moment, window)
    if page is not None:
        storage.replace(page, to_html(found, moment, window, currency))
    if as_json:
        emit(to_dict(found, moment, window, currency))
        return
    out.print(to_rich(found, moment, window, currency))
    if page is not None:
        out.print(f"  {page}", soft_wrap=True)
