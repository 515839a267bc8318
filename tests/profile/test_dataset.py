from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from regulars import Shop, recent
from regulars.privacy.erase import erase
from regulars.profile import dataset
from regulars.recent import Recent


def test_many_customers_as_of_one_moment_are_computed_to_the_same_features(gift_shop, monkeypatch):
    pairs = gift_shop.customers(datetime(2011, 9, 10, tzinfo=UTC))
    pairs = pairs.take([3, 1, 2, 3, *range(100, 2000)])  # in no order, one of them twice
    joined = dataset.features_as_of(gift_shop, pairs)
    monkeypatch.setattr(dataset, "MANY", 1)
    monkeypatch.setattr(gift_shop, "recent", Recent())  # which has the answer already
    grouped = dataset.features_as_of(gift_shop, pairs)
    assert joined.equals(grouped)
    assert joined.num_rows == 1904


@pytest.mark.parametrize("count", [0, 1])
def test_no_customer_and_one_customer_are_answered(gift_shop, count):
    pairs = gift_shop.customers(datetime(2011, 9, 10, tzinfo=UTC)).slice(0, count)
    assert dataset.features_as_of(gift_shop, pairs).num_rows == count


def test_rows_that_the_engine_computes_by_itself_are_the_same_features(tea_shop, tea_as_of, monkeypatch):
    expected = dataset.features_as_of(tea_shop, tea_shop.customers(tea_as_of))
    monkeypatch.setattr(dataset, "MANY", 1)
    rows = dataset.rows(tea_shop, tea_shop.buyers(tea_as_of), tea_as_of)
    found = tea_shop.engine.to_arrow(rows.table.order_by("customer_id"))
    assert rows.schema.equals(expected.schema, check_metadata=True)
    assert found.cast(rows.schema).to_pydict() == expected.to_pydict()


def test_features_are_computed_anew_when_something_before_the_moment_is_added_and_not_before(
    with_orders, record, monkeypatch
):
    """Decisions are logged as of the moment: who asks for the features again must not wait for them again."""
    shop = Shop.open(with_orders)
    shop.recent = Recent(least_rows=1)
    moment, asked = datetime(2024, 5, 2, tzinfo=UTC), []
    compute = dataset.compute
    monkeypatch.setattr(dataset, "compute", lambda *given: asked.append(1) or compute(*given))

    def orders(as_of=moment):
        return dataset.features_as_of(shop, shop.customers(as_of))["orders"].to_pylist()

    def bought(at):
        record(shop, {"type": "order_completed", "customer_id": "ada", "time": at.isoformat(), "order_id": at.isoformat(),
                      "product_id": "tea", "quantity": 1, "unit_price": 4.5})  # fmt: skip

    assert (orders(), len(asked)) == ([1], 1)
    bought(moment)
    assert (orders(), len(asked)) == ([1], 1)
    assert orders(moment + timedelta(microseconds=1)) == [2]
    bought(moment - timedelta(hours=1))
    assert orders() == [2]


def test_features_of_many_are_the_same_from_a_file_and_who_is_erased_is_in_none(own_tea_shop, tea_as_of, monkeypatch):
    pairs = own_tea_shop.customers(tea_as_of)
    gone, *others = pairs["customer_id"].to_pylist()
    expected = dataset.features_as_of(own_tea_shop, pairs)
    monkeypatch.setattr(recent, "MANY_ROWS", 2)

    def opened():
        shop = Shop.open(own_tea_shop.folder)
        shop.recent = Recent(shop.folder / "cache" / "features")
        return shop

    assert dataset.features_as_of(opened(), pairs).equals(expected, check_metadata=True)
    monkeypatch.setattr(dataset, "compute", None)
    assert dataset.features_as_of(opened(), pairs).equals(expected, check_metadata=True)
    few = pairs.take([4, 2, 0])
    assert dataset.features_as_of(opened(), few).equals(expected.take([4, 2, 0]), check_metadata=True)
    monkeypatch.undo()
    shop = opened()
    erase(shop, [gone])
    assert [path.name for path in (shop.folder / "cache" / "features").iterdir()] == ["lock"]
    assert shop.customers(tea_as_of)["customer_id"].to_pylist() == others
