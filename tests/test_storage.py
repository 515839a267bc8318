"""Files: whole or not there, never in place of another unless asked to be, and safe before they are named."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from regulars import clock, storage
from regulars.errors import ShopError

CALLS = ("_write", "_sync", "_link", "_rename")


@pytest.fixture
def calls(monkeypatch):
    """The names of the calls that were made, in order."""
    made = []

    def recorded(name):
        call = getattr(storage, name)

        def record(*arguments):
            made.append(name)
            return call(*arguments)

        return record

    for name in CALLS:
        monkeypatch.setattr(storage, name, recorded(name))
    return made


@pytest.fixture(params=CALLS)
def failing(request, monkeypatch):
    """One of the four calls, which fails."""

    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(storage, request.param, fail)
    return request.param


def test_a_new_file_is_written_and_synced_before_it_has_its_name(tmp_path, calls):
    storage.create_exclusive(tmp_path / "a", b"tea")
    storage.replace(tmp_path / "a", "coffee")
    assert calls == ["_write", "_sync", "_link", "_sync", "_write", "_sync", "_rename", "_sync"]
    assert (tmp_path / "a").read_text() == "coffee"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_was_written_is_told(tmp_path):
    written = storage.create(tmp_path / "a", b"tea")
    assert written == (3, hashlib.sha256(b"tea").hexdigest())


@pytest.mark.parametrize("make", [storage.create, storage.create_exclusive])
def test_a_file_that_is_there_is_never_replaced(tmp_path, make):
    (tmp_path / "a").write_text("first")
    with pytest.raises(FileExistsError):
        make(tmp_path / "a", b"second")
    assert (tmp_path / "a").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_short_write_goes_on_where_it_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "_write", lambda handle, data: os.write(handle, data[:2]))
    storage.create(tmp_path / "a", b"coffee")
    storage.append(tmp_path / "a", b" and tea")
    assert (tmp_path / "a").read_text() == "coffee and tea"


def test_a_disk_that_fails_leaves_the_old_file_and_no_other(tmp_path, failing):
    (tmp_path / "a").write_text("old")
    if failing != "_link":
        with pytest.raises(OSError, match="Input/output"):
            storage.replace(tmp_path / "a", b"new")
        assert (tmp_path / "a").read_text() == "old"
    if failing != "_rename":
        with pytest.raises(OSError, match="Input/output"):
            storage.create_exclusive(tmp_path / "b", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_append_adds_to_the_end(tmp_path):
    storage.append(tmp_path / "a", b"1\n")
    storage.append(tmp_path / "a", b"2\n")
    assert (tmp_path / "a").read_text() == "1\n2\n"


def test_a_folder_is_made_with_those_above_it_each_synced_into_its_own(tmp_path, calls):
    assert storage.make_folder(tmp_path / "a" / "b" / "c").is_dir()
    assert calls == ["_sync"] * 3
    storage.make_folder(tmp_path / "a" / "b" / "c")
    assert calls == ["_sync"] * 3


def test_a_folder_cannot_be_made_where_a_file_is(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(FileExistsError):
        storage.make_folder(tmp_path / "a")


def test_a_folder_is_synced_whole_before_it_has_its_name(tmp_path, calls):
    storage.make_folder(tmp_path / "new" / "inside")
    calls.clear()
    storage.move_folder(tmp_path / "new", tmp_path / "1")
    assert calls == ["_sync", "_sync", "_rename", "_sync"]
    assert (tmp_path / "1" / "inside").is_dir()


def test_a_folder_that_is_not_empty_is_never_replaced(tmp_path):
    for name in ("1", "2"):
        storage.make_folder(tmp_path / name)
        (tmp_path / name / "file").write_text(name)
    with pytest.raises(OSError, match="not empty"):
        storage.move_folder(tmp_path / "2", tmp_path / "1")
    assert (tmp_path / "1" / "file").read_text() == "1"


def test_what_is_removed_may_be_gone_already(tmp_path):
    storage.make_folder(tmp_path / "a" / "b")
    storage.remove(tmp_path / "a")
    storage.remove(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_removed_and_not_what_it_leads_to(tmp_path):
    storage.make_folder(tmp_path / "a")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    storage.remove(tmp_path / "link")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_table_comes_back_from_its_bytes(tmp_path):
    table = pa.table({"id": ["a", "b", "c"], "n": [1, None, 3]})
    storage.create(tmp_path / "t.parquet", storage.parquet(table, unique=["id"]))
    assert pq.read_table(tmp_path / "t.parquet").equals(table)


def test_a_damaged_page_is_found(tmp_path):
    data = bytearray(storage.parquet(pa.table({"n": list(range(1000))})))
    data[200] ^= 0xFF
    with pytest.raises(OSError, match=r"CRC|corrupt|checksum"):
        pq.read_table(pa.BufferReader(bytes(data)), page_checksum_verification=True)


def test_the_lock_says_who_holds_it_and_is_free_afterwards(tmp_path):
    path = tmp_path / "lock"
    with storage.lock(path, "import of orders.csv"):
        note = json.loads(path.read_text())
        assert (note["process"], note["purpose"]) == (os.getpid(), "import of orders.csv")
        with (
            pytest.raises(ShopError, match=rf"in use: process {os.getpid()} on .*, import of orders\.csv, since 20"),
            storage.lock(path, "another", wait_seconds=0),
        ):
            pass
    with storage.lock(path, "a third", wait_seconds=0):
        assert json.loads(path.read_text())["purpose"] == "a third"


def test_the_lock_is_free_after_an_error(tmp_path):
    with pytest.raises(ValueError, match="broken"), storage.lock(tmp_path / "lock", "first"):
        raise ValueError("broken")
    with storage.lock(tmp_path / "lock", "second", wait_seconds=0):
        pass


def test_a_killed_holder_does_not_block(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from regulars import storage\n"
        "with storage.lock(Path(sys.argv[1]), 'an import'): os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code, tmp_path / "lock"], check=False).returncode == -9
    with storage.lock(tmp_path / "lock", "the next", wait_seconds=0):
        pass


@pytest.mark.parametrize("make", [storage.create, storage.create_exclusive, storage.replace, storage.append])
def test_a_failed_sync_is_never_tried_again(tmp_path, monkeypatch, make):
    synced = []

    def fail(handle):
        synced.append(handle)
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(storage, "_sync", fail)
    with pytest.raises(OSError, match="disk may be failing"):
        make(tmp_path / "a", b"tea")
    assert len(synced) == 1


def test_a_folder_whose_name_could_not_be_synced_is_made_again_the_next_time(tmp_path, monkeypatch):
    def fail(handle):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(storage, "_sync", fail)
        with pytest.raises(OSError, match="Input/output"):
            storage.make_folder(tmp_path / "a")
    assert not (tmp_path / "a").exists()
    assert storage.make_folder(tmp_path / "a").is_dir()


def test_a_lock_that_may_not_be_written_says_what_to_do(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(storage, "_open", refuse)
    with (
        pytest.raises(ShopError, match=r"lock may not be written by this user.* right to write in that folder"),
        storage.lock(tmp_path / "lock", "an import"),
    ):
        pass


def test_a_lock_whose_note_cannot_be_written_holds_all_the_same(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with storage.lock(tmp_path / "lock", "an import"), pytest.raises(ShopError, match="in use"):  # noqa: SIM117
        with storage.lock(tmp_path / "lock", "another", wait_seconds=0):
            pass


def test_scratch_goes_with_its_context_and_what_a_killed_process_left_a_day_later(tmp_path):
    for name, hours in (("scratch-old", 25), (".scratch-written.tmp", 25), ("scratch-new", 23), ("orders.csv", 99)):
        left = storage.make_folder(tmp_path / name)
        (left / "part.parquet").write_text("")
        moment = clock.now().timestamp() - hours * 3600
        os.utime(left, (moment, moment))
    with storage.scratch(tmp_path) as place:
        assert not place.exists()
        storage.make_folder(place)
        assert {path.name for path in tmp_path.iterdir()} == {"scratch-new", "orders.csv", place.name}
    assert {path.name for path in tmp_path.iterdir()} == {"scratch-new", "orders.csv"}


def test_scratch_goes_when_its_context_fails_and_needs_no_folder(tmp_path):
    def work():
        with storage.scratch(tmp_path / "spill") as place:
            storage.make_folder(place)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert list((tmp_path / "spill").iterdir()) == []
