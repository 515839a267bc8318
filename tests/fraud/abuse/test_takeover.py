"""Accounts in other hands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars import Shop
from regulars.fraud.abuse import promotions, takeover
from regulars.fraud.abuse.takeover import PRIORS, SIGNS, Orders, find, weights
from tests.fraud.abuse.making import DAY, FIRST, event, moment, order


def shop_of(**odd: float) -> Orders:
    """Two thousand customers with ten orders each of about 50; new devices before one order of thirty, failed sign-ins
    before one of fifty, changes before one of a hundred. Then one order with the signs that are said."""
    rng = np.random.default_rng(0)
    count = 20_000
    usual = {"new_device": 0.03, "failed": 0.02, "changed": 0.01, "unlike": 0.2}
    signs = {
        name: np.append(rng.random(count) < share, odd.get(name, 0.0)).astype(float) for name, share in usual.items()
    }
    amount = np.append(rng.lognormal(np.log(50), 0.4, count), odd.get("amount", 50.0))
    customer = np.append(np.repeat(np.arange(2000), 10), 7).astype(np.int32)
    return Orders(
        pa.array([f"顾客{n}" for n in range(2000)]), customer, FIRST + np.arange(count + 1) * DAY // 100, amount,
        np.full(count + 1, 54.0), signs,
    )  # fmt: skip


def test_failed_sign_ins_a_new_device_a_change_and_a_high_amount_are_a_takeover() -> None:
    found = find(shop_of(new_device=1, failed=1, changed=1, amount=900.0), "EUR").to_pylist()
    first = max(found, key=lambda row: row["score"])
    assert (first["subject_id"], first["money"]) == ("顾客7", 900.0)
    assert first["score"] > 0.95
    assert "from a device or network never seen with this customer (odds x" in first["evidence"]
    assert "(900.00 EUR, usual 54.00 EUR)" in first["evidence"]
    assert "之前有登录失败" in first["evidence_zh"]


@pytest.mark.parametrize("sign", ["new_device", "failed", "changed", "unlike"])
def test_one_sign_by_itself_accuses_nobody(sign: str) -> None:
    odd = {sign: 1.0}
    assert not [row for row in find(shop_of(**odd), "EUR").to_pylist() if row["subject_id"] == "顾客7"]


def test_of_an_honest_shop_hardly_anybody_is_accused() -> None:
    assert find(shop_of(), "EUR").num_rows <= 20  # of 20,000 orders whose signs meet by chance alone


@settings(deadline=None, max_examples=25)
@given(
    st.dictionaries(
        st.sampled_from(sorted(SIGNS)), st.lists(st.sampled_from([0.0, 1.0, float("nan")]), min_size=6, max_size=6)
    )
)
def test_weights_are_numbers_whatever_the_log_says(signs: dict[str, list[float]]) -> None:
    found = weights({name: np.array(values) for name, values in signs.items()})
    assert np.log(PRIORS[0]) - 1 < found.prior < np.log(PRIORS[1]) + 1
    assert np.isfinite([weight for both in found.signs.values() for weight in both]).all()


def test_a_rarer_sign_weighs_more() -> None:
    often, seldom = np.arange(1000) % 5 == 0, np.arange(1000) % 50 == 1
    found = weights(
        {"new_device": often.astype(float), "failed": np.zeros(1000), "changed": seldom.astype(float)}
    ).signs
    assert found["changed"][0] > found["new_device"][0] > 0
    assert "failed" not in found


def test_what_came_before_an_order(shop: Shop, record: Callable[..., Any]) -> None:
    home = {"device_id": "d1", "ip": "192.0.2.1"}
    record(
        shop,
        event("customer_identified", "小明", 0, properties={"email": "ming@tea.example"}, **home),
        *(order("小明", 1 + n, f"o{n}", category="茶", **home) for n in range(3)),
        event("sign_in", "小明", 20, outcome="failed", device_id="d9"),
        event("sign_in", "小明", 20.01, outcome="done", device_id="d9"),
        event("customer_identified", "小明", 20.02, properties={"email": "thief@mail.example"}, device_id="d9"),
        event("payment_attempted", "小明", 20.03, order_id="o9", unit_price=500.0, outcome="approved", device_id="d9"),
        order("小明", 20.04, "o9", product="watch", category="表", unit_price=500.0, device_id="d9"),
    )
    found = takeover.read(shop, moment(30))
    assert found.amount.tolist() == [10, 10, 10, 500]
    assert found.past.tolist()[1:] == [10, 10, 10]
    assert {name: values[-1] for name, values in found.signs.items()} == dict.fromkeys(found.signs, 1.0)
    assert {name: values[2] for name, values in found.signs.items() if np.isfinite(values[2])} == {
        "new_device": 0.0, "failed": 0.0, "changed": 0.0
    }  # fmt: skip
    assert len(takeover.read(shop, moment(20.03)).time) == 3


def test_lines_of_a_file_without_event_ids_are_one_order(shop: Shop, record: Callable[..., Any]) -> None:
    lines = [("tea", 10.0), ("pot", 25.0), ("cup", 5.0)]
    record(shop, *(order("ada", 1, "o1", product, unit_price=price) for product, price in lines))
    record(shop, order("ada", 2, "o2", "pot", unit_price=25.0), event("coupon_applied", "ada", 0.9))
    assert takeover.read(shop, moment(9)).amount.tolist() == [40.0, 25.0]
    use = promotions.read(shop, moment(9))
    assert use.has_coupon.tolist() == [True, False]


def test_a_log_of_nothing() -> None:
    none = np.empty(0, np.int64)
    empty = Orders(pa.array([], pa.string()), none.astype(np.int32), none, none.astype(float), none.astype(float), {})
    assert find(empty, "EUR").num_rows == 0
