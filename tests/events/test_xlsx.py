"""XLSX: the sheet's own row numbers, numbers and times as one would write them in a CSV file."""

from __future__ import annotations

from datetime import date, datetime, time

import openpyxl
import pytest

from regulars.errors import InputError
from regulars.events.readers import open_source
from regulars.events.readers import xlsx as xlsx_reader


def write(folder, *rows, name="till.xlsx", sheets_before=0):
    book = openpyxl.Workbook()
    for _ in range(sheets_before):
        book.create_sheet(index=0)
    sheet = book.worksheets[-1]
    for number, row in rows:
        for column, cell in enumerate(row, 1):
            sheet.cell(number, column, cell)
    book.save(folder / name)
    return folder / name


def read(path, *columns):
    source = open_source(path)
    raw = [chunk() for chunk in source.chunks(columns or source.headers)]
    return [row for each in raw for row in zip(each.lines.tolist(), each.table.to_pylist(), strict=True)]


@pytest.mark.parametrize("rows", [1, 2, 1 << 16])
def test_rows_have_the_sheets_numbers_over_empty_ones(tmp_path, rows, monkeypatch):
    monkeypatch.setattr(xlsx_reader, "CHUNK_ROWS", rows)
    path = write(tmp_path, (3, ["a", "b"]), (4, [17850, "x"]), (7, [None, 2.5]), sheets_before=2)
    assert read(path) == [(4, {"a": "17850", "b": "x"}), (7, {"a": None, "b": "2.5"})]


def test_times_are_written_in_iso_8601(tmp_path):
    path = write(tmp_path, (1, ["a", "b"]), (2, [datetime(2024, 5, 1, 10, 30), date(2024, 5, 1)]))
    assert read(path) == [(2, {"a": "2024-05-01T10:30:00", "b": "2024-05-01"})]


def test_headers_may_be_numbers(tmp_path):
    assert open_source(write(tmp_path, (1, [2024, " b "]), (2, [1, 2]))).headers == ("2024", "b")


def test_the_sample_leaves_out_empty_rows(tmp_path):
    assert open_source(write(tmp_path, (1, ["a"]), (4, ["x"]))).sample(3) == [["x"]]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "the workbook is empty"),
        ([(1, ["a", "b"])], r"has a header \(a, b\) and no rows after it"),
        ([(2, ["a", "a"]), (3, [1, 2])], 'row 2: the header "a" stands twice'),
    ],
)
def test_a_workbook_without_rows_or_with_one_header_twice_is_refused(tmp_path, rows, message):
    with pytest.raises(InputError, match=rf"till\.xlsx.*{message}"):
        open_source(write(tmp_path, *rows))


def test_a_file_that_is_no_workbook_is_refused(tmp_path):
    (tmp_path / "till.xlsx").write_bytes(b"a,b\n1,2\n")
    with pytest.raises(InputError, match=r"till\.xlsx: not a whole XLSX workbook"):
        open_source(tmp_path / "till.xlsx")


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path):
    with pytest.raises(InputError, match=r'no column "c"\. Found: a, b'):
        read(write(tmp_path, (1, ["a", "b"]), (2, [1, 2])), "c")


def test_a_time_of_day_is_text(tmp_path):
    assert read(write(tmp_path, (1, ["a"]), (2, [time(10, 30)])))[0][1]["a"] == "10:30:00"
