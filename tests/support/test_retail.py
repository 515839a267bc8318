"""A few tasks of the retail support world, whole: what the benchmark does with all of them."""

from __future__ import annotations

import os
from typing import Any

import pytest

from regulars import clock
from tests.support.conftest import NOON

benchmark = pytest.importorskip("benchmarks.support", reason="the benchmarks are not in this package")
WORLD = pytest.importorskip("benchmarks.support_world").WORLD

TASKS = slice(0, 500, 50)


@pytest.fixture(scope="module")
def world() -> Any:
    if not WORLD.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{WORLD} is missing, and CI may not skip")
        pytest.skip(f"{WORLD} is missing")
    with clock.held_at(NOON):
        world = benchmark.World()
    world.tasks, world.watched = world.tasks[TASKS], world.watched[::25]
    return world


def test_right_actions_leave_the_state_of_the_reference(world: Any) -> None:
    assert benchmark.run_actions(world)[0].ours == len(world.tasks)


def test_a_conversation_completes_the_task(world: Any) -> None:
    assert benchmark.run_dialogue(world, world.tasks, "a few")[0].ours == 1


def test_the_reference_can_disagree(world: Any) -> None:
    right, _ = world.right(world.tasks[0])
    assert right != world.right({**world.tasks[0], "actions": []})[0]


def test_wrong_actions_are_refused(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "WRONG", 60)
    assert [row.ours for row in benchmark.run_wrong(world)] == [60, 0]


def test_an_endpoint_that_obeys_reaches_nobody_else(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "ATTACKS", 6)
    assert [row.ours for row in benchmark.run_attacks(world)] == [0, 0]


def test_nor_does_it_through_the_loop_over_tools(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "ATTACKS", 20)
    assert [row.ours for row in benchmark.run_loop(world)] == [0, 0, 0]
