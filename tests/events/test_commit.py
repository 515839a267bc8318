"""Commits: numbered, whole, and never in place of one another."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from regulars import storage
from regulars.errors import CorruptLogError, NotFoundError
from regulars.events import commit as commits
from regulars.events.commit import FORMAT, Commit, DataFile
from regulars.seal import sealed

FILE = DataFile("data/0000000001-00000.parquet", 3, 900, "ab" * 32, "2024-05-01", "2024-05-02", {"orders.csv": 3})
FIRST = Commit(1, datetime(2024, 6, 1, tzinfo=UTC), "import of 订单.csv", {"events": (FILE, FILE)}, {"added": 6})


@pytest.fixture
def folder(tmp_path):
    storage.make_folder(tmp_path / "commits")
    return tmp_path


def test_a_commit_is_read_as_it_was_written(folder):
    commits.write(folder, FIRST)
    assert commits.read(folder, 1) == FIRST
    assert FIRST.rows("events") == 6
    assert FIRST.rows("catalogue") == 0


def test_what_stands_on_the_disk_can_be_read_by_eye_and_names_its_layout():
    data = FIRST.to_json()
    assert json.loads(data)["format"] == 1  # to change it is to refuse every shop that there is
    assert "import of 订单.csv".encode() in data
    file = DataFile("data/1.parquet", 1, 9, "ab", sources={"订单.csv": 1})
    assert '{"订单.csv": 1}'.encode() in Commit(1, FIRST.time, "import", {"events": (file,)}).to_json()


def test_a_commit_of_before_the_inbox_has_folded_nothing(folder):
    old = json.loads(FIRST.to_json())
    del old["folded"], old["sha256"]
    commits.commit_path(folder, 1).write_bytes(sealed(json.dumps(old)))
    assert commits.read(folder, 1) == FIRST


def test_what_was_imported_and_folded_comes_back(folder):
    commits.write(folder, Commit(1, FIRST.time, "fold", {}, {}, {"ab": 3}, {"inbox": 7}))
    found = commits.read(folder, 1)
    assert (found.imported, found.folded) == ({"ab": 3}, {"inbox": 7})


def test_the_currencies_of_a_version_are_those_of_its_events(folder):
    files = [DataFile(f"data/{n}.parquet", 1, 9, "ab", currencies=of) for n, of in enumerate([("EUR",), None, ()])]
    foreign = DataFile("data/9.parquet", 1, 9, "ab", currencies=("USD", "EUR"))
    commits.write(folder, Commit(1, FIRST.time, "import", {"events": (*files, foreign), "catalogue": ()}))
    found = commits.read(folder, 1)
    assert found.currencies == {"EUR", "USD"}
    assert found.tables["events"][1].currencies is None
    assert FIRST.currencies == frozenset()


def test_of_an_empty_log_no_version_is_the_newest(folder):
    with pytest.raises(NotFoundError, match=r"no version 7 of the log .* the newest is 0"):
        commits.read(folder, 7)


def test_each_data_file_stands_on_a_line_of_its_own():
    assert sum(FILE.path in line for line in FIRST.to_json().decode().splitlines()) == 2


def test_a_number_is_given_once(folder):
    commits.write(folder, FIRST)
    with pytest.raises(FileExistsError):
        commits.write(folder, Commit(1, datetime.now(UTC), "another", {}))
    assert commits.read(folder, 1) == FIRST


def test_the_newest_version_is_the_highest_number(folder):
    assert commits.newest_version(folder) == 0
    for version in (1, 2, 10):
        commits.write(folder, Commit(version, FIRST.time, "import", {}))
    (folder / "commits" / ".00000000000000000011.json.7.tmp").write_text("")
    (folder / "commits" / "notes.json").write_text("")
    assert commits.newest_version(folder) == 10


def test_version_0_is_the_empty_log(folder):
    assert commits.read(folder, 0).tables == {}


def test_a_version_that_is_not_there_is_named_with_the_newest(folder):
    commits.write(folder, FIRST)
    with pytest.raises(NotFoundError, match=r"no version 7 of the log .* the newest is 1"):
        commits.read(folder, 7)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b'{"format": "x"}', FIRST.to_json()[:-20], b"\xff"])
def test_a_damaged_commit_is_named_with_the_mending(folder, data):
    commits.commit_path(folder, 1).write_bytes(data)
    with pytest.raises(
        CorruptLogError, match=r"00001\.json is not a commit file, or is damaged .* Restore it from a backup"
    ):
        commits.read(folder, 1)


def test_a_newer_layout_asks_for_an_upgrade(folder):
    commits.commit_path(folder, 1).write_bytes(sealed(json.dumps({"format": FORMAT + 1})))
    with pytest.raises(CorruptLogError, match=r"newer Regulars .* pip install -U regulars"):
        commits.read(folder, 1)


def test_a_version_that_is_no_longer_kept_is_told_from_one_that_never_was(folder):
    for version in (3, 4, 5):
        commits.write(folder, Commit(version, FIRST.time, "import", {}))
    with pytest.raises(NotFoundError, match=r"Version 2 .* no longer kept: regulars vacuum .* oldest .* is 3"):
        commits.read(folder, 2)
    commits.commit_path(folder, 4).unlink()
    with pytest.raises(CorruptLogError, match=r"00004\.json is missing"):
        commits.read(folder, 4)


def test_a_commit_under_another_number_is_refused(folder):
    commits.commit_path(folder, 2).write_bytes(FIRST.to_json())
    with pytest.raises(CorruptLogError, match="it is version 1"):
        commits.read(folder, 2)


def test_any_flipped_bit_of_a_commit_is_noticed(folder):
    data = FIRST.to_json()
    for at in range(len(data)):
        for bit in range(8):
            flipped = data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
            with pytest.raises(CorruptLogError):
                Commit.from_json(flipped, commits.commit_path(folder, 1))


def test_a_folder_of_commits_that_is_missing_is_no_empty_log(tmp_path):
    with pytest.raises(CorruptLogError, match=r"commits cannot be read: No such file"):
        commits.newest_version(tmp_path)
