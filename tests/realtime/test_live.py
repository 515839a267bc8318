"""An event changes the next answer; a crash does not change any; a flood does not take over."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars import Shop
from regulars.clock import micros
from regulars.errors import CorruptLogError, InputError
from regulars.realtime import Live, snapshot
from regulars.realtime.candidates import FEATURES
from regulars.realtime.feedback import PACE, WAIT, Feedback
from regulars.realtime.kinds import MINUTE
from regulars.realtime.store import opened
from tests.realtime.conftest import START, numbered, row, traffic

LATER = START + timedelta(days=2)


def live_of(rows: list[dict[str, Any]], place: tuple[str, str] = ("", "shop")) -> Live:
    live = Live(store=opened(*place))
    live.add(numbered(rows))
    return live


def same(one: Live, other: Live) -> None:
    """Whatever is asked, the same answer, and the same state beneath."""
    assert one.position == other.position
    assert one.aliases == other.aliases
    assert one.names == other.names
    for name in sorted(set(one.store.names()) | set(other.store.names())):
        assert one.store.peek(name).tobytes() == other.store.peek(name).tobytes(), name
    mine, yours = one.learner.to_arrays(), other.learner.to_arrays()
    for name in mine:
        used = slice(0, int(mine["free"][0]) if name == "pool" else min(len(mine[name]), len(yours[name])))
        assert np.array_equal(mine[name][used], yours[name][used]), name
    for name, array in one.feedback.to_arrays().items():
        assert np.array_equal(array, other.feedback.to_arrays()[name]), name
    for customer in ("c1", "c7", "nobody"):
        assert one.candidates(customer, 10, LATER) == other.candidates(customer, 10, LATER)


def lists(rows: list[dict[str, Any]], seed: int = 1) -> list[dict[str, Any]]:
    """The rows, with lists shown among them, some lines of which are clicked or waved away."""
    rng = random.Random(seed)
    found: list[dict[str, Any]] = []
    for place, each in enumerate(rows):
        found.append(each)
        if place % 9 == 8:
            about = {"properties": {"recommendation_id": f"r{place}"}}
            shown = [f"line{rng.randrange(5)}-{rng.randrange(6)}" for _ in range(4)]
            found += [row(each["customer_id"], "product_list_viewed", each["time"], name, **about) for name in shown]
            kind = rng.choice(["product_clicked", "product_dismissed", "page_viewed"])
            found.append(row(each["customer_id"], kind, each["time"], shown[0], **about))
    return found


def test_the_last_view_is_in_the_next_list(place: tuple[str, str]) -> None:
    live = live_of(traffic(600), place)
    before = [each.product_id for each in live.candidates("new", 5, LATER)]
    live.add(numbered([row("new", "product_viewed", LATER, "line3-2")], 601))
    after = live.candidates("new", 5, LATER)
    assert after[0].product_id.startswith("line3-")
    assert "line3-2" in after[0].reason
    assert "line3-2" not in [each.product_id for each in after]
    assert [each.product_id for each in after] != before


def test_who_has_no_session_is_shown_what_follows_the_last_products(place: tuple[str, str]) -> None:
    live = live_of([*traffic(600), row("old", "product_viewed", START, "line2-1")], place)
    assert live.candidates("old", 1, START + timedelta(days=9))[0].product_id.startswith("line2-")


def test_a_new_trend_is_shown_within_seconds() -> None:
    live = live_of(traffic(600))
    rows = [row(f"n{k}", "product_viewed", LATER + timedelta(seconds=k), "fresh") for k in range(15)]
    live.add(numbered(rows, 601))
    first = live.candidates("nobody", 1, LATER + timedelta(seconds=16))[0]
    assert (first.product_id, first.reason) == ("fresh", "wanted most in the last hours")


def test_reasons_can_be_chinese() -> None:
    live = live_of(traffic(600))
    live.language = "zh"
    assert (
        "最近" in live.candidates("nobody", 1, START)[0].reason
        or "近来" in live.candidates("nobody", 1, START)[0].reason
    )


def test_a_flood_of_views_by_few_customers_does_not_take_over() -> None:
    live = live_of(traffic(2000))
    now = max(each["time"] for each in traffic(2000))
    flood = [
        row(f"bot{k % 5}", "product_viewed", now + timedelta(milliseconds=k), "fake" if k % 2 else f"line{k % 5}-0")
        for k in range(20_000)
    ]
    live.add(numbered(flood, 2001))
    after = now + timedelta(seconds=30)
    assert "fake" not in [each.product_id for each in live.candidates("nobody", 5, after)]
    for line in range(5):
        live.add(numbered([row(f"v{line}", "product_viewed", after, f"line{line}-0")], 30_000 + line))
        assert live.candidates(f"v{line}", 1, after)[0].product_id.startswith(f"line{line}-")


def test_a_product_rises_only_so_fast_however_many_come() -> None:
    live = live_of(traffic(300))
    flood = [row(f"bot{k}", "product_viewed", LATER + timedelta(milliseconds=k), "fake") for k in range(5000)]
    live.add(numbered(flood, 301))
    number = live.learner.numbers(["fake"])[0]
    assert live.learner.tables is not None
    scale = 2.0 ** ((micros(LATER) - live.learner.tables.clock[2]) / (7 * 24 * 60 * MINUTE))
    assert live.learner.tables.steady[number] / scale < 30


@settings(max_examples=6, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=30), st.integers(0, 5))
def test_in_whichever_portions_events_come_the_state_is_the_same(portions: list[int], seed: int) -> None:
    rows = numbered(lists(traffic(300, seed), seed))
    whole, parts = Live(), Live()
    whole.add(rows)
    at = 0
    for portion in [*portions, len(rows)]:
        parts.add(rows[max(at - 3, 0) : at + portion])  # some come again
        at += portion
    same(whole, parts)


def test_what_a_visitor_did_is_the_customers_once_it_is_known(place: tuple[str, str]) -> None:
    view = row(None, "product_viewed", LATER, "line1-1", anonymous_id="a1")
    known = row("ada", "customer_identified", LATER, None, anonymous_id="a1")
    live = live_of([*traffic(600), view, known], place)
    assert live.candidates("ada", 1, LATER)[0].product_id.startswith("line1-")
    assert live.known("ada", LATER + timedelta(seconds=1))["views"] == 1
    live.add(numbered([row(None, "product_viewed", LATER, "line1-2", anonymous_id="a1")], 700))
    assert live.known("ada", LATER + timedelta(seconds=1))["views"] == 2


def test_a_shared_store_is_brought_forward_once_by_several(shared_place: tuple[str, str]) -> None:
    rows = numbered(traffic(200))
    one, other = (Live(store=opened(*shared_place)) for _ in range(2))
    for start in range(0, 200, 20):
        one.add(rows[start : start + 20])
        other.add(rows[max(start - 20, 0) : start])
    other.add(rows)
    alone = Live()
    alone.add(rows)
    same(alone, other)


def test_made_from_the_log_it_is_what_its_events_would_have_made(
    shop: Shop, record: Callable[..., object], place: tuple[str, str]
) -> None:
    rows = traffic(500)
    record(shop, *({name: str(value) if name == "time" else value for name, value in each.items()} | {"event_id": f"e{k:04d}"}
                   for k, each in enumerate(rows)))  # fmt: skip
    moment = rows[400]["time"]
    from_log = Live.of(shop, moment, position=400)
    by_event = live_of(rows[:400])
    for live in (from_log, by_event):
        live.add(numbered(rows[400:], 401))
    for name in by_event.store.names():
        one, other = (live.store.peek(name) for live in (from_log, by_event))
        for field in ("count", "first", "last", "spend", "times", "products", "kinds", "counts", "seen", "contacts"):
            assert np.array_equal(one[field], other[field]), (name, field)
        assert one["faded"] == pytest.approx(other["faded"])
    for customer in ("c1", "c7", "c30", "nobody"):
        assert from_log.candidates(customer, 10, LATER) == by_event.candidates(customer, 10, LATER)


def test_after_a_crash_a_snapshot_and_the_events_since_give_the_same(shop: Shop, tmp_path: Path) -> None:
    rows = numbered(lists(traffic(600)))
    whole = Live()
    whole.add(rows)
    live = Live()
    live.add(rows[:350])
    snapshot.write(tmp_path / "live", live.taken())
    live.add(rows[350:420])  # lost in the crash
    back = Live.restored(shop, tmp_path / "live")
    assert back is not None
    assert back.position == 350
    back.add(rows[300:])
    same(whole, back)


def test_a_snapshot_is_as_of_when_it_was_taken_whatever_comes_before_it_is_written(shop: Shop, tmp_path: Path) -> None:
    rows = numbered(lists(traffic(600)))
    live = Live()
    live.add(rows[:350])
    taken = live.taken()
    live.add(rows[350:])
    snapshot.write(tmp_path / "live", taken)
    back = Live.restored(shop, tmp_path / "live")
    assert back is not None
    before = Live()
    before.add(rows[:350])
    same(before, back)


CHILD = """
import sys
from pathlib import Path
from regulars.realtime import Live, snapshot
from tests.realtime.conftest import numbered, traffic
from tests.realtime.test_live import lists
live, rows = Live(), numbered(lists(traffic(600)))
print("ready", flush=True)
for start in range(0, len(rows), 10):
    live.add(rows[start:start + 10])
    snapshot.write(Path(sys.argv[1]), live.taken())
"""


def test_killed_while_it_writes_a_snapshot_is_whole_or_not_there(shop: Shop, tmp_path: Path) -> None:
    rows = numbered(lists(traffic(600)))
    whole = Live()
    whole.add(rows)
    root = str(Path(__file__).parents[2])
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path / "live")],
        stdout=subprocess.PIPE,
        cwd=root,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(timeout=random.Random(3).uniform(0.05, 0.5))
    child.send_signal(signal.SIGKILL)
    child.wait()
    back = Live.restored(shop, tmp_path / "live") or Live()
    back.add(rows)
    same(whole, back)


def test_a_snapshot_that_was_changed_is_refused(shop: Shop, tmp_path: Path) -> None:
    live = live_of(traffic(100))
    path = snapshot.write(tmp_path / "live", live.taken())
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(CorruptLogError, match="is damaged"):
        Live.restored(shop, tmp_path / "live")
    assert snapshot.newest(tmp_path / "none") is None


def test_k_below_one_is_refused() -> None:
    with pytest.raises(InputError, match="at least 1"):
        Live().candidates("ada", 0, START)


def line(place: int) -> Any:
    features = np.zeros((1, len(FEATURES)))
    features[0, [0, place]] = 1.0
    return features


def test_what_is_clicked_rises_and_what_is_passed_over_falls() -> None:
    model = Feedback()
    odds = np.array([-2.0])
    before = float(model.odds(line(1), odds)[0])
    for k in range(200):
        now = k * 15 * MINUTE
        model.show(f"r{k}", now, np.array([1, 2]), np.vstack([line(1), line(2)]), np.array([-2.0, -2.0]))
        model.settle(f"r{k}", 1, 1.0, now + MINUTE)
    assert float(model.odds(line(1), odds)[0]) > before
    assert float(model.odds(line(2), odds)[0]) < before
    chances = model.probabilities(model.odds(np.vstack([line(1), line(2)]), np.array([-2.0, -2.0])))
    assert chances[0] > 0.7
    assert chances[1] < 0.1


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1), st.integers(50, 400), st.floats(-6, 2))
def test_a_score_moves_only_so_far_within_a_minute_whatever_pours_in(taken: int, count: int, odds: float) -> None:
    model = Feedback()
    for k in range(count):
        model.show(f"r{k}", 0, np.array([1]), line(1), np.array([odds]))
        model.settle(f"r{k}", 1, float(taken), 1)
    assert abs(float(model.odds(line(1), np.array([odds]))[0]) - odds) <= 2 * PACE + 1e-9


def test_a_line_is_settled_once_and_by_itself_when_nobody_took_it() -> None:
    model = Feedback()
    model.show("r", 0, np.array([1, 2]), np.vstack([line(1), line(2)]), np.zeros(2))
    assert model.settle("r", 1, 1.0, 1)
    assert not model.settle("r", 1, 1.0, 2)
    assert not model.settle("r", 2, 1.0, WAIT)
    assert float(model.seen.sum()) == pytest.approx(2.0, abs=0.01)


def test_a_drawn_order_is_the_same_for_the_same_recommendation() -> None:
    live = live_of(traffic(600))
    orders = [
        [each.product_id for each in live.candidates("c1", 10, LATER, draw=name)] for name in ("a", "a", "b", "c")
    ]
    assert orders[0] == orders[1]
    assert len({tuple(each) for each in orders}) > 1
