"""The commands of pricing: suggest, try, read, set and plot list prices, quote and audit them, competitors, the law."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from regulars.cli import pricing_competitors
from regulars.cli.common import AsOf, Json, ShopFolder, emit, out, to_moment, working

if TYPE_CHECKING:
    import pyarrow as pa

    from regulars.shop import Shop

commands = typer.Typer(
    name="pricing",
    help="Prices: what to ask, what was asked of whom and why, and what the law says.",
    no_args_is_help=True,
)
commands.add_typer(pricing_competitors.commands)

Set = Annotated[bool, typer.Option("--set", help="Note down that the shop asks these prices from now on.")]
SHOWN = 15
"""So many lines are shown on the screen; the files and --json have all."""
REASONS = 3
"""So many of the reasons why a price may not move, the most frequent."""


@commands.command(epilog="Example: regulars pricing suggest --shop myshop")
def suggest(
    product: Annotated[
        list[str] | None, typer.Option("--product", metavar="ID", help="Only these. Default: all.")
    ] = None,
    set_: Set = False,
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """The list price of most expected margin for each product, within the guardrails; written as Parquet and CSV."""
    import pyarrow.compute as pc

    from regulars.customers.by_hand import present
    from regulars.pricing.suggesting import suggestions
    from regulars.shop import Shop

    door = Shop.open(shop)
    moment = to_moment(as_of) or present(door)
    with working("suggesting prices", quiet=as_json):
        table = suggestions(door, moment)
        if product:
            table = table.filter(pc.is_in(table["product_id"], _known(table, product)))
        files = [str(path) for path in door.tables.write("pricing", "suggestions", table, moment)]
    count = _set(door, table, moment) if set_ else None
    if as_json:
        emit({"files": files, "set": count, "suggestions": table.to_pylist()})
        return
    moves = table.filter(pc.not_equal(table["suggested"], table["list_price"]))
    shown = Table("Product", "Price", "Suggested", "Margin a week", "now", "Chance", "Why")
    for row in moves.slice(0, SHOWN).to_pylist():
        chance = "" if row["chance"] is None else f"{row['chance']:.0%}"
        cells = (
            row["title"] or row["product_id"], f"{row['list_price']:.2f}", f"{row['suggested']:.2f}",
            f"{row['margin']:,.2f}", f"{row['margin_now']:,.2f}", chance, f"{row['policy']}; {row['why']}",
        )  # fmt: skip
        shown.add_row(*map(escape, cells))
    out.print(shown)
    out.print(f"{moves.num_rows:,} of {table.num_rows:,} prices would move.", highlight=False)
    _print_reasons(table)
    _print_files(files, count)


@commands.command(epilog="Example: regulars pricing explore --name spring --block 1 --shop myshop")
def explore(
    name: Annotated[str, typer.Option(help="Of the test: its lots hang on it.")] = "prices",
    block: Annotated[int, typer.Option(min=0, help="Number of the block of time, e.g. of the week.")] = 0,
    set_: Set = False,
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Prices to try, drawn by lot for each product and block of time, so that answers to prices can be learned.

    Everybody sees the same price of a product. The chance of each price is logged with it.
    """
    import pyarrow.compute as pc

    from regulars.customers.by_hand import present
    from regulars.pricing.suggesting import tries
    from regulars.shop import Shop

    door = Shop.open(shop)
    moment = to_moment(as_of) or present(door)
    with working("drawing prices", quiet=as_json):
        table = tries(door, moment, name, block)
        files = [str(path) for path in door.tables.write("pricing", "tries", table, moment)]
    count = _set(door, table, moment) if set_ else None
    if as_json:
        emit({"files": files, "set": count, "tries": table.to_pylist()})
        return
    is_open = pc.less(table["propensity"], 1.0)
    tried, others = table.filter(is_open), table.filter(pc.invert(is_open))
    shown = Table("Product", "Price", "To try", "Chance")
    for row in tried.slice(0, SHOWN).to_pylist():
        cells = (f"{row['list_price']:.2f}", f"{row['suggested']:.2f}", f"{row['propensity']:.0%}")
        shown.add_row(escape(row["title"] or row["product_id"]), *cells)
    out.print(shown)
    policies = "; ".join(tried["policy"].unique().to_pylist()) or "nothing to draw"
    out.print(
        f"{tried.num_rows:,} of {table.num_rows:,} products may be asked more than one price: {escape(policies)}.",
        highlight=False,
    )
    _print_reasons(others)
    _print_files(files, count)


@commands.command(epilog="Example: regulars pricing read --name spring --shop myshop")
def read(
    name: Annotated[str, typer.Option(help="Of the test, as `explore` was told.")] = "prices",
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """What a test of prices said: what was sold while a lot asked more for a product, beside while it asked less.

    The day on which a price changes is left out. Each product is compared with itself.
    """
    from regulars.customers.by_hand import present
    from regulars.pricing.reading import read_test
    from regulars.shop import Shop

    door = Shop.open(shop)
    with working("reading prices", quiet=as_json):
        found = read_test(door, name, to_moment(as_of) or present(door))
    if as_json:
        emit({what: effect._asdict() for what, effect in found.items()})
        return
    shown = Table("A day", "Where dearer", "95 %", "Products")
    for what, effect in found.items():
        cells = (f"{effect.change:+.1%}", f"{effect.low:+.1%} to {effect.high:+.1%}", f"{effect.products:,}")
        shown.add_row(what, *cells)
    out.print(shown)


@commands.command(epilog="Example: regulars pricing quote tea --customer ada --shop myshop")
def quote(
    product: Annotated[str, typer.Argument(help="The product's id.")],
    customer: Annotated[
        str | None, typer.Option(metavar="ID", help="Whose price. Default: of whoever is not known.")
    ] = None,
    session: Annotated[str | None, typer.Option(metavar="ID", help="Within it the price does not rise.")] = None,
    quantity: Annotated[int, typer.Option(min=1, help="How many.")] = 1,
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """What a customer is asked for a product, with the words that the law wants beside it; logged before it is told."""
    from regulars.customers.by_hand import present
    from regulars.pricing.quoting import quote as quoted
    from regulars.shop import Shop

    door = Shop.open(shop)
    found = quoted(door, product, customer, to_moment(as_of) or present(door), session_id=session, quantity=quantity)
    if as_json:
        emit(found.to_dict())
        return
    was = f" (was {found.was})" if found.was is not None else ""
    out.print(f"[bold]{found.price} {found.currency}[/], list price {found.list_price}{was}", highlight=False)
    for reason in found.why:
        out.print(f"  {escape(reason)}", highlight=False)
    if found.disclosure:
        out.print(f"  To be shown beside it: {escape(found.disclosure)}", soft_wrap=True, highlight=False)


@commands.command(epilog="Example: regulars pricing budget --shop myshop")
def budget(shop: ShopFolder = Path(), as_of: AsOf = None, as_json: Json = False) -> None:
    """What personal discounts really gave away of late, beside what they were expected to, and what is left.

    Orders that used a discount count; what was not used comes back when the discount ends.
    """
    from regulars.customers.by_hand import present
    from regulars.pricing.given import tally
    from regulars.shop import Shop

    door = Shop.open(shop)
    found, settings = tally(door, to_moment(as_of) or present(door)), door.config.pricing
    if as_json:
        emit(found._asdict())
        return
    currency = door.config.shop.currency
    out.print(
        f"{found.discounts:,} discounts stood within {settings.horizon_days} days, {found.used:,} were used. Of "
        f"{found.offered:,.2f} {currency} offered, {found.given:,.2f} were given, {found.open:,.2f} are open, and "
        f"{found.back:,.2f} came back. The next decision may give away {found.left:,.2f} of {settings.budget:,.2f}.",
        highlight=False, soft_wrap=True,
    )  # fmt: skip


@commands.command(epilog="Example: regulars pricing plot tea --out tea.html --shop myshop")
def plot(
    product: Annotated[str | None, typer.Argument(help="The product's id. Default: elasticities alone.")] = None,
    page: Annotated[Path, typer.Option("--out", metavar="FILE", help="Write the page to this file, .html.")] = Path(
        "pricing.html"
    ),
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """A page of charts: a product's demand and profit by price, its way from list to net, elasticities by category."""
    from regulars import storage
    from regulars.customers.by_hand import present
    from regulars.pricing.pictures import page as drawn
    from regulars.shop import Shop

    door = Shop.open(shop)
    with working("drawing", quiet=as_json):
        storage.replace(page, drawn(door, to_moment(as_of) or present(door), product))
    if as_json:
        emit({"file": str(page)})
    else:
        out.print(f"  {escape(str(page))}", soft_wrap=True, highlight=False)


@commands.command(epilog="Example: regulars pricing audit ada --shop myshop")
def audit(
    name: Annotated[str | None, typer.Argument(help="Id of a customer or a product.")] = None,
    customer: Annotated[
        str | None, typer.Option(metavar="ID", help="Prices of this customer, whatever a product is called.")
    ] = None,
    product: Annotated[str | None, typer.Option(metavar="ID", help="Of this product; with --customer of both.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many lines on the screen, the newest.")] = 30,
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Every price that was ever set, shown or charged: to whom, why, under which version and rule."""
    from regulars.errors import InputError
    from regulars.pricing.audit import audit as audited
    from regulars.pricing.audit import audit_of
    from regulars.shop import Shop

    if (name is None) == (customer is None and product is None):
        raise InputError("Name a customer or a product: regulars pricing audit ada, or --customer and --product.")
    door, moment = Shop.open(shop), to_moment(as_of)
    if name is not None:
        table = audit_of(door, name, as_of=moment)
    else:
        table = audited(door, customer_id=customer, product_id=product, as_of=moment)
    if as_json:
        emit(table.to_pylist())
        return
    shown = Table("Time (UTC)", "What", "Customer", "Product", "Price", "List price", "Why", "Version", "Problem")
    for row in table.slice(max(table.num_rows - limit, 0)).to_pylist():
        why = "; ".join(filter(None, (row["policy"], row["why"])))
        cells = (
            f"{row['time']:%Y-%m-%d %H:%M}", row["what"], row["customer_id"] or "", row["product_id"] or "",
            _money(row["price"], row["discount"]), _money(row["list_price"], None), why,
            str(row["model_version"] or ""), row["problem"],
        )  # fmt: skip
        shown.add_row(*map(escape, cells))
    out.print(shown)
    problems = sum(bool(text) for text in table["problem"].to_pylist())
    out.print(f"{table.num_rows:,} lines, {problems:,} with a problem.", highlight=False)


@commands.command(epilog="Example: regulars pricing law --country US --region NY")
def law(
    country: Annotated[str | None, typer.Option(help="What holds there, e.g. DE or US. Default: all rows.")] = None,
    region: Annotated[str | None, typer.Option(help="A state, e.g. NY.")] = None,
    language: Annotated[str, typer.Option(help="Of the sentences.")] = "en",
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """The law as Regulars has it: place, what is allowed, the words, the source, and the day it was checked on.

    This is no legal advice. A shop adds rows of its own in pricing/law.toml.
    """
    from dataclasses import asdict

    from regulars import clock
    from regulars.pricing.law import Law

    there = Law.known(shop)
    moment = to_moment(as_of) or clock.now()
    rows = list(there.rows)
    terms = there.terms(country, region, moment, language=language) if country else None
    if terms is not None:
        rows = [row for row in rows if row.id in terms.laws]
    if as_json:
        emit({"terms": None if terms is None else asdict(terms), "rows": [asdict(row) for row in rows]})
        return
    shown = Table("Place", "Allowed", "Since", "Status", "Asks", "Source", "Checked")
    for row in rows:
        cells = (row.place, row.mode, str(row.since), row.status, row.asks, row.source, str(row.checked))
        shown.add_row(*map(escape, cells))
    out.print(shown)
    if terms is not None:
        out.print(f"[bold]{escape(terms.place or 'place not known')}[/]: {terms.mode}", highlight=False)
        for sentence in terms.sentences:
            out.print(escape(sentence), soft_wrap=True, highlight=False)


def _known(table: pa.Table, wanted: list[str]) -> pa.Array:
    import pyarrow as pa

    from regulars.errors import NotFoundError

    there = set(table["product_id"].to_pylist())
    if missing := [product for product in wanted if product not in there]:
        raise NotFoundError(f'There is no product "{missing[0]}" with a price.')
    return pa.array(wanted, pa.string())


def _set(door: Shop, table: pa.Table, moment: Any) -> int:
    from regulars.pricing.suggesting import set_prices

    return set_prices(door, table, moment)


def _money(price: Any, share: float | None) -> str:
    return f"{price:.2f}" if price is not None else f"{share:.0%} off" if share else ""


def _print_reasons(table: pa.Table) -> None:
    """Why prices may not move at all, by how many."""
    from regulars.pricing.guard.bounds import NO_COST

    reasons = Counter(why for why in table["why"].to_pylist() if why.endswith("stays as it is"))
    for why, held in reasons.most_common(REASONS):
        out.print(f"{held:,} may not: {escape(why)}.", highlight=False)
    if any(why.startswith(NO_COST) for why in reasons):
        out.print("Import a file of products with their costs: regulars import products.csv", highlight=False)


def _print_files(files: list[str], count: int | None) -> None:
    for path in files:
        out.print(f"  {escape(path)}", soft_wrap=True, highlight=False)
    if count is not None:
        out.print(f"{count:,} prices set.", highlight=False)
