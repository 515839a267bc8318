"""The commands of competitors' prices: import, match, look, and answer."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape
from rich.table import Table

from regulars.cli.common import AsOf, Json, ShopFolder, emit, err, out, to_moment

if TYPE_CHECKING:
    from regulars.pricing.competitor import Competitors
    from regulars.pricing.products import Products
    from regulars.shop import Shop

commands = typer.Typer(name="competitors", help="What others ask for the same products.", no_args_is_help=True)

Who = Annotated[str, typer.Option("--as", metavar="NAME", help="Who does it.", envvar="REGULARS_REVIEWER")]
SHOWN = 20


def _open(shop: Path, as_of: str | None) -> tuple[Shop, datetime, Products, Competitors]:
    from regulars.customers.by_hand import present
    from regulars.pricing.competitor import Competitors
    from regulars.pricing.products import Products
    from regulars.shop import Shop

    door = Shop.open(shop)
    moment = to_moment(as_of) or present(door)
    products = Products.of(door, moment)
    return door, moment, products, Competitors(door, products)


@commands.command("import", epilog="Example: regulars pricing competitors import seen.csv --shop myshop")
def import_(
    file: Annotated[
        Path, typer.Argument(help="A table: product, competitor, price, seen_at, source; may have currency, title.")
    ],
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Add prices that were seen in public. Lines that cannot be read are said, the others are added."""
    _, _, _, book = _open(shop, as_of)
    found = book.import_(file)
    if as_json:
        emit(found._asdict())
        return
    out.print(
        f"{found.added:,} added, {found.known:,} known already, {len(found.refused):,} refused; {found.proposed:,} "
        "matches wait for a person: regulars pricing competitors matches",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
    for problem in found.refused[:SHOWN]:
        err.print(f"[yellow]Refused:[/] {escape(problem)}", soft_wrap=True)


@commands.command(epilog="Example: regulars pricing competitors matches --shop myshop")
def matches(
    state: Annotated[
        Literal["proposed", "same", "approved", "rejected", "all"], typer.Option(help="Which ones.")
    ] = "proposed",
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """What of competitors' is thought to be which product, the surest first."""
    from regulars.pricing.competitor import matches_of
    from regulars.shop import Shop

    found = matches_of(Shop.open(shop).state, None if state == "all" else state)
    if as_json:
        emit([each._asdict() for each in found])
        return
    table = Table("Competitor", "What", "Product", "State", "Alike", "By")
    for each in found[:SHOWN]:
        cells = (each.competitor, each.what, each.product_id, each.state, f"{each.similarity:.0%}", each.who)
        table.add_row(*map(escape, cells))
    out.print(table)
    out.print(f"{len(found):,} matches.", highlight=False)


@commands.command(epilog='Example: regulars pricing competitors approve Leaf "L-77: Sencha 250 g" --as mei')
def approve(
    competitor: Annotated[str, typer.Argument(help="Whose.")],
    what: Annotated[str, typer.Argument(help="What of theirs, as `matches` shows it.")],
    who: Who,
    product: Annotated[str | None, typer.Option(metavar="ID", help="Another product than was proposed.")] = None,
    reject: Annotated[bool, typer.Option("--reject", help="Instead: it is not the same.")] = False,
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """Say that something of a competitor's is a product of ours; its prices count from then on."""
    _, _, _, book = _open(shop, None)
    made = book.judge(competitor, what, approve=not reject, who=who, product_id=product)
    if as_json:
        emit(made._asdict())
    else:
        word = "is not" if reject else "is"
        out.print(
            f"{escape(made.what)} of {escape(made.competitor)} {word} {escape(made.product_id)}.", highlight=False
        )


@commands.command(epilog="Example: regulars pricing competitors index --at-least 0.05 --shop myshop")
def index(
    at_least: Annotated[float, typer.Option(help="Tell of gaps of so much of our price; 0.05 is 5 %.")] = 0.0,
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Where we stand by category, and which products are undercut. Prices of the last 14 days count."""
    from regulars.pricing.competitor import by_category, undercuts

    door, moment, products, book = _open(shop, as_of)
    newest = book.newest(moment)
    found, alerts = by_category(products, newest), undercuts(products, newest, at_least=at_least)
    if as_json:
        emit({"index": [each._asdict() for each in found], "undercut": [each._asdict() for each in alerts]})
        return
    table = Table("Category", "Products", "Ours over the mean", "over the lowest", "Undercut")
    for each in found:
        cells = (each.category, f"{each.products:,}", f"{each.mean_index:.3f}", f"{each.lowest_index:.3f}")
        table.add_row(*map(escape, cells), f"{each.undercut:,}")
    out.print(table)
    currency = door.config.shop.currency
    for alert in alerts[:SHOWN]:
        out.print(
            f"{escape(alert.competitor)} asks {_amount(alert.theirs, currency)} for {escape(alert.product_id)}, we "
            f"{_amount(alert.ours, currency)}: {alert.gap:.0%} less.",
            highlight=False,
        )
    if len(alerts) > SHOWN:
        out.print(f"{len(alerts):,} in all: --json has them.", highlight=False)


@commands.command(epilog="Example: regulars pricing competitors respond match --category Tea --shop myshop")
def respond(
    kind: Annotated[Literal["match", "beat", "ignore"], typer.Argument(help="Ask the same, ask less, or leave it.")],
    by: Annotated[float, typer.Option(help="Of beat: the share of their price to ask less by; 0.02 is 2 %.")] = 0.0,
    category: Annotated[str, typer.Option(help="Of this category. Default: of all without a rule of their own.")] = "",
    use: Annotated[bool, typer.Option("--use", help="Put it to use, after it was simulated here.")] = False,
    who: Annotated[str, typer.Option("--as", metavar="NAME", help="Who does it.", envvar="REGULARS_REVIEWER")] = "",
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """What it would bring to answer competitors by a rule. Nothing is changed without --use."""
    import numpy as np

    from regulars.pricing.competitor import Response, lowest, simulate
    from regulars.pricing.competitor import use as put_to_use
    from regulars.pricing.decide import model_in_use
    from regulars.pricing.guard import UNKNOWN
    from regulars.pricing.rules import rules_of
    from regulars.pricing.suggesting import demand_of

    door, moment, products, book = _open(shop, as_of)
    response = Response(kind, by)
    theirs = lowest(products, book.newest(moment))
    inside = np.array([not category or name == category for name in products.categories], bool)
    theirs = np.where(inside, theirs, UNKNOWN)
    demand = demand_of(door, model_in_use(door), products)
    found = simulate(response, products.bounds(rules_of(door)), products.price, theirs, products.cost, demand)
    if use:
        put_to_use(door.state, category, response, found, who)
    if as_json:
        emit({**found.to_dict(), "used": use})
        return
    unit, currency = 10.0 ** -_digits(door), door.config.shop.currency
    out.print(
        f"{found.products:,} prices would move, {found.limited:,} of them not as far as the rule wants. Margin a week: "
        f"{found.change * unit:+,.2f} {currency} ({found.low * unit:+,.2f} to {found.high * unit:+,.2f} with 90 %).",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
    if use:
        out.print(f"It is in use for {escape(category or 'all others')}.", highlight=False)


def _digits(door: Shop) -> int:
    from regulars.pricing.money import digits

    return digits(door.config.shop.currency)


def _amount(coins: int, currency: str) -> str:
    from regulars.pricing.money import to_amount

    return f"{to_amount(coins, currency)} {currency}"
