"""Who is erased is nowhere: not in a byte of the shop's folder, and nobody else is touched."""

from __future__ import annotations

import csv
import gzip
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars import Shop, clock, storage
from regulars.errors import NotFoundError
from regulars.events.erased import FILE, Erased
from regulars.events.mapping import Mapping
from regulars.language import NoModelError, embed
from regulars.privacy import steps
from regulars.privacy.erase import erase, erase_again, resume
from regulars.privacy.export import archive
from regulars.privacy.finder import Finder
from regulars.privacy.journal import JOURNAL
from regulars.privacy.places import forget
from regulars.seal import sealed
from regulars.support import Chat, Desk, OwnTables
from regulars.support.record import deliver
from tests.privacy.conftest import IDS, MARKS, QUESTION, account, bytes_with, events


def rows_of(shop: Shop):
    return Shop.open(shop.folder).log.read("events").to_pylist()


def test_who_is_erased_is_in_no_byte_of_the_shop_and_others_stay(planted):
    assert len(bytes_with(planted.folder)) > 12
    done = erase(planted, [IDS[1]])  # by a visitor's id: all that were joined go
    assert set(done.ids) == set(IDS)
    assert bytes_with(planted.folder) == []
    left = rows_of(planted)
    assert sorted(row["customer_id"] for row in left) == ["bob", "bob", "cid"]
    assert planted.tables.read("churn", "decisions")["customer_id"].to_pylist() == ["bob"]
    lists = json.loads((planted.folder / "fraud" / "lists.json").read_text())
    assert [entry["value"] for entry in lists["entries"]] == ["bob"]
    assert planted.models.versions("churn") == [2]  # the one that held no id
    with planted.state.read() as view:
        said = view.exec_driver_sql("SELECT text FROM support_messages").scalars().all()
        audit = view.exec_driver_sql("SELECT about FROM console_audit").scalar()
    assert said == ["is there more tea?"]
    assert audit == "customer erased"


def test_several_customers_go_in_one_rewrite(planted):
    before = planted.log.version
    erase(planted, [IDS[0], "bob"])
    assert planted.log.version == before + 1
    assert [row["customer_id"] for row in rows_of(planted)] == ["cid"]


def test_importing_an_old_file_does_not_bring_the_erased_back_but_a_new_life_counts(planted, record):
    with clock.held_at(datetime(2024, 6, 1, tzinfo=UTC)):
        erase(planted, [IDS[0]])
    again(planted, *events())
    assert bytes_with(planted.folder) == []
    again(planted, {"type": "product_viewed", "customer_id": IDS[0], "time": "2024-07-01T00:00:00Z"})
    assert [row["time"].month for row in rows_of(planted) if row["customer_id"] == IDS[0]] == [7]


def test_who_has_the_number_of_an_order_of_the_erased_is_somebody_else(shop, record, tmp_path):
    bought = {"type": "order_completed", "product_id": "tea", "unit_price": "4.50"}
    record(shop, {**bought, "customer_id": "5", "order_id": "42", "time": "2024-05-01T10:00:00Z"})
    with clock.held_at(datetime(2024, 6, 1, tzinfo=UTC)):
        erase(shop, ["5"])
    again(
        shop,
        {**bought, "customer_id": "42", "order_id": "7", "time": "2024-04-01T10:00:00Z"},
        {**bought, "customer_id": "8", "order_id": "5", "time": "2024-04-02T10:00:00Z"},
        {**bought, "customer_id": "9", "order_id": "42", "time": "2024-05-01T10:00:00Z"},
    )
    assert [row["customer_id"] for row in rows_of(shop)] == ["42", "8"]
    assert erase_again(shop) is None
    assert [row["customer_id"] for row in rows_of(shop)] == ["42", "8"]


def again(shop: Shop, *rows):
    path = shop.folder.parent / f"again-{len(rows)}.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    columns = {name: name for row in rows for name in row}
    shop.import_(path, mapping=Mapping(f"again_{len(columns)}", columns))


def test_an_unknown_customer_is_said_and_nothing_is_done(planted):
    before = planted.log.version
    with pytest.raises(NotFoundError, match="Similar ids"):
        erase(planted, [IDS[0], "nobody-such"])
    assert planted.log.version == before
    assert not (planted.folder / JOURNAL).exists()


def test_a_backup_that_is_put_back_loses_them_again(planted, tmp_path):
    import shutil

    planted.state.close()
    shutil.copytree(planted.folder, tmp_path / "backup")
    erase(planted, [IDS[0]])
    back = Shop.open(tmp_path / "backup")
    assert bytes_with(back.folder)
    done = erase_again(back, planted.folder / "log" / "erased.json")
    assert done is not None
    assert set(done.ids) == set(IDS)
    assert bytes_with(back.folder) == []
    assert erase_again(back) is None


WORK = """
import sys
from regulars import Shop
from regulars.privacy.erase import erase
print("ready", flush=True)
sys.stdin.readline()
erase(Shop.open(sys.argv[1]), [sys.argv[2]])
"""


@pytest.mark.parametrize("share", [0.02, 0.2, 0.4, 0.6, 0.9])
def test_an_erasure_that_was_killed_is_finished_by_the_next(planted, share):
    planted.state.close()
    worker = subprocess.Popen(
        [sys.executable, "-c", WORK, str(planted.folder), IDS[0]], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    worker.stdout.readline()
    worker.stdin.write(b"\n")
    worker.stdin.flush()
    time.sleep(share * float(os.environ.get("REGULARS_ERASURE_SECONDS", "0.6")))
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    shop = Shop.open(planted.folder)
    assert {row["customer_id"] for row in rows_of(shop)} >= {"bob", "cid"}
    if resume(shop) is None and bytes_with(shop.folder):
        erase(shop, [IDS[0]])
    assert bytes_with(shop.folder) == []
    assert sorted(row["customer_id"] for row in rows_of(shop)) == ["bob", "bob", "cid"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    mark=st.text(st.characters(codec="utf-8", categories=("L", "N"), include_characters="@.-_+ '\"<&"), min_size=6,
                 max_size=30).filter(lambda text: len(text.strip()) >= 6 and text == text.strip()),
    before=st.sampled_from(["", " ", "(", "to:", "\n", "茶", '"']),
    after=st.sampled_from(["", " ", ")", ",", "\n", '"']),
)  # fmt: skip
def test_a_name_is_found_however_it_is_written(mark, before, after):
    finder = Finder([mark])
    if before == "茶" or not mark:
        before = " 茶"
    text = f"{before}{mark}{after}"
    assert finder.is_in(text.encode())
    assert finder.is_in(json.dumps({"a": text}).encode())
    assert finder.is_in(json.dumps({"a": text}, ensure_ascii=False).encode())
    assert mark not in finder.redacted(text)


def test_a_longer_id_that_begins_alike_is_another_customer():
    finder = Finder(["customer-1000"])
    assert not finder.is_in(b"customer-10001 and xcustomer-1000")
    assert finder.is_in(b"[customer-1000]")


def test_every_mark_was_planted(planted):
    for mark in MARKS:
        assert bytes_with(planted.folder, (mark,)), mark
    assert pq.read_table(planted.folder / "cache" / "rings.parquet").num_rows == 2


def test_a_file_that_goes_takes_what_is_about_it_and_nothing_that_people_wrote(tmp_path: Path) -> None:
    (tmp_path / "answers [1].bin").write_bytes(b"said by ada@tea.example")
    for name in ("answers [1].json", "answers [1].md", "answers 1.json"):
        (tmp_path / name).write_text("{}")
    done = forget(tmp_path, Finder(["ada@tea.example"]))
    assert done.removed == ["answers [1].bin"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["answers 1.json", "answers [1].md"]


def test_the_log_the_state_and_the_settings_stay_whatever_bears_their_names(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "shop"  # where a shop lies says nothing of what its files are
    (folder / "log" / "data").mkdir(parents=True)
    kept = ("log/data/1.parquet", "state.db", "shop.toml")
    for name in kept:
        (folder / name).write_text("# ada@tea.example" if name == "shop.toml" else "{}")
    for name in ("log.txt", "state.json"):
        (folder / name).write_text("said by ada@tea.example")
    done = forget(folder, Finder(["ada@tea.example"]))
    assert (done.removed, done.left) == (["log.txt", "state.json"], ["shop.toml"])
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()) == sorted(kept)


def test_files_that_nobody_can_unpack_and_very_long_cells_do_not_stop_an_erasure(tmp_path: Path) -> None:
    packed = gzip.compress(b"tea")
    (tmp_path / "broken.gz").write_bytes(packed[:10] + b"\xff" + packed[11:])  # a block of a kind that there is not
    with zipfile.ZipFile(tmp_path / "locked.zip", "w") as archive:
        archive.writestr("a.csv", "who")
    locked = (tmp_path / "locked.zip").read_bytes()
    place = locked.index(b"PK\x01\x02") + 8  # of the flags of the only member: 1 says that a password is needed
    (tmp_path / "locked.zip").write_bytes(locked[:place] + b"\x01" + locked[place + 1 :])
    before = csv.field_size_limit()
    (tmp_path / "long.csv").write_text(f"who,said\nada@tea.example,hello\nbob,{'tea ' * 100_000}\n")
    done = forget(tmp_path, Finder(["ada@tea.example"]))
    assert (done.rewritten, done.removed) == (["long.csv"], [])
    assert (tmp_path / "long.csv").read_text().startswith("who,said\nbob,tea tea")
    assert csv.field_size_limit() == before


def test_what_lies_on_another_disk_by_a_link_is_looked_at(tmp_path: Path) -> None:
    shop, large = tmp_path / "shop", tmp_path / "large"
    for folder in (shop, large):
        folder.mkdir()
    (shop / "uploads").symlink_to(large)
    (large / "who.csv").write_text("who\nada@tea.example\nbob\n")
    assert forget(shop, Finder(["ada@tea.example"])).rewritten == ["uploads/who.csv"]
    assert (large / "who.csv").read_text().split() == ["who", "bob"]


def test_whom_support_alone_knows_is_erased_with_what_was_said_before_it_was_known_who_it_was(planted):
    own = OwnTables(planted.state)
    own.load(
        [
            account("grace-0042", "Grace", "Hopper", "Grace@Navy.example"),
            account("bob", "Bob", "Stone", "bob@tea.example"),
            account("other-0001", "Bob", "Stone", "stone@tea.example"),
        ]
    )
    chat = Chat(Desk(planted.state, own))
    for said in ("I am grace hopper, 11111", "my mail is grace@navy.example", "I am Bob Stone, 11111"):
        chat.say(chat.open(), f"{said}: cancel my order, no longer needed")
    deliver(planted.state, planted)
    marks = ("grace-0042", "grace hopper", "Grace Hopper", "navy.example", "Navy.example")
    assert bytes_with(planted.folder, marks)
    done = erase(Shop.open(planted.folder), ["grace-0042"])
    assert done.ids == ("grace-0042",)
    assert bytes_with(planted.folder, marks) == []
    erase(Shop.open(planted.folder), ["bob"])
    with planted.state.read() as view:
        said = view.exec_driver_sql("SELECT text FROM support_messages WHERE who = 'customer'").scalars().all()
    assert [text for text in said if "Bob Stone" in text]  # two are called so: it may be the other's


def test_whom_support_alone_knows_is_no_longer_named_in_the_events_of_others(planted, record):
    OwnTables(planted.state).load([account("grace-0042", "Grace", "Hopper", "grace@navy.example")])
    asked = {"type": "support_asked", "customer_id": "bob", "time": "2024-05-07T10:00:00Z"}
    record(planted, {**asked, "text": "grace@navy.example gave me a voucher"})
    done = erase(Shop.open(planted.folder), ["grace-0042"])
    assert done.rows == 0
    assert [row["text"] for row in rows_of(planted) if row["type"] == "support_asked"][-1] == "erased gave me a voucher"
    assert bytes_with(planted.folder, ("navy.example",)) == []


def test_an_encoder_that_is_gone_does_not_stop_an_erasure(planted, monkeypatch):
    cache = planted.folder / "cache" / "vectors.parquet"
    embed([QUESTION], cache)

    def gone(settings: object) -> None:
        raise NoModelError("gone")

    monkeypatch.setattr(steps, "encoder_of", gone)
    erase(planted, [IDS[0]])
    assert not cache.exists()
    assert not (planted.folder / JOURNAL).exists()


def test_a_session_that_has_the_number_of_an_order_is_somebody_elses(shop, record):
    viewed = {"type": "product_viewed", "product_id": "tea", "time": "2024-05-01T11:00:00Z", "session_id": "1001"}
    bought = {"type": "order_completed", "product_id": "tea", "unit_price": "4.50", "time": "2024-05-01T10:00:00Z"}
    record(shop, {**bought, "customer_id": "ada", "order_id": "1001"}, viewed)
    assert archive(shop, "ada")[1]["events"] == 1
    with clock.held_at(datetime(2024, 6, 1, tzinfo=UTC)):
        erase(shop, ["ada"])
    assert [row["session_id"] for row in rows_of(shop)] == ["1001"]
    again(shop, {**viewed, "customer_id": "bob", "time": "2024-05-01T12:00:00Z"})
    assert [row["customer_id"] for row in rows_of(shop)] == [None, "bob"]


def test_a_file_of_before_that_wrote_all_numbers_as_one_refuses_them_in_both_columns(tmp_path):
    until = datetime(2024, 6, 1, tzinfo=UTC)
    numbers = Erased("salt", {}).with_ids([], until, orders=["1001"]).orders
    storage.replace(tmp_path / FILE, sealed(json.dumps({"salt": "salt", "until": {}, "links": dict(numbers)})))
    at = pa.array([until - timedelta(days=1)] * 2, pa.timestamp("us", "UTC"))
    rows = pa.table({"time": at, "order_id": ["1001", None], "session_id": [None, "1001"]})
    assert Erased.read(tmp_path).refused(rows).to_pylist() == [True, True]
