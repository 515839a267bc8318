"""A file that was imported whole is known by its bytes: and only then is it not read again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from regulars import Shop
from regulars.config import ShopSettings
from regulars.events import importing
from regulars.events.compaction import compact
from regulars.events.mapping import Mapping
from regulars.events.recovery import drop_damaged

ORDERS = "time,customer,product,order,price\n2024-05-01,ada,tea,1,4\n2024-05-02,bob,tea,2,4\n"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop.create(tmp_path / "shop", ShopSettings(currency="EUR"))


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    path = tmp_path / "orders.csv"
    path.write_text(ORDERS)
    return path


@pytest.fixture
def converted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each piece of a file that was read."""
    found: list[int] = []
    convert = importing.convert

    def counting(*given: object) -> object:
        found.append(1)
        return convert(*given)

    monkeypatch.setattr(importing, "convert", counting)
    return found


def test_the_same_file_again_is_not_read_and_adds_nothing(shop: Shop, orders: Path, converted: list[int]) -> None:
    first = shop.import_(orders)
    converted.clear()
    again = Shop.open(shop.folder).import_(orders)
    assert converted == []
    assert (again.read, again.added, again.duplicates, again.rejected) == (2, 0, 2, 0)
    assert again.version == first.version


def test_under_another_name_it_is_the_same_file(shop: Shop, orders: Path, tmp_path: Path, converted: list[int]) -> None:
    shop.import_(orders)
    converted.clear()
    copy = tmp_path / "copy.csv"
    copy.write_text(ORDERS)
    assert shop.import_(copy).duplicates == 2
    assert converted == []


def test_one_changed_letter_makes_another_file(shop: Shop, orders: Path) -> None:
    shop.import_(orders)
    orders.write_text(ORDERS.replace("bob", "eve"))
    assert shop.import_(orders).added == 1


def test_read_in_another_way_it_is_read_again(shop: Shop, orders: Path) -> None:
    shop.import_(orders)
    mapping = Mapping("views", {"time": "time", "customer_id": "customer"}, {"type": "product_viewed"})
    assert shop.import_(orders, mapping=mapping).added == 2


def test_a_file_with_refused_rows_is_read_again_so_that_they_are_listed_again(shop: Shop, orders: Path) -> None:
    orders.write_text(ORDERS + "2024-05-03,eve,tea,3,-4\n")
    first, again = shop.import_(orders), shop.import_(orders)
    assert first.rejected == again.rejected == 1
    assert again.rejects is not None
    assert "-4" in again.rejects.read_text()


def test_after_a_compaction_it_is_still_known(shop: Shop, orders: Path, tmp_path: Path, converted: list[int]) -> None:
    shop.import_(orders)
    other = tmp_path / "other.csv"
    other.write_text(ORDERS.replace("05-0", "06-0"))
    shop.import_(other)
    compact(shop.log)
    converted.clear()
    assert shop.import_(orders).added == 0
    assert converted == []


def test_after_rows_were_left_out_it_brings_them_back(shop: Shop, orders: Path) -> None:
    shop.import_(orders)
    (data,) = shop.log.paths(shop.log.snapshot(), "events")
    data.write_bytes(data.read_bytes()[:-1])
    drop_damaged(shop.log)
    assert Shop.open(shop.folder).import_(orders).added == 2


def test_a_file_that_grew_while_it_was_read_is_read_again(
    shop: Shop, orders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    convert = importing.convert

    def growing(*given: object) -> object:
        with orders.open("a") as file:
            file.write("2024-05-03,eve,tea,3,4\n")
        os.utime(orders)
        return convert(*given)

    with monkeypatch.context() as patched:
        patched.setattr(importing, "convert", growing)
        shop.import_(orders)
    assert shop.import_(orders).added == 1
