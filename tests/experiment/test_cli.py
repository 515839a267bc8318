"""The commands of experiments, as they are typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from regulars import Shop

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(shop: Shop, record: Callable[..., Any]) -> Path:
    order = {"type": "order_completed", "product_id": "tea", "time": "2024-05-01", "quantity": 1, "unit_price": 4}
    record(shop, *({**order, "customer_id": f"c{number:03}", "order_id": f"o{number}"} for number in range(100)))
    return shop.folder


def test_an_experiment_from_its_first_line_to_its_reset(cli: Cli, folder: Path) -> None:
    def run(*words: object) -> dict[str, Any]:
        code, out, err = cli("experiment", *words, "--shop", folder, "--json")
        assert code == 0, err
        return json.loads(out)  # type: ignore[no-any-return]

    assert run("holdout") == {"share": None}
    held = run("holdout", "--share", "0.2")
    assert (held["customers"], 5 < held["held"] < 40) == (100, True)
    made = run(
        "create",
        "春季",
        "--arm",
        "control",
        "--arm",
        "blue=3",
        "--metric",
        "revenue",
        "--layer",
        "prices",
        "--to",
        "0.9",
    )
    assert (made["status"], [arm["weight"] for arm in made["arms"]]) == ("draft", [0.25, 0.75])
    assert run("start", "春季", "--share", "0.5")["share"] == 0.5
    first = run("assign", "春季", "--as-of", "2024-05-02")
    assert run("ramp", "春季", "--share", "1")["share"] == 1
    second = run("assign", "春季", "--as-of", "2024-05-03")
    assert second["already"] == sum(first["added"].values()) > 0
    assert second["already"] + sum(second["added"].values()) + second["outside"] == 100
    shown = run("show", "春季")
    assert sum(shown["exposed"].values()) == 100 - second["outside"]
    assert [change["what"] for change in shown["history"]] == ["created", "started", "ramped"]
    assert run("stop", "春季", "--reason", "enough")["status"] == "stopped"
    assert run("reset", "春季")["generation"] == 2
    assert [one["name"] for one in run("list")] == ["春季"]


def test_an_experiment_for_a_rule_exposes_those_only(cli: Cli, folder: Path) -> None:
    rule = "customer_id in ('c001', 'c002', 'c003')"
    assert cli("experiment", "create", "few", "--arm", "a", "--arm", "b", "--for", rule, "--shop", folder)[0] == 0
    assert cli("experiment", "start", "few", "--shop", folder)[0] == 0
    _, out, _ = cli("experiment", "assign", "few", "--shop", folder, "--json")
    assert sum(json.loads(out)["added"].values()) == 3


@pytest.mark.parametrize(("words", "code", "said"), [
    (("create", "x", "--arm", "a"), 5, "at least two"),
    (("create", "x", "--arm", "a=b", "--arm", "c"), 5, "a number is expected"),
    (("create", "x", "--arm", "a", "--arm", "a"), 5, "given twice"),
    (("create", "x", "--arm", "a", "--arm", "b", "--for", "orderz > 1"), 3, "orderz"),
    (("start", "x"), 8, 'There is no experiment "x"'),
    (("holdout", "--share", "5"), 5, "For 5 %, write 0.05"),
])  # fmt: skip
def test_a_mistake_is_one_sentence(cli: Cli, folder: Path, words: tuple[str, ...], code: int, said: str) -> None:
    got, _, err = cli("experiment", *words, "--shop", folder)
    assert (got, said in " ".join(err.split())) == (code, True), err


def test_people_read_how_it_stands(cli: Cli, folder: Path) -> None:
    assert "no experiments yet" in cli("experiment", "list", "--shop", folder)[1]
    assert "Nobody is held out" in cli("experiment", "holdout", "--shop", folder)[1]
    cli("experiment", "create", "spring", "--arm", "control", "--arm", "blue", "--hypothesis", "更好", "--shop", folder)
    cli("experiment", "start", "spring", "--shop", folder)
    assert "exposed" in cli("experiment", "assign", "spring", "--as-of", "2024-05-02", "--shop", folder)[1]
    code, out, _ = cli("experiment", "show", "spring", "--shop", folder)
    assert code == 0
    assert "spring is running" in out
    assert "更好" in out
    assert "spring" in cli("experiment", "list", "--shop", folder)[1]


def test_a_stopped_experiment_is_decided_for_ever_with_its_figures(cli: Cli, folder: Path) -> None:
    shop = ("--shop", folder)
    cli(
        "experiment",
        "create",
        "spring",
        "--arm",
        "control",
        "--arm",
        "blue",
        "--metric",
        "orders",
        "--days",
        "28",
        *shop,
    )
    cli("experiment", "start", "spring", *shop)
    code, _, err = cli("experiment", "decide", "spring", "blue", "--reason", "liked", *shop)
    assert code == 4
    assert "only a stopped one is decided" in err
    cli("experiment", "stop", "spring", *shop)
    assert cli("experiment", "decide", "spring", "green", "--reason", "liked", *shop)[0] == 8
    code, out, err = cli("experiment", "decide", "spring", "blue", "--reason", "liked", *shop, "--json")
    assert code == 0, err
    decided = json.loads(out)
    assert (decided["status"], decided["verdict"]["arm"], decided["verdict"]["reason"]) == ("decided", "blue", "liked")
    assert cli("experiment", "decide", "spring", "control", "--reason", "no", *shop)[0] == 4
    assert "Verdict: blue. liked" in cli("experiment", "show", "spring", *shop)[1]
