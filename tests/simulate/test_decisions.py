"""Decisions are checked whole before anything moves: a world is never left half-stepped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from regulars.errors import InputError
from regulars.simulate import World, fraud

MakeWorld = Callable[..., World]
FIRST, SECOND = "c0000000", "c0000001"


def decided(*rows: dict[str, Any]) -> pa.Table:
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table({name: pa.array([row.get(name) for row in rows]) for name in names})


MISTAKES = [
    (decided({"customer_id": "nobody", "action": "message"}), r"row 1: customer_id = 'nobody': there is no such customer"),
    (decided({"customer_id": None, "action": "message"}), "customer_id = None: there is no such customer"),
    (decided({"customer_id": FIRST, "action": "shout"}), "action = 'shout': one of message, coupon"),
    (decided({"customer_id": FIRST, "action": "coupon"}), "share = None: coupon needs it"),
    (decided({"customer_id": FIRST, "action": "coupon", "share": 1.5}), "share = 1.5: a share from 0 to 0.9"),
    (decided({"customer_id": FIRST, "action": "coupon", "share": float("nan")}), "share = nan: a share from 0"),
    (decided({"action": "price", "product_id": "p000001", "price": -1.0}), r"price = -1.0: a price of at least 0.01"),
    (decided({"action": "price", "product_id": "tea", "price": 1.0}), "product_id = 'tea': there is no such product"),
    (decided({"action": "price", "product_id": "p000001"}), "price = None: price needs it"),
    (
        decided({"customer_id": FIRST, "action": "price", "product_id": "p000001", "price": 1.0}),
        "a price holds for all: leave it empty",
    ),
    (
        decided(*[{"action": "price", "product_id": "p000001", "price": price} for price in (1.0, 2.0)]),
        r"row 2: product_id = 'p000001': two prices on one day",
    ),
    (
        decided(*[{"customer_id": FIRST, "action": "message"}] * 2),
        r"row 2: customer_id = 'c0000000': the same action twice",
    ),
    (decided({"customer_id": FIRST, "action": "ad", "bid": -0.1}), "bid = -0.1: a bid of at least 0"),
    (decided({"customer_id": FIRST, "action": "message", "propensity": 0.0}), "propensity = 0.0"),
    (decided({"customer_id": FIRST, "action": "message", "channel": "pigeon"}), "channel = 'pigeon': one of email"),
    (
        decided({"customer_id": FIRST, "action": "recommend", "products": ["p000001", "tea"]}),
        r"row 1: products = 'tea': there is no such product",
    ),
    (
        decided({"customer_id": FIRST, "action": "recommend", "products": ["p000001", "p000002", "p000001"]}),
        "row 1: products = .*: a product stands in it twice",
    ),
    (
        decided({"customer_id": FIRST, "action": "recommend", "products": [f"p{n:06x}" for n in range(13)]}),
        "row 1: products = .*: at most 12 products are expected",
    ),
    (decided({"customer_id": FIRST, "action": "recommend", "products": [None]}), "products = None: there is no such"),
    (decided({"customer_id": "c0000190", "action": "message"}), "customer_id = 'c0000190': there is no such"),
    (decided({"action": "price", "product_id": "p000001", "price": 1e300}), "price = 1e[+]300: a price of at least"),
    (decided({"action": "price", "product_id": "p000001", "price": float("nan")}), "price = nan: a price of at least"),
    (decided({"customer_id": FIRST, "action": "ad", "bid": float("inf")}), "bid = inf: a bid of at least 0"),
    (decided({"customer_id": FIRST, "action": "coupon", "share": [0.1]}), "Columns and types are those of"),
    (decided({"customer_id": FIRST, "action": "message", "colour": "red"}), "no column colour is known. There are:"),
    (decided({"customer_id": FIRST, "action": "coupon", "share": "much"}), "Columns and types are those of"),
]  # fmt: skip


@pytest.mark.parametrize(("mistaken", "message"), MISTAKES, ids=[message[:40] for _, message in MISTAKES])
def test_a_mistake_changes_nothing(make_world: MakeWorld, mistaken: pa.Table, message: str) -> None:
    world, other = make_world(), make_world()
    # What is right beside what is wrong must not be carried out either.
    right = decided({"customer_id": SECOND, "action": "coupon", "share": 0.5})
    if "share" not in mistaken.column_names:
        mistaken = pa.concat_tables([mistaken, right], promote_options="permissive")
    with pytest.raises(InputError, match=message):
        world.step(mistaken)
    assert world.day == 0
    for _ in range(3):
        assert world.step().equals(other.step())


@pytest.mark.parametrize(
    ("mistaken", "message"),
    [
        (decided({"customer_id": 7, "action": "message"}), "customer_id = '7': there is no such customer"),
        (decided({"customer_id": FIRST, "action": {"name": "message"}}), "Columns and types are those of"),
        ({"customer_id": [FIRST], "action": ["message"]}, "decisions: a pyarrow.Table is expected, not dict"),
        (pa.table([[FIRST], ["message"], ["ad"]], ["customer_id", "action", "action"]), "column action is there twice"),
    ],
)
def test_what_is_no_table_of_decisions_is_refused(make_world: MakeWorld, mistaken: pa.Table, message: str) -> None:
    world = make_world()
    with pytest.raises(InputError, match=message):
        world.step(mistaken)
    assert world.day == 0


def test_a_step_that_dies_half_way_changes_nothing(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world, other = make_world(), make_world()
    coupons = decided({"customer_id": FIRST, "action": "coupon", "share": 0.5})

    def die(*_: object) -> None:
        raise MemoryError

    # By then coupons were given, the market has opened, visitors have come.
    with monkeypatch.context() as patch:
        patch.setattr(fraud, "act", die)
        with pytest.raises(MemoryError):
            world.step(coupons)
    assert world.day == 0
    for _ in range(3):
        assert world.step(coupons).equals(other.step(coupons))


def test_a_copy_lives_by_itself(make_world: MakeWorld) -> None:
    world = make_world()
    world.step()
    copied, other = world.copy(), world.copy()
    price = decided({"action": "price", "product_id": "p000001", "price": 999.0})
    copied.step(price)
    assert world.step().equals(other.step())
    assert 999.0 in np.asarray(copied.catalogue()["list_price"]).astype(float)
    assert 999.0 not in np.asarray(world.catalogue()["list_price"]).astype(float)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"customers": 0}, "customers = 0: a number from 1"),
        ({"days": 0}, "days = 0: a number from 1"),
        ({"seed": -1}, "seed = -1"),
        ({"workers": 0}, "workers = 0: at least 1"),
    ],
)
def test_a_world_of_nothing_is_refused(make_world: MakeWorld, changes: dict[str, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_world(**changes)
