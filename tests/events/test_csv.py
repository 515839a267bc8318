"""CSV: which rows there are, on which lines they begin, and what a spoiled one spoils (itself only)."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.errors import InputError
from regulars.events.readers import csv as csv_reader
from regulars.events.readers import open_source

Rows = list[tuple[int, list[str | None]]]
UNCLOSED = "a quoted field opens here and is never closed"


def rows_of(path: Path) -> tuple[Rows, list[tuple[int, str]]]:
    """(line, cells) of the rows read, and (line, reason) of those refused."""
    source = open_source(path)
    rows: Rows = []
    refused = []
    for chunk in source.chunks(source.headers):
        raw = chunk()
        cells = [raw.table[name].to_pylist() for name in source.headers]
        rows += [(int(line), list(row)) for line, *row in zip(raw.lines, *cells, strict=True)]
        refused += [(reject.line, reject.reason) for reject in raw.rejects]
    return sorted(rows), sorted(refused)


def read(folder: Path, text: str | bytes, name: str = "till.csv") -> tuple[Rows, list[tuple[int, str]]]:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return rows_of(path)


@pytest.fixture(params=[1, 7, 1 << 22])
def _piece_bytes(request, monkeypatch):
    monkeypatch.setattr(csv_reader, "SMALLEST_CHUNK", request.param)
    monkeypatch.setattr(csv_reader, "LARGEST_CHUNK", request.param)


hostile = st.text(st.sampled_from("\",\n\r a1é茶;|\t'\x00=\\"), max_size=6)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.one_of(st.just([]), st.lists(hostile, min_size=3, max_size=3)), min_size=1, max_size=8),
    end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    has_bom=st.booleans(),
    has_last_end=st.booleans(),
    piece=st.sampled_from([1, 5, 1 << 22]),
)
def test_rows_cells_and_lines_are_those_of_pythons_reader(tmp_path, rows, end, quoting, has_bom, has_last_end, piece):
    rows = [*rows, ["the", "last", "row"]]
    if any("\r" in cell for row in rows for cell in row):
        quoting = csv.QUOTE_ALL  # Python's writer leaves it bare otherwise, and its own reader cuts there
    out = io.StringIO()
    csv.writer(out, lineterminator=end, quoting=quoting).writerows([["a", "b", "c"], *rows])
    text = out.getvalue() if has_last_end else out.getvalue().removesuffix(end)

    expected: Rows = []
    reader = csv.reader(io.StringIO(text, newline=""))
    before = 0
    for row in reader:
        # A carriage return by itself is read as the end of a line.
        cells = [re.sub("\r(?!\n)", "\n", cell) or None for cell in row]
        if row and before:
            expected.append((before + 1, cells))
        before = reader.line_num

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_reader, "SMALLEST_CHUNK", piece)
        patch.setattr(csv_reader, "LARGEST_CHUNK", piece)
        assert read(tmp_path, "\ufeff" * has_bom + text) == (expected, [])


@pytest.mark.usefixtures("_piece_bytes")
def test_lines_are_counted_over_blank_lines_and_quoted_newlines(tmp_path):
    text = 'a,b\r\n\r\n1,"x\r\ny"\r\n   \r\n2,z\r\n'
    assert read(tmp_path, text) == ([(3, ["1", "x\r\ny"]), (6, ["2", "z"])], [])


@pytest.mark.usefixtures("_piece_bytes")
def test_a_header_of_two_lines_after_a_blank_one(tmp_path):
    assert read(tmp_path, '\n"a\na",b\n1,2\n') == ([(4, ["1", "2"])], [])


@pytest.mark.usefixtures("_piece_bytes")
def test_a_row_with_too_few_or_too_many_cells_is_refused_with_its_line(tmp_path):
    rows, refused = read(tmp_path, 'a,b\n1,2\n3\n"4\n4",5\n6,7,8\n9,9')
    assert rows == [(2, ["1", "2"]), (4, ["4\n4", "5"]), (7, ["9", "9"])]
    assert refused == [(3, "1 cells where the header has 2"), (6, "3 cells where the header has 2")]


@pytest.mark.usefixtures("_piece_bytes")
@pytest.mark.parametrize("spoiled", ['"abc,3', '1,"abc', '1,"a"",b', '"'])
def test_an_unclosed_quote_spoils_its_own_line_only(tmp_path, spoiled, monkeypatch):
    monkeypatch.setattr(csv_reader, "LONGEST_ROW", 40)
    text = f'a,b\n1,2\n{spoiled}\n3,"x, y"\n' + "4,5\n" * 20
    rows, refused = read(tmp_path, text)
    assert refused == [(3, UNCLOSED)]
    assert rows == [(2, ["1", "2"]), (4, ["3", "x, y"]), *((line, ["4", "5"]) for line in range(5, 25))]


@pytest.mark.parametrize("text", ['1,"abc', '1,"abc\n'])
def test_an_unclosed_quote_on_the_last_line(tmp_path, text):
    assert read(tmp_path, f"a,b\n1,2\n{text}") == ([(2, ["1", "2"])], [(3, UNCLOSED)])


def test_an_unclosed_quote_that_a_later_row_closes_gives_back_what_it_swallowed(tmp_path):
    rows, refused = read(tmp_path, 'a,b,c\n1,"abc,2\n3,4,5\n6,x,"\n7,8,9\n')
    assert (3, ["3", "4", "5"]) in rows
    assert (5, ["7", "8", "9"]) in rows
    assert [line for line, _ in refused] == [2, 4]


@pytest.mark.usefixtures("_piece_bytes")
def test_a_sign_for_inches_is_a_character(tmp_path):
    text = 'a,b\n1,5" pipe\n2,"a ""b"" c"\n3,7" and 9" pipes\n4,6"\n"5",x\n'
    rows, refused = read(tmp_path, text)
    assert refused == []
    assert [cells[1] for _, cells in rows] == ['5" pipe', 'a "b" c', '7" and 9" pipes', '6"', "x"]
    assert [line for line, _ in rows] == [2, 3, 4, 5, 6]


def test_a_file_without_quoted_cells_may_hold_quotes(tmp_path):
    assert read(tmp_path, 'a,b\n1,5"\n2,6\n')[0] == [(2, ["1", '5"']), (3, ["2", "6"])]


@pytest.mark.usefixtures("_piece_bytes")
def test_bytes_that_are_not_utf8_refuse_their_row_only(tmp_path):
    text = b"\xef\xbb\xbfa,b\n" + "茶,1\n".encode() * 20 + b"\xff\xfe,2\n" + "é,3\n".encode()
    rows, refused = read(tmp_path, text)
    assert refused == [(22, "holds bytes that are not UTF-8")]
    assert rows == [*((line, ["茶", "1"]) for line in range(2, 22)), (23, ["é", "3"])]


def test_bytes_that_are_not_utf8_in_a_column_that_is_not_asked_for_refuse_the_row_too(tmp_path):
    # Else it would depend on the rows around it whether one is refused.
    path = tmp_path / "till.csv"
    path.write_bytes("a,b\n茶,茶\n".encode() * 9 + b"1,\xff\n")
    raw = [chunk() for chunk in open_source(path).chunks(["a"])]
    assert [reject.line for each in raw for reject in each.rejects] == [19]


def test_a_cell_of_a_megabyte_is_read(tmp_path):
    rows, refused = read(tmp_path, f'a,b\n1,"{"x" * 1_500_000}"\n2,y\n')
    assert refused == []
    assert [len(cells[1] or "") for _, cells in rows] == [1_500_000, 1]


def test_a_row_without_end_is_refused_and_not_kept_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_reader, "SMALLEST_CHUNK", 1000)
    monkeypatch.setattr(csv_reader, "LARGEST_CHUNK", 1000)
    monkeypatch.setattr(csv_reader, "LONGEST_ROW", 5000)
    rows, refused = read(tmp_path, f"a,b\n1,2\n{'x' * 50_000}\n3,4\n{'y' * 50_000}")
    assert rows == [(2, ["1", "2"]), (4, ["3", "4"])]
    assert [line for line, _ in refused] == [3, 5]


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_the_delimiter_is_found(tmp_path, delimiter):
    text = f"a{delimiter}b\n1{delimiter}2,5\n"
    if delimiter == ",":
        text = text.replace("2,5", '"2,5"')
    assert read(tmp_path, text, "till.txt")[0] == [(2, ["1", "2,5"])]


def test_old_macs_end_lines_with_a_carriage_return(tmp_path):
    assert read(tmp_path, "a,b\r1,2\r3,4\r")[0] == [(2, ["1", "2"]), (3, ["3", "4"])]


@pytest.mark.parametrize("name", ["till.csv.gz", "till.tsv.gz"])
def test_a_compressed_file_is_read_as_it_is(tmp_path, name):
    import gzip

    assert read(tmp_path, gzip.compress(b"a,b\n1,2\n"), name)[0] == [(2, ["1", "2"])]


def test_a_compressed_file_that_was_cut_off_names_the_mending(tmp_path):
    import gzip
    import random

    whole = gzip.compress("\n".join(f"{i},{random.Random(i).random()}" for i in range(200_000)).encode())
    path = tmp_path / "till.csv.gz"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"till\.csv\.gz: .*fetch it again"):
        rows_of(path)


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path):
    (tmp_path / "till.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r'no column "c"\. Found: a, b'):
        list(open_source(tmp_path / "till.csv").chunks(["a", "c"]))


def test_the_sample_leaves_out_rows_that_cannot_be_read(tmp_path):
    (tmp_path / "till.csv").write_text('a,b\n1\n2, 3 \n\n4,\n"5')
    assert open_source(tmp_path / "till.csv").sample(5) == [["2", "3"], ["4", None]]


def test_a_file_of_which_no_row_can_be_read_is_still_opened(tmp_path):
    assert read(tmp_path, "a,b\n1\n2\n") == (
        [],
        [(2, "1 cells where the header has 2"), (3, "1 cells where the header has 2")],
    )


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_very_long_cell_in_the_first_rows_does_not_hide_what_the_columns_are(shop, tmp_path, delimiter):
    path = tmp_path / "orders.csv"
    cells = (
        ["order_id", "created_at", "customer_id", "product_id", "note"],
        ["o1", "2024-05-01", "ada", "tea", "x" * 200_000],
    )
    path.write_text("".join(f"{delimiter.join(row)}\n" for row in cells))
    assert shop.import_(path).added == 1
