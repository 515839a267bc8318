"""From what was asked to what can be proposed: the customer's own orders, the catalogue's items, or what is missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from regulars.errors import InputError
from regulars.support.dialogue.drafts import Asked, Draft
from regulars.support.dialogue.intents import SWAP
from regulars.support.dialogue.parts import Known
from regulars.support.entities.dates import of_day
from regulars.support.entities.options import Wanted, narrowed, options_in
from regulars.support.order.actions import (
    ACTIONS,
    Action,
    Cancel,
    ChangeAddress,
    ChangeDefaultAddress,
    ChangeItems,
    ChangePayment,
    Coupon,
    Exchange,
    OfOrder,
    Refund,
    Return,
    parse,
)
from regulars.support.order.policy import DELIVERED, PENDING, STATES, Policy, RefusedError
from regulars.support.order.things import Address, Customer, Line, Order, Product, Variant

MOST_OFFERED = 12
"""Items in one question."""
_PENDING = re.compile(r"\b(?:pending|open|unshipped|not (?:yet )?shipped)\b|待处理|未发货|还没发货", re.IGNORECASE)
_DELIVERED = re.compile(r"\b(?:delivered|received|arrived|got)\b|已送达|收到", re.IGNORECASE)
_SAME = re.compile(r"\bsame\b|\bidentical\b|同款|同样|一样|相同", re.IGNORECASE)


@dataclass(frozen=True)
class Account:
    """What a dialogue sees: one customer, the orders of that one, and the catalogue."""

    customer: Customer
    orders: tuple[Order, ...]
    find: Callable[[str], Product | None]
    policy: Policy
    today: date
    """Where the shop is."""

    def order(self, order_id: str) -> Order | None:
        """By id."""
        return next((one for one in self.orders if one.order_id == order_id), None)

    def known(self) -> Known:
        """What the customer may speak of."""
        lines = [line for order in self.orders for line in order.lines]
        options: dict[str, set[str]] = {}
        for product in filter(None, map(self.find, {line.product_id for line in lines})):
            for variant in product.variants.values():
                for name, value in variant.options.items():
                    options.setdefault(name, set()).add(value)
        bought = {order.order_id: {line.name for line in order.lines} for order in self.orders}
        return Known(bought, options, self.policy.cancel_reasons)


@dataclass(frozen=True)
class Missing:
    """What has to be asked: the question's name, what its words need, and of which item it is."""

    question: str
    about: dict[str, Any] = field(default_factory=dict)
    item: int = -1


def resolve(draft: Draft, account: Account) -> Action | Missing:
    """What would a draft do, or what has to be asked first? What is found out is written into the draft.

    Raises
    ------
    RefusedError
        If it cannot be done whatever is answered.
    """
    if draft.arguments is not None:
        return parse(draft.intent, draft.arguments)
    kind = ACTIONS.get(draft.intent)
    if kind is not None and not issubclass(kind, OfOrder):
        return _of_customer(draft, account)
    order = _order(draft, account)
    if isinstance(order, Missing):
        return order
    draft.order_id = order.order_id
    return _RULES[draft.intent](draft, order, account)


def spread(drafts: Sequence[Draft], account: Account) -> list[Draft]:
    """A draft for each order, where something is asked of all of them: "cancel all my pending orders"."""
    found: list[Draft] = []
    for draft in drafts:
        able = [order.order_id for order in account.orders if order.status in STATES.get(draft.intent, {})]
        if draft.is_of_all and not draft.order_id and not draft.items and len(able) > 1:
            found += [draft.model_copy(update={"order_id": order_id}, deep=True) for order_id in able]
        else:
            found.append(draft)
    return found


def joined(actions: Sequence[Action]) -> list[Action]:
    """Changes, exchanges and returns of one order in one action: each can be done once."""
    kept: list[Action] = []
    for action in actions:
        if isinstance(action, ChangeItems | Exchange | Return):
            alike = [
                place
                for place, one in enumerate(kept)
                if isinstance(one, type(action))
                and (one.order_id, one.payment_method_id) == (action.order_id, action.payment_method_id)
            ]
            if alike:
                kept[alike[0]] = _both(kept[alike[0]], action)
                continue
        kept.append(action)
    return kept


def _both(first: Any, second: Any) -> Action:
    together = {"item_ids": first.item_ids + second.item_ids}
    if not isinstance(first, Return):
        together["new_item_ids"] = first.new_item_ids + second.new_item_ids
    found: Action = first.model_copy(update=together)
    return found


def _of_customer(draft: Draft, account: Account) -> Action | Missing:
    if draft.intent == Coupon.name:
        return Coupon(amount=Decimal(draft.amount)) if draft.amount else Missing("amount")
    if draft.intent == ChangeDefaultAddress.name:
        if draft.address is None and draft.address_of in ("", "default"):
            return Missing("address")
        return _moved(draft, account)
    return ACTIONS[draft.intent]()


def _order(draft: Draft, account: Account) -> Order | Missing:
    """The order that a draft means: named, or the only one that has these items in a state that allows it."""
    if draft.order_id:
        found = account.order(draft.order_id)
        if found is None:
            raise RefusedError("unknown_order", order_id=draft.order_id)
        return found
    if not account.orders:
        return Missing("no_orders")
    having = of_day(_having(draft.items, account.orders), draft.text, account.today)
    able = [order for order in having if order.status in _states(draft)]
    for words, status in ((_PENDING, PENDING), (_DELIVERED, DELIVERED)):
        if words.search(draft.text):
            able = [order for order in able if order.status == status] or able
    for some in (able, having):
        if len(some) == 1:
            return some[0]
        if some:
            return Missing("order", {"orders": some})
    return Missing("order", {"orders": list(account.orders)})


def _states(draft: Draft) -> Mapping[str, str]:
    if draft.intent == SWAP:
        said = draft.text.casefold()
        if "exchange" in said or "换货" in said:
            return STATES[Exchange.name]
        return {**STATES[ChangeItems.name], **STATES[Exchange.name]}
    return STATES.get(draft.intent, {})


def _having(items: Sequence[Asked], orders: Sequence[Order]) -> list[Order]:
    """The orders that have all the items that are spoken of; of several, those with what the words name of options."""
    having = list(orders)
    for asked in items:
        named = [line for order in having for line in order.lines if line.name in asked.names]
        fitting = {id(line) for line in _fitting(asked, named)}
        counts = [sum(id(line) in fitting for line in order.lines) for order in having]
        fewest = 2 if asked.is_several and max(counts, default=0) > 1 else 1
        having = [order for order, count in zip(having, counts, strict=True) if count >= fewest]
    return having


def _lines(draft: Draft, order: Order) -> list[tuple[int, Line]] | Missing:
    """The lines of an order that a draft means, each with the place of what was asked; of two the same, each once."""
    free = list(order.lines)
    if draft.is_everything or (not draft.items and len(free) == 1):
        draft.items = [Asked(names=(line.name,), old=_as_words(line), item_id=line.item_id) for line in free]
        draft.is_everything = False
        if draft.intent == SWAP and len(free) == 1:
            draft.items[0].new = draft.text
    if not draft.items:
        return Missing("items", {"order": order})
    chosen: list[tuple[int, Line]] = []
    for place, asked in enumerate(draft.items):
        there = [line for line in free if asked.item_id in ("", line.item_id) and line.name in asked.names]
        fitting = _fitting(asked, there)
        if not fitting:
            names = ", ".join(asked.names)
            return Missing("items", {"order": order, "name": names}, place)
        if asked.is_several:
            chosen += [(place, line) for line in fitting]
            free = [line for line in free if line not in fitting]
            continue
        if len({line.item_id for line in fitting}) > 1:
            return Missing("items", {"order": order, "lines": fitting}, place)
        chosen.append((place, fitting[0]))
        free.remove(fitting[0])
    return chosen


def _fitting(asked: Asked, lines: Sequence[Line]) -> list[Line]:
    """Of lines with the right name those whose options the words name, if they name any that tell them apart."""
    if asked.item_id or len({line.item_id for line in lines}) <= 1:
        return list(lines)
    wanted = options_in(asked.old, [_bought(line) for line in lines])
    fits = [line for line in lines if wanted.fits(line.options)]
    return fits or list(lines)


def _cancel(draft: Draft, order: Order, account: Account) -> Action | Missing:
    if not draft.reason:
        return Missing("reason", {"order_id": order.order_id, "reasons": account.policy.cancel_reasons})
    return Cancel(order_id=order.order_id, reason=draft.reason)


def _change_address(draft: Draft, order: Order, account: Account) -> Action | Missing:
    return _moved(draft, account, order_id=order.order_id)


def _change_payment(draft: Draft, order: Order, account: Account) -> Action | Missing:
    way = _way(draft, order, account)
    return way if isinstance(way, Missing) else ChangePayment(order_id=order.order_id, payment_method_id=way)


def _refund(draft: Draft, order: Order, account: Account) -> Action | Missing:
    if not draft.amount:
        return Missing("amount")
    way = _way(draft, order, account)
    if isinstance(way, Missing):
        return way
    return Refund(order_id=order.order_id, amount=Decimal(draft.amount), payment_method_id=way)


def _return(draft: Draft, order: Order, account: Account) -> Action | Missing:
    lines = _lines(draft, order)
    if isinstance(lines, Missing):
        return lines
    way = _way(draft, order, account)
    if isinstance(way, Missing):
        return way
    return Return(order_id=order.order_id, item_ids=tuple(line.item_id for _, line in lines), payment_method_id=way)


def _swap(draft: Draft, order: Order, account: Account) -> Action | Missing:
    lines = _lines(draft, order)
    if isinstance(lines, Missing):
        return lines
    new: list[str] = []
    for place, line in lines:
        found = _variant(draft.items[place], line, place, account)
        if isinstance(found, Missing):
            return found
        new.append(found)
    way = _way(draft, order, account)
    if isinstance(way, Missing):
        return way
    says_exchange = "exchange" in draft.text.casefold() or "换货" in draft.text
    is_exchange = order.status in STATES[Exchange.name] or (
        order.status not in STATES[ChangeItems.name] and says_exchange
    )
    old = tuple(line.item_id for _, line in lines)
    kind = Exchange if is_exchange else ChangeItems
    return kind(order_id=order.order_id, item_ids=old, new_item_ids=tuple(new), payment_method_id=way)


def _variant(asked: Asked, line: Line, place: int, account: Account) -> str | Missing:
    """The item that is wanted in place of a line."""
    if asked.new_item_id:
        return asked.new_item_id
    product = account.find(line.product_id)
    if product is None:
        raise RefusedError("unknown_item", item_id=line.item_id, name=line.name)
    there = [one for one in product.variants.values() if one.is_available]
    bought = _bought(line)
    wanted = _wanted(asked, bought, list(product.variants.values()))
    if wanted is None:
        return Missing("variant", {"name": line.name, "variants": _alike(bought, there)}, place)
    found = narrowed(wanted, bought, there)
    if not found:
        return Missing("none_like", {"name": line.name, "variants": _alike(bought, there)}, place)
    if len(found) > 1:
        return Missing("variant", {"name": line.name, "variants": found[:MOST_OFFERED]}, place)
    return found[0].item_id


def _wanted(asked: Asked, bought: Variant, variants: Sequence[Variant]) -> Wanted | None:
    """What the words want; None if they say nothing of it."""
    if asked.new is not None:
        wanted = options_in(asked.new, variants)
        # "to {}", "for the same one": what is wanted is the same again.
        is_same = not asked.new.strip(" {}'\".,;:!?") or _SAME.search(asked.new) is not None
        return None if wanted.is_empty and not is_same else wanted
    wanted = options_in(asked.old, variants)
    wanted.options = {name: value for name, value in wanted.options.items() if bought.options.get(name) != value}
    wanted.either = [
        (names, value) for names, value in wanted.either if all(bought.options.get(name) != value for name in names)
    ]
    return None if wanted.is_empty else wanted


def _alike(bought: Variant, variants: Sequence[Variant]) -> list[Variant]:
    def kept(one: Variant) -> int:
        return sum(bought.options.get(name) == value for name, value in one.options.items())

    return sorted(variants, key=lambda one: (-kept(one), one.item_id))[:MOST_OFFERED]


def _way(draft: Draft, order: Order, account: Account) -> str | Missing:
    """The payment method that is meant, or the only one that there can be."""
    ways = account.customer.payment_methods
    paid = list(order.paid()) or [one.payment_method_id for one in order.payments[:1]]
    if draft.is_original:
        return paid[0] if paid else Missing("payment", {"order_id": order.order_id, "ways": list(ways.values())})
    ids = draft.payment_ids
    usable = list(ids) if ids else list(ways)
    if draft.intent == ChangePayment.name:
        usable = [name for name in usable if name not in paid] or usable
    if draft.intent in (Return.name, Refund.name):
        usable = [name for name in usable if name in paid or ways[name].is_gift_card] or usable
    if len(usable) == 1 and ids != ():
        return usable[0]
    return Missing(
        "payment" if ids != () else "payment_unknown",
        {"order_id": order.order_id, "ways": [ways[name] for name in usable]},
    )


def _moved(draft: Draft, account: Account, **of: str) -> Action | Missing:
    address = _address(draft, account)
    if isinstance(address, Missing):
        return address
    try:
        return parse(draft.intent, {**of, **address.model_dump()})
    except InputError:
        # Too long, in several lines, or without a street: no address that the shop could send to.
        draft.address, draft.address_of = None, ""
        return Missing("address")


def _address(draft: Draft, account: Account) -> Address | Missing:
    if draft.address is not None:
        return draft.address
    if draft.address_of == "default":
        return account.customer.address
    if draft.address_of:
        source = account.order(draft.address_of)
        if source is None:
            raise RefusedError("unknown_order", order_id=draft.address_of)
        return source.address
    return Missing("address")


def _bought(line: Line) -> Variant:
    return Variant(item_id=line.item_id, options=line.options, price=line.price)


def _as_words(line: Line) -> str:
    return ", ".join(f"{name}: {value}" for name, value in line.options.items())


_RULES: dict[str, Callable[[Draft, Order, Account], Action | Missing]] = {
    Cancel.name: _cancel,
    ChangeAddress.name: _change_address,
    ChangePayment.name: _change_payment,
    Refund.name: _refund,
    Return.name: _return,
    SWAP: _swap,
}
"""Of what is asked of an order."""
