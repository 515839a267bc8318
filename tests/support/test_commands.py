"""The commands of support, on a shop on the disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from regulars import Shop
from regulars.cli.support import commands
from regulars.errors import InputError, NotFoundError
from tests.support.conftest import CHAIR, LAMP, VISA, customer, order

runner = CliRunner()


def run(*arguments: str, typed: str | None = None) -> str:
    found = runner.invoke(commands, list(arguments), input=typed, catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.output


@pytest.fixture
def folder(shop: Shop, tmp_path: Path) -> str:
    """A shop with Ada's order, loaded by the command."""
    ada = customer("ada", "Ada", "Lovelace", VISA).model_dump(mode="json")
    (tmp_path / "customers.json").write_text(json.dumps({"ada": ada}), encoding="utf-8")
    orders = [order("#W1000001", "ada", "pending", LAMP, CHAIR).model_dump(mode="json")]
    (tmp_path / "orders.json").write_text(json.dumps(orders), encoding="utf-8")
    said = run(
        "load",
        "--customers",
        str(tmp_path / "customers.json"),
        "--orders",
        str(tmp_path / "orders.json"),
        "--shop",
        str(shop.folder),
    )
    assert "1 customers, 1 orders, 0 products" in said
    return str(shop.folder)


def test_a_conversation_from_the_command_line_is_in_the_log(folder: str) -> None:
    said = run("chat", "--as", "ada", "--shop", folder, typed="cancel #W1000001, no longer needed\nyes\nthanks\n")
    assert "Order #W1000001 is cancelled." in said
    types = Shop.open(Path(folder)).events.to_pyarrow()["type"].to_pylist()
    assert (types.count("support_asked"), types.count("support_answered")) == (3, 3)


def test_answers_are_marked_for_machines(folder: str) -> None:
    found = json.loads(run("chat", "--as", "ada", "--say", "where is #W1000001?", "--json", "--shop", folder))
    assert found["replies"][0]["made_by"] == "ai"
    assert found["replies"][0]["citations"] == ["#W1000001"]


def test_a_person_takes_answers_and_leaves(folder: str) -> None:
    assert "Nobody waits" in run("queue", "--shop", folder)
    run("chat", "--as", "ada", "--say", "I want a human please", "--shop", folder)
    assert "asked" in run("queue", "--shop", folder)
    assert "I want a human please" in run("take", "--as", "mei", "--shop", folder)
    run("answer", "1", "Mei here.", "--as", "mei", "--shop", folder)
    assert "returned" in run("leave", "1", "--as", "mei", "--shop", folder)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "is no JSON"),
        ("3", "a list of objects"),
        ('[{"order_id": "#1"}]', "orders.json, 1: "),
        ('{"#1": 3}', "orders.json, #1: "),
    ],
)
def test_a_broken_file_is_refused_with_its_place(shop: Shop, tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "orders.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=why.replace("(", "\\(")):
        runner.invoke(commands, ["load", "--orders", str(path), "--shop", str(shop.folder)], catch_exceptions=False)


def test_figures_questions_and_labels_from_the_command_line(folder: str) -> None:
    run("chat", "--as", "ada", "--say", "where is #W1000001?", "--say", "thanks, bye", "--say", "5", "--shop", folder)
    every = json.loads(run("quality", "--json", "--shop", folder))[0]
    assert (every["intent"], every["conversations"], every["satisfaction"]) == ("all", 1, 5)
    assert every["containment"]["value"] == 1
    assert "where is #W1000001?" in run("questions", "--shop", folder)
    assert "Noted" in run("label", "where is #W1000001?", "track_order", "--shop", folder)
    assert json.loads(run("questions", "--json", "--shop", folder))["worth_labelling"] == []


def test_which_texts_there_are_and_what_cannot_be_read_is_told(folder: str) -> None:
    found = runner.invoke(commands, ["texts", "--shop", folder])
    assert isinstance(found.exception, NotFoundError)
    texts = Path(folder) / "knowledge"
    texts.mkdir()
    (texts / "returns.md").write_text("# Returns\nThirty days.\n# Costs\nFree.\n", encoding="utf-8")
    (texts / "guide.docx").write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600))
    said = run("texts", "--shop", folder)
    assert "returns.md: 2" in said
    assert "guide.docx: not read." in said
    assert "is encrypted" in said.replace("\n", " ")
    again = json.loads(run("texts", "--json", "--shop", folder))
    assert (again["texts"], list(again["faults"])) == ({"returns.md": 2}, ["guide.docx"])


def test_a_rehearsal_tells_what_fails_now_and_did_not_before(folder: str, tmp_path: Path) -> None:
    cases = tmp_path / "cases.jsonl"
    case = {"name": "tells", "as": "ada", "say": ["where is #W1000001?"], "contains": "pending"}
    cases.write_text(json.dumps(case), encoding="utf-8")
    assert "1 conversations; all as they should: 1 times 100%" in run("rehearse", str(cases), "--shop", folder)
    cases.write_text(json.dumps({**case, "contains": "on the moon"}), encoding="utf-8")
    found = runner.invoke(commands, ["rehearse", str(cases), "--shop", folder], catch_exceptions=False)
    assert found.exit_code == 1
    assert "tells: fails now" in found.output
