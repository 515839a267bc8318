"""Lists on a shop: full, as of their moment, by the shop's rules, with reasons and exact chances."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from regulars import Shop
from regulars.errors import ConfigError, CorruptLogError
from regulars.evaluation import Split
from regulars.recommend import Recommender
from regulars.recommend.model import RecommendModel
from regulars.recommend.past import WEIGHTS
from regulars.recommend.reasons import WORDS


def with_settings(shop: Shop, **settings: str) -> Shop:
    path = shop.folder / "shop.toml"
    head, tail = path.read_text().split("[recommend]\n")
    lines = "".join(f"{key} = {value}\n" for key, value in settings.items())
    path.write_text(f"{head}[recommend]\n{lines}{tail}")
    return Shop.open(shop.folder)


def test_everybody_gets_a_full_list_of_different_products_with_a_reason_each(
    own_shop: Shop, tea_as_of: datetime
) -> None:
    shop = with_settings(own_shop, products="5")
    table = shop.decide("recommend", tea_as_of).table
    assert table["customer_id"].to_pylist() == shop.customers(tea_as_of)["customer_id"].to_pylist()
    for row in table.to_pylist():
        assert len(row["products"]) == len(set(row["products"])) == len(row["titles"]) == len(row["reasons"]) == 5
        assert row["titles"] == [f"Tea {name.removeprefix('tea')}" for name in row["products"]]


def test_a_longer_list_than_there_are_products_is_all_of_them(own_shop: Shop, tea_as_of: datetime) -> None:
    table = with_settings(own_shop, products="500", explore="1.0", returned="true").decide("recommend", tea_as_of).table
    every = {f"tea{k}" for k in range(9)}
    assert all(set(products) == every for products in table["products"].to_pylist())
    assert set(table["propensity"].to_pylist()) == {1.0}


def test_reasons_are_facts_of_the_log(own_shop: Shop, tea_as_of: datetime) -> None:
    table = own_shop.decide("recommend", tea_as_of).table
    events = own_shop.events
    seen = own_shop.engine.to_arrow(
        events.filter(events.time < tea_as_of).select("customer_id", "product_id", "type", "time")
    )
    bought: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    met = set()
    for row in seen.to_pylist():
        pair = row["customer_id"], row["product_id"]
        met.add(pair)
        if row["type"] == "order_completed":
            bought[pair].append(row["time"])
    said = Counter()
    for row in table.to_pylist():
        for product, reason in zip(row["products"], row["reasons"], strict=True):
            times = bought[row["customer_id"], product]
            if reason.startswith("You bought it "):
                days = (tea_as_of - max(times)).days
                again = f"You bought it {len(times)} times, last {days} days ago."
                assert reason == (again if len(times) > 1 else f"You bought it {days} days ago.")
            elif reason.startswith("You looked"):
                assert not times
                assert (row["customer_id"], product) in met
            elif "“" in reason:
                title = reason.split("“")[1].split("”")[0]
                assert (row["customer_id"], title.lower().replace(" ", "")) in met
            said[reason[:10]] += 1
    assert said["You bought"] > 50


def test_the_last_product_is_drawn_in_a_known_share_of_lists(own_shop: Shop, tea_as_of: datetime) -> None:
    shop = with_settings(own_shop, products="3", explore="0.4", returned="true")
    rows = shop.decide("recommend", tea_as_of).table.to_pylist()
    drawn = [row for row in rows if row["reasons"][-1] == WORDS["en"]["chance"]]
    assert len(drawn) / len(rows) == pytest.approx(0.4, abs=0.1)
    # Six of nine products come after the first three.
    assert [row["propensity"] for row in drawn] == pytest.approx([0.4 / 6] * len(drawn))
    assert {row["propensity"] for row in rows if row not in drawn} == {0.6}
    assert len({row["products"][-1] for row in drawn}) >= 5


def test_what_is_excluded_is_shown_to_nobody_and_lists_stay_full(own_shop: Shop, tea_as_of: datetime) -> None:
    shop = with_settings(own_shop, products="4", exclude="[\"category = 'green'\", \"brand = 'Ost'\"]")
    shown = {
        name for products in shop.decide("recommend", tea_as_of).table["products"].to_pylist() for name in products
    }
    # Of nine teas two are neither green nor of Ost... and each list holds all that is left.
    assert shown == {f"tea{k}" for k in range(9) if k % 3 != 1 and k % 2 == 0}


def test_what_is_pinned_stands_first_and_once(own_shop: Shop, tea_as_of: datetime) -> None:
    shop = with_settings(own_shop, products="4", pin='["tea7", "tea2"]', explore="0.0")
    for row in shop.decide("recommend", tea_as_of).table.to_pylist():
        assert row["products"][:2] == ["tea7", "tea2"]
        assert len(set(row["products"])) == 4
        assert row["reasons"][:2] == [WORDS["en"]["pinned"]] * 2
    excluded = with_settings(shop, exclude="[\"product_id = 'tea7'\"]")
    assert "tea7" not in str(excluded.decide("recommend", tea_as_of).table["products"].to_pylist())


def test_a_pinned_product_that_is_not_known_is_named(own_shop: Shop, tea_as_of: datetime) -> None:
    with pytest.raises(ConfigError, match=r"\[recommend\] pin: the recommender knows no product 'pot'"):
        with_settings(own_shop, pin='["pot"]').decide("recommend", tea_as_of)


def test_caps_hold(own_shop: Shop, tea_as_of: datetime) -> None:
    shop = with_settings(own_shop, products="3", most_per_category="1", explore="0.0")
    for products in shop.decide("recommend", tea_as_of).table["products"].to_pylist():
        assert len({int(name.removeprefix("tea")) % 3 for name in products}) == 3


@pytest.mark.parametrize(
    ("products", "explore", "pin"), [("5", "0.0", "[]"), ("3", "1.0", "[]"), ("3", "0.0", '["tea7"]')]
)
def test_caps_hold_where_lists_are_filled_drawn_or_pinned(
    own_shop: Shop, tea_as_of: datetime, record: Callable[..., object], products: str, explore: str, pin: str
) -> None:
    record(
        own_shop,
        {"type": "objection_made", "customer_id": "c000", "time": "2024-05-30T10:00:00Z", "text": "profiling"},
    )
    shop = with_settings(own_shop, products=products, most_per_category="1", explore=explore, pin=pin)
    for named in shop.decide("recommend", tea_as_of).table["products"].to_pylist():
        assert len({int(name.removeprefix("tea")) % 3 for name in named}) == len(named) == 3


def test_what_is_pinned_is_said_to_be_chosen_by_the_shop_whoever_looks(
    own_shop: Shop, tea_as_of: datetime, record: Callable[..., object]
) -> None:
    record(
        own_shop,
        {"type": "objection_made", "customer_id": "c000", "time": "2024-05-30T10:00:00Z", "text": "profiling"},
    )
    shop = with_settings(own_shop, products="3", pin='["tea7"]')
    first = shop.decide("recommend", tea_as_of).table.to_pylist()[0]
    assert first["customer_id"] == "c000"
    assert first["reasons"] == [WORDS["en"]["pinned"], *[WORDS["en"]["unprofiled"]] * 2]
    asked = Recommender.open(shop, tea_as_of)
    assert asked.for_you("c000", 3).table["reason"].to_pylist() == first["reasons"]
    assert asked.for_you("nobody", 3).table["reason"][0].as_py() == WORDS["en"]["pinned"]


def test_what_is_not_to_be_shown_again_is_not(own_shop: Shop, tea_as_of: datetime) -> None:
    shop = with_settings(own_shop, products="9", again="\"category = 'black'\"", explore="0.0", returned="true")
    events = shop.events
    seen = shop.engine.to_arrow(
        events.filter(events.time < tea_as_of, events.type.isin(list(WEIGHTS))).select("customer_id", "product_id")
    )
    had = set(zip(seen["customer_id"].to_pylist(), seen["product_id"].to_pylist(), strict=True))
    for row in shop.decide("recommend", tea_as_of).table.to_pylist():
        again = {name for name in row["products"] if (row["customer_id"], name) in had}
        assert all(int(name.removeprefix("tea")) % 3 == 0 for name in again)
        # All else is there: the list is as long as can be.
        left = {f"tea{k}" for k in range(9) if k % 3 == 0 or (row["customer_id"], f"tea{k}") not in had}
        assert set(row["products"]) == left


def test_who_objects_to_profiling_gets_what_all_get(
    own_shop: Shop, tea_as_of: datetime, record: Callable[..., object]
) -> None:
    record(
        own_shop,
        *(
            {"type": "objection_made", "customer_id": name, "time": "2024-05-30T10:00:00Z", "text": "profiling"}
            for name in ("c000", "c001", "c002")
        ),
    )
    rows = {row["customer_id"]: row for row in own_shop.decide("recommend", tea_as_of).table.to_pylist()}
    plain = [rows[name] for name in ("c000", "c001", "c002")]
    assert len({tuple(row["products"]) for row in plain}) == 1
    assert {row["policy"] for row in plain} == {"what most take up"}
    assert all(row["disclosure"] is None for row in plain)
    assert all(row["disclosure"] for name, row in rows.items() if name > "c002")


def test_lists_speak_chinese(own_shop: Shop, tea_as_of: datetime) -> None:
    table = with_settings(own_shop, language='"zh"').decide("recommend", tea_as_of).table
    assert all("您" in said or "顾客" in said or "随机" in said for row in table["reasons"].to_pylist() for said in row)


def test_decisions_in_the_log_say_which_products(own_shop: Shop, tea_as_of: datetime) -> None:
    table = own_shop.decide("recommend", tea_as_of).table
    logged = {
        row["customer_id"]: json.loads(row["properties"])
        for row in own_shop.log.read("events").to_pylist()
        if row["type"] == "decision_made"
    }
    assert {name: said["products"] for name, said in logged.items()} == dict(
        zip(table["customer_id"].to_pylist(), table["products"].to_pylist(), strict=True)
    )


def test_a_kept_model_is_the_same_and_a_broken_one_is_named(learned_shop: Shop) -> None:
    kept = learned_shop.models.in_use("recommend")
    files: dict[str, Any] = {name: kept.read(name) for name in kept.card["files"] if name != "report.html"}
    assert RecommendModel.from_files(files).to_files() == files
    for name, data in (
        ("ranker.txt", b""),
        ("factors.safetensors", files["factors.safetensors"][:40]),
        ("recommend.json", b"{}"),
    ):
        with pytest.raises(CorruptLogError, match="regulars learn recommend"):
            RecommendModel.from_files({**files, name: data})


def test_the_report_judges_beside_the_simple_rule(learned_shop: Shop, tea_as_of: datetime) -> None:
    report = learned_shop.evaluate("recommend", Split(tea_as_of, 28))
    assert [metric.name for metric in report.metrics] == ["NDCG@20", "recall@20", "MRR@20", "MAP@20"]
    assert not report.failed_checks
    assert report.baseline == "what the customer had before, then what sold most of late"
    # With nine products a list of twenty holds them all.
    assert report.metrics[1].value == 1.0
