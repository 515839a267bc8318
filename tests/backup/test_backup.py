"""A backup is whole or says so, costs what changed, and gives the shop back as it was; the erased stay away."""

from __future__ import annotations

import json
import shutil
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from regulars import Shop, clock, storage
from regulars.backup import check, restore, take
from regulars.backup.place import Place
from regulars.errors import CorruptBackupError, CorruptLogError, NotFoundError, RegularsError, ShopError
from regulars.events.compaction import compact
from regulars.events.inbox import Inbox, fold, open_store
from regulars.events.vacuum import vacuum
from regulars.privacy.erase import erase
from regulars.support import OwnTables
from tests.events.test_faults import CALLS, Failing
from tests.privacy.conftest import account

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def viewed(customer: str, day: int, product: str = "tea") -> dict[str, str]:
    moment = f"2024-04-{day:02d}T10:00:00Z"
    return {"type": "product_viewed", "customer_id": customer, "product_id": product, "time": moment}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "backups"


@pytest.fixture
def sold(shop: Shop, record) -> Shop:
    """Two versions of the log (at 9 and 10 o'clock), a model in use, a secret in the state, a table."""
    for hour, customer in ((9, "ada.lovelace"), (10, "bob.builder")):
        with clock.held_at(NOON.replace(hour=hour)):
            record(shop, viewed(customer, hour))
    shop.models.save("churn", {"weights.json": b"[1]"}, {"until": "2024-05-01"})
    shop.models.use("churn", 1)
    shop.state.secret("inbox")
    storage.make_folder(shop.folder / "cache")
    storage.replace(shop.folder / "cache" / "made_anew.bin", b"x")
    return shop


def contents(folder: Path) -> dict[str, bytes]:
    left_out = ("lock", "erasure.lock", "state.db-wal", "state.db-shm")
    found = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    return {k: v for k, v in found.items() if Path(k).name not in left_out and not k.startswith(("cache/", "state.db"))}


def test_a_restored_shop_is_the_shop_byte_for_byte(sold, place, tmp_path):
    secret = sold.state.secret("inbox")
    take(sold, place)
    done = restore(place, tmp_path / "again")
    assert contents(tmp_path / "again") == contents(sold.folder)
    again = Shop.open(tmp_path / "again")
    assert again.state.secret("inbox") == secret
    assert again.models.in_use("churn").read("weights.json") == b"[1]"
    assert (done.number, done.log_version, done.erased, done.outside) == (1, 2, (), ())
    assert not (tmp_path / "again" / "cache").exists()


def test_a_restored_shop_gives_the_same_answers(tea_shop, tea_as_of, tmp_path, place):
    take(tea_shop, place)
    restore(place, tmp_path / "again")
    again = Shop.open(tmp_path / "again")
    pairs = tea_shop.customers(tea_as_of)
    assert pairs.num_rows > 200
    assert again.tables.of("profile", pairs).equals(tea_shop.tables.of("profile", pairs))
    assert list(again.models.faults()) == []


def test_a_backup_costs_what_changed(sold, place, record):
    first = take(sold, place)
    assert first.added_files == first.files
    second = take(sold, place)
    assert (second.number, second.files, second.added_files, second.added_bytes) == (2, first.files, 0, 0)
    record(sold, viewed("cid", 11))
    third = take(sold, place)
    assert third.added_files == third.files - first.files == 2  # a commit, and its data file


def test_any_changed_or_missing_byte_is_found_and_nothing_is_made_of_it(sold, place, tmp_path):
    take(sold, place)
    found = check(place)
    assert (found.faults, found.whole) == ((), (1,))
    for path in sorted(path for path in place.rglob("*") if path.is_file() and path.name != "lock"):
        data = path.read_bytes()
        for at in (0, len(data) // 2):
            path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            spoiled = check(place)
            assert spoiled.faults, (path.name, at)
            assert spoiled.whole == ()
            with pytest.raises(CorruptBackupError):
                restore(place, tmp_path / "again")
        path.unlink()
        if path.parent.name != "lists":
            assert check(place).whole == ()
            with pytest.raises(CorruptBackupError, match="missing"):
                restore(place, tmp_path / "again")
        path.write_bytes(data)
    assert [path.name for path in tmp_path.iterdir() if "again" in path.name] == []
    assert check(place).faults == ()


def test_a_gap_is_told_and_other_backups_stay_whole(sold, place, record):
    for day in (11, 12, 13):
        take(sold, place)
        record(sold, viewed("cid", day))
    Place(place).list_of(2).unlink()
    found = check(place)
    assert found.whole == (1, 3)
    assert "missing" in found.faults[0].what
    shutil.copy(Place(place).list_of(3), Place(place).list_of(2))
    assert {fault.backups for fault in check(place).faults} == {(2,)}


def test_a_list_in_place_of_another_is_told(sold, place, record):
    take(sold, place)
    forged = Place(place).read(1)
    take(sold, place)
    Place(place).list_of(1).write_bytes(type(forged)(**{**vars(forged), "log_version": 1}).to_json())
    assert [fault.backups for fault in check(place).faults] == [(1,)]


def test_the_log_is_as_it_was_at_any_moment(sold, place, record, tmp_path):
    with clock.held_at(NOON.replace(hour=9, minute=30)):
        take_of_then = Shop.open(sold.folder)
        take(take_of_then, place)
    for hour in (13, 14):
        with clock.held_at(NOON.replace(hour=hour)):
            record(sold, viewed(f"late{hour}", hour))
    with clock.held_at(NOON.replace(hour=15)):
        take(sold, place)
    for hour, version in ((12, 2), (13, 3), (14, 4), (16, 4)):
        target = tmp_path / f"at{hour}"
        done = restore(place, target, NOON.replace(hour=hour))
        shop = Shop.open(target)
        assert (done.log_version, shop.log.version) == (version, version)
        assert shop.log.read("events").num_rows == version
        assert len(list((target / "log" / "commits").iterdir())) == version
    with pytest.raises(NotFoundError, match="the first was made at 2024-05-01 09:30"):
        restore(place, tmp_path / "never", NOON.replace(hour=8))


def test_who_was_erased_since_does_not_come_back(sold, place, tmp_path):
    take(sold, place)
    erase(Shop.open(sold.folder), ["ada.lovelace"])
    # Told by the shop's own file, then by the newest backup.
    told = restore(place, tmp_path / "told", erased=sold.folder / "log" / "erased.json")
    assert told.erased == ("ada.lovelace",)
    with clock.held_at(clock.now() + timedelta(hours=1)):
        take(Shop.open(sold.folder), place)
    known = restore(place, tmp_path / "known", Place(place).read(1).time)
    assert (known.number, known.erased) == (1, ("ada.lovelace",))
    for folder in (tmp_path / "told", tmp_path / "known"):
        assert Shop.open(folder).log.read("events")["customer_id"].to_pylist() == ["bob.builder"]
        assert [p for p in folder.rglob("*") if p.is_file() and b"ada.lovelace" in p.read_bytes()] == []


def test_whom_support_alone_knew_does_not_come_back_but_a_new_account_stays(sold, place, tmp_path):
    grace = account("grace-0042", "Grace", "Hopper", "grace@navy.example")
    OwnTables(sold.state).load([grace])
    take(sold, place)
    erase(Shop.open(sold.folder), ["grace-0042"])
    take(Shop.open(sold.folder), place)
    OwnTables(Shop.open(sold.folder).state).load([grace])
    take(Shop.open(sold.folder), place)
    for number, erased, accounts in ((1, ("grace-0042",), 0), (2, (), 0), (3, (), 1)):
        folder = tmp_path / f"of{number}"
        done = restore(place, folder, Place(place).read(number).time)
        assert (done.number, done.erased) == (number, erased)
        with Shop.open(folder).state.read() as view:
            assert view.exec_driver_sql("SELECT count(*) FROM support_customers").scalar() == accounts
    assert [p for p in (tmp_path / "of1").rglob("*") if p.is_file() and b"navy.example" in p.read_bytes()] == []


def test_a_damaged_list_or_one_that_is_gone_does_not_stop_what_needs_it_not(sold, place, record, tmp_path):
    for hour in (9, 10, 11, 12):
        with clock.held_at(NOON.replace(hour=hour)):
            record(sold, viewed("cid", hour))
            take(Shop.open(sold.folder), place)
    Place(place).list_of(1).write_bytes(b"{}")
    Place(place).list_of(3).unlink()
    done = restore(place, tmp_path / "again", NOON.replace(hour=11, minute=30))
    assert (done.number, done.log_time.hour) == (2, 11)


def test_it_is_put_into_the_empty_folder_that_one_stands_in(sold, place, tmp_path, monkeypatch):
    take(sold, place)
    storage.make_folder(tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    assert restore(place, Path()).log_version == 2
    assert Shop.open(tmp_path / "here").log.version == 2
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["backups", "here", "shop"]


def test_what_lies_on_another_disk_by_a_link_is_in_it(sold, place, tmp_path):
    shutil.move(sold.folder / "models", tmp_path / "large")
    (sold.folder / "models").symlink_to(tmp_path / "large")
    (tmp_path / "large" / "round").symlink_to(sold.folder)
    take(sold, place)
    restore(place, tmp_path / "again")
    assert Shop.open(tmp_path / "again").models.in_use("churn").read("weights.json") == b"[1]"
    assert not (tmp_path / "again" / "models" / "round").exists()


def test_old_backups_go_with_the_bytes_that_nobody_else_has(sold, place, tmp_path):
    began = clock.now()
    for days, customer in ((0, None), (10, "ada.lovelace"), (41, None)):
        with clock.held_at(began + timedelta(days=days)):
            if customer:
                erase(Shop.open(sold.folder), [customer])
            done = take(Shop.open(sold.folder), place, keep_days=30)
            assert check(place).faults == ()
    assert done.removed == (1,)  # the second is kept: the third has followed it just now
    assert check(place).backups == (2, 3)
    assert [p for p in place.rglob("*") if p.is_file() and b"ada.lovelace" in p.read_bytes()] == []
    assert restore(place, tmp_path / "again").log_version == 3


def test_a_backup_of_a_shop_at_work_is_a_shop_that_could_have_been(shop, place, tmp_path):
    acknowledged: list[str] = []
    is_over = threading.Event()
    inbox = Inbox(open_store(shop.folder / "inbox"))

    def body(name: str) -> bytes:
        said = {"type": "track", "event": "Product Viewed", "messageId": name, "userId": "ada"}
        return json.dumps({**said, "timestamp": "2024-05-01T10:00:00Z", "receivedAt": "2024-05-01T10:00:01Z"}).encode()

    def put() -> None:
        while not is_over.is_set():
            names = [f"m{len(acknowledged) + place}" for place in range(20)]
            inbox.put([body(name) for name in names]).result()
            acknowledged.extend(names)

    def folding() -> None:
        while not is_over.is_set():
            folded(inbox, shop)
            compact(shop.log)
            vacuum(shop.log, None)

    threads = [threading.Thread(target=put), threading.Thread(target=folding)]
    for thread in threads:
        thread.start()
    before = []
    for _ in range(5):
        before.append(len(acknowledged))
        take(Shop.open(shop.folder), place)
    is_over.set()
    for thread in threads:
        thread.join()
    inbox.close()
    assert check(place).faults == ()
    for number, least in enumerate(before, 1):
        folder = tmp_path / f"of{number}"
        restore(place, folder, Place(place).read(number).time)
        again = Shop.open(folder)
        waiting = Inbox(open_store(folder / "inbox"))
        while folded(waiting, again):
            pass
        waiting.close()
        found = again.log.read("events", ["event_id"])["event_id"].to_pylist()
        assert set(acknowledged[:least]) <= set(found)
        assert len(found) == len(set(found))
        assert not (folder / "rejects").exists()


def folded(inbox: Inbox, shop: Shop) -> object:
    rejects = shop.folder / "rejects"
    return fold(inbox, shop.log, currency="EUR", timezone="UTC", received_at=NOON, rejects=rejects)


@pytest.mark.parametrize("name", CALLS)
def test_a_disk_that_fails_at_any_call_leaves_the_backups_that_were_whole(sold, place, name, monkeypatch, record):
    take(sold, place)
    record(sold, viewed("cid", 11))
    for number in range(1, 200):
        failing = Failing(name, number, for_ever=False)
        monkeypatch.setattr(storage, name, failing)
        with suppress(OSError, RegularsError):
            take(sold, place)
        monkeypatch.setattr(storage, name, failing.call)
        found = check(place)
        assert found.faults == ()
        assert found.whole == found.backups
        shutil.rmtree(place)
        take(sold, place)
        if failing.count < number:
            return
    pytest.fail("it never came to an end")


def test_what_cannot_be_a_backup_is_refused_with_a_sentence(sold, place, tmp_path):
    with pytest.raises(ShopError, match="own folder"):
        take(sold, sold.folder / "backups")
    with pytest.raises(NotFoundError, match="no backup"):
        restore(place, tmp_path / "again")
    take(sold, place)
    with pytest.raises(ShopError, match="not empty"):
        restore(place, sold.folder)
    other = Shop.create(tmp_path / "other")
    (other.folder / "shop.toml").write_text(
        (other.folder / "shop.toml").read_text().replace('name = "', 'name = "other ')
    )
    with pytest.raises(ShopError, match="of its own for each shop"):
        take(Shop.open(other.folder), place)
    (path, *_) = (sold.log.folder / "data").iterdir()
    data = path.read_bytes()
    path.write_bytes(data[:-1] + b"?")
    take(sold, place)  # its bytes are safe already
    with pytest.raises(CorruptLogError, match="not what was committed"):
        take(sold, tmp_path / "elsewhere")


def test_the_commands_say_what_they_did_and_end_with_seven_where_bytes_are_wrong(sold, place, tmp_path, cli):
    code, out, _ = cli("backup", place, "--shop", sold.folder)
    assert (code, "Backup 1: " in out) == (0, True)
    assert "all is well" in cli("restore", place, "--check")[1]
    code, out, _ = cli("restore", place, tmp_path / "again", "--json")
    assert (code, json.loads(out)["log_version"]) == (0, 2)
    assert cli("restore", place)[0] == 5
    path = next((place / "bytes").glob("*/*"))
    path.write_bytes(b"")
    code, out, _ = cli("restore", place, "--check", "--json")
    assert (code, json.loads(out)["whole"]) == (7, [])
