"""Stolen passwords tried in bulk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from regulars import Shop
from regulars.fraud.abuse import sign_ins
from regulars.fraud.abuse.rows import Coded
from regulars.fraud.abuse.sign_ins import SignIns, find
from tests.fraud.abuse.making import DAY, FIRST, event, moment, order

HOMES, PROXIED = 1000, 5000
PROXY, ATTACKER = HOMES, HOMES + 1


def shop_of(tried: int, got_in: list[int], source: int = ATTACKER) -> SignIns:
    """A thousand at home and five thousand behind a proxy sign in three times each, one of fifty in vain. On day 50,
    within ten minutes, so many accounts are tried from one place; some get in, and order for 100."""
    rng = np.random.default_rng(0)
    customer = np.tile(np.arange(HOMES + PROXIED), 3)
    time = rng.integers(0, 40 * DAY, len(customer))
    is_failed = rng.random(len(customer)) < 0.02
    attack = np.arange(tried)
    place = np.concatenate([np.minimum(customer, PROXY), np.full(tried, source)])
    time = FIRST + np.concatenate([time, 50 * DAY + attack * 600_000_000 // max(tried, 1)])
    is_failed = np.concatenate([is_failed, ~np.isin(attack, got_in)])
    customer = np.concatenate([customer, attack])
    order = np.argsort(time, kind="stable")
    names = pa.array([*(f"10.{n // 256}.{n % 256}.0/24" for n in range(HOMES)), "198.51.100.0/24", "203.0.113.0/24"])
    return SignIns(
        pa.array([f"顾客{n}" for n in range(HOMES + PROXIED)]), customer[order].astype(np.int32), time[order],
        is_failed[order], Coded(place[order].astype(np.int32), names), np.array(got_in, np.int32),
        np.full(len(got_in), FIRST + 50 * DAY + DAY // 2), np.full(len(got_in), 100.0),
    )  # fmt: skip


def test_an_attack_is_found_with_the_accounts_that_it_got_into() -> None:
    found = find(shop_of(200, [5, 17]), "EUR").to_pylist()
    assert [(row["subject_id"], row["customers"], row["money"]) for row in found] == [
        ("203.0.113.0/24", ["顾客5", "顾客17"], 200.0)
    ]
    assert found[0]["score"] > 0.9
    assert "200 accounts tried from 203.0.113.0/24 within 10 minutes, 198 of them in vain" in found[0]["evidence"]
    assert "尝试登录 200 个账户，其中 198 个失败" in found[0]["evidence_zh"]


def test_a_proxy_of_thousands_and_forgetful_customers_are_no_attack() -> None:
    assert find(shop_of(0, []), "EUR").num_rows == 0


def test_an_attack_from_behind_the_proxy_takes_none_who_came_from_there_before() -> None:
    shop = shop_of(200, [5], source=PROXY)
    found = find(shop, "EUR").to_pylist()
    assert [(row["subject_id"], row["customers"]) for row in found] == [("198.51.100.0/24", ["顾客5"])]


def test_two_who_forgot_their_password_in_one_office_are_no_attack() -> None:
    assert find(shop_of(2, []), "EUR").num_rows == 0


def test_no_sign_ins_and_no_addresses(shop: Shop, record: Callable[..., Any]) -> None:
    record(shop, order("ada", 1, "o1"))
    assert find(sign_ins.read(shop, moment(9)), "EUR").num_rows == 0
    record(shop, event("sign_in", "ada", 2, outcome="failed"))
    assert find(sign_ins.read(shop, moment(9)), "EUR").num_rows == 0


def test_addresses_are_read_by_neighbourhood(shop: Shop, record: Callable[..., Any]) -> None:
    record(
        shop,
        event("sign_in", "ada", 1, outcome="failed", ip="203.0.113.7"),
        event("sign_in", "bo", 2, outcome="done", ip="::ffff:203.0.113.9"),
        order("ada", 3, "o1"),
    )
    found = sign_ins.read(shop, moment(9))
    assert found.ip_range.named(found.ip_range.codes) == ["203.0.113.0/24"] * 2
    assert found.is_failed.tolist() == [True, False]
    assert sign_ins.read(shop, moment(2)).customer.tolist() == [0]
