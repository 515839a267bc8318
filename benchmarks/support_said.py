"""The retail world's tasks in other words: sentences as customers write them, by chance, English and Chinese.

Written before the dialogue was run on them, by who wrote the dialogue: so they say that it does not live on the braces
of the task file, and no more.
"""

from __future__ import annotations

import random
from typing import Any

Plain = dict[str, Any]


def said_otherwise(task: Plain, orders: Plain, products: Plain, language: str) -> Plain:
    """A task with its request in sentences, as `said`."""
    rng = random.Random(task["instruction"])
    make = _english if language == "en" else _chinese
    said = [make(action, orders, products, rng) for action in task["actions"]]
    if language == "en":
        opening = rng.choice(["Hi, ", "Hello! ", "", "Good morning. "])
        task["said"] = opening + rng.choice([". ", ". Also, ", ". Then "]).join(said) + "."
    else:
        task["said"] = (
            rng.choice(["你好，", "您好！", ""]) + rng.choice(["。另外，", "。", "；还有，"]).join(said) + "。"
        )
    return task


def _english(action: Plain, orders: Plain, products: Plain, rng: random.Random) -> str:
    said, order = action["arguments"], orders[action["arguments"]["order_id"]]
    number = said["order_id"] if rng.random() < 0.7 else said["order_id"].lstrip("#")
    want = rng.choice(["I want to", "I'd like to", "please", "can you"])
    way = _way(said.get("payment_method_id", ""))
    match action["name"]:
        case "cancel_pending_order":
            why = {
                "no longer needed": ["I no longer need it", "I don't need it anymore", "it is no longer needed"],
                "ordered by mistake": ["I ordered it by mistake", "it was ordered by accident", "that was a mistake"],
            }[said["reason"]]
            return f"{want} cancel order {number}, {rng.choice(why)}"
        case "modify_pending_order_address":
            place = f"{said['address1']}, {said['address2']}, {said['city']}, {said['state']} {said['zip']}, {said['country']}"
            return f"{want} {rng.choice(['change the address of order', 'ship order'])} {number} to {place}"
        case "modify_pending_order_payment":
            return f"{want} pay for order {number} with {way}"
        case "return_delivered_order_items":
            lines = [_line(order, item_id, orders, rng) for item_id in said["item_ids"]]
            verb = rng.choice(["return", "send back"])
            return f"{want} {verb} {_listed(lines)} from order {number} and get the refund on {way}"
        case _:
            verb = "exchange" if action["name"].startswith("exchange") else rng.choice(["change", "modify", "swap"])
            swaps = []
            for item_id, new_id in zip(said["item_ids"], said["new_item_ids"], strict=True):
                old = next(line for line in order["items"] if line["item_id"] == item_id)
                new = products[old["product_id"]]["variants"][new_id]["options"]
                changed = {name: value for name, value in new.items() if old["options"].get(name) != value}
                wish = " and ".join(f"{name} {value}" for name, value in changed.items())
                one = f"one with {wish}" if wish else "the same one"
                swaps.append(f"{_line(order, item_id, orders, rng)} for {one}")
            return f"in order {number} {want} {verb} {'; '.join(swaps)}, and use {way}"


def _chinese(action: Plain, orders: Plain, products: Plain, rng: random.Random) -> str:
    said, order = action["arguments"], orders[action["arguments"]["order_id"]]
    number, want = said["order_id"], rng.choice(["我想", "请", "麻烦"])
    way = said.get("payment_method_id", "")
    match action["name"]:
        case "cancel_pending_order":
            why = {"no longer needed": ["不再需要了", "不想要了"], "ordered by mistake": ["下错单了", "是误下单"]}[
                said["reason"]
            ]
            return f"{want}取消订单 {number}，{rng.choice(why)}"
        case "modify_pending_order_address":
            place = f"{said['address1']}, {said['address2']}, {said['city']}, {said['state']} {said['zip']}, {said['country']}"
            return f"{want}把订单 {number} 的地址改成 {place}"
        case "modify_pending_order_payment":
            return f"订单 {number} {want}改用 {way} 支付"
        case "return_delivered_order_items":
            lines = [_line(order, item_id, orders, rng, english=False) for item_id in said["item_ids"]]
            return f"{want}把订单 {number} 的 {'、'.join(lines)} 退货，退到 {way}"
        case _:
            swaps = []
            for item_id, new_id in zip(said["item_ids"], said["new_item_ids"], strict=True):
                old = next(line for line in order["items"] if line["item_id"] == item_id)
                new = products[old["product_id"]]["variants"][new_id]["options"]
                changed = {name: value for name, value in new.items() if old["options"].get(name) != value}
                wish = "、".join(f"{name} {value}" for name, value in changed.items()) or "同款"
                swaps.append(f"{_line(order, item_id, orders, rng, english=False)} 换成 {wish}")
            return f"{want}把订单 {number} 的 {'；'.join(swaps)}，差价用 {way}"


def _way(name: str) -> str:
    return {"paypal": "my PayPal account", "gift_card": "my gift card"}.get(name.rsplit("_", 1)[0], name)


def _line(order: Plain, item_id: str, orders: Plain, rng: random.Random, *, english: bool = True) -> str:
    """An item by its name; with its options where the order has another of that name."""
    line = next(one for one in order["items"] if one["item_id"] == item_id)
    name = line["name"]
    if sum(one["name"] == name for one in order["items"]) > 1:
        name = f"{name} with {' and '.join(f'{option} {value}' for option, value in line['options'].items())}" if english else (
            f"{name}（{'、'.join(f'{option} {value}' for option, value in line['options'].items())}）"
        )  # fmt: skip
    elif english and rng.random() < 0.3:
        name = name.lower()
    return f"the {name}" if english else name


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
