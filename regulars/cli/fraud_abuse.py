"""The command of promotion and account abuse: who, why, how sure, and what it cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from regulars.cli.common import AsOf, Json, ShopFolder, emit, out, to_moment, working

if TYPE_CHECKING:
    import pyarrow as pa

commands = typer.Typer()

SHOWN = 20
"""So many findings are shown on the screen; --json and --out have all."""


@commands.command(epilog="Example: regulars fraud abuse --kind promotions --out farms.csv --shop myshop")
def abuse(
    kind: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", help="promotions, returns, reviews, sign_ins or takeover. Default: all."),
    ] = None,
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    file: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write all findings here, .csv or .parquet.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Who farms promotions, abuses returns, buys reviews or takes accounts over, with evidence; most money first."""
    from regulars.fraud.abuse import KINDS, summary
    from regulars.fraud.abuse.export import write
    from regulars.shop import Shop

    door = Shop.open(shop)
    moment = to_moment(as_of) or door.now
    with working("looking for abuse", quiet=as_json):
        found = summary(door, moment, kind or KINDS)
    if file is not None:
        write(file, found)
    if as_json:
        emit({"as_of": moment.isoformat(), "findings": found.to_pylist()})
        return
    if not found.num_rows:
        out.print(f"No abuse was found as of {moment:%Y-%m-%d %H:%M}.")
        return
    out.print(_shown(found.slice(0, SHOWN), door.config.shop.currency))
    if found.num_rows > SHOWN:
        out.print(f"{found.num_rows - SHOWN:,} more: --json or --out FILE.")
    if file is not None:
        out.print(f"  {file}", soft_wrap=True)


def _shown(found: pa.Table, currency: str) -> Table:
    table = Table("Kind", "Who or what", "Accounts", "Score", f"{currency}", "Since", "Evidence")
    for row in found.to_pylist():
        cells = (
            row["kind"], f"{row['subject']} {row['subject_id']}", f"{len(row['customers']):,}", f"{row['score']:.2f}",
            f"{row['money']:,.2f}", f"{row['since']:%Y-%m-%d}", row["evidence"],
        )  # fmt: skip
        table.add_row(*map(escape, cells))
    return table
