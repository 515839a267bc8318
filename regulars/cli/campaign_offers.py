"""The commands of offers: what is given, codes issued and redeemed, and texts about them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape
from rich.table import Table

from regulars.cli.common import Json, ShopFolder, emit, out

commands = typer.Typer(name="offers", help="Offers, and the codes that are out.", no_args_is_help=True)

Offer = Annotated[str, typer.Argument(help="The offer's name.")]


@commands.command(epilog="Example: regulars campaign offers add spring --kind percentage --value 10 --shop myshop")
def add(
    name: Offer,
    kind: Annotated[
        Literal["percentage", "amount", "free_shipping", "gift", "bundle"], typer.Option(help="What is given.")
    ],
    value: Annotated[str, typer.Option(help="Per cent, or an amount in the shop's currency.")] = "0",
    minimum: Annotated[str, typer.Option(help="The products of a basket come to at least so much.")] = "0",
    products: Annotated[
        list[str] | None, typer.Option("--product", metavar="ID", help="What a gift is, or a bundle is of.")
    ] = None,
    days: Annotated[int, typer.Option(help="A code is valid for so many days.")] = 14,
    most: Annotated[int, typer.Option(help="So many codes at most; 0 for any number.")] = 0,
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """Make an offer. Its terms never change: other terms are another offer."""
    from regulars.campaign.offer import Terms, add_offer, to_money
    from regulars.shop import Shop

    door = Shop.open(shop)
    terms = Terms(kind, to_money(value), to_money(minimum), tuple(products or ()), days, most)
    add_offer(door.state, name, terms)
    if as_json:
        emit({"offer": name, **terms.to_dict()})
    else:
        worth = terms.worth(door.config.shop.currency)
        out.print(
            f"[bold]{escape(name)}[/]: {kind}{' ' + worth if worth else ''}, codes for {days} days.", highlight=False
        )


@commands.command("list", epilog="Example: regulars campaign offers list --shop myshop")
def list_(shop: ShopFolder = Path(), as_json: Json = False) -> None:
    """The offers there are, and how many codes of each are out, redeemed and expired."""
    from regulars.campaign.offer import standing
    from regulars.shop import Shop

    door = Shop.open(shop)
    found = standing(door.state)
    if as_json:
        emit([{**each._asdict(), "terms": each.terms.to_dict()} for each in found])
        return
    if not found:
        out.print("There are no offers yet. Make one: regulars campaign offers add NAME --kind percentage --value 10")
        return
    table = Table("Offer", "Gives", "State", "Issued", "Redeemed", "Expired")
    for each in found:
        gives = f"{each.terms.kind} {each.terms.worth(door.config.shop.currency)}".strip()
        numbers = (each.issued, each.redeemed, each.expired)
        table.add_row(escape(each.name), gives, "closed" if each.closed_at else "open", *(f"{n:,}" for n in numbers))
    out.print(table)


@commands.command(epilog="Example: regulars campaign offers close spring --shop myshop")
def close(name: Offer, shop: ShopFolder = Path(), as_json: Json = False) -> None:
    """Issue no more codes of an offer. Those that are out stay good."""
    from regulars.campaign.offer import close_offer
    from regulars.shop import Shop

    close_offer(Shop.open(shop).state, name)
    if as_json:
        emit({"offer": name, "is_open": False})
    else:
        out.print(f"No more codes of [bold]{escape(name)}[/] are issued.", highlight=False)


@commands.command(
    epilog="Example: regulars campaign offers redeem 7Q2K-M0XA-9RTB-41ZE --customer ada --order o1 --line tea=2@4.50"
)
def redeem(
    code: Annotated[str, typer.Argument(help="The code, as the customer typed it.")],
    customer: Annotated[str, typer.Option(metavar="CUSTOMER", help="Whose order it is.")],
    order: Annotated[str, typer.Option(metavar="ORDER", help="The order's id: it may ask again.")],
    lines: Annotated[list[str], typer.Option("--line", metavar="PRODUCT=QUANTITY@PRICE", help="A line of the basket.")],
    shipping: Annotated[str, typer.Option(help="What delivery costs.")] = "0",
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """Redeem a code for an order, once, and say what it takes off."""
    from regulars.campaign.offer import Line, to_money
    from regulars.campaign.offer import redeem as redeem_code
    from regulars.errors import InputError
    from regulars.shop import Shop

    basket = []
    for line in lines:
        product, _, rest = line.rpartition("=")
        quantity, _, price = rest.partition("@")
        if not product or not quantity.isdecimal():
            raise InputError(f'"{line}" is no line of a basket. Write it as tea=2@4.50.')
        basket.append(Line(product, int(quantity), to_money(price)))
    done = redeem_code(Shop.open(shop).state, code, customer, order, basket, shipping=to_money(shipping))
    said = {
        "code": done.coupon.code, "offer": done.coupon.offer, "amount": str(done.discount.amount),
        "shipping": str(done.discount.shipping), "gifts": list(done.discount.gifts), "is_repeated": done.is_repeated,
    }  # fmt: skip
    if as_json:
        emit(said)
    else:
        gifts = f", with {', '.join(done.discount.gifts)}" if done.discount.gifts else ""
        out.print(
            f"{said['code']}: {said['amount']} off, {said['shipping']} of delivery{escape(gifts)}.", highlight=False
        )


@commands.command(epilog="Example: regulars campaign offers write spring --message spring_mail --shop myshop")
def write(
    name: Offer,
    message: Annotated[
        str, typer.Option(metavar="MESSAGE", help="The message's name; its file must not be there yet.")
    ],
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """Write a message about an offer by templates, in English and Chinese, for a person to read, change and approve."""
    from regulars import storage
    from regulars.campaign.copy import by_template, to_toml
    from regulars.campaign.copy.message import check_name
    from regulars.campaign.offer import terms_of
    from regulars.errors import InputError
    from regulars.shop import Shop

    door = Shop.open(shop)
    kind = terms_of(door.state, name).kind
    path = door.folder / "campaigns" / "messages" / f"{check_name(message)}.toml"
    storage.make_folder(path.parent)
    try:
        storage.create_exclusive(path, to_toml((*by_template(kind, "en"), *by_template(kind, "zh"))).encode())
    except FileExistsError:
        raise InputError(f"{path} is there already. Choose another name, or change that file.") from None
    if as_json:
        emit({"message": message, "file": str(path)})
    else:
        out.print(f"  {escape(str(path))}", soft_wrap=True, highlight=False)
        out.print(f"Read it: regulars campaign preview {message} --offer {escape(name)}", highlight=False)
