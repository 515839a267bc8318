"""The catalogue: each description once, from when it was first seen."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa

from regulars.events.catalogue import merge
from regulars.events.mapping import Mapping
from regulars.events.schema import CATALOGUE


def day(number: int) -> datetime:
    return datetime(2024, 5, number, tzinfo=UTC)


def said(*rows: tuple[str, str, int]) -> pa.Table:
    found = [{"product_id": product, "title": title, "valid_from": day(seen)} for product, title, seen in rows]
    return pa.Table.from_pylist(found, CATALOGUE)


def known(table: pa.Table) -> list[tuple[str, str, int]]:
    rows = zip(
        table["product_id"].to_pylist(), table["title"].to_pylist(), table["valid_from"].to_pylist(), strict=True
    )
    return [(product, title, seen.day) for product, title, seen in rows]


def test_a_description_stands_once_from_when_it_was_first_seen():
    merged = merge(None, [said(("tea", "Tea", 5), ("tea", "Tea", 2)), said(("cup", "Cup", 3), ("tea", "Tea", 4))])
    assert known(merged) == [("cup", "Cup", 3), ("tea", "Tea", 2)]
    assert merged.schema == CATALOGUE


def test_a_new_title_is_a_further_row():
    merged = merge(said(("tea", "Tea", 1)), [said(("tea", "Green tea", 4))])
    assert known(merged) == [("tea", "Tea", 1), ("tea", "Green tea", 4)]


def test_what_is_known_already_changes_nothing():
    assert merge(said(("tea", "Tea", 1)), [said(("tea", "Tea", 3))]) is None
    assert merge(None, [said()]) is None
    assert merge(None, []) is None


def test_what_was_said_earlier_moves_the_time_back():
    assert known(merge(said(("tea", "Tea", 3)), [said(("tea", "Tea", 1))])) == [("tea", "Tea", 1)]


def test_the_order_of_a_catalogue_does_not_depend_on_the_order_of_what_was_said():
    rows = [
        {"product_id": "tea", "title": "Tea", "category": category, "brand": brand, "valid_from": day(1)}
        for category in ("black", "green", None)
        for brand in ("Nord", "Ost", None)
    ]
    forwards = merge(None, [pa.Table.from_pylist(rows, CATALOGUE)])
    backwards = merge(None, [pa.Table.from_pylist(rows[::-1], CATALOGUE)])
    assert forwards.equals(backwards)
    assert merge(forwards, [pa.Table.from_pylist(rows[::-1], CATALOGUE)]) is None


def test_a_file_gives_the_catalogue_what_its_good_rows_say(till):
    mapping = till.mapping_with(title="title")
    rows = [
        "2024-05-02 10:00,ada,tea,1,4.50,A1,Tea",
        "2024-05-01 10:00,ada,tea,1,4.50,A0,Tea",
        "soon,ada,cup,1,1,A2,Cup",
    ]
    path = till.file("a.csv", *rows, header=f"{till.header},title")
    till.import_(path, mapping=mapping)
    assert known(till.log.read("catalogue")) == [("tea", "Tea", 1)]
    till.import_(path, mapping=mapping)
    assert till.log.version == 1


def test_a_price_and_a_stock_that_return_are_further_rows(till):
    path = till.file(
        "stock.csv",
        "2024-05-01 10:00,tea,10.00,40",
        "2024-05-02 10:00,tea,8.00,0",
        "2024-05-03 10:00,tea,8.00,0",
        "2024-05-04 10:00,tea,10.00,40",
        header="time,product_id,list_price,stock",
    )
    columns = {name: name for name in ("time", "product_id", "list_price", "stock")}
    mapping = Mapping("stock", columns, {"type": "product_viewed"})
    till.import_(path, mapping=mapping)
    rows = till.log.read("catalogue").select(["list_price", "stock", "valid_from"]).to_pylist()
    told = [(float(row["list_price"]), row["stock"], row["valid_from"].day) for row in rows]
    assert told == [(10, 40, 1), (8, 0, 2), (10, 40, 4)]
    till.import_(path, mapping=mapping)
    assert till.log.read("catalogue").num_rows == 3


def test_a_file_that_leaves_fields_out_says_nothing_of_them():
    full = {"product_id": "tea", "title": "Tea", "stock": 4.0}
    rows = [full | {"valid_from": day(1)}, full | {"stock": None, "valid_from": day(2)}, full | {"valid_from": day(3)}]
    assert merge(None, [pa.Table.from_pylist(rows, CATALOGUE)]).num_rows == 1
