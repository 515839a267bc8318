"""The commands of rules and lists, as they are typed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from regulars import Shop
from regulars.cli import fraud
from regulars.clock import held_at
from regulars.errors import InputError, NotFoundError
from regulars.rules import RuleError

MAY = datetime(2024, 5, 1, tzinfo=UTC)


def payments() -> list[dict[str, Any]]:
    """Thirty payments a day for two days, those of one device disputed."""
    events = []
    for number in range(60):
        time = (MAY + timedelta(minutes=30 * number)).isoformat()
        about = {"customer_id": f"c{number % 10}", "payment_id": f"p{number % 10}", "order_id": f"o{number}"}
        amount = 300.0 if number % 5 == 0 else 20.0
        said = {"device_id": f"d{number % 5}", "ip": f"10.0.0.{number % 5}", "quantity": 1, "unit_price": amount}
        events.append({"type": "payment_attempted", "time": time, **about, **said})
        if number % 5 == 0:
            events.append({"type": "payment_disputed", "time": (MAY + timedelta(days=9)).isoformat(), **about})
    return events


@pytest.fixture
def folder(once: Callable[..., Path], record: Callable[..., Any], tmp_path: Path) -> Path:
    made = once("fraud_rule_shop", lambda place: record(Shop.create(place), *payments()))
    return Path(shutil.copytree(made, tmp_path / "shop"))


def asked(*words: object) -> tuple[str, str]:
    """What a command prints, and what it notes; what it refuses is raised."""
    group = typer.Typer()
    group.add_typer(fraud.commands)
    done = CliRunner().invoke(group, ["fraud", *map(str, words)], env={"COLUMNS": "160"})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout, done.stderr


def test_a_rule_is_added_with_its_backtest_and_let_act(folder: Path) -> None:
    said, _ = asked("rule", "add", "dear", "amount > 220", "--action", "block", "--note", "big", "--shop", folder)
    assert "dear, version 1: shadow (version 1)" in said
    assert "12 of 60 attempts (20.00%)" in said
    assert "It pays: " in said
    assert "live (version 1)" in asked("rule", "live", "dear", "--shop", folder)[0]
    found = json.loads(asked("rule", "add", "dear", "amount > 250", "--action", "block", "--shop", folder, "--json")[0])
    assert (found["version"], found["live"], found["shadow"], found["note"]) == (2, 1, 2, "big")
    assert found["backtest"]["frauds"] == found["backtest"]["all_frauds"] == 12
    shown = json.loads(asked("rule", "show", "dear", "--shop", folder, "--json")[0])
    assert [version["rule"] for version in shown["versions"]] == ["amount > 250", "amount > 220"]
    assert "live (version 1), shadow (version 2)" in asked("rule", "list", "--shop", folder)[0]
    assert "dear: off." in asked("rule", "off", "dear", "--shop", folder)[0]
    assert "dear: shadow (version 1)." in asked("rule", "shadow", "dear", "--version", "1", "--shop", folder)[0]


def test_a_rule_is_tried_without_being_kept(folder: Path) -> None:
    said, noted = asked("rule", "test", "amount > 0", "--action", "block", "--shop", folder)
    assert "It was true of 100.0% of attempts: it tells nothing apart" in said
    assert "It is true of 100.0% of attempts." in noted
    noted = asked("rule", "test", "risk > 0.5 or amount > 220", "--shop", folder)[1]
    assert "Unknown of every attempt: risk." in noted
    found = json.loads(asked("rule", "test", "amount > 220", "--from", "2024-05-02", "--shop", folder, "--json")[0])
    assert (found["attempts"], found["action"], len(found["by_day"])) == (12, "review", 1)
    assert asked("rule", "list", "--shop", folder)[0].startswith("There are no rules yet.")
    asked("rule", "add", "dear", "amount > 220", "--action", "block", "--shop", folder)
    kept = json.loads(asked("rule", "test", "dear", "--shop", folder, "--json")[0])
    assert (kept["rule"], kept["action"], kept["overlaps"]) == ("amount > 220", "block", [])


def test_mistakes_are_said(folder: Path) -> None:
    with pytest.raises(RuleError, match='Did you mean "device_attempts_1h"'):
        asked("rule", "add", "fast", "device_attemps_1h > 5", "--shop", folder)
    with pytest.raises(InputError, match='There is no action "blok"'):
        asked("rule", "test", "amount > 5", "--action", "blok", "--shop", folder)
    with pytest.raises(NotFoundError, match='There is no fraud rule "fast"'):
        asked("rule", "off", "fast", "--shop", folder)
    with pytest.raises(InputError, match='There is no list "grey"'):
        asked("list", "show", "grey", "--shop", folder)


def test_what_fits_next_is_said_with_its_meaning(folder: Path) -> None:
    found = json.loads(asked("rule", "words", "amount > 5 and device_attempts_1", "--shop", folder, "--json")[0])
    assert found[0]["text"] == "device_attempts_1h"
    assert found[0]["meaning"] == "attempts with this device within 1 hour (number)"
    assert [
        each["text"] for each in json.loads(asked("rule", "words", "device_id = 'd", "--shop", folder, "--json")[0])
    ][:2] == ["'d0'", "'d1'"]
    settings = folder / "shop.toml"
    settings.write_text(settings.read_text().replace('# language = "en"', 'language = "zh"'))
    assert "该设备1小时内的尝试次数" in asked("rule", "words", "device_attempts_1", "--shop", folder)[0]


def test_a_list_is_kept_and_acts_as_a_rule_does(folder: Path, tmp_path: Path) -> None:
    said, noted = asked("list", "add", "block", "ip", "10.0.0.0/30", "--note", "机房", "--shop", folder)
    assert "block list: ip 10.0.0.0/30 (机房), after " in said
    assert "no attempt in it meets the entry" in noted
    asked("list", "remove", "block", "ip", "10.0.0.0/30", "--shop", folder)
    with held_at(MAY):
        asked(
            "list", "add", "block", "ip", "10.0.0.0/30", "--since", "2024-05-01T12:00", "--by", "ada", "--shop", folder
        )
    found = json.loads(asked("rule", "test", "listed_block", "--shop", folder, "--json")[0])
    assert found["hits"] == 4 * sum(1 for n in range(60) if n % 5 == 0 and n > 24)
    file = tmp_path / "lists.csv"
    assert "1 entries" in asked("list", "export", file, "--shop", folder)[0]
    assert "0 added, 1 known already." in asked("list", "import", file, "--shop", folder)[0]
    file.write_text("list,entity,value\nwatch,ip,300.0.0.1\nwatch,device,d7\n")
    said, noted = asked("list", "import", file, "--shop", folder)
    assert "1 added, 0 known already, 1 refused." in said
    assert 'line 2: "300.0.0.1" is no IP address' in noted
    assert [entry["value"] for entry in json.loads(asked("list", "show", "watch", "--shop", folder, "--json")[0])] == [
        "d7"
    ]
    assert "10.0.0.0/30" in asked("list", "show", "--shop", folder)[0]
