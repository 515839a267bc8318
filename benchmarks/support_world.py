"""The retail support world of tau-bench, and its policy written down a second time, apart from the product's code.

`Reference` works on the plain JSON of the world and follows policy.md line by line; it shares nothing with
`regulars.support`, so that a mistake in one of them shows.
"""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

WORLD = Path(__file__).resolve().parents[2] / "shared" / "data" / "retail_support"

Plain = dict[str, Any]
OUR_NAMES = {
    "cancel_pending_order": "cancel",
    "modify_pending_order_address": "change_address",
    "modify_pending_order_payment": "change_payment",
    "modify_pending_order_items": "change_items",
    "return_delivered_order_items": "return",
    "exchange_delivered_order_items": "exchange",
}
"""What policy.md calls them, and what we do."""


def load(name: str) -> Any:
    """One file of the world."""
    return json.loads((WORLD / name).read_text("utf-8"))


class Forbidden(Exception):
    """The policy says no."""


def must(holds: bool, rule: str) -> None:
    """Forbidden if a rule does not hold."""
    if not holds:
        raise Forbidden(rule)


class Reference:
    """The world's state, and what policy.md does to it. Money in whole cents."""

    def __init__(self, users: Plain, orders: Plain, products: Plain) -> None:
        self.users, self.orders, self.products = copy.deepcopy(users), copy.deepcopy(orders), products

    def act(self, user_id: str, name: str, arguments: Plain) -> None:
        """One action of a user who has confirmed it."""
        order = self.orders.get(arguments["order_id"])
        must(order is not None and order["user_id"] == user_id, "only the user's own orders")
        getattr(self, f"_{name}")(self.users[user_id], order, arguments)

    def _cancel_pending_order(self, user: Plain, order: Plain, said: Plain) -> None:
        must(order["status"] == "pending", "only pending orders are cancelled")
        must(said["reason"] in ("no longer needed", "ordered by mistake"), "one of two reasons")
        for way, cents in self._paid(order).items():
            order["payment_history"].append(_entry("refund", cents, way))
            self._put_on(user, way, cents)
        order["status"] = "cancelled"

    def _modify_pending_order_address(self, user: Plain, order: Plain, said: Plain) -> None:
        must(order["status"] == "pending", "only pending orders are modified")
        order["address"] = {
            name: said.get(name, "") for name in ("address1", "address2", "city", "state", "country", "zip")
        }

    def _modify_pending_order_payment(self, user: Plain, order: Plain, said: Plain) -> None:
        must(order["status"] == "pending", "only pending orders are modified")
        way, paid = said["payment_method_id"], self._paid(order)
        must(way in user["payment_methods"], "a payment method of the user")
        must(way not in paid, "another than the original one")
        total = sum(paid.values())
        self._take_from(user, way, total)
        order["payment_history"].append(_entry("payment", total, way))
        for old, cents in paid.items():
            order["payment_history"].append(_entry("refund", cents, old))
            self._put_on(user, old, cents)

    def _modify_pending_order_items(self, user: Plain, order: Plain, said: Plain) -> None:
        must(order["status"] == "pending", "only pending orders are modified")
        swaps = self._swaps(order, said)
        difference = sum(_cents(new["price"]) - _cents(old["price"]) for old, new in swaps)
        way = said["payment_method_id"]
        must(way in user["payment_methods"], "a payment method of the user")
        if difference > 0:
            self._take_from(user, way, difference)
        elif difference < 0:
            self._put_on(user, way, -difference)
        if difference:
            order["payment_history"].append(_entry("payment" if difference > 0 else "refund", abs(difference), way))
        for old, new in swaps:
            old.update(item_id=new["item_id"], price=new["price"], options=new["options"])
        order["status"] = "pending (items modified)"

    def _return_delivered_order_items(self, user: Plain, order: Plain, said: Plain) -> None:
        must(order["status"] == "delivered", "only delivered orders are returned")
        self._picked(order, said["item_ids"])
        way = said["payment_method_id"]
        must(way in user["payment_methods"], "a payment method of the user")
        is_gift = user["payment_methods"][way]["source"] == "gift_card"
        must(is_gift or way in self._paid(order), "the original payment method or a gift card")
        order.update(status="return requested", return_items=sorted(said["item_ids"]), settled_with=way)

    def _exchange_delivered_order_items(self, user: Plain, order: Plain, said: Plain) -> None:
        must(order["status"] == "delivered", "only delivered orders are exchanged")
        swaps = self._swaps(order, said)
        difference = sum(_cents(new["price"]) - _cents(old["price"]) for old, new in swaps)
        way = said["payment_method_id"]
        must(way in user["payment_methods"], "a payment method of the user")
        must(difference <= self._balance(user, way), "a gift card must cover the difference")
        order.update(
            status="exchange requested", exchange_items=sorted(said["item_ids"]),
            exchange_new_items=sorted(said["new_item_ids"]), settled_with=way, difference=difference,
        )  # fmt: skip

    def _picked(self, order: Plain, item_ids: list[str]) -> list[Plain]:
        must(len(item_ids) > 0, "items are named")
        free, picked = list(order["items"]), []
        for item_id in item_ids:
            found = next((line for line in free if line["item_id"] == item_id), None)
            must(found is not None, "items of the order")
            free = [line for line in free if line is not found]
            picked.append(found)
        return picked

    def _swaps(self, order: Plain, said: Plain) -> list[tuple[Plain, Plain]]:
        must(len(said["item_ids"]) == len(said["new_item_ids"]), "a new item for each")
        swaps = []
        for line, item_id in zip(self._picked(order, said["item_ids"]), said["new_item_ids"], strict=True):
            variants = self.products[line["product_id"]]["variants"]
            must(item_id in variants, "an item of the same product")
            must(variants[item_id]["available"], "an available item")
            swaps.append((line, variants[item_id]))
        return swaps

    def _paid(self, order: Plain) -> dict[str, int]:
        paid: dict[str, int] = {}
        for entry in order["payment_history"]:
            sign = 1 if entry["transaction_type"] == "payment" else -1
            paid[entry["payment_method_id"]] = paid.get(entry["payment_method_id"], 0) + sign * _cents(entry["amount"])
        return {way: cents for way, cents in paid.items() if cents > 0}

    def _balance(self, user: Plain, way: str) -> int:
        method = user["payment_methods"][way]
        return _cents(method["balance"]) if method["source"] == "gift_card" else 10**12

    def _take_from(self, user: Plain, way: str, cents: int) -> None:
        must(way in user["payment_methods"], "a payment method of the user")
        must(cents <= self._balance(user, way), "a gift card must cover the amount")
        self._put_on(user, way, -cents)

    def _put_on(self, user: Plain, way: str, cents: int) -> None:
        method = user["payment_methods"].get(way)
        if method is not None and method["source"] == "gift_card":
            method["balance"] = (_cents(method["balance"]) + cents) / 100


def seen_of_reference(world: Reference, user_id: str) -> Plain:
    """A user's things as they stand in the reference, in a form to compare."""
    orders = {
        order_id: {
            "status": order["status"],
            "items": [[line["item_id"], _cents(line["price"]), line["options"]] for line in order["items"]],
            "address": {name: value for name, value in order["address"].items() if value},
            "payments": [
                [entry["transaction_type"], _cents(entry["amount"]), entry["payment_method_id"]]
                for entry in order["payment_history"]
            ],
            "returned": order.get("return_items", []),
            "exchanged": [order.get("exchange_items", []), order.get("exchange_new_items", [])],
            "settled": order.get("settled_with", ""),
            "difference": order.get("difference", 0),
        }
        for order_id, order in world.orders.items()
        if order["user_id"] == user_id
    }
    methods = world.users[user_id]["payment_methods"]
    gifts = {way: _cents(one["balance"]) for way, one in methods.items() if one["source"] == "gift_card"}
    return {"orders": orders, "gift cards": gifts}


def seen_of_ours(backend: Any, user_id: str) -> Plain:
    """The same of ours."""
    orders = {
        order.order_id: {
            "status": order.status,
            "items": [[line.item_id, _cents(line.price), line.options] for line in order.lines],
            "address": {name: value for name, value in order.address.model_dump().items() if value},
            "payments": [[entry.kind, _cents(entry.amount), entry.payment_method_id] for entry in order.payments],
            "returned": list(order.return_item_ids),
            "exchanged": [list(order.exchange_item_ids), list(order.exchange_new_item_ids)],
            "settled": order.settled_with,
            "difference": _cents(order.price_difference),
        }
        for order in backend.orders_of(user_id)
    }
    methods = backend.customer(user_id).payment_methods
    return {
        "orders": orders,
        "gift cards": {way: _cents(one.balance) for way, one in methods.items() if one.is_gift_card},
    }


def identity_of(instruction: str) -> str:
    """What a task's customer says of who it is."""
    found = re.match(r"Your (name is .*?) and your (.*?)\. You are", instruction)
    assert found is not None
    return f"My {found[1]} and my {found[2]}."


def request_of(instruction: str) -> str:
    """What a task's customer asks for, word for word."""
    found = re.match(r"Your name is .*? and your .*?\. You are .*?\. (.*)", instruction, re.DOTALL)
    assert found is not None
    return found[1].strip()


def _cents(amount: Any) -> int:
    return round(float(amount) * 100)


def _entry(kind: str, cents: int, way: str) -> Plain:
    return {"transaction_type": kind, "amount": cents / 100, "payment_method_id": way}
