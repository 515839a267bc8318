"""What may be done with an order: the shop's policy as code. Whatever proposes, this decides.

An order is in one of a few states, and each action leads from one state to one other (`STATES`). `outcome` is a pure
function: from an action and the things as they are to the things as they would be, or to a reason why not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from regulars.errors import InputError, RegularsError
from regulars.support.order.actions import (
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
from regulars.support.order.things import CENT, Customer, Line, Order, Payment, PaymentMethod, Product

PENDING, CHANGED, DELIVERED = "pending", "pending (items modified)", "delivered"
CANCELLED, RETURNING, EXCHANGING = "cancelled", "return requested", "exchange requested"

STATES: dict[str, dict[str, str]] = {
    Cancel.name: {PENDING: CANCELLED},
    ChangeAddress.name: {PENDING: PENDING},
    ChangePayment.name: {PENDING: PENDING},
    ChangeItems.name: {PENDING: CHANGED},
    Return.name: {DELIVERED: RETURNING},
    Exchange.name: {DELIVERED: EXCHANGING},
    Refund.name: {DELIVERED: DELIVERED},
}
"""{action: {state before: state after}}. What is not listed cannot be done."""

Find = Callable[[str], Product | None]
"""A product by its id."""


@dataclass(frozen=True)
class Policy:
    """What a shop lets support do.

    Parameters
    ----------
    cancel_reasons : the reasons that a customer may give.
    may_keep_item : whether an item may be changed or exchanged for one that is the same (a broken one for a whole one).
    refund_limit : the most that is given back for one order without a return; 0 is nothing.
    coupon_limit : the largest coupon; 0 is none. A customer gets one in a year.
    hand_over_above : of a change that moves more money, a person decides; None is no bound.
    identify_in_words : whether a conversation may say who the customer is; else only who is signed in is served.
    identify_tries : so often it may try.
    """

    cancel_reasons: tuple[str, ...] = ("no longer needed", "ordered by mistake")
    may_keep_item: bool = True
    refund_limit: Decimal = Decimal(0)
    coupon_limit: Decimal = Decimal(0)
    hand_over_above: Decimal | None = None
    identify_in_words: bool = True
    identify_tries: int = 5


class RefusedError(RegularsError):
    """The policy forbids an action. `reason` is one of `REASONS`; `about` has what its words name."""

    exit_code = 1
    status = 409

    def __init__(self, reason: str, **about: Any) -> None:
        self.reason, self.about = reason, about
        super().__init__(REASONS[reason].format(**about))


REASONS: dict[str, str] = {
    "not_identified": "Who the customer is has to be known first.",
    "sign_in": "Please sign in first; then this can be done.",
    "other_customer": "One conversation is about one customer.",
    "too_many_tries": "Too many tries to say who the customer is; a person has to help.",
    "unknown_order": "There is no order {order_id} on this account.",
    "wrong_state": "Order {order_id} is {status}; that can only be done while it is {needed}.",
    "unknown_reason": 'A cancellation needs one of these reasons: {reasons}. "{given}" is none.',
    "not_in_order": "Order {order_id} does not have item {item_id} so many times.",
    "unequal_lists": "For each item one new item is needed: {old} are given up, {new} are asked for.",
    "unknown_item": "There is no item {item_id} among the items of {name}.",
    "not_available": "Item {item_id} of {name} is not available.",
    "same_item": "Item {item_id} is what the order has already.",
    "unknown_payment": "There is no payment method {payment_method_id} on this account.",
    "same_payment": "Order {order_id} is paid with {payment_method_id} already.",
    "balance_too_low": "Gift card {payment_method_id} has {balance}; {amount} is needed.",
    "refund_elsewhere": "A refund goes to the original payment method of order {order_id}, or to a gift card.",
    "nothing_paid": "Nothing is paid for order {order_id} that could be paid otherwise.",
    "same_address": "Order {order_id} goes to that address already.",
    "over_limit": "{amount} is more than {limit}, the most that can be given without a person.",
    "needs_person": "This moves {amount}; above {limit} a person decides.",
    "not_confirmed": "The customer has not said yes to it.",
    "superseded": "The customer was shown something newer since.",
    "changed_meanwhile": "It has changed since it was looked at.",
    "had_coupon": "The customer had a coupon from support in the last year.",
    "not_undone": "{action} cannot be undone.",
    "not_offered": "The shop does not offer {action} here.",
}
"""Why something is refused, in words."""


@dataclass(frozen=True)
class Change:
    """What an action does: the things as they were found and as they will be.

    `moved` is the money that goes to the customer (below 0: comes from), by payment method; `swaps` are the lines that
    are given up, each with what comes instead.
    """

    action: Action
    before: Order | None
    after: Order | None
    customer_before: Customer
    customer: Customer
    moved: dict[str, Decimal]
    swaps: tuple[tuple[Line, Line], ...] = ()


def outcome(action: Action, customer: Customer, order: Order | None, find: Find, policy: Policy) -> Change:
    """What would an action do, if the customer said yes?

    Parameters
    ----------
    action : what is proposed.
    customer : of the conversation.
    order : the one that the action names; None if there is none.
    find : a product by its id.

    Returns
    -------
    The change; nothing is changed by asking.

    Raises
    ------
    RefusedError
        If the policy forbids it.
    """
    if not isinstance(action, OfOrder):
        found = _of_customer(action, customer, policy)
    else:
        # The same words whether it is another's or nobody's: else one could find out which numbers there are.
        if order is None or order.customer_id != customer.customer_id or order.order_id != action.order_id:
            raise RefusedError("unknown_order", order_id=action.order_id)
        steps = STATES[action.name]
        if order.status not in steps:
            needed = " or ".join(steps)
            raise RefusedError("wrong_state", order_id=order.order_id, status=order.status, needed=needed)
        rule = _RULES[type(action)]
        done = rule(action, customer, order, find, policy)
        after = done.order.model_copy(update={"status": steps[order.status]})
        found = Change(action, order, after, customer, done.customer, done.moved, done.swaps)
    # To several ways at once it is one sum; what one way pays to another is not two.
    back = sum((amount for amount in found.moved.values() if amount > 0), Decimal(0))
    paid = -sum((amount for amount in found.moved.values() if amount < 0), Decimal(0))
    amount = max(back, paid)
    if policy.hand_over_above is not None and amount > policy.hand_over_above:
        raise RefusedError("needs_person", amount=amount, limit=policy.hand_over_above)
    return found


def allowed(order: Order) -> list[str]:
    """The actions that an order's state allows.

    >>> [name for name, steps in STATES.items() if "delivered" in steps]
    ['return', 'exchange', 'refund']
    """
    return [name for name, steps in STATES.items() if order.status in steps]


def inverse(change: Change) -> Action | None:
    """The action that takes a change back, to be proposed and confirmed like any other; None if nothing does.

    A cancelled order stays cancelled, and items are changed once; an address or a payment method can be set back. What
    was paid in several ways cannot be divided again.
    """
    action, order = change.action, change.before
    try:
        if isinstance(action, ChangeAddress) and order is not None:
            return parse(action.name, {"order_id": action.order_id, **order.address.model_dump()})
        if isinstance(action, ChangePayment) and order is not None and len(order.paid()) == 1:
            return parse(action.name, {"order_id": action.order_id, "payment_method_id": next(iter(order.paid()))})
        if isinstance(action, ChangeDefaultAddress):
            return parse(action.name, change.customer_before.address.model_dump())
    except InputError:
        return None  # what the shop had there is nothing that could be asked for: no street, or one of many lines
    return None


@dataclass(frozen=True)
class _Done:
    order: Order
    customer: Customer
    moved: dict[str, Decimal] = field(default_factory=dict)
    swaps: tuple[tuple[Line, Line], ...] = ()


def _cancel(action: Cancel, customer: Customer, order: Order, find: Find, policy: Policy) -> _Done:
    if action.reason not in policy.cancel_reasons:
        raise RefusedError("unknown_reason", reasons=", ".join(policy.cancel_reasons), given=action.reason)
    moved = order.paid()
    refunds = [Payment(kind="refund", amount=amount, payment_method_id=way) for way, amount in moved.items()]
    changed = order.model_copy(update={"cancel_reason": action.reason, "payments": (*order.payments, *refunds)})
    return _Done(changed, _credited(customer, moved), moved)


def _change_address(action: ChangeAddress, customer: Customer, order: Order, find: Find, policy: Policy) -> _Done:
    if action.address == order.address:
        raise RefusedError("same_address", order_id=order.order_id)
    return _Done(order.model_copy(update={"address": action.address}), customer)


def _change_payment(action: ChangePayment, customer: Customer, order: Order, find: Find, policy: Policy) -> _Done:
    way = _way(customer, action.payment_method_id)
    paid = order.paid()
    if not paid:
        raise RefusedError("nothing_paid", order_id=order.order_id)
    if way.id in paid:
        raise RefusedError("same_payment", order_id=order.order_id, payment_method_id=way.id)
    amount = sum(paid.values(), Decimal(0))
    _must_have(way, amount)
    moved = {**paid, way.id: -amount}
    payments = [Payment(kind="payment", amount=amount, payment_method_id=way.id)]
    payments += [Payment(kind="refund", amount=back, payment_method_id=other) for other, back in paid.items()]
    changed = order.model_copy(update={"payments": (*order.payments, *payments)})
    return _Done(changed, _credited(customer, moved), moved)


def _change_items(action: ChangeItems, customer: Customer, order: Order, find: Find, policy: Policy) -> _Done:
    way = _way(customer, action.payment_method_id)
    swaps = _swaps(action.item_ids, action.new_item_ids, order, find, policy)
    difference = _difference(order, swaps)
    moved = _settled(way, difference)
    kind: Literal["payment", "refund"] = "payment" if difference > 0 else "refund"
    payments = [Payment(kind=kind, amount=abs(amount), payment_method_id=way.id) for amount in moved.values()]
    lines = tuple(swaps.get(place, line) for place, line in enumerate(order.lines))
    changed = order.model_copy(update={"lines": lines, "payments": (*order.payments, *payments)})
    return _Done(changed, _credited(customer, moved), moved, _pairs(order, swaps))


def _return(action: Return, customer: Customer, order: Order, find: Find, policy: Policy) -> _Done:
    way = _way(customer, action.payment_method_id)
    if not way.is_gift_card and way.id not in order.paid():
        raise RefusedError("refund_elsewhere", order_id=order.order_id)
    lines = [order.lines[place] for place in _places(action.item_ids, order)]
    # The money moves when the goods are back: it is announced here, and not yet on the gift card.
    moved = {way.id: sum((line.price for line in lines), Decimal(0))}
    if order.payments:
        # What was given back before is not given back again with the goods.
        moved[way.id] = min(moved[way.id], sum(order.paid().values(), Decimal(0)))
    changed = order.model_copy(update={"return_item_ids": tuple(sorted(action.item_ids)), "settled_with": way.id})
    return _Done(changed, customer, moved)


def _exchange(action: Exchange, customer: Customer, order: Order, find: Find, policy: Policy) -> _Done:
    way = _way(customer, action.payment_method_id)
    swaps = _swaps(action.item_ids, action.new_item_ids, order, find, policy)
    difference = _difference(order, swaps)
    moved = _settled(way, difference)
    changed = order.model_copy(
        update={
            "exchange_item_ids": tuple(sorted(action.item_ids)),
            "exchange_new_item_ids": tuple(sorted(action.new_item_ids)),
            "settled_with": way.id,
            "price_difference": difference,
        }
    )
    return _Done(changed, customer, moved, _pairs(order, swaps))


def _refund(action: Refund, customer: Customer, order: Order, find: Find, policy: Policy) -> _Done:
    way = _way(customer, action.payment_method_id)
    paid = order.paid()
    if not way.is_gift_card and way.id not in paid:
        raise RefusedError("refund_elsewhere", order_id=order.order_id)
    refunds = sum((one.amount for one in order.payments if one.kind == "refund"), Decimal(0))
    # A refund that was paid again in another way, or of an item that costs less, has given nothing.
    given = min(refunds, max(order.total - sum(paid.values(), Decimal(0)), Decimal(0)))
    # The limit is of the order, not of the message: else it could be asked for again and again.
    limit = min(policy.refund_limit - given, sum(paid.values(), Decimal(0)))
    _within(action.amount, max(limit, Decimal(0)), action)
    moved = {way.id: action.amount}
    payment = Payment(kind="refund", amount=action.amount, payment_method_id=way.id)
    changed = order.model_copy(update={"payments": (*order.payments, payment)})
    return _Done(changed, _credited(customer, moved), moved)


_RULES: dict[type[Action], Callable[[Any, Customer, Order, Find, Policy], _Done]] = {
    Cancel: _cancel,
    ChangeAddress: _change_address,
    ChangePayment: _change_payment,
    ChangeItems: _change_items,
    Return: _return,
    Exchange: _exchange,
    Refund: _refund,
}


def _of_customer(action: Action, customer: Customer, policy: Policy) -> Change:
    after, moved = customer, {}
    if isinstance(action, ChangeDefaultAddress):
        after = customer.model_copy(update={"address": action.address})
    if isinstance(action, Coupon):
        _within(action.amount, policy.coupon_limit, action)
        moved = {"coupon": action.amount}
    return Change(action, None, None, customer, after, moved)


def _within(amount: Decimal, limit: Decimal, action: Action) -> None:
    if limit <= 0:
        raise RefusedError("not_offered", action=action.name)
    if not 0 < amount <= limit:
        raise RefusedError("over_limit", amount=amount, limit=limit)


def _way(customer: Customer, payment_method_id: str) -> PaymentMethod:
    way = customer.payment_methods.get(payment_method_id)
    if way is None:
        raise RefusedError("unknown_payment", payment_method_id=payment_method_id)
    return way


def _must_have(way: PaymentMethod, amount: Decimal) -> None:
    balance = way.balance or Decimal(0)
    if way.is_gift_card and balance < amount:
        raise RefusedError("balance_too_low", payment_method_id=way.id, balance=balance, amount=amount)


def _settled(way: PaymentMethod, difference: Decimal) -> dict[str, Decimal]:
    _must_have(way, difference)
    return {way.id: -difference} if difference else {}


def _credited(customer: Customer, moved: Mapping[str, Decimal]) -> Customer:
    """The customer with what goes on gift cards on them, at once; banks take their days, and tell nobody here."""
    ways = dict(customer.payment_methods)
    for name, amount in moved.items():
        way = ways.get(name)
        if way is not None and way.is_gift_card:
            balance = ((way.balance or Decimal(0)) + amount).quantize(CENT)
            ways[name] = way.model_copy(update={"balance": balance})
    return customer.model_copy(update={"payment_methods": ways})


def _places(item_ids: tuple[str, ...], order: Order) -> list[int]:
    """Where in the order each item lies; of two that are the same, each once."""
    there: dict[str, list[int]] = {}
    for place, line in enumerate(order.lines):
        there.setdefault(line.item_id, []).append(place)
    for item_id, count in Counter(item_ids).items():
        if count > len(there.get(item_id, [])):
            raise RefusedError("not_in_order", order_id=order.order_id, item_id=item_id)
    return [there[item_id].pop(0) for item_id in item_ids]


def _swaps(old: tuple[str, ...], new: tuple[str, ...], order: Order, find: Find, policy: Policy) -> dict[int, Line]:
    """What comes in place of which lines of an order, by place, at today's prices."""
    if len(old) != len(new):
        raise RefusedError("unequal_lists", old=len(old), new=len(new))
    swaps: dict[int, Line] = {}
    for place, item_id in zip(_places(old, order), new, strict=True):
        line = order.lines[place]
        product = find(line.product_id)
        variant = None if product is None else product.variants.get(item_id)
        if variant is None:
            raise RefusedError("unknown_item", item_id=item_id, name=line.name)
        if not variant.is_available:
            raise RefusedError("not_available", item_id=item_id, name=line.name)
        if item_id == line.item_id and not policy.may_keep_item:
            raise RefusedError("same_item", item_id=item_id)
        swaps[place] = line.model_copy(update={"item_id": item_id, "price": variant.price, "options": variant.options})
    return swaps


def _difference(order: Order, swaps: Mapping[int, Line]) -> Decimal:
    return sum((line.price - order.lines[place].price for place, line in swaps.items()), Decimal(0))


def _pairs(order: Order, swaps: Mapping[int, Line]) -> tuple[tuple[Line, Line], ...]:
    return tuple((order.lines[place], line) for place, line in swaps.items())
