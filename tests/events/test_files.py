"""Which files an import reads: in what order, and what it passes over."""

from __future__ import annotations

import zipfile

import pytest

from regulars import Shop
from regulars.events.files import find


@pytest.fixture
def export(tmp_path):
    """A folder as shops have them."""
    folder = tmp_path / "export"
    for name in ("b.csv", "a.jsonl.gz", "sub/c.PARQUET", "notes.pdf", ".hidden.csv", ".git/x.csv", "~$b.xlsx"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    with zipfile.ZipFile(folder / "d.zip", "w") as archive:
        for name in ("z.csv", "may/a.csv", "__MACOSX/may/._a.csv", "readme.md", "inner.zip"):
            archive.writestr(name, "x")
    (folder / "loop").symlink_to(folder)
    Shop.create(folder / "myshop")
    return folder


def said(paths, folder, **ways):
    return [(str(found.path.relative_to(folder)), found.skipped) for found in find(paths, **ways)]


def test_a_folder_is_walked_in_sorted_order_and_archives_are_folders_too(export):
    assert said([export], export) == [
        (".git", "hidden"),
        (".hidden.csv", "hidden"),
        ("a.jsonl.gz", ""),
        ("b.csv", ""),
        ("d.zip!/__MACOSX/may/._a.csv", "hidden"),
        ("d.zip!/inner.zip", ""),
        ("d.zip!/may/a.csv", ""),
        ("d.zip!/readme.md", "not a kind of file that is known"),
        ("d.zip!/z.csv", ""),
        ("loop", "a link to a folder"),
        ("myshop", "a shop"),
        ("notes.pdf", "not a kind of file that is known"),
        ("sub/c.PARQUET", ""),
        ("~$b.xlsx", "hidden"),
    ]


def test_what_is_named_is_read_in_the_order_it_was_named(export):
    named = [export / "notes.pdf", export / "b.csv", export / "sub", export / "none.csv"]
    assert said(named, export) == [("notes.pdf", ""), ("b.csv", ""), ("sub/c.PARQUET", ""), ("none.csv", "")]


def test_a_broken_archive_is_left_to_whoever_opens_it(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"no archive")
    assert said([tmp_path], tmp_path) == [("a.zip", "")]


def test_a_format_may_take_a_folder_or_an_archive_as_one(export):
    asked = []

    def takes_whole(path, names):
        asked.append(path.name)
        return path.name == "sub" or "z.csv" in names

    found = said([export], export, takes_whole=takes_whole)
    assert asked == ["export", "d.zip", "sub"]
    assert [name for name, skipped in found if not skipped] == ["a.jsonl.gz", "b.csv", "d.zip", "sub"]
