"""Encodings: told from the first bytes, read block by block, and a wrong byte kept to its own row."""

from __future__ import annotations

import pytest

from regulars.errors import InputError
from regulars.events.readers import open_source
from regulars.events.readers.encoding import detect, read_blocks, read_sample

TEXT = "客户,数量\r\n茶叶,1\n咖啡,2"


def decoded(path, encoding, size):
    return b"".join(block.text for block in read_blocks(path, encoding, size)).decode()


@pytest.mark.parametrize(
    ("written", "found"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("utf-16", "utf-16"), ("gb18030", "gb18030")],
)
@pytest.mark.parametrize("size", [1, 2, 3, 5, 1 << 20])
def test_blocks_of_any_size_join_to_the_text(tmp_path, written, found, size):
    path = tmp_path / "till.csv"
    path.write_bytes(TEXT.encode(written))
    assert read_sample(path)[0] == found
    # The mark at the beginning is no text; a mark of three bytes needs a block that holds it.
    if written == "utf-8-sig" and size < 3:
        size = 3
    assert decoded(path, found, size) == TEXT


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Bénédicte,crème brûlée,é", "cp1252"),
        ("数量,客户编号,商品名称", "gb18030"),
        ("plain,text", "utf-8"),
        ("naïve,茶", "utf-8"),
    ],
)
def test_an_encoding_is_told_from_its_bytes(text, encoding):
    assert detect(text.encode(encoding)) == encoding


def test_one_wrong_byte_does_not_make_utf8_another_encoding():
    assert detect("茶叶咖啡".encode() * 50 + b"\xff") == "utf-8"


def test_a_character_cut_in_two_by_the_sample_is_still_utf8():
    assert detect("茶".encode()[:2]) == "utf-8"


def test_a_byte_that_is_none_of_cp1252_refuses_its_row_only(tmp_path):
    path = tmp_path / "till.csv"
    path.write_bytes("a,b\ncafé,1\n".encode("cp1252") + b"caf\x81\xe9,2\n" + "thé,3\n".encode("cp1252"))
    raw = [chunk() for chunk in open_source(path).chunks(["a", "b"])]
    assert [row for each in raw for row in each.table["a"].to_pylist()] == ["café", "thé"]
    assert [(r.line, r.reason) for each in raw for r in each.rejects] == [(3, "holds bytes that are not CP1252")]


def test_utf16_with_half_a_character_is_refused_whole(tmp_path):
    path = tmp_path / "till.csv"
    path.write_bytes("a,b\n1,2\n".encode("utf-16") + b"\x00")
    with pytest.raises(
        InputError, match=r"till\.csv: begins as utf-16, but has bytes that are not .* Save it as UTF-8"
    ):
        list(open_source(path).chunks(["a"]))


def test_a_line_end_of_two_bytes_may_be_cut_in_two(tmp_path):
    path = tmp_path / "till.csv"
    path.write_bytes(b"a\r\nb\rc\r\n")
    for size in range(1, 9):
        assert decoded(path, "utf-8", size) == "a\r\nb\nc\r\n"


def test_the_share_read_ends_at_one(tmp_path):
    path = tmp_path / "till.csv"
    path.write_bytes(b"x" * 10)
    shares = [block.share_read for block in read_blocks(path, "utf-8", 4)]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@pytest.mark.parametrize("data", [b"", b"\n \r\n", "\ufeff".encode(), "\ufeff\n".encode("utf-16")])
def test_a_file_without_text_is_empty(tmp_path, data):
    (tmp_path / "till.csv").write_bytes(data)
    with pytest.raises(InputError, match=r"till\.csv: the file is empty"):
        open_source(tmp_path / "till.csv")
