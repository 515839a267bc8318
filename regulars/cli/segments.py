"""The commands of segments that were learned: what there is, who moved, who is like whom."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.markup import escape
from rich.table import Table

from regulars.cli.common import AsOf, Json, ShopFolder, emit, out, to_moment, working

if TYPE_CHECKING:
    from datetime import datetime

    from regulars.segment import Overview

commands = typer.Typer()

MOVES = 20
"""So many moves are shown on the screen; the file has all."""
HEADS = {
    "en": ("Customers", "Revenue", "Margin", "Churn", "Spend each"),
    "zh": ("顾客", "收入占比", "毛利占比", "流失", "人均花费"),
}
TITLES = {"en": ("Segment", "RFM cell"), "zh": ("分群", "RFM 分组")}


@commands.command(epilog="Example: regulars segments --migration 2024-04-01 2024-05-01 --shop myshop")
def segments(
    migration: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="FROM TO", help="Instead: who moved between two moments, entered and left; kept as files."
        ),
    ] = None,
    by: Annotated[Literal["segment", "rfm"], typer.Option(help="Moves between learned segments, or RFM cells.")] = (
        "segment"
    ),
    overlap: Annotated[bool, typer.Option("--overlap", help="Instead: how segments and RFM cells overlap.")] = False,
    language: Annotated[Literal["en", "zh"], typer.Option(help="Of names and descriptions: en or zh.")] = "en",
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """The learned segments and RFM cells: size, value and what sets each apart; or who moved between them.

    Churn and spend are those of whoever was in the group one horizon before, within that horizon: what to expect next.
    """
    from regulars import segment
    from regulars.shop import Shop

    door = Shop.open(shop)
    moment = to_moment(as_of) or door.now
    if migration is not None:
        start, end = (to_moment(text) or moment for text in migration)
        _show_migration(door, start, end, by, as_json=as_json)
        return
    if overlap:
        with working("comparing segments and cells", quiet=as_json):
            rows = segment.overlap(door, moment).to_pylist()
        if as_json:
            emit(rows)
            return
        table = Table("Segment", "RFM cell")
        for heading in ("Customers", "Of the segment", "Lift"):
            table.add_column(heading, justify="right")
        for row in rows:
            cells = f"{row['customers']:,}", f"{row['share_of_segment']:.0%}", f"{row['lift']:.2f}"
            table.add_row(escape(row["segment"]), row["rfm_cell"], *cells)
        out.print(table)
        return
    with working("looking at segments", quiet=as_json):
        found = segment.overview(door, moment, language)
    if as_json:
        emit(found.to_dict())
        return
    _show(found, language, door.config.shop.currency)


@commands.command(epilog="Example: regulars lookalikes --product 85123A --shop myshop")
def lookalikes(
    customers: Annotated[list[str] | None, typer.Argument(help="Ids of the group; at least 20.")] = None,
    product: Annotated[
        str, typer.Option(metavar="ID", help="Instead: the group is who bought this; with the lift that followed.")
    ] = "",
    most: Annotated[int, typer.Option("--k", help="How many customers.", min=1)] = 20,
    days: Annotated[int, typer.Option(help="The lift is judged by what was bought within so many days.", min=1)] = 30,
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """The customers most like a group, who are not of it.

    With --product, a second look says whether that helps: so many days before the moment, how many of the tenth most
    like the product's buyers bought it afterwards, and how many of all others.
    """
    from datetime import timedelta

    from regulars import segment
    from regulars.errors import InputError
    from regulars.shop import Shop

    if bool(product) == bool(customers):
        raise InputError("Name the group: ids of at least 20 customers, or --product ID for its buyers.")
    door = Shop.open(shop)
    moment = to_moment(as_of) or door.now
    with working("comparing customers", quiet=as_json):
        seed = segment.buyers(door, product, moment) if product else list(customers or ())
        found = segment.lookalikes(door, seed, moment, most).to_pylist()
        proof = segment.lift(door, product, moment - timedelta(days=days), days) if product else None
    if as_json:
        said = None if proof is None else {**vars(proof), "lift": proof.lift, "days": days}
        emit({"as_of": moment.isoformat(), "seed": len(seed), "customers": found, "lift": said})
        return
    for row in found:
        out.print(f"{row['rank']:>4}. [bold]{escape(row['customer_id'])}[/]  {row['likeness']:.2f}", highlight=False)
    if proof is not None:
        out.print(
            f"{days} days before: of the {proof.asked:,} most like its {proof.seed:,} buyers, {proof.share:.1%} "
            f"({proof.low:.1%} to {proof.high:.1%}) bought it within {days} days; of all others {proof.base:.1%}.",
            highlight=False,
        )


def _show_migration(door: Any, start: datetime, end: datetime, by: str, *, as_json: bool) -> None:
    from regulars import segment

    with working("looking at moves", quiet=as_json):
        found = segment.migration(door, start, end, by)
        files = [str(path) for path in segment.written(door, found, end)]
    rows = found.matrix.to_pylist()
    if as_json:
        emit({"from": start.isoformat(), "to": end.isoformat(), "migration": rows, "files": files})
        return
    table = Table("From", "To")
    for heading in ("Customers", "Of from"):
        table.add_column(heading, justify="right")
    for row in rows[:MOVES]:
        table.add_row(escape(row["from"]), escape(row["to"]), f"{row['customers']:,}", f"{row['share']:.0%}")
    out.print(table)
    for path in files:
        out.print(f"  {path}", soft_wrap=True)


def _show(found: Overview, language: str, currency: str) -> None:
    for title, groups in zip(TITLES[language], (found.segments, found.cells), strict=True):
        if not groups:
            continue
        table = Table(title)
        for heading in HEADS[language]:
            table.add_column(heading, justify="right")
        for group in groups:
            name = f"{group.id} {group.name}" if group.id is not None else group.name
            value = group.value
            shares = [
                "" if share is None else f"{share:.0%}"
                for share in (value.revenue_share, value.margin_share, value.churn)
            ]
            spend = "" if value.spend is None else f"{value.spend:,.0f} {currency}"
            table.add_row(escape(name), f"{value.customers:,}", *shares, spend)
        out.print(table)
    for group in found.segments:
        out.print(f"[bold]{group.id} {escape(group.name)}[/]  {escape(group.about)}", highlight=False)
    if found.note:
        out.print(escape(found.note), highlight=False)
