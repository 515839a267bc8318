"""The commands of support: a conversation, the queue of people, and what both work on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from regulars.cli.common import Json, ShopFolder, emit, out

if TYPE_CHECKING:
    from regulars.shop import Shop
    from regulars.support.dialogue import Reply

commands = typer.Typer(
    name="support",
    help="What customers ask, what is done about it, and who goes on where a person is needed.",
    no_args_is_help=True,
)

Number = Annotated[int, typer.Argument(metavar="NUMBER", help="Of the hand-over, as the queue shows it.")]
Person = Annotated[str, typer.Option("--as", metavar="NAME", help="Who answers.", envvar="REGULARS_AGENT")]


@commands.command(epilog="Example: regulars support load --customers users.json --orders orders.json --shop myshop")
def load(
    shop: ShopFolder = Path(),
    customers: Annotated[Path | None, typer.Option(metavar="FILE", help="Customers, JSON.")] = None,
    orders: Annotated[Path | None, typer.Option(metavar="FILE", help="Orders, JSON.")] = None,
    products: Annotated[Path | None, typer.Option(metavar="FILE", help="Products with their items, JSON.")] = None,
    as_json: Json = False,
) -> None:
    """Put customers, orders and products where support finds them, in place of those with the same id."""
    from regulars.shop import Shop
    from regulars.support import OwnTables
    from regulars.support.order import Customer, Order, Product
    from regulars.support.order.reading import read_things

    found_customers = list(read_things(customers, Customer, "customer_id")) if customers else []
    found_orders = list(read_things(orders, Order, "order_id")) if orders else []
    found_products = list(read_things(products, Product, "product_id")) if products else []
    OwnTables(Shop.open(shop).state).load(found_customers, found_orders, found_products)
    counts = {"customers": len(found_customers), "orders": len(found_orders), "products": len(found_products)}
    if as_json:
        emit(counts)
    else:
        said = ", ".join(f"{count:,} {name}" for name, count in counts.items())
        out.print(f"Loaded {said}. Try: regulars support chat --as CUSTOMER", highlight=False)


@commands.command(epilog='Example: regulars support chat --as ada --say "Where is my order?" --shop myshop')
def chat(
    shop: ShopFolder = Path(),
    customer: Annotated[
        str | None,
        typer.Option("--as", metavar="CUSTOMER", help="Who is signed in. Default: nobody; the chat asks who it is."),
    ] = None,
    say: Annotated[
        list[str] | None,
        typer.Option("--say", metavar="TEXT", help="Say this, and stop; may be given again. Default: what is typed."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Talk to support as a customer does."""
    from regulars.shop import Shop
    from regulars.support import assistant, deliver

    door = Shop.open(shop)
    talk = assistant(door)
    conversation = talk.open(customer)
    replies: list[Reply] = []
    for message in say or _typed():
        replies.append(talk.say(conversation, message))
        if not as_json:
            out.print(escape(replies[-1].text), highlight=False)
        if replies[-1].action == "end" and say is None and len(replies) > 1 and replies[-2].action == "end":
            break
    deliver(door.state, door)
    if as_json:
        emit({"conversation": conversation, "replies": [{"text": one.text, **one.mark} for one in replies]})


def _typed() -> list[str] | map[str]:
    """Lines as they are typed, to the end of input."""
    return map(str.rstrip, iter(sys.stdin.readline, ""))


@commands.command("queue", epilog="Example: regulars support queue --shop myshop")
def queue_(shop: ShopFolder = Path(), as_json: Json = False) -> None:
    """Who waits for a person, in the order in which they are to be taken."""
    from regulars.support.handover import waiting

    found = waiting(_open(shop).state)
    if as_json:
        emit([vars(one) for one in found])
        return
    if not found:
        out.print("Nobody waits.")
        return
    table = Table("Number", "Since", "Customer", "Language", "Why", "Asked")
    for one in found:
        cells = (f"{one.opened_at:%Y-%m-%d %H:%M}", one.customer_id or "unknown", one.language, one.reason, one.summary)
        table.add_row(str(one.id), *map(escape, cells))
    out.print(table)


@commands.command(epilog="Example: regulars support take --as mei --shop myshop")
def take(
    person: Person,
    shop: ShopFolder = Path(),
    number: Annotated[int | None, typer.Option(help="Which one. Default: the next.")] = None,
    as_json: Json = False,
) -> None:
    """Take a conversation over: what was said, the facts, and answers that were sent in such cases before."""
    from regulars.support import handover
    from regulars.support.assistant import answers_like, nearest_texts

    door = _open(shop)
    state = door.state
    found = handover.take(state, person, number)
    if found is None:
        emit(None) if as_json else out.print("Nobody waits.")
        return
    said = handover.transcript(state, found.conversation)
    suggestions, texts = answers_like(door, found), nearest_texts(door, found.asked)
    if as_json:
        told = [{"citation": one.citation, "text": one.text} for one in texts]
        emit({**vars(found), "transcript": said, "suggestions": [vars(one) for one in suggestions], "texts": told})
        return
    out.print(f"[bold]{found.id}[/], {escape(found.customer_id or 'unknown')}: {found.reason}", highlight=False)
    for at, who, text in said:
        out.print(f"  {at:%H:%M} {escape(who)}: {escape(text)}", highlight=False)
    for order_id, actions in found.facts.get("next_actions", {}).items():
        out.print(f"  {escape(order_id)}: {', '.join(actions) or 'nothing'} possible", highlight=False)
    for one in suggestions or []:
        out.print(f"  Sent before ({one.likeness:.2f}): {escape(one.text)}", highlight=False)
    for near in texts:
        out.print(f"  {escape(near.citation)}: {escape(near.text[:200])}", highlight=False)
    out.print(f"  To begin with: {escape(found.proposed)}", highlight=False)
    out.print(f'Answer: regulars support answer {found.id} "..." --as {escape(repr(person))}', highlight=False)


@commands.command(epilog='Example: regulars support answer 1 "It leaves today." --as mei --shop myshop')
def answer(
    number: Number,
    text: Annotated[str, typer.Argument(help="1 to 4,000 characters.")],
    person: Person,
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """Answer a customer whose conversation you hold."""
    from regulars.support import deliver
    from regulars.support.handover import send

    door = _open(shop)
    send(door.state, person, number, text)
    deliver(door.state, door)
    emit({"number": number}) if as_json else out.print("Sent.")


@commands.command(epilog="Example: regulars support leave 1 --as mei --shop myshop")
def leave(
    number: Number,
    person: Person,
    shop: ShopFolder = Path(),
    end: Annotated[
        bool, typer.Option("--end", help="End the conversation. Default: give it back to the assistant.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Give a conversation back to the assistant, or end it."""
    from regulars.support.handover import close, give_back

    (close if end else give_back)(_open(shop).state, person, number)
    said = "closed" if end else "returned"
    emit({"number": number, "status": said}) if as_json else out.print(f"{number} is {said}.", highlight=False)


def _open(shop: Path) -> Shop:
    from regulars.shop import Shop

    return Shop.open(shop)
