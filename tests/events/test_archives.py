"""Zip archives: files in them are read like any other, and what may do harm is refused with its reason."""

from __future__ import annotations

import gzip
import io
import random
import re
import struct
import zipfile

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from regulars.errors import InputError
from regulars.events.readers import archive, bombs, open_source, unpacked
from regulars.events.readers import csv as csv_reader

ROWS = "a,b\n1,2\n3,4\n"


def packed(folder, *members, name="till.zip"):
    """An archive of (name or ZipInfo, content)."""
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as target:
        for member, content in members:
            target.writestr(member, content)
    return folder / name


def rows(path):
    source = open_source(path)
    pieces = [chunk() for chunk in source.chunks(source.headers)]
    return [tuple(row.values()) for piece in pieces for row in piece.table.to_pylist()]


def message(path):
    with pytest.raises(InputError) as caught:
        rows(path)
    assert str(caught.value).startswith(str(path).split("!")[0])
    return str(caught.value)


def parquet():
    sink = io.BytesIO()
    pq.write_table(pa.table({"a": ["1", "3"], "b": ["2", "4"]}), sink)
    return sink.getvalue()


def xlsx():
    book, sink = openpyxl.Workbook(), io.BytesIO()
    for row in (("a", "b"), (1, 2), (3, 4)):
        book.active.append(row)
    book.save(sink)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.csv", ROWS),
        ("deep/down/x.csv", ROWS),
        ("茶.csv", ROWS),
        ("x.csv.gz", gzip.compress(ROWS.encode())),
        ("x.csv.zst", pa.compress(ROWS.encode(), "zstd", asbytes=True)),
        ("x.jsonl", '{"a": "1", "b": "2"}\n{"a": "3", "b": "4"}\n'),
        ("x.parquet", parquet()),
        ("x.xlsx", xlsx()),
    ],
    # Not by the content, in which gzip and workbooks write the time.
    ids=["csv", "in a folder", "Chinese name", "gzip", "zstd", "jsonl", "parquet", "xlsx"],
)
def test_every_kind_is_read_inside_of_an_archive(tmp_path, name, content):
    path = packed(tmp_path, (name, content))
    assert rows(tmp_path / f"{path.name}!/{name}") == [("1", "2"), ("3", "4")]


def test_a_path_that_exists_leads_into_no_archive(tmp_path):
    folder = tmp_path / "till.zip!"
    folder.mkdir()
    (folder / "x.csv").write_text(ROWS)
    assert rows(folder / "x.csv") == [("1", "2"), ("3", "4")]


def test_an_archive_by_itself_names_its_files(tmp_path):
    path = packed(tmp_path, ("b.csv", ROWS), ("a.csv", ROWS))
    assert message(path) == f"{path} is an archive. Name the file in it: {path}!/a.csv, {path}!/b.csv"


def test_a_file_that_the_archive_lacks_is_named_with_those_it_has(tmp_path):
    path = packed(tmp_path, ("b.csv", ROWS), ("a.csv", ROWS))
    assert message(tmp_path / "till.zip!/c.csv") == f"{path}: there is no c.csv in it. It holds: a.csv, b.csv"


@pytest.mark.parametrize("name", ["../x.csv", "/x.csv", "a/../../x.csv", "..\\x.csv", "C:\\x.csv"])
def test_a_name_that_leads_out_of_the_archive_refuses_all_of_it(tmp_path, name):
    packed(tmp_path, ("good.csv", ROWS), (name, ROWS))
    assert "leads out of the archive" in message(tmp_path / "till.zip!/good.csv")
    with pytest.raises(InputError, match="leads out of the archive"):
        archive.members(tmp_path / "till.zip")


def test_an_archive_in_an_archive_is_refused(tmp_path):
    inner = packed(tmp_path, ("x.csv", ROWS), name="inner.zip").read_bytes()
    packed(tmp_path, ("inner.zip", inner), ("x.csv", ROWS))
    assert "is an archive inside of an archive" in message(tmp_path / "till.zip!/inner.zip")
    assert rows(tmp_path / "till.zip!/x.csv") == [("1", "2"), ("3", "4")]


def test_a_link_is_refused(tmp_path):
    link = zipfile.ZipInfo("x.csv")
    link.external_attr = 0o120777 << 16
    packed(tmp_path, (link, "/etc/passwd"))
    assert "is a link, not a file" in message(tmp_path / "till.zip!/x.csv")


def test_a_password_is_named(tmp_path):
    path = packed(tmp_path, ("x.csv", ROWS))
    data = bytearray(path.read_bytes())
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the flag, in the file and in the directory
        data[data.index(signature) + at] |= 1
    path.write_bytes(data)
    assert "is protected by a password. Pack it without one" in message(tmp_path / "till.zip!/x.csv")


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MOST_MEMBERS", 2)
    packed(tmp_path, ("a.csv", ROWS), ("b.csv", ROWS), ("c.csv", ROWS))
    assert "holds 3 files; at most 2 are read from one archive" in message(tmp_path / "till.zip!/a.csv")


def test_an_archive_that_says_it_is_a_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    path = packed(tmp_path, ("x.csv", ROWS), ("bomb.csv", b"\0" * (bombs.FREE_BYTES + 1)))
    monkeypatch.setattr(unpacked.Unpacked, "read", lambda *_: pytest.fail("was unpacked"))
    assert re.search(r"[\d,]+ bytes that unpack to 100,000,013 or more", message(path))


@pytest.mark.parametrize(
    "pack", [gzip.compress, lambda data: pa.compress(data, "zstd", asbytes=True)], ids=["gz", "zst"]
)
def test_a_bomb_is_refused_while_it_is_unpacked(tmp_path, pack):
    line = b"a" * 99 + b"\n"
    suffix = "gz" if pack is gzip.compress else "zst"
    path = tmp_path / f"till.csv.{suffix}"
    path.write_bytes(pack(line * (bombs.FREE_BYTES // 100 + 200_000)))
    pieces = []
    with pytest.raises(InputError, match="bytes that unpack to"):
        pieces.extend(open_source(path).chunks(["a" * 99]))
    assert len(pieces) * csv_reader.SMALLEST_CHUNK <= bombs.FREE_BYTES


def test_what_unpacks_well_and_stays_small_is_read(tmp_path):
    path = tmp_path / "till.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 100_000))
    assert len(rows(path)) == 100_000


def test_an_archive_that_lies_about_sizes_gives_no_more_than_it_says(tmp_path):
    path = packed(tmp_path, ("x.csv", b"a,b\n" + b"1,2\n" * 100_000))
    data = path.read_bytes()
    said = struct.pack("<I", 400_004)
    assert data.count(said) == 2
    path.write_bytes(data.replace(said, struct.pack("<I", 4_004)))
    assert "damaged inside" in message(tmp_path / "till.zip!/x.csv")


def test_a_workbook_too_large_for_memory_inside_of_an_archive_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacked, "LARGEST_IN_MEMORY", 1000)
    packed(tmp_path, ("x.xlsx", xlsx()))
    assert "inside of an archive. Unpack it" in message(tmp_path / "till.zip!/x.xlsx")


def test_a_packed_parquet_file_names_the_mending(tmp_path):
    (tmp_path / "x.parquet.gz").write_bytes(gzip.compress(parquet()))
    assert ".parquet files are packed already. Unpack it" in message(tmp_path / "x.parquet.gz")


def test_an_archive_cut_anywhere_is_an_input_error(tmp_path):
    content = "".join(f"{random.Random(k).random()}\n" for k in range(50))
    whole = packed(tmp_path, ("x.csv", "a\n" + content)).read_bytes()
    for size in range(0, len(whole), 7):
        (tmp_path / "till.zip").write_bytes(whole[:size])
        assert "till.zip" in message(tmp_path / "till.zip!/x.csv")
