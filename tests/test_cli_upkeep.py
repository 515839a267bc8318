"""The commands that keep a shop sound: what each prints, and how each ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from regulars.shop import Shop

Cli = Callable[..., tuple[int, str, str]]


def told(result: tuple[int, str, str], code: int = 0) -> Any:
    assert result[0] == code, result
    return json.loads(result[1])


def flip(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:60] + bytes([data[60] ^ 1]) + data[61:])


def test_check_of_a_sound_shop_says_so(cli: Cli, with_orders: Path) -> None:
    found = told(cli("check", "--shop", with_orders, "--json"))
    assert (found["version"], found["rows"], found["faults"]) == (1, {"catalogue": 2, "events": 2}, [])
    code, out, _ = cli("check", "--shop", with_orders)
    assert code == 0
    assert "1 version, 2 files" in out
    assert "all is well" in out


def test_check_names_the_damaged_file_and_ends_with_seven(cli: Cli, with_orders: Path) -> None:
    path = with_orders / "log" / "data" / "0000000001-00000.parquet"
    flip(path)
    (fault,) = told(cli("check", "--shop", with_orders, "--json"), 7)["faults"]
    assert fault["file"] == f"log/data/{path.name}"
    assert fault["is_current"]
    code, out, _ = cli("check", "--shop", with_orders)
    assert code == 7
    assert path.name in out
    assert "--drop-damaged" in out


def test_dropping_what_is_damaged_says_what_to_import_again(cli: Cli, with_orders: Path, orders: Path) -> None:
    path = with_orders / "log" / "data" / "0000000001-00000.parquet"
    flip(path)
    code, out, _ = cli("check", "--shop", with_orders, "--drop-damaged")
    assert code == 0
    assert "Lost: 2 rows of events." in out
    assert "2 rows of orders.csv. To have them back, import it again." in " ".join(out.split())
    assert told(cli("import", orders, "--shop", with_orders, "--json"))["added"] == 2
    code, out, _ = cli("check", "--shop", with_orders, "--drop-damaged")
    assert "nothing was left out" in out


def test_check_finds_a_damaged_model_and_says_whether_it_is_in_use(cli: Cli, shop: Shop) -> None:
    for _ in range(2):
        shop.models.save("churn", {"model.json": b"x" * 100}, {"report": {"verdict": ""}})
    shop.models.use("churn", 2)
    flip(shop.models.folder / "churn" / "0001" / "model.json")
    (fault,) = told(cli("check", "--shop", shop.folder, "--json"))["faults"]
    assert (fault["file"], fault["is_current"]) == ("models/churn/0001/model.json", False)
    flip(shop.models.folder / "churn" / "0002" / "card.json")
    faults = told(cli("check", "--shop", shop.folder, "--json"), 7)["faults"]
    assert [fault["file"] for fault in faults] == ["models/churn/0001/model.json", "models/churn/0002/card.json"]


def test_compact_and_vacuum_say_what_they_did(cli: Cli, with_orders: Path, tmp_path: Path) -> None:
    more = tmp_path / "more.csv"
    more.write_text("date,customer,product,price\n2024-06-01,ada,tea,4.50\n")
    cli("import", more, "--shop", with_orders, "--yes")
    assert told(cli("compact", "--shop", with_orders, "--json")) == {"version": 3, "before": 2, "after": 1}
    assert "1 file became 1" in cli("compact", "--shop", with_orders)[1]
    assert told(cli("vacuum", "--shop", with_orders, "--json"))["versions"] == []
    said = told(cli("vacuum", "--shop", with_orders, "--keep-days", "0", "--dry-run", "--json"))
    assert (said["versions"], len(said["files"]), said["dry_run"]) == ([1, 2], 2, True)
    code, out, _ = cli("events", "--shop", with_orders, "--version", "1")
    assert code == 0
    assert "Version 1" in out
    assert "more.csv" not in out
    assert "Removed: 2 versions (1 to 2), 2 data files" in cli("vacuum", "--shop", with_orders, "--keep-days", "0")[1]
    code, _, complaint = cli("events", "--shop", with_orders, "--version", "1")
    assert code == 8
    assert "no longer kept" in complaint


def test_how_long_versions_are_kept_is_a_setting(cli: Cli, with_orders: Path, tmp_path: Path) -> None:
    settings = with_orders / "shop.toml"
    settings.write_text(settings.read_text().replace("# keep_days = 30", "keep_days = 0"))
    more = tmp_path / "more.csv"
    more.write_text("date,customer,product,price\n2024-06-01,ada,tea,4.50\n")
    cli("import", more, "--shop", with_orders, "--yes")
    assert told(cli("vacuum", "--shop", with_orders, "--json"))["versions"] == [1]


def test_many_imports_are_put_together_by_themselves(with_orders: Path, tmp_path: Path) -> None:
    shop = Shop.open(with_orders)
    files = []
    for number in range(70):
        path = tmp_path / "orders.csv"
        path.write_text(f"date,customer,product,price\n2024-06-01,c{number},tea,4.50\n")
        result = shop.import_(path)
        assert result.version == shop.log.version
        files.append(len(shop.log.snapshot().tables["events"]))
    assert max(files) == 64
    assert files[63] == 1
    assert shop.log.snapshot().rows("events") == 72


def test_doctor_ends_with_ten_if_anything_is_unsafe(cli: Cli, with_orders: Path) -> None:
    assert {one["level"] for one in told(cli("doctor", "--shop", with_orders, "--json"))} <= {"ok", "warning"}
    (with_orders / "log").chmod(0o777)
    found = told(cli("doctor", "--shop", with_orders, "--json"), 10)
    assert [one["subject"] for one in found if one["level"] == "unsafe"] == ["permissions"]
    code, out, _ = cli("doctor", "--shop", with_orders)
    assert code == 10
    assert "chmod o-w" in out


def test_events_are_written_as_a_page(cli: Cli, with_orders: Path, tmp_path: Path) -> None:
    page = tmp_path / "events.html"
    code, out, _ = cli("events", "--shop", with_orders, "--html", page)
    assert code == 0
    assert "Days without an event" in out
    text = page.read_text(encoding="utf-8")
    assert "Rows by day and type" in text
    assert "orders.csv" in text


def test_a_full_disk_is_told_with_its_file_and_the_mending(
    cli: Cli, with_orders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    more = tmp_path / "more.csv"
    more.write_text("date,customer,product,price\n2024-06-01,ada,tea,4.50\n")
    monkeypatch.setattr("regulars.storage._write", full)
    said = told(cli("import", more, "--shop", with_orders, "--json"), 1)
    assert said["error"].startswith(str(with_orders / "log" / "data"))
    assert said["error"].endswith("No space left on device. Free some space and do it again: nothing is counted twice")


def test_compaction_that_has_no_room_does_not_undo_the_import(
    cli: Cli, with_orders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("regulars.shop.compact", full)
    more = tmp_path / "more.csv"
    more.write_text("date,customer,product,price\n2024-06-01,ada,tea,4.50\n")
    assert told(cli("import", more, "--shop", with_orders, "--json"))["version"] == 2
