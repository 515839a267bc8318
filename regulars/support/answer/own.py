"""Questions about what a customer has bought: answered from that customer's own orders, and no others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from regulars.support.answer.grounded import Answered, Said, Source
from regulars.support.entities.dates import of_day
from regulars.support.entities.order_numbers import order_numbers
from regulars.support.entities.product_names import products_named
from regulars.support.order.things import Customer, Line, Order
from regulars.support.order.wording import money, way_shown

MOST = 5
"""Orders that an answer tells of."""
_PAID = re.compile(
    r"\b(?:how much|what) did (?:i|we) pay|\bdid i pay for|\bprice i paid|付了多少|花了多少", re.IGNORECASE
)
_HOW = re.compile(r"\b(?:which|what) (?:card|payment method)|\bhow did i pay|用什么付|哪张卡|怎么付的款", re.IGNORECASE)
_BOUGHT = re.compile(
    r"\bwhat (?:did|have) i (?:buy|bought|order)|\b(?:which|what) \w+(?: \w+)? did i (?:buy|order|get)"
    r"|\bmy (?:last|past|previous|recent|old) (?:orders?|purchases?)|\bi (?:bought|ordered) (?:before|last)"
    r"|我.{0,4}买过|买的是什么|买的是哪|订过什么|以前的订单|上次买|最近的订单",
    re.IGNORECASE,
)
_ELSE = re.compile(
    r"\b(?:status|where|when|track\w*|ship\w*|deliver\w*|arriv\w*|return\w*|refund\w*|exchang\w*|cancel\w*|chang\w*)\b"
    r"|状态|物流|到哪|发货|什么时候|退|换|取消|修改|更改",
    re.IGNORECASE,
)
"""Where an order is, or how it is returned, is another question than what was bought."""


def of_own_orders(
    question: str, customer: Customer, orders: Sequence[Order], language: str, today: date
) -> Answered | None:
    """What a customer's own orders say to a question; None for one of something else.

    Parameters
    ----------
    orders : of this customer.
    language : "zh", or English for all others.
    today : where the shop is.
    """
    kinds = [kind for kind in (_PAID, _HOW, _BOUGHT) if kind.search(question)]
    if not kinds or not orders:
        return None
    if kinds == [_BOUGHT] and _ELSE.search(question):
        return None
    picked = _picked(question, orders, today)
    if not picked:
        return None
    zh = language == "zh"
    said, sources = list[Said](), list[Source]()
    for order, lines in picked[:MOST]:
        if _PAID in kinds:
            total = sum((line.price for line in lines), Decimal(0))
            names = _names(lines, zh=zh)
            text = f"{names}：您付了 {money(total)}。" if zh else f"You paid {money(total)} for {names}."
        elif _HOW in kinds:
            ways = [_way(customer, name, language) for name in order.paid()]
            if not ways:
                continue
            text = (
                f"订单 {order.order_id} 的付款方式：{'、'.join(ways)}。"
                if zh
                else f"You paid order {order.order_id} with {' and '.join(ways)}."
            )
        else:
            names = _names(lines, zh=zh)
            text = f"订单 {order.order_id}：{names}。" if zh else f"Order {order.order_id}: {names}."
        said.append(Said(text, (len(sources),)))
        sources.append(Source(f"order {order.order_id}", _told(order), language))
    return Answered(True, tuple(said), tuple(sources), 1.0, "orders") if said else None


def _picked(question: str, orders: Sequence[Order], today: date) -> list[tuple[Order, Sequence[Line]]]:
    """The orders and lines that a question is about: named by number, by product, else all, the last first."""
    numbers = order_numbers(question, [order.order_id for order in orders])
    if numbers:
        named = {one.order_id for one in numbers if one.is_known}
        orders = [order for order in orders if order.order_id in named]
    names = {
        name
        for one in products_named(question, {line.name for order in orders for line in order.lines})
        for name in one.names
    }
    orders = of_day(orders, question, today)
    latest = sorted(orders, key=lambda order: (order.ordered_on or date.min, order.order_id), reverse=True)
    if not names:
        return [(order, order.lines) for order in latest]
    lines = [(order, [line for line in order.lines if line.name in names]) for order in latest]
    return [(order, some) for order, some in lines if some]


def _names(lines: Sequence[Line], *, zh: bool) -> str:
    return ("；" if zh else "; ").join(line.shown() for line in lines)


def _way(customer: Customer, name: str, language: str) -> str:
    way = customer.payment_methods.get(name)
    return name if way is None else way_shown(way, language)


def _told(order: Order) -> str:
    lines = "; ".join(f"{line.shown()} {money(line.price)}" for line in order.lines)
    return f"{order.order_id}, {order.status}: {lines}"
