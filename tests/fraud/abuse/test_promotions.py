"""Accounts behind shared entities that live on coupons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from regulars import Shop
from regulars.fraud.abuse import promotions
from regulars.fraud.abuse.promotions import Use, find
from regulars.fraud.abuse.rows import Coded
from tests.fraud.abuse.making import DAY, FIRST, event, moment, order

HONEST = 2000


def make_use(groups: dict[str, list[int]], live_on_coupons: list[int], customers: int, entity: str = "device") -> Use:
    """One order each, of honest ones one of ten with a coupon; who lives on coupons has two with one. Accounts are
    opened one after the other; groups share a value, all others have one of their own."""
    rng = np.random.default_rng(0)
    number = np.arange(customers)
    has = rng.random(customers) < 0.1
    has[live_on_coupons] = True
    customer = np.concatenate([number, live_on_coupons]).astype(np.int32)
    value = number.astype(np.int32) + len(groups)
    for place, members in enumerate(groups.values()):
        value[members] = place
    names = pa.array([*groups, *(f"own {n}" for n in number)])
    return Use(
        pa.array([f"顾客{n}" for n in number]), FIRST + number * DAY // 10, customer, FIRST + (customer.astype(np.int64) // 10 + 1) * DAY,
        np.concatenate([has, np.ones(len(live_on_coupons), bool)]), np.full(len(customer), 5.0),
        np.zeros(len(customer), np.int32), {entity: (number.astype(np.int32), Coded(value, names))},
    )  # fmt: skip


def test_accounts_that_live_on_coupons_on_one_device_are_one_farm() -> None:
    farm = list(range(100, 108))
    found = find(make_use({"d1": farm}, farm, HONEST), "EUR").to_pylist()
    assert len(found) == 1
    assert (found[0]["subject"], found[0]["subject_id"], found[0]["money"]) == ("device", "d1", 80.0)
    assert found[0]["customers"] == [f"顾客{n}" for n in farm]
    assert found[0]["score"] > 0.85
    assert "8 accounts share device d1" in found[0]["evidence"]
    assert "80.00 EUR taken off" in found[0]["evidence"]
    assert "8 个账户共用设备 d1" in found[0]["evidence_zh"]


def test_households_and_one_who_loves_coupons_are_no_farm() -> None:
    homes = {f"home {n}": [2 * n, 2 * n + 1] for n in range(500)}
    assert find(make_use(homes, [4, 100, 200], HONEST), "EUR").num_rows == 0


def test_a_device_that_50_000_share_accuses_nobody_and_hides_no_farm() -> None:
    hub = list(range(50_000))
    use = make_use({"kiosk": hub}, farm := [7, 4000, 9000, 23_000, 30_000, 41_000], 55_000)
    assert find(use, "EUR").num_rows == 0
    cards = Coded(np.zeros(6, np.int32), pa.array(["card 1"]))
    use = use._replace(links={**use.links, "payment": (np.array(farm, np.int32), cards)})
    found = find(use, "EUR").to_pylist()
    assert [(row["subject_id"], len(row["customers"])) for row in found] == [("card 1", 6)]


def test_farms_behind_one_proxy_stay_two() -> None:
    farms = {"d1": list(range(100, 106)), "d2": list(range(300, 306))}
    use = make_use(farms, [n for farm in farms.values() for n in farm], HONEST)
    proxied = np.array([*farms["d1"], *farms["d2"], *range(1000, 1050)], np.int32)
    proxy = Coded(np.zeros(len(proxied), np.int32), pa.array(["proxy"]))
    found = find(use._replace(links={**use.links, "ip": (proxied, proxy)}), "EUR").to_pylist()
    assert sorted(row["subject_id"] for row in found) == ["d1", "d2"]


def test_where_most_use_first_order_coupons_accounts_opened_together_are_told_apart() -> None:
    """Six of ten order once, with a coupon. Eight such accounts on one device say little; opened within a day, much."""
    use = make_use({}, [], HONEST)
    rng = np.random.default_rng(1)
    use = use._replace(has_coupon=rng.random(HONEST) < 0.6)
    use.has_coupon[[*range(100, 108), *range(0, HONEST, 250)]] = True
    value = np.arange(HONEST, dtype=np.int32) + 2
    value[100:108], value[0:HONEST:250] = 0, 1
    names = pa.array(["together", "apart", *(f"own {n}" for n in range(HONEST))])
    found = find(use._replace(links={"device": (np.arange(HONEST, dtype=np.int32), Coded(value, names))}), "EUR")
    assert found["subject_id"].to_pylist() == []  # eight households at most: 0.4 of each would come by chance
    many = list(range(100, 130))
    use.has_coupon[many] = True
    value[many] = 0
    found = find(use._replace(links={"device": (np.arange(HONEST, dtype=np.int32), Coded(value, names))}), "EUR")
    assert "apart" not in found["subject_id"].to_pylist()


def test_a_log_without_orders_or_shared_entities_has_no_farm() -> None:
    nothing = np.empty(0, np.int32)
    empty = Use(
        pa.array([], pa.string()), nothing.astype(np.int64), nothing, nothing.astype(np.int64), nothing.astype(bool),
        nothing.astype(float), nothing, {},
    )  # fmt: skip
    assert find(empty, "EUR").num_rows == 0
    assert find(make_use({}, [3], 10)._replace(links={}), "EUR").num_rows == 0


@pytest.mark.parametrize("how", ["named by the order", "named by the coupon", "just before"])
def test_which_orders_used_a_coupon(shop: Shop, record: Callable[..., Any], how: str) -> None:
    own = {"coupon": "HELLO", "discount": 3} if how == "named by the order" else {}
    events = [order("ada", 1, "o1", properties=own), order("ada", 5, "o2"), order("bo", 5, "o3")]
    if how == "named by the coupon":
        told = {"coupon_name": "HELLO", "discount": 3}
        events.append(event("coupon_applied", "ada", 1.5, order_id="o1", properties=told))
    if how == "just before":
        told = {"coupon_name": "HELLO", "discount": 3}
        events += [event("coupon_applied", "ada", 0.9, properties=told), event("coupon_applied", "bo", 2)]
    record(shop, *events)
    use = promotions.read(shop, moment(9))
    assert use.has_coupon.tolist() == [True, False, False]
    assert use.taken_off[0] == 3
    assert promotions.read(shop, moment(1)).has_coupon.tolist() == []


def test_without_a_discount_what_is_taken_off_is_told_by_the_usual_price(
    shop: Shop, record: Callable[..., Any]
) -> None:
    honest = [order(f"c{n}", n, f"o{n}") for n in range(4)]
    record(shop, *honest, event("coupon_applied", "bo", 5), order("bo", 5.1, "ob", unit_price=7.0, quantity=2))
    assert promotions.read(shop, moment(9)).taken_off.tolist() == [0, 0, 0, 0, 6]
