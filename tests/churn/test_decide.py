"""Whom to contact: the list, its order, its length and its money."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

import pyarrow as pa
import pytest

from regulars import Shop
from regulars.churn.decide import decide
from regulars.churn.table import in_use
from regulars.config import ChurnSettings
from regulars.errors import CorruptLogError, NotEnoughError


def with_contacts(shop: Shop, contacts: int) -> Shop:
    churn = shop.config.churn.model_copy(update={"contacts": contacts})
    return Shop(shop.folder, shop.config.model_copy(update={"churn": churn}))


@pytest.fixture(scope="module")
def table(tea_shop: Shop, tea_as_of: datetime) -> pa.Table:
    return decide(tea_shop, tea_as_of)


def test_the_list_is_ranked_by_value_at_risk(table: pa.Table) -> None:
    at_risk = table["value_at_risk"].to_pylist()
    assert table["rank"].to_pylist() == list(range(1, table.num_rows + 1))
    assert at_risk == sorted(at_risk, reverse=True)


def test_value_at_risk_is_risk_times_expected_spend(table: pa.Table) -> None:
    for row in table.to_pylist():
        assert 0 < row["churn_probability"] < 1
        expected = row["churn_probability"] * row["expected_spend"]
        assert row["value_at_risk"] == pytest.approx(expected, abs=0.0001 * row["expected_spend"] + 0.011)


def test_everyone_on_the_list_is_a_customer_once_with_at_most_three_reasons(
    tea_shop: Shop, tea_as_of: datetime, table: pa.Table
) -> None:
    ids = table["customer_id"].to_pylist()
    assert len(set(ids)) == len(ids)
    assert set(ids) <= set(tea_shop.customers(tea_as_of)["customer_id"].to_pylist())
    assert all(len(why) <= 3 for why in table["reasons"].to_pylist())
    assert any(table["reasons"].to_pylist())


def test_no_chance_is_involved_so_the_propensity_is_one(table: pa.Table) -> None:
    assert set(table["propensity"].to_pylist()) == {1.0}
    assert set(table["action"].to_pylist()) == {"contact"}
    assert set(table["policy"].to_pylist()) == {f"the {ChurnSettings().contacts} with most risk times value"}


def test_the_list_is_as_long_as_the_shop_can_contact_and_no_longer(
    tea_shop: Shop, tea_as_of: datetime, table: pa.Table
) -> None:
    five = decide(with_contacts(tea_shop, 5), tea_as_of)
    assert five["customer_id"].to_pylist() == table["customer_id"].to_pylist()[:5]
    assert set(five["policy"].to_pylist()) == {"the 5 with most risk times value"}


def test_a_moment_before_any_order_is_refused(tea_shop: Shop, tea_as_of: datetime) -> None:
    with pytest.raises(NotEnoughError, match="no customer has an order before 2023"):
        decide(tea_shop, tea_as_of - timedelta(days=300))


def test_who_objected_or_took_consent_back_is_never_on_the_list(
    own_tea_shop: Shop, tea_as_of: datetime, table: pa.Table, record: Callable[..., Any]
) -> None:
    first, second, third, fourth, fifth, sixth = table["customer_id"].to_pylist()[:6]
    before = (tea_as_of - timedelta(seconds=1)).isoformat()
    told = [
        ("objection_made", first, "marketing", before),
        ("objection_made", second, "profiling", before),
        ("consent_withdrawn", third, "marketing", before),
        ("objection_made", fourth, "pricing", before),
        ("consent_given", fifth, "marketing", before),
        ("objection_made", sixth, "marketing", tea_as_of.isoformat()),
    ]
    record(own_tea_shop, *({"type": t, "customer_id": who, "text": why, "time": at} for t, who, why, at in told))
    decided = own_tea_shop.decide("churn", tea_as_of)
    assert decided.table["customer_id"].to_pylist()[:3] == [fourth, fifth, sixth]
    assert not {first, second, third} & set(decided.table["customer_id"].to_pylist())
    assert decided.left_out == 3
    assert next(own_tea_shop.log.history()).details["left_out"] == 3


def test_an_objection_of_a_visitor_who_is_known_now_counts(
    own_tea_shop: Shop, tea_as_of: datetime, table: pa.Table, record: Callable[..., Any]
) -> None:
    first = table["customer_id"][0].as_py()
    before = (tea_as_of - timedelta(seconds=1)).isoformat()
    record(
        own_tea_shop,
        {"type": "objection_made", "anonymous_id": "v1", "text": "marketing", "time": before},
        {"type": "customer_identified", "anonymous_id": "v1", "customer_id": first, "time": before},
    )
    assert first not in decide(own_tea_shop, tea_as_of)["customer_id"].to_pylist()


def test_a_damaged_model_decides_nothing(own_tea_shop: Shop, tea_as_of: datetime) -> None:
    model = own_tea_shop.models.in_use("churn")
    file = model.folder / "trees.txt"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    version = own_tea_shop.log.version
    with pytest.raises(CorruptLogError, match=r"trees.txt is not what was saved. Learn anew: regulars learn churn"):
        own_tea_shop.decide("churn", tea_as_of)
    assert own_tea_shop.log.version == version


def test_the_day_to_contact_is_one_of_the_shop(tea_shop: Shop, tea_as_of: datetime) -> None:
    late = tea_as_of + timedelta(hours=20)
    settings = tea_shop.config.shop.model_copy(update={"timezone": "Asia/Shanghai"})
    shop = Shop(tea_shop.folder, tea_shop.config.model_copy(update={"shop": settings}))
    decided = decide(shop, late)
    pairs = pa.table({"customer_id": decided["customer_id"], "as_of": [late] * decided.num_rows})
    ahead = shop.tables.of("churn", pairs)["contact_in_days"].to_pylist()
    tomorrow = late.date() + timedelta(days=1)
    assert decided["contact_on"].to_pylist() == [tomorrow + timedelta(days=days) for days in ahead]


def test_a_shop_without_prices_is_told_that_there_is_no_value_at_risk(
    tea_shop: Shop, tea_as_of: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = in_use(tea_shop)
    assert model.rhythm is not None
    worthless = replace(model, rhythm=replace(model.rhythm, worth=None))
    monkeypatch.setattr(import_module("regulars.churn.decide"), "in_use", lambda shop: worthless)
    with pytest.raises(NotEnoughError, match="no value at risk"):
        decide(tea_shop, tea_as_of)
