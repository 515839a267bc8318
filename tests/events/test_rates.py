"""Rates of currencies: the shapes of files, what holds when, and money in one currency."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from regulars import Shop
from regulars.config import ShopSettings
from regulars.errors import InputError

ORDERS = """time,customer,order,product,quantity,price,currency
2024-05-01 10:00,ada,1,tea,2,10.00,EUR
2024-05-01 10:00,bob,2,tea,1,10.00,USD
2024-05-02 10:00,bob,3,tea,1,10.00,USD
2024-05-05 10:00,eve,4,tea,1,1000,JPY
2024-04-30 23:00,cid,5,tea,1,10.00,USD
"""
LONG = "date,currency,rate\n2024-05-01,USD,0.9\n2024-05-02,usd,0.8\n"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop.create(tmp_path / "shop", ShopSettings(currency="EUR", timezone="UTC"))
    (tmp_path / "orders.csv").write_text(ORDERS)
    assert shop.import_(tmp_path / "orders.csv").added == 5
    return shop


def rates_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "rates.csv"
    path.write_text(text)
    return path


def prices(shop: Shop) -> dict[str, Decimal | None]:
    table = shop.engine.to_arrow(shop.events.select("order_id", "unit_price", "currency").order_by("order_id"))
    return dict(zip(table["order_id"].to_pylist(), table["unit_price"].to_pylist(), strict=True))


def test_without_a_rate_foreign_money_is_unknown_and_never_taken_for_the_shops(shop: Shop) -> None:
    assert prices(shop) == {"1": Decimal("10.0000"), "2": None, "3": None, "4": None, "5": None}
    assert shop.unrated == ["JPY", "USD"]


def test_each_price_is_at_the_newest_rate_of_its_own_time(shop: Shop, tmp_path: Path) -> None:
    shop.import_rates(rates_file(tmp_path, LONG))
    assert shop.unrated == ["JPY"]
    # Order 5 is of the day before the first rate; no rate of JPY is known.
    assert prices(shop) == {"1": Decimal(10), "2": Decimal(9), "3": Decimal(8), "4": None, "5": None}


def test_the_shape_of_the_central_bank_is_how_many_one_euro_buys(shop: Shop, tmp_path: Path) -> None:
    shop.import_rates(rates_file(tmp_path, "Date,USD,JPY,\n2024-05-02,1.25,200,\n2024-05-01,1.6,N/A,\n"))
    assert prices(shop) == {"1": Decimal(10), "2": Decimal("6.25"), "3": Decimal(8), "4": Decimal(5), "5": None}


def test_the_shape_of_the_central_bank_serves_a_shop_of_another_currency(tmp_path: Path) -> None:
    shop = Shop.create(tmp_path / "shop", ShopSettings(currency="USD", timezone="UTC"))
    (tmp_path / "orders.csv").write_text(ORDERS)
    shop.import_(tmp_path / "orders.csv")
    shop.import_rates(rates_file(tmp_path, "Date,USD,JPY\n2024-05-01,1.25,200\n"))
    assert prices(shop) == {
        "1": Decimal("12.50"), "2": Decimal(10), "3": Decimal(10), "4": Decimal("6.25"), "5": Decimal(10),
    }  # fmt: skip


def test_rates_imported_again_change_nothing_and_a_corrected_one_holds(shop: Shop, tmp_path: Path) -> None:
    version = shop.import_rates(rates_file(tmp_path, LONG))
    assert shop.import_rates(rates_file(tmp_path, LONG)) == version
    assert shop.import_rates(rates_file(tmp_path, "date,currency,rate\n2024-05-02,USD,0.5\n")) == version + 1
    assert prices(shop)["3"] == Decimal(5)


def test_the_log_keeps_what_was_paid(shop: Shop, tmp_path: Path) -> None:
    shop.import_rates(rates_file(tmp_path, LONG))
    kept = shop.log.read("events")
    assert set(zip(kept["unit_price"].to_pylist(), kept["currency"].to_pylist(), strict=True)) == {
        (Decimal("10.0000"), "EUR"), (Decimal("10.0000"), "USD"), (Decimal("1000.0000"), "JPY"),
    }  # fmt: skip


def test_profiles_are_in_the_shops_currency(shop: Shop, tmp_path: Path) -> None:
    from regulars.profile import profiles

    shop.import_rates(rates_file(tmp_path, LONG))
    table = profiles(shop, datetime(2024, 6, 1, tzinfo=UTC))
    spend = dict(zip(table["customer_id"].to_pylist(), table["spend"].to_pylist(), strict=True))
    assert spend["ada"] == 20
    assert spend["bob"] == 17


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("date,price\n2024-05-01,3\n", "no rates of currencies. Columns: date, price"),
        ("date,currency,rate\nnever,USD,3\n", "row 1 of the data: 'never' is no date"),
        ("date,currency,rate\n2024-05-01,USD,much\n", "row 1 of the data: 'much' is no rate"),
        ("date,currency,rate\n2024-05-01,USD,0\n", "a rate is zero or less"),
        ("Date,USD\n2024-05-01,NaN\n", "'NaN' is no rate"),
    ],
)
def test_what_is_no_rate_is_refused_whole(shop: Shop, tmp_path: Path, text: str, said: str) -> None:
    version = shop.log.version
    with pytest.raises(InputError, match=said):
        shop.import_rates(rates_file(tmp_path, text))
    assert shop.log.version == version


def test_a_shop_whose_currency_the_bank_does_not_list_is_told(tmp_path: Path) -> None:
    shop = Shop.create(tmp_path / "shop", ShopSettings(currency="GBP"))
    with pytest.raises(InputError, match=r"no column GBP, the shop's own currency\. Found: USD"):
        shop.import_rates(rates_file(tmp_path, "Date,USD\n2024-05-01,1.1\n"))


def test_a_currency_that_the_log_has_in_small_letters_is_the_same(shop: Shop, tmp_path: Path) -> None:
    """As imports of earlier versions wrote it."""
    rows = shop.log.read("events").sort_by("order_id").slice(0, 2)
    small = pa.array(["eur", "usd"], rows.schema.field("currency").type)
    ids = pa.array(["old-1", "old-2"], rows.schema.field("event_id").type)
    for name, values in (("currency", small), ("event_id", ids), ("order_id", ids)):
        rows = rows.set_column(rows.column_names.index(name), rows.schema.field(name), values)
    shop.log.append(rows, "before")
    assert shop.unrated == ["JPY", "USD"]
    assert prices(shop)["old-1"] == Decimal(10)
    shop.import_rates(rates_file(tmp_path, LONG))
    assert (prices(shop)["old-1"], prices(shop)["old-2"]) == (Decimal(10), Decimal(9))
