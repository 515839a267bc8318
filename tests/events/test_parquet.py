"""Parquet: typed columns, in pieces; what is nested or binary comes as text."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from regulars.errors import InputError
from regulars.events.readers import open_source
from regulars.events.readers import parquet as parquet_reader


def write(folder, **columns):
    path = folder / "shop.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def read(path, *columns):
    source = open_source(path)
    raw = [chunk() for chunk in source.chunks(columns or source.headers)]
    return [row for each in raw for row in zip(each.lines.tolist(), each.table.to_pylist(), strict=True)]


@pytest.mark.parametrize("rows", [1, 2, 1 << 18])
def test_rows_are_numbered_from_one_over_all_pieces(tmp_path, rows, monkeypatch):
    monkeypatch.setattr(parquet_reader, "CHUNK_ROWS", rows)
    assert read(write(tmp_path, a=[1, None, 3], b=["x", "y", "z"]), "a") == [
        (1, {"a": 1}),
        (2, {"a": None}),
        (3, {"a": 3}),
    ]


def test_lists_and_objects_come_as_json_and_bytes_as_text(tmp_path):
    path = write(tmp_path, a=[[1, 2], None], b=[{"x": "茶"}, None], c=[b"\xff1", b"2"])
    assert [row for _, row in read(path)] == [
        {"a": "[1, 2]", "b": '{"x": "茶"}', "c": "\ufffd1"},
        {"a": None, "b": None, "c": "2"},
    ]


def test_a_file_without_rows_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"has columns \(a\) and no rows"):
        open_source(write(tmp_path, a=pa.array([], pa.int64())))


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path):
    with pytest.raises(InputError, match=r'no column "c"\. Found: a, b'):
        read(write(tmp_path, a=[1], b=[2]), "c")


def test_a_file_that_is_damaged_inside_names_the_mending(tmp_path):
    path = write(tmp_path, a=list(range(100_000)))
    data = bytearray(path.read_bytes())
    data[100:20_000] = b"\xff" * 19_900
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"shop\.parquet: damaged inside .* fetch it again"):
        read(path)


def test_the_sample_is_text(tmp_path):
    assert open_source(write(tmp_path, a=[1, None], b=["x", "y"])).sample(5) == [["1", "x"], [None, "y"]]


def test_a_column_that_stands_twice_is_refused(tmp_path):
    path = tmp_path / "shop.parquet"
    pq.write_table(pa.table([["ada"], ["bob"]], ["who", "who"]), path)
    with pytest.raises(InputError, match=r'the column "who" stands twice'):
        open_source(path)


def test_a_year_that_is_no_mistake_of_the_reader_refuses_its_own_row(shop, tmp_path):
    path = write(
        tmp_path, customer_id=["ada"] * 20, product_id=["tea"] * 20,
        time=pa.array([10**12 * 3600, *[1714557600] * 19], pa.timestamp("s")),
    )  # fmt: skip
    found = shop.import_(path)
    assert (found.added, found.reasons) == (19, {"in the future": 1})
