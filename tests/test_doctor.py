"""What is unsafe about a machine or a shop is told, with the mending; what is safe raises no alarm."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from regulars import clock, config, doctor, mounts
from regulars.shop import Shop


def levels(shop: Shop) -> dict[str, str]:
    return {finding.subject: finding.level for finding in doctor.examine(shop)}


def test_a_sound_shop_on_a_sound_machine_has_nothing_unsafe(with_orders: Path) -> None:
    found = doctor.examine(Shop.open(with_orders))
    assert [finding for finding in found if finding.level == "unsafe"] == []
    assert all(bool(finding.how) == (finding.level != "ok") for finding in found)
    assert {"SQLite", "disk", "clock", "free space", "permissions", "libraries"} <= {
        finding.subject for finding in found
    }


@pytest.mark.parametrize(
    ("version", "level"),
    [
        ("3.6.23", "ok"), ("3.7.0", "warning"), ("3.40.1", "warning"), ("3.44.5", "warning"), ("3.44.6", "ok"),
        ("3.45.0", "warning"), ("3.50.6", "warning"), ("3.50.7", "ok"), ("3.51.0", "warning"), ("3.51.2", "warning"),
        ("3.51.3", "ok"), ("3.54.1", "ok"),
    ],
)  # fmt: skip
def test_sqlite_with_the_bug_is_told(version: str, level: str) -> None:
    assert doctor.sqlite(version).level == level


def test_a_shop_on_a_network_file_system_is_unsafe(with_orders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = with_orders.parent / "mountinfo"
    told.write_text("22 1 0:21 / / rw,relatime - nfs4 server:/ rw\n")
    monkeypatch.setattr(mounts, "MOUNTS", told)
    found = doctor.examine(Shop.open(with_orders))[0]
    assert (found.level, found.subject) == ("unsafe", "disk")
    assert "nfs4" in found.what


def test_a_clock_that_is_behind_the_log_is_unsafe(with_orders: Path) -> None:
    with clock.held_at(clock.now() - timedelta(hours=1)):
        assert levels(Shop.open(with_orders))["clock"] == "unsafe"
    moment = datetime(2024, 5, 1, tzinfo=UTC)
    with clock.held_at(moment):
        assert doctor.the_clock(moment + timedelta(minutes=4)).level == "ok"
        assert doctor.the_clock(None).level == "ok"


@pytest.mark.parametrize("place", ["", "log", "log/data"])
def test_a_folder_that_everyone_may_write_to_is_unsafe(with_orders: Path, place: str) -> None:
    folder = with_orders / place
    folder.chmod(0o777)
    found = doctor.examine(Shop.open(with_orders))[0]
    assert (found.level, found.how) == ("unsafe", f"chmod o-w {folder}")
    folder.chmod(0o755)
    assert levels(Shop.open(with_orders))["permissions"] == "ok"


def test_secrets_that_others_may_read_are_unsafe(with_orders: Path) -> None:
    settings = with_orders / "shop.toml"
    settings.chmod(0o644)
    shop = Shop.open(with_orders)
    assert levels(shop)["permissions"] == "ok"
    settings.write_text(settings.read_text() + '\n[language]\napi_key = "abc"\n')
    (found,) = doctor.permissions(shop.folder)
    assert (found.level, found.how) == ("unsafe", f"chmod 600 {settings}")
    settings.chmod(0o600)
    (found,) = doctor.permissions(shop.folder)
    assert found.level == "ok"


def test_a_secret_that_is_empty_or_commented_out_is_none(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text('# api_key = "abc"\npassword = ""\n')
    assert [finding.level for finding in doctor.permissions(tmp_path)] == ["ok"]


def test_little_room_is_told_by_degrees() -> None:
    assert [doctor.disk(free, 5_000_000_000).level for free in (10**8, 3 * 10**9, 10**10)] == [
        "unsafe",
        "warning",
        "ok",
    ]
    assert "100 MB free, the log takes 5 GB" in doctor.disk(10**8, 5 * 10**9).what


def test_an_engine_that_may_take_more_than_there_is_is_told_what_fits() -> None:
    found = doctor.memory("4GB", 4_000_000_000)
    assert found.level == "warning"
    assert 'memory = "2GB"' in found.how
    assert doctor.memory("512MB", 1_000_000_000).level == "ok"
    assert doctor.memory("2GiB", 2_500_000_000).level == "warning"


def test_few_open_files_and_many_small_ones_are_told() -> None:
    assert [doctor.open_files(limit).level for limit in (256, 1024)] == ["warning", "ok"]
    assert [doctor.small(count).level for count in (64, 65)] == ["ok", "warning"]


def test_old_python_and_old_libraries_are_unsafe() -> None:
    assert [doctor.python(version).level for version in ((3, 10), (3, 11))] == ["unsafe", "ok"]
    found = list(doctor.libraries(["numpy>=999", "pyarrow>=1.0", "none-such>=1", 'psutil>=999; extra == "bench"']))
    assert [finding.level for finding in found] == ["unsafe", "unsafe"]
    assert found[0].what.startswith("numpy ")
    assert found[0].what.endswith(", below 999")
    assert [finding.level for finding in doctor.libraries(["ibis-framework[duckdb]>=10.0"])] == ["ok"]


def test_without_a_database_of_time_zones_times_cannot_be_right(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.time_zones().level == "ok"
    monkeypatch.setattr("zoneinfo.available_timezones", lambda: {"UTC"})
    assert doctor.time_zones().level == "unsafe"


def test_a_damaged_log_is_told_with_the_way_to_the_check(with_orders: Path) -> None:
    for path in (with_orders / "log" / "data").iterdir():
        path.write_bytes(path.read_bytes()[:-9])
    found = doctor.examine(Shop.open(with_orders))[0]
    assert (found.subject, found.how) == ("log", "See what is damaged: regulars check")


def test_a_port_that_is_taken_and_an_inbox_that_does_not_answer_are_told(with_orders: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert doctor.address("127.0.0.1", port).level == "warning"
    config.change(with_orders, "serve", {"inbox": f"redis://127.0.0.1:{port}/0"})
    (found,) = doctor.inbox(Shop.open(with_orders))
    assert (found.level, found.subject) == ("unsafe", "inbox")
