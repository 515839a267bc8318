"""Verdicts arrive in the log once, whatever dies."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from regulars import Shop
from regulars.fraud.review import claim, deliver, give_verdict, open_cases, undo
from regulars.state import State
from tests.fraud.review.conftest import ALONE, AS_OF, held

NOON = datetime(2024, 5, 2, 12, tzinfo=UTC)


def judged(state: State, verdict: str = "fraud") -> int:
    open_cases(state, held({"attempt_id": "a1"}, {"attempt_id": "茶"}), AS_OF, ALONE)
    number = claim(state, "mei")
    assert number is not None
    give_verdict(state, number, "mei", verdict, NOON)
    return number


def told(shop: Shop) -> list[dict[str, Any]]:
    rows = shop.log.read("events").to_pylist()
    return [row for row in rows if row["type"] == "fraud_reviewed"]


def test_a_verdict_is_an_event_with_its_attempt_reviewer_and_case(shop: Shop, state: State) -> None:
    number = judged(state)
    assert deliver(state, shop) == 2
    assert deliver(state, shop) == 0
    assert [(row["customer_id"], row["outcome"], row["time"]) for row in told(shop)] == [("ada", "fraud", NOON)] * 2
    assert [json.loads(row["properties"]) for row in told(shop)] == [
        {"attempt_id": name, "reviewer": "mei", "case": number} for name in ("a1", "茶")
    ]


def test_what_was_appended_but_not_ticked_off_is_not_counted_twice(
    shop: Shop, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged(state)
    append = shop.log.append

    def append_and_fail(*words: Any) -> int:
        append(*words)
        raise OSError("the power went")

    monkeypatch.setattr(shop.log, "append", append_and_fail)
    with pytest.raises(OSError, match="power"):
        deliver(state, shop)
    monkeypatch.undo()
    assert len(told(shop)) == 2
    assert deliver(state, shop) == 2
    assert len(told(shop)) == 2


DIES = """
import os, signal, sys
from pathlib import Path
from regulars import Shop
from regulars.fraud.review import deliver
from regulars.state import State

shop = Shop.open(Path(sys.argv[1]))
append = shop.log.append

def die_before(*words):
    os.kill(os.getpid(), signal.SIGKILL)

def die_after(*words):
    append(*words)
    os.kill(os.getpid(), signal.SIGKILL)

# Forked, for to import all of it anew for each takes seconds.
for die in (die_before, die_after):
    child = os.fork()
    if not child:
        shop.log.append = die
        deliver(State.open(Path(sys.argv[2]), sys.argv[3]), shop)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL, die
    print(shop.log.version, flush=True)
"""


def test_processes_killed_on_the_way_lose_nothing_and_double_nothing(shop: Shop, state: State, url: str) -> None:
    judged(state)
    words = [sys.executable, "-W", "ignore", "-c", DIES, str(shop.folder), str(shop.folder.parent), url]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert not done.returncode, done.stderr
    # One died before it appended; the next found all of it still there, and died before it ticked it off.
    assert done.stdout.split() == ["0", "1"]
    assert len(told(shop)) == 2
    assert deliver(state, shop) == 2
    assert len(told(shop)) == 2


def test_two_who_deliver_at_once_tell_the_log_once(shop: Shop, local: State, monkeypatch: pytest.MonkeyPatch) -> None:
    judged(local)
    append = shop.log.append
    other = Shop.open(shop.folder)

    def append_after_another(*words: Any) -> int:
        deliver(local, other)
        return append(*words)

    monkeypatch.setattr(shop.log, "append", append_after_another)
    deliver(local, shop)
    assert len(told(shop)) == 2


def test_a_verdict_is_a_label_and_no_longer_once_it_is_undone(
    shop: Shop, local: State, record: Callable[..., Any]
) -> None:
    """As the model reads them: by the id of the attempt, from the moment of the verdict."""
    from regulars.fraud.attempts import attempts

    tried = {
        "type": "payment_attempted",
        "customer_id": "ada",
        "quantity": 1,
        "unit_price": 20.0,
        "outcome": "approved",
    }
    days = [AS_OF + timedelta(hours=hour) for hour in (1, 2)]
    names = ["a1", "茶"]
    record(
        shop,
        *(
            {**tried, "event_id": name, "time": day.isoformat(), "order_id": f"o{name}"}
            for name, day in zip(names, days, strict=True)
        ),
    )
    number = judged(local)
    deliver(local, shop)

    def label(until: datetime) -> list[int]:
        found: list[int] = attempts(shop, until).stream.labels()[0].tolist()
        return found

    assert label(NOON) == [-1, -1]
    assert label(NOON + timedelta(seconds=1)) == [1, 1]
    undo(local, number, "mei", time=NOON + timedelta(hours=1))
    deliver(local, shop)
    assert label(NOON + timedelta(hours=2)) == [-1, -1]
    claim(local, "bob", number)
    give_verdict(local, number, "bob", {"a1": "honest", "茶": "fraud"}, NOON + timedelta(hours=3))
    deliver(local, shop)
    assert label(NOON + timedelta(hours=4)) == [0, 1]
