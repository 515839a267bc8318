"""The commands of campaigns about messages: what they say, who approves it, who gets none, and what became of each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from regulars.cli.common import AsOf, Json, ShopFolder, emit, out, to_moment

commands = typer.Typer()

Who = Annotated[str, typer.Option("--as", metavar="NAME", help="Who does it.", envvar="REGULARS_REVIEWER")]
ALL = "all"


@commands.command(epilog="Example: regulars campaign preview welcome --shop myshop")
def preview(
    message: Annotated[str, typer.Argument(help="The message's name.")],
    offer: Annotated[str, typer.Option(metavar="OFFER", help="The offer that its coupon would be of.")] = "",
    customers: Annotated[
        list[str] | None, typer.Option("--customer", metavar="ID", help="For this customer. Default: ten of them.")
    ] = None,
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """What a message would say to ten real customers. Nothing is sent, no coupon is issued."""
    from regulars.campaign.sending import preview as shown
    from regulars.campaign.sending import some_customers
    from regulars.shop import Shop

    door = Shop.open(shop)
    moment = to_moment(as_of) or door.now
    found = list(shown(door, message, customers or some_customers(door, moment), moment, offer))
    if as_json:
        emit(found)
        return
    for each in found:
        out.print(
            f"[bold]{escape(each['customer_id'])}[/], {escape(each['variant'])} ({each['language']})", highlight=False
        )
        if "problem" in each:
            out.print(f"  not sent: {escape(each['problem'])}\n", highlight=False)
        else:
            out.print(f"  {escape(each['subject'])}", highlight=False)
            out.print(escape("".join(f"  | {line}\n" for line in each["body"].strip().splitlines())), highlight=False)


@commands.command(epilog="Example: regulars campaign approve welcome --as mei --shop myshop")
def approve(
    message: Annotated[str, typer.Argument(help="The message's name.")],
    who: Who,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Instead: take it back.")] = False,
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """Approve a message as it is now, after reading it. A text that changes has to be approved again."""
    from regulars.campaign.copy import Messages
    from regulars.campaign.copy import approve as approved
    from regulars.shop import Shop

    door = Shop.open(shop)
    count = approved(door.state, Messages(door.folder).get(message), who, withdraw=withdraw)
    if as_json:
        emit({"message": message, "variants": count, "approved": not withdraw})
    else:
        out.print(f"{escape(message)}: {count:,} variants {'no longer ' if withdraw else ''}approved by {escape(who)}.")


@commands.command(epilog="Example: regulars campaign suppress ada --channel sms --shop myshop")
def suppress(
    customer: Annotated[str, typer.Argument(help="The customer's id.")],
    channel: Annotated[str, typer.Option(help="By this channel only. Default: by none.")] = "",
    answer: Annotated[
        str, typer.Option(help='Only if this answer of the customer says so: "STOP", "退订" and the like.')
    ] = "",
    lift: Annotated[bool, typer.Option("--lift", help="Instead: take it back, at the customer's own wish.")] = False,
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """Send a customer nothing from now on."""
    from regulars.campaign import sending
    from regulars.campaign.sending.channels import NAMES
    from regulars.customers import require_known
    from regulars.customers.by_hand import present
    from regulars.errors import InputError
    from regulars.shop import Shop

    door = Shop.open(shop)
    if channel and channel not in NAMES:
        raise InputError(f'There is no channel "{channel}". There are: {", ".join(NAMES)}.')
    require_known(door, customer, present(door))
    if lift:
        sending.lift(door.state, customer, channel)
        is_suppressed = False
    elif answer:
        is_suppressed = sending.answered(door, customer, channel, answer)
    else:
        sending.suppress(door.state, customer, channel)
        is_suppressed = True
    if as_json:
        emit({"customer": customer, "channel": channel or ALL, "suppressed": is_suppressed})
    else:
        word = "is sent nothing more" if is_suppressed else "is sent messages as before"
        out.print(f"{escape(customer)} {word} by {channel or 'any channel'}.", highlight=False)


@commands.command("log", epilog="Example: regulars campaign log --what skipped --shop myshop")
def log_(
    journey: Annotated[str, typer.Option(metavar="JOURNEY", help="Of this journey only.")] = "",
    customer: Annotated[str, typer.Option(metavar="CUSTOMER", help="Of this customer only.")] = "",
    what: Annotated[
        str, typer.Option(help="Only what was: sent, skipped, held, tried, failed, unsure, suppressed, off, on.")
    ] = "",
    limit: Annotated[int, typer.Option(help="At most so many lines.", min=1)] = 50,
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """What was done with every message, the newest first: sent, skipped or held, with why."""
    from regulars.campaign.sending import history
    from regulars.shop import Shop

    rows = history(Shop.open(shop).state, journey=journey, customer_id=customer, what=what, limit=limit)
    if as_json:
        emit([{key: value for key, value in row._mapping.items() if key != "id"} for row in rows])
        return
    table = Table("Time (UTC)", "Journey", "Step", "Customer", "What", "Why")
    for row in rows:
        cells = (row.journey, row.step, row.customer_id or "", row.what, row.reason)
        table.add_row(f"{row.at:%Y-%m-%d %H:%M}", *map(escape, cells))
    out.print(table)


@commands.command(epilog="Example: regulars campaign channels --shop myshop")
def channels(
    secret: Annotated[
        bool, typer.Option("--secret", help="Print what webhooks are signed by, for whoever receives them.")
    ] = False,
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """The channels that `[sending]` of shop.toml sets up."""
    from regulars.campaign.sending import channels as there_are
    from regulars.campaign.sending.webhook import SECRET
    from regulars.shop import Shop

    door = Shop.open(shop)
    names = sorted(there_are(door))
    found: dict[str, Any] = {"channels": names}
    if secret:
        found["secret"] = door.state.secret(SECRET)
    if as_json:
        emit(found)
        return
    out.print(f"Set up: {', '.join(names) or 'none. See [sending] in shop.toml'}", highlight=False)
    if secret:
        out.print(f"Webhooks are signed by: {found['secret']}", highlight=False)
