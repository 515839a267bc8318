"""The commands of customers: who they are, which ids are one, and joining or parting them by hand."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from regulars.cli import customer_data
from regulars.cli.common import AsOf, Json, ShopFolder, emit, out, to_moment, working

commands = typer.Typer(
    name="customers", help="Who the customers are, and which ids are one customer.", no_args_is_help=True
)

commands.registered_commands += customer_data.commands.registered_commands

NAMED = 20
"""So many ids that were refused are named on the screen; `--json` names all."""


@commands.command("list", epilog="Example: regulars customers list --shop myshop")
def list_(shop: ShopFolder = Path(), as_of: AsOf = None, as_json: Json = False) -> None:
    """All customers with what is known of them, as Parquet and CSV; and which ids were not joined, and why."""
    import pyarrow.compute as pc

    from regulars.customers import customers_as_of
    from regulars.shop import Shop

    door = Shop.open(shop)
    moment = to_moment(as_of) or door.now
    with working("reading customers", quiet=as_json):
        table = customers_as_of(door, moment)
        files = [str(path) for path in door.tables.write("customers", "customers", table, moment)]
        refused = door.identities.refused(moment)
    countries = Counter(table["jurisdiction_country"].to_pylist())
    joined = pc.sum(pc.list_value_length(table["other_ids"])).as_py() or 0
    if as_json:
        found = {
            "as_of": moment.isoformat(),
            "customers": table.num_rows,
            "joined_ids": joined,
            "jurisdictions": [{"country": name, "customers": count} for name, count in countries.most_common()],
            "refused": refused.to_pylist(),
            "files": files,
        }
        emit(found)
        return
    out.print(f"{table.num_rows:,} customers; {joined:,} other ids belong to them.")
    where = ", ".join(f"{escape(name or 'unknown')} {count:,}" for name, count in countries.most_common(NAMED))
    out.print(f"Jurisdictions: {where or 'none'}")
    _show_refused(refused)
    for path in files:
        out.print(f"  {path}", soft_wrap=True)


def _show_refused(refused: Any) -> None:
    if not refused.num_rows:
        return
    table = Table("Id", "Not joined, for", "Times", "First", title="Ids that were not joined")
    for row in refused.slice(0, NAMED).to_pylist():
        table.add_row(escape(row["id"]), row["reason"], f"{row['times']:,}", f"{row['first']:%Y-%m-%d %H:%M}")
    out.print(table)
    if refused.num_rows > NAMED:
        out.print(f"[dim]The first {NAMED} of {refused.num_rows:,}; --json names all.[/]")


@commands.command(epilog="Example: regulars customers show ada --shop myshop")
def show(
    customer: Annotated[str, typer.Argument(help="Any id of the customer.")],
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """One customer: ids with when and by which event they were joined, traits, consents and objections."""
    from regulars.customers import one_customer
    from regulars.shop import Shop

    door = Shop.open(shop)
    with working(f"reading {customer}", quiet=as_json):
        found = one_customer(door, customer, to_moment(as_of) or door.now)
    if as_json:
        emit(found)
        return
    out.print(f"[bold]{escape(found['customer_id'])}[/], as of {found['as_of'][:16]}", highlight=False)
    for row in found["ids"]:
        since = f", since {row['since']:%Y-%m-%d %H:%M}, by {row['event_id']}" if row["since"] else ""
        out.print(f"  id {escape(row['id'])}{escape(since)}", highlight=False)
    for name, value in found["traits"].items():
        if value is not None:
            out.print(f"  {name.replace('_', ' ')}: {escape(str(value))}", highlight=False)
    for row in found["ledger"]:
        purpose = row["purpose"] or "every purpose"
        by = f", by {row['source']}" if row["source"] else ""
        text = f"{row['time']:%Y-%m-%d %H:%M} {row['type'].replace('_', ' ')}: {purpose}{by}"
        out.print(f"  {escape(text)}", highlight=False)
    out.print(f"  forbidden: {', '.join(found['withheld']) or 'nothing'}", highlight=False)


@commands.command(epilog="Example: regulars customers merge ada ada.old --shop myshop")
def merge(
    customer: Annotated[str, typer.Argument(help="The customer that both are from now on.")],
    other: Annotated[str, typer.Argument(help="The id that is this customer, too.")],
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """Join two customers, from now on. No event is changed; `regulars customers unmerge` takes it back."""
    from regulars import customers
    from regulars.shop import Shop

    door = Shop.open(shop)
    found = customers.merge(door, customer, other)
    if as_json:
        emit({"customer_id": found, "log_version": door.log.version})
        return
    out.print(f"{escape(customer)} and {escape(other)} are one customer now: {escape(found)}.", highlight=False)
    out.print(f"To part them: regulars customers unmerge {escape(customer)} {escape(other)}", highlight=False)


@commands.command(epilog="Example: regulars customers unmerge ada ada.old --shop myshop")
def unmerge(
    customer: Annotated[str, typer.Argument(help="An id of the customer.")],
    other: Annotated[str, typer.Argument(help="Another id, which is somebody else.")],
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """Part two ids, from now on, whatever joined them. Nothing but `regulars customers merge` joins them again."""
    from regulars import customers
    from regulars.shop import Shop

    door = Shop.open(shop)
    one, two = customers.unmerge(door, customer, other)
    if as_json:
        emit({"customer_ids": [one, two], "log_version": door.log.version})
        return
    said = f"{escape(customer)} and {escape(other)} are apart now: customers {escape(one)} and {escape(two)}."
    out.print(said, highlight=False)


@commands.command("object", epilog="Example: regulars customers object ada profiling --shop myshop")
def object_(
    customer: Annotated[str, typer.Argument(help="Any id of the customer.")],
    purpose: Annotated[str, typer.Argument(help="marketing, profiling, pricing or ads.")],
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take the objection back.")] = False,
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """Log that a customer objects to a purpose. To profiling: lists of products no longer look at what they did."""
    from regulars import customers
    from regulars.shop import Shop

    door = Shop.open(shop)
    customers.object_to(door, customer, purpose, withdraw=withdraw)
    if as_json:
        emit({"customer": customer, "purpose": purpose, "objects": not withdraw, "log_version": door.log.version})
        return
    said = "no longer objects" if withdraw else "objects"
    out.print(f"{escape(customer)} {said} to {escape(purpose)} from now on.", highlight=False)
