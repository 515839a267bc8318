from __future__ import annotations

import json
import re
import threading
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from regulars.errors import RejectedError
from regulars.events import importing

MAY = [
    "2024-05-01 10:00,ada,tea,1,4.50,A1",
    "2024-05-01 10:00,ada,cup,2,3.00,A1",
    "2024-05-02 11:00,bob,tea,1,4.50,A2",
    "2024-05-03 12:00,ada,tea,3,4.25,A3",
]


def test_the_same_file_again_adds_nothing(till):
    assert till.import_rows(*MAY).added == 4
    before = till.log.snapshot()
    again = till.import_rows(*MAY)
    assert (again.read, again.added, again.duplicates, again.rejected) == (4, 0, 4, 0)
    assert till.log.snapshot() == before


@pytest.mark.parametrize("kind", ["parquet", "jsonl", "tsv"])
def test_the_same_rows_in_another_kind_of_file_add_nothing(till, kind):
    path = till.file("may.csv", *MAY)
    till.import_(path)
    other = till.folder / f"may.{kind}"
    table = pacsv.read_csv(path)
    if kind == "parquet":
        assert pa.types.is_timestamp(table["date"].type)
        assert pa.types.is_floating(table["price"].type)
        pq.write_table(table, other)
    elif kind == "jsonl":
        other.write_text("".join(json.dumps(row, default=str) + "\n" for row in table.to_pylist()))
    else:
        other.write_text(path.read_text().replace(",", "\t"))
    result = till.import_(other)
    assert (result.added, result.duplicates) == (0, 4)


@pytest.mark.parametrize("size", [1, 50, 120])
def test_pieces_of_another_size_give_the_same_identities(till, cut_to, size):
    rows = [*MAY, MAY[0], *MAY, "2024-05-04 09:00,ada,tea,-1,4.25,C1", MAY[3], "2024-05-04 09:00,ada,tea,-1,4.25,C1"]
    till.import_rows(*rows)
    before = till.rows("event_id", "line")
    cut_to(size)
    result = till.import_rows(*rows)
    assert (result.added, result.duplicates) == (0, len(rows))
    assert till.rows("event_id", "line") == before
    assert len(set(before)) == len(rows)


@pytest.mark.parametrize("size", [1 << 20, 80, 1])
def test_equal_rows_of_a_file_are_all_kept(till, cut_to, size):
    cut_to(size)
    rows = [MAY[0]] * 5 + [MAY[2]] + [MAY[0]] * 2
    assert till.import_rows(*rows).added == 8
    ids = till.rows("event_id", "line")
    assert len(set(ids)) == 8
    assert sorted(line for _, line in ids) == [0, 0, 1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("size", [1 << 20, 1])
def test_equal_refunds_of_a_file_are_all_kept(till, cut_to, size):
    cut_to(size)
    refund = "2024-05-04 09:00,ada,tea,-1,4.50,C1"
    assert till.import_rows(*MAY, refund, MAY[1], refund, refund).added == 8
    refunds = [line for kind, line in till.rows("type", "line") if kind == "order_refunded"]
    assert refunds == [0, 1, 2]


def test_a_file_with_one_more_of_its_equal_rows_adds_that_one(till):
    till.import_rows(MAY[0], MAY[0])
    result = till.import_rows(MAY[0], MAY[0], MAY[0])
    assert (result.added, result.duplicates) == (1, 2)
    assert [line for (line,) in till.rows("line")] == [0, 1, 2]


def test_overlapping_exports_count_each_row_once(till, cut_to):
    days = [f"2024-05-{day:02d} 10:00,ada,tea,1,4.50,A{day}" for day in range(1, 29)]
    cut_to(100)
    assert till.import_rows(*days[:14]).added == 14
    assert till.import_rows(*days[7:21]).added == 7
    assert till.import_rows(*reversed(days)).added == 7
    assert [order for (order,) in till.rows("order_id")] == sorted(f"A{day}" for day in range(1, 29))


def test_a_further_column_does_not_make_the_rows_new(till):
    till.import_rows(*MAY)
    path = till.file("more.csv", *(f"{row},shop" for row in MAY), header=f"{till.header},where")
    mapping = till.mapping_with(**{"properties.where": "where"})
    assert till.import_(path, mapping=mapping).duplicates == 4


@pytest.mark.parametrize("size", [1 << 20, 1])
def test_of_two_events_with_one_id_the_first_stays(till, cut_to, size):
    cut_to(size)
    mapping = till.mapping_with(event_id="id")
    header = f"{till.header},id"
    path = till.file("ids.csv", f"{MAY[0]},e1", f"{MAY[2]},e2", f"{MAY[0]},e1", f"{MAY[1]},e1", header=header)
    result = till.import_(path, mapping=mapping)
    assert (result.read, result.added, result.duplicates, result.rejected) == (4, 2, 1, 1)
    assert till.refused() == [(5, "id", "e1", "another event has this id and says something else; the first one stays")]
    hashes = re.search(r"hash of this row ([0-9a-f]{16}), .* first ([0-9a-f]{16})", till.rejects.read_text()).groups()
    assert len(set(hashes)) == 2
    later = till.file("later.csv", f"{MAY[3]},e3", f"{MAY[1]},e2", f"{MAY[0]},e1", header=header)
    result = till.import_(later, mapping=mapping)
    assert (result.added, result.duplicates, result.rejected) == (1, 1, 1)
    assert [(line, value) for line, _, value, _ in till.refused()] == [(3, "e2")]
    assert till.rows("event_id", "product_id", "order_id") == [
        ("e1", "tea", "A1"),
        ("e2", "tea", "A2"),
        ("e3", "tea", "A3"),
    ]


def test_lines_of_one_event_id_are_told_apart(till):
    mapping = till.mapping_with(event_id="id", line="line")
    path = till.file("ids.csv", f"{MAY[0]},e1,1", f"{MAY[1]},e1,2", header=f"{till.header},id,line")
    assert till.import_(path, mapping=mapping).added == 2
    assert till.import_(path, mapping=mapping).duplicates == 2
    assert till.rows("event_id", "line", "product_id") == [("e1", 1, "tea"), ("e1", 2, "cup")]


def test_a_row_without_its_event_id_is_refused(till):
    path = till.file("ids.csv", f"{MAY[0]},e1", f"{MAY[1]},", f"{MAY[2]},", header=f"{till.header},id")
    assert till.import_(path, mapping=till.mapping_with(event_id="id")).added == 1
    assert [(line, column) for line, column, _, _ in till.refused()] == [(3, "id"), (4, "id")]


def test_an_order_item_number_without_event_ids_counts_nothing_twice(till):
    path = till.file("items.csv", f"{MAY[0]},1", f"{MAY[1]},2", header=f"{till.header},item")
    mapping = till.mapping_with(line="item")
    assert till.import_(path, mapping=mapping).added == 2
    assert till.import_(path, mapping=mapping).duplicates == 2


def test_a_bad_row_is_listed_with_its_place_and_stops_nothing(till, cut_to):
    cut_to(60)
    result = till.import_rows(
        MAY[0],
        "soon,ada,tea,1,4.50,A1",
        "2024-05-01 10:00,ada,tea,many,4.50,A1",
        "2024-05-01 10:00,ada,tea,1,nan,A1",
        "2024-05-01 10:00,ada,tea,1,-4.50,A1",
        "2025-05-01 10:00,ada,tea,1,4.50,A1",
        "1969-05-01 10:00,ada,tea,1,4.50,A1",
        ",ada,tea,1,4.50,A1",
        "2024-05-01 10:00,,,1,4.50,A1",
        "2024-05-01 10:00,ada",
        MAY[3],
    )
    assert (result.read, result.added, result.duplicates, result.rejected) == (11, 2, 0, 9)
    assert sorted(till.refused()) == [
        (3, "date", "soon", "not a time"),
        (4, "quantity", "many", "not a finite number"),
        (5, "price", "nan", "not a finite amount of money"),
        (6, "price", "'-4.50", "a price cannot be negative"),
        (7, "date", "2025-05-01 10:00", "in the future"),
        (8, "date", "1969-05-01 10:00", "before 1970"),
        (9, "date", "", "the time is missing"),
        (10, "", "", "names neither a customer nor a product"),
        (11, "", "2024-05-01 10:00,ada", "2 cells where the header has 6"),
    ]
    assert result.reasons["not a time"] == 1


def test_mending_a_refused_row_adds_that_row_only(till):
    till.import_rows(MAY[0], "2024-05-01 10:00,ada,tea,one,4.50,A1", MAY[0])
    result = till.import_rows(MAY[0], MAY[0], MAY[0])
    assert (result.added, result.duplicates) == (1, 2)


def test_strict_leaves_the_log_as_it_was_and_no_file_behind(till, cut_to):
    till.import_rows(MAY[0])
    before = till.log.snapshot(), sorted(path.name for path in (till.log.folder / "data").iterdir())
    cut_to(40)
    path = till.file("bad.csv", *MAY, "soon,ada,tea,1,4.50,A1", *(MAY * 50))
    with pytest.raises(RejectedError, match=r'bad.csv, line 6, column "date": \'soon\': not a time. Nothing was imp'):
        till.import_(path, strict=True)
    assert (till.log.snapshot(), sorted(path.name for path in (till.log.folder / "data").iterdir())) == before
    assert [refused[0] for refused in till.refused()] == [6]


def test_no_thread_still_writes_when_an_import_has_failed(till, cut_to, monkeypatch):
    cut_to(40)
    slow = threading.Event()
    convert = importing.convert

    def slowly(raw, conversion):
        if raw.lines.min(initial=99) > 4:
            slow.wait(0.3)
        return convert(raw, conversion)

    monkeypatch.setattr(importing, "convert", slowly)
    path = till.file("bad.csv", "soon,ada,tea,1,4.50,A1", *(MAY * 5))
    with pytest.raises(RejectedError) as caught:
        till.import_(path, strict=True)
    assert not any("ThreadPool" in thread.name for thread in threading.enumerate())
    assert list((till.log.folder / "data").iterdir()) == []
    assert caught.value


def test_a_negative_quantity_is_a_refund_of_the_newest_earlier_order(till):
    till.import_rows(
        *MAY,
        "2024-05-02 12:00,ada,tea,-1,4.50,C1",
        "2024-05-09 12:00,ada,tea,-2,4.25,C2",
        "2024-05-09 12:00,bob,cup,-1,3.00,C3",
    )
    found = [row[1:] for row in till.rows("type", "quantity", "order_id", "properties") if row[0] == "order_refunded"]
    assert found == [
        (1.0, "A1", '{"refund_id": "C1"}'),
        (1.0, "C3", None),
        (2.0, "A3", '{"refund_id": "C2"}'),
    ]


def test_a_refund_is_tied_to_an_order_of_an_earlier_import(till):
    till.import_rows(*MAY)
    result = till.import_rows("2024-05-09 12:00,bob,tea,-1,4.50,C9")
    assert (result.added, result.duplicates) == (1, 0)
    assert ("order_refunded", "A2", '{"refund_id": "C9"}') in till.rows("type", "order_id", "properties")


def test_a_refund_that_came_before_its_order_is_no_other_event_when_it_comes_again(till):
    mapping = till.mapping_with(event_id="id")
    header = f"{till.header},id"
    refund = till.file("refund.csv", "2024-05-09 12:00,bob,tea,-1,4.50,C9,r1", header=header)
    till.import_(refund, mapping=mapping)
    till.import_(till.file("orders.csv", f"{MAY[2]},e1", header=header), mapping=mapping)
    again = till.import_(refund, mapping=mapping)
    assert (again.added, again.duplicates, again.rejected) == (0, 1, 0)


def test_lines_of_one_moment_are_one_order_where_the_file_names_none(till):
    path = till.file("orders.csv", *MAY)
    till.import_(path, mapping=till.mapping_with("order_id"))
    assert till.rows("order_id", "product_id") == [
        ("ada@2024-05-01T10:00:00", "cup"),
        ("ada@2024-05-01T10:00:00", "tea"),
        ("ada@2024-05-03T12:00:00", "tea"),
        ("bob@2024-05-02T11:00:00", "tea"),
    ]


def test_lines_without_an_order_id_are_one_order_in_a_file_that_has_that_column(till):
    rows = [f"2024-05-0{day},{who},{what},1,4.50,{order}" for day, who, what, order in [
        (1, "ada", "tea", ""), (1, "ada", "cup", ""), (1, "bob", "tea", "B1"), (2, "ada", "tea", ""),
    ]]  # fmt: skip
    till.import_rows(*rows)
    assert till.rows("order_id", "product_id") == [
        ("B1", "tea"),
        ("ada@2024-05-01T00:00:00", "cup"),
        ("ada@2024-05-01T00:00:00", "tea"),
        ("ada@2024-05-02T00:00:00", "tea"),
    ]
    assert till.import_rows(*rows).added == 0


def test_an_amount_gives_the_price_of_one_piece(till):
    path = till.file(
        "amounts.csv",
        "2024-05-01,ada,tea,4,10.00,A1",
        "2024-05-02,ada,tea,1,-2.50,C1",
        "2024-05-02,ada,tea,0,2.50,C2",
    )
    result = till.import_(path, mapping=till.mapping_with("unit_price", amount="price"))
    assert till.rows("type", "quantity", "unit_price") == [
        ("order_completed", 4.0, Decimal("2.5000")),
        ("order_refunded", 1.0, Decimal("2.5000")),
    ]
    assert (result.rejected, till.refused()[0][0]) == (1, 4)


def test_times_on_a_changing_clock_are_read_and_counted(tmp_path: Path) -> None:
    from regulars import Shop
    from regulars.config import ShopSettings

    shop = Shop.create(tmp_path / "shop", ShopSettings(timezone="Europe/London"))
    path = tmp_path / "orders.csv"
    path.write_text(
        "time,customer,product,price\n"
        "2024-03-31 01:30,ada,tea,4\n2024-10-27 01:30,ada,tea,4\n2024-10-27 01:45,bob,tea,4\n2024-05-01 10:00,bob,tea,4\n"
    )
    result = shop.import_(path)
    assert result.added == 4
    assert result.notes == {
        "times that the clock showed twice, taken for the earlier of the two": 2,
        "times that the clock leapt over, taken for the moment of the leap": 1,
    }
