"""Conversations that are held again: they change nothing, and say which no longer go as they should."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from regulars.errors import InputError
from regulars.state import State
from regulars.support import Chat, Desk, OwnTables
from regulars.support.rehearsal import Beside, Case, Rehearsed, pass_k, read_cases, rehearse

CASES = [
    {"name": "cancels", "as": "ada", "say": ["cancel #W1000001, no longer needed", "yes"], "action": "done", "done": ["cancel"]},
    {"name": "tells", "as": "ada", "say": ["where is #W1000003?"], "action": "answer", "cites": "#W1000003"},
    {"name": "hands over", "as": "ada", "say": ["我要转人工"], "action": "hand_over", "reason": "asked"},
    {"name": "says", "as": "ada", "say": ["where is #W1000003?"], "contains": "on the moon"},
]  # fmt: skip


@pytest.fixture
def beside(own: OwnTables) -> Beside:
    return Beside(own)


def test_they_are_held_several_times_and_change_nothing(local: State, own: OwnTables, beside: Beside) -> None:
    before = own.orders_of("ada")
    found = rehearse(Chat(Desk(local, beside)), beside, [Case.model_validate(one) for one in CASES], times=3)
    assert [one.passed for one in found] == [3, 3, 3, 0]
    assert '"on the moon" expected' in found[3].faults[0][0]
    assert own.orders_of("ada") == before


def test_the_chance_that_all_of_k_times_go_well() -> None:
    found = [Rehearsed("always", ((), (), ())), Rehearsed("twice", ((), (), ("late",)))]
    assert [round(pass_k(found, k), 3) for k in (1, 2, 3)] == [0.833, 0.667, 0.5]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "line 1: no JSON"),
        ('{"name": "a"}', "line 1: say"),
        ('{"name": "a", "say": ["b"], "ends": "well"}', "ends"),
        ("", "no case"),
    ],
)
def test_a_case_that_is_none_is_refused_with_its_line(tmp_path: Path, line: str, why: str) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=why):
        read_cases(file)


def test_cases_are_read_in_their_order(tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_text("\n".join(json.dumps(one) for one in CASES), encoding="utf-8")
    assert [one.name for one in read_cases(file)] == [one["name"] for one in CASES]
