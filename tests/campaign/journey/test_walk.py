"""How customers go through a journey, on a few whose way is known by head."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.campaign.journey import Journey, read
from regulars.campaign.journey.happenings import NEVER, Happenings
from regulars.campaign.journey.walk import OUTCOMES, Walkers, World, uniform, walk
from regulars.clock import micros, moment_of

START = datetime(2024, 5, 1, 10, tzinfo=UTC)
HEAD = '[trigger]\nevent = "signed_up"\n[goal]\nevent = "order_completed"\n'
LATER = 365


class Did(Happenings):
    """What few customers did: {place: hours after the start}, by type."""

    def __init__(self, hours: Mapping[str, Mapping[int, list[float]]]) -> None:
        self._times = {}
        for event in ("order_completed", "product_added", "order_refunded"):
            rows = sorted((who, micro(hour)) for who, found in hours.get(event, {}).items() for hour in found)
            owner, times = (np.array([row[k] for row in rows], np.int64) for k in (0, 1))
            self._times[event, ""] = owner, times


def micro(hours: float) -> int:
    return micros(START + timedelta(hours=hours))


def went(
    steps: str,
    did: Mapping[str, Mapping[int, list[float]]] | None = None,
    *,
    people: int = 1,
    until: float = 24 * LATER,
    floor: float | None = None,
    entered: float = 0.0,
    is_true: Callable[[int], bool] = lambda place: True,
    zone: str = "UTC",
) -> tuple[list[tuple[int, str, float]], list[str], Walkers]:
    """The messages (who, step, hours after the start), and where each is: an outcome or a step."""
    journey = read(HEAD + steps, "j")
    names = pa.array([f"c{k}" for k in range(people)])
    walkers = Walkers.entering(np.arange(people), np.full(people, micro(entered)))
    world = World(
        names,
        np.full(people, zone),
        Did(did or {}),
        lambda step, places, at: np.array([is_true(int(place)) for place in places], bool),
    )
    sends = walk(journey, walkers, world, micro(until), floor=0 if floor is None else micro(floor))
    owner, step, at, _ = sends.arrays()
    hours = [(moment_of(int(when)) - START) / timedelta(hours=1) for when in at]
    messages = sorted(zip(owner.tolist(), [journey.steps[k].name for k in step], hours, strict=True))
    return messages, [_where(journey, walkers, k) for k in range(people)], walkers


def _where(journey: Journey, walkers: Walkers, k: int) -> str:
    outcome = int(walkers.outcome[k])
    return OUTCOMES[outcome] if outcome else journey.steps[int(walkers.step[k])].name


TWO = '[[step]]\nname="w"\nwait="2 hours"\n[[step]]\nname="a"\nsend="m"\n[[step]]\nname="x"\nwait="1 day"\n[[step]]\nname="b"\nsend="m"\n'


def test_waits_and_messages_follow_each_other() -> None:
    assert went(TWO)[:2] == ([(0, "a", 2), (0, "b", 26)], ["exit"])
    assert went(TWO, until=2)[:2] == ([], ["w"])
    assert went(TWO, until=2.01)[:2] == ([(0, "a", 2)], ["x"])


def test_who_reaches_the_goal_hears_no_more() -> None:
    assert went(TWO, {"order_completed": {0: [1]}})[:2] == ([], ["goal"])
    assert went(TWO, {"order_completed": {0: [2]}})[:2] == ([], ["goal"])
    assert went(TWO, {"order_completed": {0: [3]}})[:2] == ([(0, "a", 2)], ["goal"])
    assert went(TWO, {"order_completed": {0: [0]}})[:2] == ([(0, "a", 2), (0, "b", 26)], ["exit"])


def test_live_what_is_late_goes_on_from_now() -> None:
    messages, where, walkers = went(TWO, floor=100, until=100)
    assert (messages, where) == ([(0, "a", 100)], ["x"])
    assert moment_of(int(walkers.at[0])) == START + timedelta(hours=100)


def test_whoever_ordered_while_nobody_looked_is_not_written_to() -> None:
    assert went(TWO, {"order_completed": {0: [50]}}, floor=100, until=100)[:2] == ([], ["goal"])


UNTIL = (
    '[[step]]\nname="u"\nwait_until={event="product_added", most="1 day"}\nthen="a"\notherwise="b"\n'
    '[[step]]\nname="a"\nsend="m"\nnext="exit"\n[[step]]\nname="b"\nsend="m"\n'
)


def test_waiting_for_an_event_ends_by_it_or_by_its_time() -> None:
    messages, where, _ = went(UNTIL, {"product_added": {0: [-1, 5], 1: [0, 30]}}, people=2)
    assert (messages, where) == ([(0, "a", 5), (1, "b", 24)], ["exit", "exit"])
    assert went(UNTIL, {"product_added": {0: [30]}}, until=20)[:2] == ([], ["u"])


def test_a_branch_parts_by_its_rule() -> None:
    steps = UNTIL.replace('wait_until={event="product_added", most="1 day"}', 'branch={rule="orders > 0"}')
    messages, _, _ = went(steps, people=3, is_true=lambda place: place == 1)
    assert messages == [(0, "b", 0), (1, "a", 0), (2, "b", 0)]


@pytest.mark.parametrize(("zone", "hour"), [("UTC", 23), ("Asia/Shanghai", 15), ("America/New_York", 3)])
def test_a_time_of_day_is_the_customers(zone: str, hour: float) -> None:
    steps = '[[step]]\nname="t"\nwait_until={time="09:00"}\n[[step]]\nname="a"\nsend="m"\n'
    assert went(steps, zone=zone)[0] == [(0, "a", hour)]


def test_a_weekday_is_waited_for() -> None:
    steps = '[[step]]\nname="t"\nwait_until={time="10:00", weekday="周一"}\n[[step]]\nname="a"\nsend="m"\n'
    assert went(steps)[0] == [(0, "a", 5 * 24)]  # 1 May 2024 was a Wednesday


def test_a_split_is_by_chance_and_the_same_each_time() -> None:
    steps = (
        '[[step]]\nname="s"\nsplit=[{name="x",share=0.2,next="a"},{name="y",share=0.8,next="exit"}]\n'
        '[[step]]\nname="a"\nsend="m"\n'
    )
    first, second = went(steps, people=5000)[0], went(steps, people=5000)[0]
    assert first == second
    assert 920 < len(first) < 1080  # 1,000 is expected, one standard deviation is 28


def test_a_loop_with_a_wait_sends_each_time_it_comes_round_and_has_an_end() -> None:
    steps = '[[step]]\nname="w"\nwait="1 day"\n[[step]]\nname="a"\nsend="m"\nnext="w"\n'
    messages, where, walkers = went(steps, until=24 * 7 + 1)
    assert [hour for _, _, hour in messages] == [24 * k for k in range(1, 8)]
    assert where == ["w"]
    assert len(set(walkers.hops.tolist())) == 1
    assert went(steps, until=24 * 2000)[1] == ["too many steps"]


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 50)), max_size=40),
    st.integers(0, 4),
    st.integers(-1, 50),
)
def test_the_next_thing_is_found_as_by_looking_through_all(rows: list[tuple[int, int]], who: int, after: int) -> None:
    hours: dict[int, list[float]] = {}
    for owner, hour in rows:
        hours.setdefault(owner, []).append(hour)
    found = Did({"order_completed": hours}).next(
        read(HEAD + TWO, "j").goal,
        np.array([who]),
        np.array([micro(after)]),  # type: ignore[arg-type]
    )[0]
    plain: list[Any] = sorted(micro(hour) for hour in hours.get(who, []) if hour > after)
    assert found == (plain[0] if plain else NEVER)


@given(st.text(max_size=10), st.text(max_size=10))
def test_a_uniform_number_is_one(salt: str, customer: str) -> None:
    assert 0 <= uniform(salt, pa.array([customer]))[0] < 1
