"""What is asked of a customer and told of an order, in words and in what is offered."""

from __future__ import annotations

from regulars.support.dialogue.drafts import Draft
from regulars.support.dialogue.phrases import asked
from regulars.support.dialogue.resolve import Account, Missing
from regulars.support.entities.dates import of_day
from regulars.support.order.policy import RefusedError
from regulars.support.order.things import Order, described
from regulars.support.order.wording import money, way_shown, word


def question(missing: Missing, language: str) -> tuple[str, list[str]]:
    """A question in the customer's language, and the ids of what it offers, in that order."""
    about, listed = dict(missing.about), list[str]()
    zh = language == "zh"
    between = "；" if zh else "; "
    if "orders" in about:
        listed = [order.order_id for order in about["orders"]]
        about["orders"] = between.join(order_shown(order, language) for order in about["orders"])
    if "reasons" in about:
        listed = list(about["reasons"])
        about["reasons"] = "、".join(word(one, "zh") for one in listed) if zh else " or ".join(listed)
    if "ways" in about:
        listed = [way.id for way in about["ways"]]
        about["ways"] = between.join(way_shown(way, language) for way in about["ways"])
    if "variants" in about:
        listed = [one.item_id for one in about["variants"]]
        about["variants"] = between.join(
            f"{place}. {described('', one.options).strip(' ()')}, {money(one.price)}"
            for place, one in enumerate(about["variants"], 1)
        )
    if "order" in about:
        order: Order = about.pop("order")
        lines = about.pop("lines", order.lines)
        listed = [line.item_id for line in lines]
        about["order_id"] = order.order_id
        about["items"] = between.join(f"{place}. {line.shown()}" for place, line in enumerate(lines, 1))
    return asked(missing.question, language, **about), listed


def status_of(draft: Draft, account: Account, language: str) -> str | Missing:
    """Where an order stands; without a number, of the only one that it can be.

    Raises
    ------
    RefusedError
        `unknown_order`, if the customer has none of that number.
    """
    orders = [one for one in account.orders if draft.order_id in ("", one.order_id)]
    names = {name for one in draft.items for name in one.names}
    orders = [one for one in orders if not names or any(line.name in names for line in one.lines)]
    orders = of_day(orders, draft.text, account.today)
    if draft.order_id and not orders:
        raise RefusedError("unknown_order", order_id=draft.order_id)
    if not orders:
        return Missing("no_orders")
    if len(orders) > 1:
        return Missing("order", {"orders": orders})
    order = orders[0]
    draft.order_id = order.order_id
    about = {"order_id": order.order_id, "status": word(order.status, language)}
    tracking = ", ".join(order.tracking)
    items = "; ".join(line.shown() for line in order.lines)
    key = "status_tracked" if tracking else "status"
    return asked(key, language, **about, items=items, total=money(order.total), tracking=tracking)


def order_shown(order: Order, language: str) -> str:
    """An order in one line: number, state, items.

    >>> from regulars.support.order.things import Address, Line
    >>> lines = (Line(item_id="1", product_id="2", name="Desk Lamp", price=10),)
    >>> order_shown(Order(order_id="#W1", customer_id="ada", status="pending", address=Address(address1="x"), lines=lines), "en")
    '#W1 (pending: Desk Lamp)'
    """  # noqa: E501 one call
    names = ", ".join(line.name for line in order.lines)
    state = word(order.status, language)
    if order.ordered_on is not None:
        state = f"{state}，{order.ordered_on}" if language == "zh" else f"{state}, {order.ordered_on}"
    return f"{order.order_id}（{state}：{names}）" if language == "zh" else f"{order.order_id} ({state}: {names})"
