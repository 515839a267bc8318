"""The copy of the log that is sorted by customer: the same rows of a customer, read from a few pages."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars import Shop, profile
from regulars.customers import by_customer, ledger, one_customer
from regulars.customers.known import pair
from regulars.events.compaction import compact
from regulars.privacy.erase import erase

Record = Callable[..., Any]

PEOPLE = ("ada", "bob", "cid", "Zoë", "李雷")
VISITORS = ("v1", "v2", None)


@pytest.fixture
def told(shop: Shop, record: Record, tell: Any) -> Shop:
    """Five customers and two visitors over three imports; one of the visitors becomes ada."""
    for part in range(3):
        bought = [
            tell.bought(part * 9 + k, PEOPLE[k % 5], VISITORS[k % 3] if k % 2 else None, order_id=f"{part} {k}")
            for k in range(8)
        ]
        record(shop, *bought, tell.said("page_viewed", part * 9 + 0.5, None, "v2"))
    record(shop, tell.identified(28, "ada", "v2"), tell.said("objection_made", 29, "ada", text="marketing"))
    return shop


def events_of(shop: Shop, customer: str, at: Any) -> list[Any]:
    rows = shop.engine.to_arrow(shop.events_of(pair(customer, at)).order_by("time", "event_id", "line"))
    return rows.to_pylist()


def copied(shop: Shop) -> Shop:
    """The same shop opened anew, after it was copied."""
    shop.by_customer.make(shop.engine, least_rows=0)
    return Shop.open(shop.folder)


def of_copy(shop: Shop, *ids: str) -> Any:
    return shop.by_customer.rows(shop.engine, shop.log.snapshot(), pa.array(ids))


@pytest.mark.parametrize("rows", [1, 5, 1_000])
@pytest.mark.parametrize("few", [0, 100])
def test_each_customer_has_the_same_events_as_without_it(
    told: Shop, tell: Any, monkeypatch: pytest.MonkeyPatch, rows: int, few: int
) -> None:
    monkeypatch.setattr("regulars.engine.tables.PIECE", rows)
    monkeypatch.setattr(by_customer, "FEW", few)
    moments = [tell.day(at) for at in (5, 28, 40)]
    asked = [(who, moment) for who in (*PEOPLE, "v1", "v2", "nobody") for moment in moments]
    before = [events_of(told, *each) for each in asked]
    shop = copied(told)
    assert of_copy(shop, "ada") is not None
    assert [events_of(shop, *each) for each in asked] == before
    assert {row["anonymous_id"] for row in before[asked.index(("ada", moments[2]))]} >= {"v2"}


def test_what_came_later_is_read_beside_it_until_it_is_a_tenth(told: Shop, record: Record, tell: Any) -> None:
    shop = copied(told)
    first = (told.folder / "cache" / "by_customer").glob("*.json")
    assert [path.stem for path in first] == [str(told.log.version)]
    record(shop, tell.bought(40, "ada"))
    assert [row["time"] for row in events_of(shop, "ada", tell.day(41))][-1] == tell.day(40)
    copied(shop)  # one of thirty: not worth it
    assert len(list((told.folder / "cache" / "by_customer").glob("*.json"))) == 1
    record(shop, *(tell.bought(41 + k / 9, "bob") for k in range(5)))
    shop = copied(shop)
    assert shop.log.version in [int(path.stem) for path in (told.folder / "cache" / "by_customer").glob("*.json")]
    assert len(events_of(shop, "bob", tell.day(50))) == 6 + 5


def test_only_the_newest_and_the_one_before_are_kept(told: Shop, record: Record, tell: Any) -> None:
    for part in range(4):
        copied(told)
        record(told, *(tell.bought(40 + part + k / 9, "bob") for k in range(8)))
    folder = told.folder / "cache" / "by_customer"
    assert len(list(folder.glob("*.json"))) == 2
    assert {path.stem for path in folder.iterdir()} == {path.stem for path in folder.glob("*.json")} | {"lock"}


def test_of_a_log_that_was_written_anew_it_is_not_read(told: Shop, tell: Any) -> None:
    shop, before = copied(told), events_of(told, "ada", tell.day(40))
    compact(shop.log)
    assert of_copy(shop, "ada") is None
    assert events_of(shop, "ada", tell.day(40)) == before
    assert of_copy(copied(shop), "ada") is not None


def test_a_log_that_is_small_is_not_copied(told: Shop) -> None:
    told.by_customer.make(told.engine)
    assert not (told.folder / "cache" / "by_customer").exists()


def test_a_disk_that_is_nearly_full_is_left_to_events(told: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    size = sum(file.size for file in told.log.snapshot().tables["events"])
    for free, is_made in ((size * by_customer.ROOM - 1, False), (size * by_customer.ROOM, True)):
        usage = SimpleNamespace(free=free)
        monkeypatch.setattr(by_customer.shutil, "disk_usage", lambda _, usage=usage: usage)
        assert (of_copy(copied(told), "ada") is not None) == is_made


def test_who_is_erased_is_in_no_copy(told: Shop, record: Record, tell: Any) -> None:
    shop = copied(told)
    record(shop, *(tell.bought(41 + k / 9, "cid") for k in range(8)))
    shop = copied(shop)
    erase(shop, ["李雷"])
    assert [path.name for path in (shop.folder / "cache" / "by_customer").iterdir()] == ["lock"]
    rows = pq.read_table(copied(shop).folder / "cache" / "by_customer" / str(shop.log.version))
    assert "李雷" not in rows["raw_id"].to_pylist()
    assert "ada" in rows["raw_id"].to_pylist()


def test_what_is_told_of_a_customer_is_the_same(told: Shop, tell: Any) -> None:
    now = tell.day(40)

    def about(shop: Shop, customer: str) -> Any:
        page = profile.page(shop, customer, now)
        return one_customer(shop, customer, now), ledger(shop, now, customer).to_pylist(), page.to_dict()

    before = [about(told, customer) for customer in PEOPLE]
    shop = copied(told)
    assert [about(shop, customer) for customer in PEOPLE] == before


def test_a_copy_that_was_killed_is_none_and_the_next_is_whole(told: Shop, tell: Any, tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(
        "import os, signal, sys\n"
        "from regulars import Shop, storage\n"
        "shop = Shop.open(sys.argv[1])\n"
        "storage.replace = lambda *given: os.kill(os.getpid(), signal.SIGKILL)\n"
        "shop.by_customer.make(shop.engine, least_rows=0)\n"
    )
    ended = subprocess.run([sys.executable, script, told.folder], env={**os.environ}, timeout=120, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert of_copy(Shop.open(told.folder), "ada") is None
    assert of_copy(copied(told), "ada") is not None


@given(st.lists(st.tuples(st.sampled_from(PEOPLE), st.sampled_from(VISITORS)), min_size=1, max_size=12))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_event_is_lost_and_none_is_another_customers(
    tmp_path_factory: pytest.TempPathFactory, record: Record, tell: Any, events: list[tuple[str, str | None]]
) -> None:
    shop = Shop.create(tmp_path_factory.mktemp("given") / "shop")
    record(shop, *(tell.bought(k, who, visitor, order_id=str(k)) for k, (who, visitor) in enumerate(events)))
    shop = copied(shop)
    for who in PEOPLE:
        rows = shop.engine.to_arrow(of_copy(shop, who).order_by("time"))
        assert rows["order_id"].to_pylist() == [str(k) for k, (each, _) in enumerate(events) if each == who]
