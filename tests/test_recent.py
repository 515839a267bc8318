"""What was asked for last is at hand, for all that ask: few in memory, many in a file."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pytest

from regulars import recent
from regulars.events.schema import TIME
from regulars.recent import KEPT, Last, Recent

NOW = datetime(2024, 5, 2, tzinfo=UTC)


def pairs(*customers: str, as_of: datetime = NOW) -> pa.Table:
    return pa.table({"customer_id": list(customers), "as_of": pa.array([as_of] * len(customers), TIME)})


class Counting:
    """Counts letters, and how often it was asked to."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, asked: pa.Table) -> pa.Table:
        self.asked.append(asked.num_rows)
        letters = pa.array([float(len(each)) for each in asked["customer_id"].to_pylist()])
        return asked.append_column(pa.field("letters", pa.float64(), metadata={"unit": "letters"}), letters)


class Kept(NamedTuple):
    folder: Path
    make: Counting

    def of(self, about: str, asked: pa.Table) -> list[float]:
        """As a process that has nothing in memory yet."""
        found = Recent(self.folder).of(about, asked, self.make)
        assert found["customer_id"].to_pylist() == asked["customer_id"].to_pylist()
        assert found.schema.field("letters").metadata == {b"unit": b"letters"}
        return found["letters"].to_pylist()

    @property
    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("*.arrow"))


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    monkeypatch.setattr(recent, "MANY_ROWS", 2)
    return Kept(tmp_path / "cache" / "features", Counting())


def test_an_answer_about_many_is_at_hand_for_other_processes_about_all_or_some(kept: Kept) -> None:
    assert kept.of("v1", pairs("ada", "bo", "眉")) == [3, 2, 1]
    assert kept.of("v1", pairs("ada", "bo", "眉")) == [3, 2, 1]
    assert kept.of("v1", pairs("眉", "ada")) == [1, 3]
    assert kept.make.asked == [3]


def test_who_is_not_in_it_is_asked_for_with_the_rest_and_that_is_kept(kept: Kept) -> None:
    kept.of("v1", pairs("ada", "bo"))
    assert kept.of("v1", pairs("ada", "cleo")) == [3, 4]
    assert kept.of("v1", pairs("cleo", "ada")) == [4, 3]
    assert (kept.make.asked, len(kept.files)) == ([2, 2], 1)


def test_of_another_log_or_moment_it_is_made_anew_and_the_oldest_goes(kept: Kept) -> None:
    moments = [datetime(2024, 5, day, tzinfo=UTC) for day in range(1, 5)]
    for moment in moments:
        kept.of("v1", pairs("ada", "bo", as_of=moment))
    kept.of("v2", pairs("ada", "bo", as_of=moments[-1]))
    assert (kept.make.asked, len(kept.files)) == ([2] * 5, KEPT)
    kept.of("v1", pairs("ada", "bo", as_of=moments[-1]))
    assert len(kept.make.asked) == 5


def test_moments_that_differ_are_kept_in_memory_alone(kept: Kept) -> None:
    mixed = pa.concat_tables([pairs("ada"), pairs("bo", as_of=datetime(2024, 5, 1, tzinfo=UTC))])
    assert kept.of("v1", mixed) == [3, 2]
    assert kept.files == []


def test_what_is_forgotten_is_on_no_disk(kept: Kept) -> None:
    one = Recent(kept.folder, least_rows=1)
    one.of("v1", pairs("ada", "bo"), kept.make)
    one.of("v1", pairs("ada"), kept.make)
    one.forget()
    assert kept.files == []
    one.of("v1", pairs("ada"), kept.make)
    assert kept.make.asked == [2, 1, 1]


def test_who_forgets_waits_for_what_is_being_made(kept: Kept) -> None:
    began, go_on = threading.Event(), threading.Event()

    def slowly(asked: pa.Table) -> pa.Table:
        began.set()
        assert go_on.wait(30)
        return kept.make(asked)

    making = threading.Thread(target=lambda: Recent(kept.folder).of("v1", pairs("ada", "bo"), slowly))
    making.start()
    assert began.wait(30)
    forgetting = threading.Thread(target=Recent(kept.folder).forget)
    forgetting.start()
    time.sleep(0.1)
    assert forgetting.is_alive()
    go_on.set()
    making.join()
    forgetting.join()
    assert kept.files == []


def test_those_who_ask_at_once_wait_for_one_answer(kept: Kept) -> None:
    def slowly(asked: pa.Table) -> pa.Table:
        time.sleep(0.1)
        return kept.make(asked)

    found: list[pa.Table] = []
    shared = Recent(kept.folder)
    threads = [
        threading.Thread(target=lambda: found.append(shared.of("v1", pairs("ada", "bo"), slowly))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kept.make.asked == [2]
    assert [each["letters"].to_pylist() for each in found] == [[3, 2]] * 4


def no_room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")._replace(free=1)
    monkeypatch.setattr(recent.shutil, "disk_usage", lambda path: usage)


def no_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.parent.mkdir(parents=True)
    folder.write_text("a file in its place")


def no_writing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(recent.storage, "replace", full)


@pytest.mark.parametrize("without", [no_room, no_folder, no_writing])
def test_where_no_file_can_be_the_answer_is_there_all_the_same(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, without: Callable[[Path, pytest.MonkeyPatch], None]
) -> None:
    without(kept.folder, monkeypatch)
    assert kept.of("v1", pairs("ada", "bo")) == [3, 2]
    assert kept.of("v1", pairs("ada", "bo")) == [3, 2]
    assert kept.make.asked == [2, 2]


@pytest.mark.parametrize("damaged", [b"", b"no table", b"\xff\xff\xff\xff\x10\x00\x00\x00"])
def test_a_file_that_cannot_be_read_is_made_anew(kept: Kept, damaged: bytes) -> None:
    kept.of("v1", pairs("ada", "bo"))
    (kept.folder / kept.files[0]).write_bytes(damaged)
    assert kept.of("v1", pairs("ada", "bo")) == [3, 2]
    assert kept.of("v1", pairs("ada", "bo")) == [3, 2]
    assert kept.make.asked == [2, 2]


def test_what_was_made_last_is_made_once_for_all_who_ask_at_once() -> None:
    last, made = Last(), []

    def slowly() -> int:
        time.sleep(0.05)
        made.append("a model")
        # What is made may itself ask, for another name or its own.
        return last.of("other", 1, lambda: len(made))

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: last.of("churn", "v1", slowly), range(4)))
    assert (found, made) == ([1] * 4, ["a model"])
    with pytest.raises(ValueError, match="cannot"):
        last.of("churn", "v2", lambda: int("cannot"))
    assert last.of("churn", "v2", lambda: 2) == 2


def test_who_is_erased_is_in_nothing_that_was_made_last() -> None:
    last, made = Last(), []
    for _ in range(2):
        last.of("attempts", "v1", lambda: made.append("ada"))
    last.forget()
    last.of("attempts", "v1", lambda: made.append("bo"))
    assert made == ["ada", "bo"]
