"""The door to a shop: making and opening, importing with and without a mapping, and what "now" is."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from regulars import Shop, clock
from regulars.config import ShopSettings
from regulars.errors import ConfigError, InputError, NotEnoughError, RejectedError, ShopError
from regulars.evaluation import scramble
from regulars.events.mapping import Mapping

JUNE = datetime(2024, 6, 1, tzinfo=UTC)
ORDERS = "date,customer,product,price\n2024-05-01 10:00,ada,tea,4.50\n2024-05-02 10:00,bob,pot,20\n"


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    path = tmp_path / "orders.csv"
    path.write_text(ORDERS)
    return path


def rows(shop: Shop, *columns: str) -> list[tuple[Any, ...]]:
    table = shop.engine.to_arrow(shop.events.order_by("time", "event_id", "line").select(*columns))
    return [tuple(row.values()) for row in table.to_pylist()]


# Making and opening.


def test_a_new_shop_is_empty_and_has_the_settings_given(tmp_path: Path) -> None:
    shop = Shop.create(tmp_path / "deep" / "shop", ShopSettings(name='Ada\'s "Tea"', currency="GBP"))
    again = Shop.open(shop.folder)
    assert again.config == shop.config
    assert again.config.shop.name == 'Ada\'s "Tea"'
    assert (again.log.version, rows(again, "type")) == (0, [])


def test_a_shop_is_not_made_twice(shop: Shop) -> None:
    before = (shop.folder / "shop.toml").read_bytes()
    with pytest.raises(ShopError, match="is a shop already"):
        Shop.create(shop.folder)
    assert (shop.folder / "shop.toml").read_bytes() == before


def test_a_shop_is_not_made_in_a_folder_that_holds_something(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("all of it")
    with pytest.raises(ShopError, match="is not empty"):
        Shop.create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_shop_is_not_made_where_a_file_is(tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("a file")
    with pytest.raises(ShopError, match="is a file"):
        Shop.create(tmp_path / "shop")


@pytest.mark.parametrize("name", ["nowhere", "."])
def test_a_folder_that_is_no_shop_is_refused_with_what_to_do(tmp_path: Path, name: str) -> None:
    with pytest.raises(ShopError, match=r"is no shop: it has no shop.toml. Make one: regulars init"):
        Shop.open(tmp_path / name)


def test_settings_that_cannot_be_are_refused_when_the_shop_is_opened(shop: Shop) -> None:
    (shop.folder / "shop.toml").write_text("[churn]\ncontacts = 0\n")
    with pytest.raises(ConfigError, match=r"shop.toml, line 2: \[churn\] contacts = 0"):
        Shop.open(shop.folder)


def test_a_shop_may_be_moved(shop: Shop, orders: Path, tmp_path: Path) -> None:
    shop.import_(orders)
    moved = Shop.open(shutil.move(shop.folder, tmp_path / "elsewhere"))
    assert rows(moved, "customer_id") == [("ada",), ("bob",)]


# Importing.


def test_a_guessed_mapping_is_written_down_and_used_again(shop: Shop, orders: Path, tmp_path: Path) -> None:
    assert shop.import_(orders).added == 2
    kept = Shop.open(shop.folder).config.mappings()["orders"]
    said = {"time": "date", "customer_id": "customer", "product_id": "product", "unit_price": "price"}
    assert {field: kept.columns[field] for field in said} == said
    assert kept.constants["type"] == "order_completed"
    later = tmp_path / "later.csv"
    later.write_text("date,customer,product,price\n2024-05-03 10:00,eve,tea,4.50\n")
    shop.import_(later)
    assert list(shop.config.mapping) == ["orders"]


def test_what_a_person_changed_in_a_mapping_holds(shop: Shop, orders: Path) -> None:
    shop.import_(orders)
    settings = shop.folder / "shop.toml"
    settings.write_text(settings.read_text().replace('customer_id = "customer"', 'customer_id = "product"'))
    again = Shop.open(shop.folder)
    again.import_(orders)
    assert ("tea",) in rows(again, "customer_id")


def test_another_kind_of_file_by_the_same_name_leaves_the_first_mapping_alone(
    shop: Shop, orders: Path, tmp_path: Path
) -> None:
    shop.import_(orders)
    first = shop.config.mapping["orders"]
    other = tmp_path / "other" / "orders.csv"
    other.parent.mkdir()
    other.write_text("Order Date,Customer ID,SKU,Unit Price\n2024-05-04,eve,tea,4.50\n")
    shop.import_(other)
    assert shop.config.mapping["orders"] == first
    assert len(shop.config.mapping) == 2
    assert len({tuple(mapping.columns.values()) for mapping in shop.config.mappings().values()}) == 2


def test_of_several_mappings_that_fit_the_one_with_most_columns_is_taken(shop: Shop, orders: Path) -> None:
    constants = {"type": "order_completed"}
    shop.import_(orders, mapping=Mapping("few", {"time": "date", "customer_id": "customer"}, constants))
    many = {"time": "date", "customer_id": "customer", "product_id": "product", "unit_price": "price"}
    shop.import_(orders, mapping=Mapping("many", many, constants))
    from regulars.events.readers import open_source

    assert shop.mapping_for(open_source(orders)).name == "many"


def test_a_file_with_chinese_headers_needs_no_mapping(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "订单.csv"
    path.write_text("下单时间,客户编号,商品,单价,数量\n2024-05-01 10:00,张三,龙井,88.00,2\n", encoding="utf-8")
    assert shop.import_(path).added == 1
    assert rows(shop, "customer_id", "product_id", "quantity", "type") == [("张三", "龙井", 2.0, "order_completed")]
    assert "订单" in Shop.open(shop.folder).config.mapping


def test_times_without_a_zone_are_of_the_shops_own_clock(tmp_path: Path, orders: Path) -> None:
    shop = Shop.create(tmp_path / "shop", ShopSettings(timezone="Asia/Shanghai"))
    shop.import_(orders)
    assert rows(shop, "time")[0] == (datetime(2024, 5, 1, 2, tzinfo=UTC),)


def test_importing_again_adds_nothing(shop: Shop, orders: Path) -> None:
    shop.import_(orders)
    again = shop.import_(orders)
    assert (again.added, again.duplicates, again.version) == (0, 2, 1)


def test_a_strict_import_that_meets_a_bad_row_changes_nothing(shop: Shop, orders: Path) -> None:
    shop.import_(orders)
    orders.write_text(ORDERS + "2024-05-03,eve,tea,4\nnever,eve,tea,4\n")
    settings = (shop.folder / "shop.toml").read_bytes()
    with pytest.raises(RejectedError, match="line 5"):
        shop.import_(orders, strict=True)
    assert Shop.open(shop.folder).log.version == 1
    assert rows(shop, "customer_id") == [("ada",), ("bob",)]
    assert (shop.folder / "shop.toml").read_bytes() == settings


def test_a_file_without_a_time_is_refused(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text("first,last\nada,lovelace\n")
    with pytest.raises(InputError, match="time"):
        shop.import_(path)


def test_rejects_are_listed_by_the_moment_of_the_import(shop: Shop, orders: Path) -> None:
    shop.import_(orders)
    orders.write_text(ORDERS + "never,eve,tea,4\n")
    with clock.held_at(JUNE):
        result = shop.import_(orders)
    assert result.rejects == shop.folder / "rejects" / "2024-06-01T000000.000000-orders.csv"
    assert "never" in result.rejects.read_text()


# Now, and other pasts.


def test_an_empty_log_has_no_now(shop: Shop) -> None:
    with pytest.raises(NotEnoughError, match="regulars import FILE"):
        _ = shop.now


def test_now_is_just_after_the_newest_event(shop: Shop, orders: Path) -> None:
    shop.import_(orders)
    assert shop.now == datetime(2024, 5, 2, 10, 0, 0, 1, tzinfo=UTC)
    assert shop.customers(shop.now)["customer_id"].to_pylist() == ["ada", "bob"]


def test_customers_are_those_with_an_order_before_the_moment(shop: Shop, record: Callable[..., Any]) -> None:
    moment = JUNE.isoformat()
    bought = {"type": "order_completed", "product_id": "tea", "order_id": "1", "time": moment}
    record(shop, {**bought, "customer_id": "ada"}, {"type": "product_viewed", "customer_id": "bob", "time": moment})
    assert shop.customers(JUNE).num_rows == 0
    after = shop.customers(JUNE + timedelta(microseconds=1))
    assert after["customer_id"].to_pylist() == ["ada"]
    assert after["as_of"].to_pylist() == [JUNE + timedelta(microseconds=1)]


def test_with_events_asks_of_another_past_and_leaves_the_shop_as_it_is(shop: Shop, orders: Path) -> None:
    shop.import_(orders)
    other = shop.with_events(scramble(shop.events, datetime(2024, 5, 2, tzinfo=UTC)))
    assert other.engine is shop.engine
    assert [who for (who,) in rows(other, "customer_id")] == ["ada", "not bob", "still not bob"]
    assert rows(shop, "customer_id") == [("ada",), ("bob",)]


# Moments.


@pytest.mark.parametrize("ask", ["learn", "decide"])
def test_a_moment_without_a_time_zone_is_refused(shop: Shop, orders: Path, ask: str) -> None:
    shop.import_(orders)
    with pytest.raises(ValueError, match="without a time zone"):
        getattr(shop, ask)("churn", datetime(2024, 6, 1))


def test_a_few_events_that_are_held_are_the_same_events(shop: Shop, orders: Path) -> None:
    shop.import_(orders)
    of_ada = shop.holding(shop.events.filter(shop.events.customer_id == "ada"))
    assert of_ada.events.schema() == shop.events.schema()
    assert rows(of_ada, "time", "unit_price", "customer_id") == rows(shop, "time", "unit_price", "customer_id")[:1]


def test_the_same_moment_in_another_zone_is_the_same_decision(own_tea_shop: Shop, tea_as_of: datetime) -> None:
    once = own_tea_shop.decide("churn", tea_as_of)
    again = own_tea_shop.decide("churn", tea_as_of.astimezone(ZoneInfo("Asia/Shanghai")))
    assert again.files == once.files
    assert again.log_version == once.log_version


def test_learning_until_after_the_newest_event_is_learning_until_that_event(
    shop: Shop, record: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else who has not ordered in days that have not come yet would be taken for lost."""
    from regulars import capability

    class Listening:
        def learn(self, shop: Shop, until: datetime) -> None:
            raise InputError(until.isoformat())

    monkeypatch.setattr(capability, "load", lambda name: Listening())
    bought = {"type": "order_completed", "product_id": "tea", "order_id": "1", "customer_id": "ada"}
    record(shop, {**bought, "time": JUNE.isoformat()})
    for until in (None, JUNE + timedelta(days=1), JUNE + timedelta(days=9999)):
        with pytest.raises(InputError, match=r"2024-06-01T00:00:00.000001\+00:00"):
            shop.learn("churn", until)
    with pytest.raises(InputError, match=r"2024-05-31T00:00:00\+00:00"):
        shop.learn("churn", JUNE - timedelta(days=1))
