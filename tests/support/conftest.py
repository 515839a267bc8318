"""A shop with two customers and a few orders, small enough to know by heart."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from regulars import clock
from regulars.state import State
from regulars.support import Chat, Desk, OwnTables
from regulars.support.order import Customer, Order, Product

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
"""A Wednesday, when people are there."""
HOME = {"address1": "1 Elm Street", "city": "Austin", "state": "TX", "zip": "78762", "country": "USA"}
AWAY = {"address1": "9 Oak Avenue", "city": "Denver", "state": "CO", "zip": "80279", "country": "USA"}
VISA = {"id": "credit_card_1", "source": "credit_card", "brand": "visa", "last_four": "9212"}
GIFT = {"id": "gift_card_2", "source": "gift_card", "balance": 25}
PAYPAL = {"id": "paypal_3", "source": "paypal"}


def variant(item_id: str, price: float, *, available: bool = True, **options: str) -> dict[str, object]:
    return {"item_id": item_id, "price": price, "available": available, "options": options}


LAMPS = [
    variant("lamp-low", 20, color="black", brightness="low"),
    variant("lamp-high", 30, color="black", brightness="high"),
    variant("lamp-white", 60, color="white", brightness="high"),
    variant("lamp-red", 15, available=False, color="red", brightness="low"),
]
CHAIRS = [variant("chair-oak", 100, material="oak"), variant("chair-ash", 90, material="ash")]


def product(product_id: str, name: str, variants: list[dict[str, object]]) -> Product:
    return Product.model_validate(
        {"product_id": product_id, "name": name, "variants": {one["item_id"]: one for one in variants}}
    )


def line(of: dict[str, object], name: str, product_id: str) -> dict[str, object]:
    return {**of, "name": name, "product_id": product_id}


LAMP, CHAIR = line(LAMPS[0], "Desk Lamp", "lamps"), line(CHAIRS[0], "Office Chair", "chairs")


def order(order_id: str, customer_id: str, status: str, *lines: dict[str, object], way: str = "credit_card_1") -> Order:
    paid = {"kind": "payment", "amount": sum(float(str(one["price"])) for one in lines), "payment_method_id": way}
    return Order.model_validate(
        {
            "order_id": order_id, "customer_id": customer_id, "status": status, "address": HOME, "lines": lines,
            "payments": [paid],
        }
    )  # fmt: skip


def customer(customer_id: str, first: str, last: str, *ways: dict[str, object]) -> Customer:
    return Customer.model_validate(
        {
            "customer_id": customer_id, "name": {"first_name": first, "last_name": last}, "address": HOME,
            "email": f"{customer_id}@example.com", "payment_methods": {str(one["id"]): one for one in ways},
        }
    )  # fmt: skip


@pytest.fixture
def own(local: State) -> OwnTables:
    """Ada has a pending order, two delivered ones and a cancelled one; Bob has a pending one."""
    tables = OwnTables(local)
    tables.load(
        [customer("ada", "Ada", "Lovelace", VISA, GIFT, PAYPAL), customer("bob", "Bob", "Stone", {**VISA, "id": "bobs_card"})],
        [
            order("#W1000001", "ada", "pending", LAMP, CHAIR),
            order("#W1000002", "ada", "delivered", LAMP, LAMP),
            order("#W1000003", "ada", "delivered", CHAIR, way="paypal_3"),
            order("#W1000004", "ada", "cancelled", CHAIR),
            order("#W2000001", "bob", "pending", LAMP, way="bobs_card"),
        ],
        [product("lamps", "Desk Lamp", LAMPS), product("chairs", "Office Chair", CHAIRS)],
    )  # fmt: skip
    return tables


@pytest.fixture
def desk(local: State, own: OwnTables) -> Desk:
    """The desk of that shop."""
    return Desk(local, own)


@pytest.fixture
def chat(desk: Desk) -> Chat:
    """Conversations in that shop, on a Wednesday at noon."""
    return Chat(desk)


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.held_at(NOON):
        yield
