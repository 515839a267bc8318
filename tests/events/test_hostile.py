"""Files that are broken, or made to break who reads them: each ends in events, rejects or a sentence."""

from __future__ import annotations

import io
import json
import os
import random
import struct
import zipfile
from collections import Counter
from contextlib import suppress
from datetime import UTC, date, datetime
from itertools import pairwise

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from regulars.errors import InputError
from regulars.events import readers, sandbox
from regulars.events.convert import Conversion, convert
from regulars.events.guess import guess
from regulars.events.mapping import Mapping
from tests.fuzz.mutations import mutated

NOW = datetime(2024, 6, 1, tzinfo=UTC)
COLUMNS = {"time": "date", "customer_id": "customer", "product_id": "product", "quantity": "qty", "unit_price": "price"}
MAPPING = Mapping("till", COLUMNS, {"type": "order_completed"})
HEADER = tuple(COLUMNS.values())
ROWS = [(f"2024-05-{day:02d} 10:00:00", f"c{day % 3}", f"茶{day % 2}", day, day + 0.5) for day in range(1, 9)]

MUTATIONS = int(os.environ.get("REGULARS_MUTATIONS", "250"))
"""Of each kind of file; `make soak` asks for more."""
SEED = int(os.environ.get("REGULARS_SEED", "0"))
ODD = (b"\0", b"\xff" * 4, b'"', b"\n", b"\r", b",", b"{", b"-1", b"1e400")
"""What readers of files trip over."""


def read(path):
    """How many events and rejects an import of a file would find; InputError if it cannot be read."""
    source = sandbox.open_source(path)
    with suppress(InputError):  # a header that is spoiled
        guess(source.headers, source.sample(1000), name="till", currency="EUR")
    events = rejects = 0
    for chunk in source.chunks(HEADER):
        found = convert(chunk(), Conversion(MAPPING, "EUR", "UTC", NOW))
        events += found.events.events.num_rows + found.refunds.events.num_rows
        rejects += len(found.rejects)
    return events, rejects


def read_all(path):
    source = sandbox.open_source(path)
    source.sample(1000)
    for chunk in source.chunks(source.headers):
        chunk()


def message(path):
    with pytest.raises(InputError) as caught:
        read_all(path)
    assert str(caught.value).startswith(str(path))
    return str(caught.value)


def csv_file():
    return "\r\n".join([",".join(HEADER), *(f'{d},"{c}",{p},{q},{u}' for d, c, p, q, u in ROWS), ""]).encode()


def jsonl_file():
    return "".join(json.dumps(dict(zip(HEADER, row, strict=True))) + "\n" for row in ROWS).encode()


def parquet_file(compression="none"):
    sink = io.BytesIO()
    table = pa.table([pa.array(column) for column in zip(*ROWS, strict=True)], HEADER)
    table = table.set_column(0, "date", table["date"].cast(pa.timestamp("us")))
    pq.write_table(table, sink, compression=compression)
    return sink.getvalue()


def xlsx_file():
    book, sink = openpyxl.Workbook(), io.BytesIO()
    for row in (HEADER, *ROWS):
        book.active.append(row)
    book.save(sink)
    return sink.getvalue()


FILES = {".csv": csv_file, ".jsonl": jsonl_file, ".parquet": parquet_file, ".xlsx": xlsx_file}


def parts(workbook):
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def packed(files, level=1):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return sink.getvalue()


def mutation(suffix, whole, rng):
    if suffix == ".xlsx" and rng.random() < 0.8:  # else the checksums of the archive catch all of it
        files = parts(whole)
        name = rng.choice([name for name in files if "sheet" in name or "shared" in name or "styles" in name])
        return packed(files | {name: mutated(files[name], rng, ODD)})
    if suffix == ".parquet" and rng.random() < 0.5:  # what it says of itself stands at its end
        footer = len(whole) - 8 - struct.unpack("<I", whole[-8:-4])[0]
        new = mutated(whole[footer:-8], rng, ODD)
        return whole[:footer] + new + struct.pack("<I", len(new)) + b"PAR1"
    return mutated(whole, rng, ODD)


@pytest.mark.parametrize("suffix", FILES)
def test_no_mutation_of_a_file_hurts_who_reads_it(tmp_path, suffix):
    whole = FILES[suffix]()
    path = tmp_path / f"till{suffix}"
    path.write_bytes(whole)
    assert read(path) == (len(ROWS), 0)
    ends = Counter()
    for number in range(MUTATIONS):
        seed = f"{SEED}{suffix}{number}"
        path.write_bytes(mutation(suffix, whole, random.Random(seed)))
        try:
            events, rejects = read(path)
        except InputError:
            ends["refused"] += 1
        except BaseException:
            print(f"the seed is {seed!r}")
            raise
        else:
            ends["events"] += events > 0
            ends["rejects"] += rejects > 0
    print(suffix, dict(ends))
    assert ends["refused"]
    assert ends["events"]


@pytest.mark.parametrize("suffix", FILES)
def test_a_file_cut_anywhere_gives_its_first_rows_or_a_sentence(tmp_path, suffix):
    whole = FILES[suffix]()
    path = tmp_path / f"till{suffix}"
    counts = []
    for size in range(0, len(whole), max(len(whole) // 80, 1)):
        path.write_bytes(whole[:size])
        try:
            counts.append(read(path)[0])
        except InputError:
            counts.append(0)
    if suffix in (".csv", ".jsonl"):
        assert all(early <= late for early, late in pairwise(counts))
        assert counts[-1] >= len(ROWS) - 1
    else:
        assert not any(counts)


def dictionary_bomb():
    text = pa.array(["x" * 8192])
    return pa.table({"a": pa.DictionaryArray.from_arrays(pa.array(np.zeros(1 << 18, np.int32)), text)})


def list_bomb():
    return pa.table({"a": pa.ListArray.from_arrays([0, 20_000_000], pa.repeat(pa.scalar(1), 20_000_000))})


def run_bomb():
    return pa.table({"a": pa.repeat(pa.scalar(1), 30_000_000)})


@pytest.mark.parametrize("bomb", [dictionary_bomb, list_bomb, run_bomb])
def test_a_parquet_bomb_is_refused(tmp_path, bomb):
    path = tmp_path / "till.parquet"
    pq.write_table(bomb(), path, compression="zstd", row_group_size=1 << 30)
    assert path.stat().st_size < 200_000
    assert "bytes that unpack to" in message(path)


def test_a_bomb_in_one_row_is_refused_before_it_is_shown(tmp_path):
    path = tmp_path / "till.parquet"
    pq.write_table(list_bomb(), path, compression="zstd")
    source = sandbox.open_source(path)
    with pytest.raises(InputError, match="bytes that unpack to"):
        source.sample(1)


def test_texts_of_parquet_that_are_no_utf8_are_named_as_damage(tmp_path):
    path = tmp_path / "till.parquet"
    pq.write_table(pa.table({"a": pa.array([b"caf\xe9"]).view(pa.string())}), path)
    with pytest.raises(InputError, match="damaged inside"):
        list(readers.open_source(path).chunks(["a"]))


def test_long_texts_that_repeat_come_in_pieces_of_bounded_size(tmp_path, monkeypatch):
    from regulars.events.readers import parquet

    monkeypatch.setattr(parquet, "LARGEST_CHUNK", 10_000)
    path = tmp_path / "till.parquet"
    pq.write_table(pa.table({"a": ["x" * 1000] * 50}), path)
    sizes = [chunk().table.num_rows for chunk in readers.open_source(path).chunks(["a"])]
    assert sum(sizes) == 50
    assert max(sizes) <= 10


def workbook(sheet):
    files = parts(xlsx_file())
    head = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    return packed(files | {"xl/worksheets/sheet1.xml": head + sheet + b"</sheetData></worksheet>"}, 9)


def cell(place, value=b"1"):
    return b'<c r="%s"><v>%s</v></c>' % (place, value)


def test_a_workbook_that_unpacks_to_hundreds_of_megabytes_is_refused(tmp_path):
    path = tmp_path / "till.xlsx"
    path.write_bytes(workbook(b'<row r="2">' + cell(b"A2", b"1" * 480) * 400_000 + b"</row>"))
    assert path.stat().st_size < 900_000
    assert "bytes that unpack to" in message(path)


def test_a_workbook_with_two_cells_in_far_corners_ends_its_reader_only(tmp_path):
    path = tmp_path / "till.xlsx"
    rows = b'<row r="1">' + cell(b"A1") + b'</row><row r="1048576">' + cell(b"XFD1048576") + b"</row>"
    path.write_bytes(workbook(rows))
    assert "2,048 MiB of memory" in message(path)
    path.write_bytes(xlsx_file())
    assert read(path) == (len(ROWS), 0)


def ole(*names):
    """A compound file, as Excel writes a workbook with a password, with empty streams of these names."""
    free, end = 0xFFFFFFFF, 0xFFFFFFFE
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<9I", 0, 1, 1, 0, 4096, end, 0, end, 0) + struct.pack("<109I", 0, *[free] * 108)
    fat = struct.pack("<128I", 0xFFFFFFFD, end, *[free] * 126)
    entries = b""
    for number, name in enumerate(("Root Entry", *names)):
        text = (name + "\0").encode("utf-16-le")
        right = number + 1 if 0 < number < len(names) else free
        child = 1 if number == 0 and names else free
        kind = 5 if number == 0 else 2
        entries += text.ljust(64, b"\0") + struct.pack("<HBB3I", len(text), kind, 1, free, right, child)
        entries += bytes(36) + struct.pack("<IQ", end, 0)
    return head + fat + entries.ljust(512, b"\0")


def test_a_workbook_with_a_password_is_named(tmp_path):
    path = tmp_path / "till.xlsx"
    path.write_bytes(ole("EncryptionInfo", "EncryptedPackage"))
    assert message(path) == f"{path}: is protected by a password. Save it without one."


def test_dates_since_1904_formulas_and_merged_cells_are_read_as_excel_shows_them(tmp_path):
    book, path = openpyxl.Workbook(), tmp_path / "till.xlsx"
    book.epoch = CALENDAR_MAC_1904
    book.active.append(["date", "n", "m"])
    book.active.append([datetime(2024, 5, 1, 10, 30), "=1+1", "x"])
    book.active.append([date(2024, 5, 2), 3, None])
    book.active.merge_cells("C2:C3")
    book.save(path)
    files = parts(path.read_bytes())
    sheet = files["xl/worksheets/sheet1.xml"]
    # What Excel keeps beside a formula: what it came to when the file was saved.
    assert b"<f>1+1</f><v />" in sheet or b"<f>1+1</f><v></v>" in sheet
    sheet = sheet.replace(b"<f>1+1</f><v />", b"<f>1+1</f><v>2</v>").replace(b"<v></v>", b"<v>2</v>")
    path.write_bytes(packed(files | {"xl/worksheets/sheet1.xml": sheet}))
    assert sandbox.open_source(path).sample(5) == [["2024-05-01T10:30:00", "2", "x"], ["2024-05-02", "3", None]]


GOOD = "2024-05-01 10:00,ada,tea,1,4.50,A1"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (GOOD.replace("2024", "0001"), "before 1970"),
        (GOOD.replace("2024", "2038"), "in the future"),
        (GOOD.replace("2024", "9999"), "in the future"),
        (GOOD.replace("2024", "99999"), "not a time"),
        (GOOD.replace("4.50", "1" + "0" * 30), "not a finite amount of money"),
        (GOOD.replace("4.50", "1e30"), "not a finite amount of money"),
        (GOOD.replace(",1,", ",1e400,"), "not a finite number"),
        (GOOD.replace(",1,", ",1" + "0" * 30 + ","), "not a finite number"),
    ],
)
def test_a_row_beyond_all_bounds_is_refused_alone(till, row, reason):
    assert till.import_rows(GOOD, row).added == 1
    assert [(line, why) for line, _, _, why in till.refused()] == [(3, reason)]


def test_mixed_ends_of_lines_are_ends_of_lines(till):
    path = till.folder / "rows.csv"
    path.write_bytes(f"{till.header}\r\n{GOOD}\n{GOOD}\r{GOOD}\r\n{GOOD}".encode())
    assert till.import_(path).added == 4


def test_a_zero_byte_is_a_character(till):
    assert till.import_rows(GOOD.replace("ada", "a\0da"), GOOD).added == 2
    assert till.rows("customer_id") == [("a\0da",), ("ada",)]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_is_read_if_it_begins_with_its_mark(till, encoding):
    path = till.folder / "rows.csv"
    mark = "" if encoding == "utf-16" else "\ufeff"
    path.write_bytes(f"{mark}{till.header}\n{GOOD.replace('tea', '茶')}\n".encode(encoding))
    assert till.import_(path).added == 1
    assert till.rows("product_id") == [("茶",)]


def test_a_field_of_ten_megabytes_is_read(till):
    path = till.file("rows.csv", f"{GOOD},{'x' * 10_000_000}", f"{GOOD},y", header=f"{till.header},note")
    assert till.import_(path, mapping=till.mapping_with(text="note")).added == 2
    assert sorted(len(text) for (text,) in till.rows("text")) == [1, 10_000_000]


def test_a_first_line_of_ten_megabytes_is_an_object_too(tmp_path):
    path = tmp_path / "till.jsonl"
    path.write_text(json.dumps({"date": "2024-05-01", "note": "x" * 10_000_000}) + '\n{"date": "2024-05-02"}\n')
    source = sandbox.open_source(path)
    assert source.headers == ("date", "note")
    assert sum(chunk().table.num_rows for chunk in source.chunks(["date"])) == 2


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_hundred_thousand_columns_are_refused(tmp_path, suffix):
    path = tmp_path / f"till{suffix}"
    names = [f"c{number}" for number in range(100_000)]
    if suffix == ".csv":
        path.write_text(",".join(names) + "\n" + ",".join(names) + "\n")
    else:
        names = names[:20_000]
        pq.write_table(pa.table([pa.array([1])] * len(names), names), path)
    assert f"has {len(names):,} columns; at most 16,384 are read" in message(path)


def test_a_field_named_by_half_a_character_is_refused_with_its_line(tmp_path):
    path = tmp_path / "till.jsonl"
    path.write_text('{"\\ud800": 1, "date": "2024-05-01"}\n{"date": "2024-05-02"}\n')
    source = sandbox.open_source(path)
    assert source.headers == ("date",)
    (piece,) = [chunk() for chunk in source.chunks(["date"])]
    assert piece.table["date"].to_pylist() == ["2024-05-02"]
    assert [reject.line for reject in piece.rejects] == [1]


def test_a_pipe_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "till.csv")
    assert "is a pipe or a device" in message(tmp_path / "till.csv")
