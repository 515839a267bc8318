"""A shop that a released version made is opened, folded, read and learned from by this one, and loses nothing."""

from __future__ import annotations

import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from regulars import Shop
from regulars.backup import check, restore, take
from regulars.events.check import check as check_log
from regulars.events.inbox import FOLDER, Inbox, fold, open_store
from tests.conftest import TEA_AS_OF

SHOPS = sorted(Path(__file__).parent.glob("*.tar.xz"))


@pytest.fixture(params=SHOPS, ids=lambda path: path.name.removesuffix(".tar.xz"))
def released(request, tmp_path) -> Shop:
    with tarfile.open(request.param) as archive:
        archive.extractall(tmp_path, filter="data")
    return Shop.open(tmp_path / "shop")


def test_it_is_small_and_there_is_one_of_each_release():
    assert [path.name for path in SHOPS if path.stat().st_size > 300_000] == []
    assert "0.1.0.tar.xz" in {path.name for path in SHOPS}


def test_a_released_shop_is_whole_and_what_waited_is_folded(released):
    assert check_log(released.log, released.engine).faults == ()
    before = released.log.snapshot().rows("events")
    inbox = Inbox(open_store(released.folder / FOLDER))
    moment = datetime(2024, 7, 1, tzinfo=UTC)
    done = fold(
        inbox, released.log, currency="GBP", timezone="UTC", received_at=moment, rejects=released.folder / "rejects"
    )
    inbox.close()
    assert (done.read, done.added) == (1, 1)
    assert released.log.read("events").num_rows == before + 1
    assert len(released.state.secret("released")) == 32


def test_a_released_shop_is_read_learned_from_and_backed_up(released, tmp_path):
    assert list(released.models.faults()) == []
    pairs = released.customers(TEA_AS_OF)
    described = released.tables.of("profile", pairs)
    assert described.num_rows == pairs.num_rows > 200
    model, _ = released.learn("realtime", TEA_AS_OF)  # the quickest
    assert model.version == 1
    take(released, tmp_path / "backups")
    assert check(tmp_path / "backups").faults == ()
    restore(tmp_path / "backups", tmp_path / "again")
    assert Shop.open(tmp_path / "again").log.read("events").equals(released.log.read("events"))
