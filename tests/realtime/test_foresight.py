"""What the behaviour model foresees of a customer by the last event is what one pass over the whole history gives."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from regulars import Shop
from regulars.behavior.dataset import sequences_of
from regulars.clock import micros
from regulars.realtime import Live
from regulars.realtime.candidates import Blend
from regulars.realtime.dataset import events_before
from regulars.realtime.evaluate import _leaks
from regulars.realtime.foresight import Foresight, Past, foretold
from regulars.realtime.model import RealtimeModel
from tests.realtime.conftest import START, numbered, row, traffic

Keep = Callable[..., None]
ALONE = RealtimeModel(Blend(neighbours=0.0, follows=0.0, foreseen=1.0, hot=0.0, steady=0.0))


def logged(shop: Shop, record: Callable[..., object], rows: list[dict[str, Any]]) -> None:
    record(shop, *({name: str(value) if name == "time" else value for name, value in each.items()} | {"event_id": f"e{k:04d}"}
                   for k, each in enumerate(rows)))  # fmt: skip


@pytest.fixture
def known(shop: Shop, record: Callable[..., object], keep_behavior_model: Keep) -> tuple[Shop, list[dict[str, Any]]]:
    """A shop with a behaviour model, and what came later than its model."""
    rows = traffic(600)
    for each, day in zip(rows, range(len(rows)), strict=True):
        each["time"] -= timedelta(days=(len(rows) - day) / 5)
    logged(shop, record, rows)
    keep_behavior_model(shop, rows[400]["time"])
    return shop, rows


def test_at_random_moments_it_is_what_the_whole_history_gives(known: tuple[Shop, list[dict[str, Any]]]) -> None:
    shop, rows = known
    rng = random.Random(1)
    found = Foresight.of(shop, rows[300]["time"])
    assert found is None  # no model is that old
    found = Foresight.of(shop, rows[420]["time"])
    assert found is not None
    begun = 420
    for moment in sorted(rng.sample(range(430, 600), 5)):
        found.hear(rows[begun:moment])
        begun = moment
        past = sequences_of(shop, found._model.vocabulary, rows[moment]["time"])
        ends = past.starts[1:] - 1
        some = [place for place in rng.sample(range(len(ends)), 12) if past.lengths[place]]
        model = shop_model(shop)
        for place, whole in zip(some, foretold(model, past, ends[some]), strict=True):
            same(found.next(past.customers[place]), whole)


def shop_model(shop: Shop) -> Any:
    from regulars.behavior import load

    return load(shop, 1).model


def same(one: Any, other: Any) -> None:
    """As near as keys and values of eleven bits are; the last of the likeliest may change places."""
    both = one.keys() & other.keys()
    assert len(both) >= 0.9 * len(other)
    np.testing.assert_allclose([one[each] for each in both], [other[each] for each in both], rtol=0.02)


def test_what_was_foreseen_before_each_past_event_is_what_was_foreseen_live(
    known: tuple[Shop, list[dict[str, Any]]],
) -> None:
    shop, rows = known
    moment = rows[420]["time"]
    events = events_before(shop, rows[-1]["time"])
    past, live = Past.of(shop, events, moment, rows[-1]["time"]), Foresight.of(shop, moment)
    assert past is not None
    assert live is not None
    asked = np.flatnonzero(events.time >= micros(moment))[:60]
    for place, before in zip(asked.tolist(), past.before(asked), strict=True):
        same(live.next(rows[place]["customer_id"]), before)
        live.hear([rows[place]])


def test_the_report_finds_what_is_foreseen_by_what_came_later(
    known: tuple[Shop, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, rows = known
    as_of, of = rows[450]["time"], Foresight.of
    alone = ALONE.blend
    assert _leaks(shop, as_of, alone, is_foreseen=True).passed
    monkeypatch.setattr(Foresight, "of", lambda shop, _: of(shop, rows[-1]["time"]))
    assert not _leaks(shop, as_of, alone, is_foreseen=True).passed
    assert _leaks(shop, as_of, alone, is_foreseen=False).passed


def test_few_states_in_memory_give_the_same_answers(known: tuple[Shop, list[dict[str, Any]]]) -> None:
    shop, rows = known
    wide, narrow = (Foresight.of(shop, rows[420]["time"]) for _ in range(2))
    assert wide is not None
    assert narrow is not None
    narrow._most = 2
    for each in rows[420:520]:
        for one in (wide, narrow):
            one.hear([each])
        same(wide.next(each["customer_id"]), narrow.next(each["customer_id"]))
    assert len(narrow._known) == 2
    assert narrow.next("a stranger") == {}


def test_who_sends_without_end_takes_no_more_memory_and_is_still_foreseen(
    known: tuple[Shop, list[dict[str, Any]]],
) -> None:
    shop, rows = known
    found = Foresight.of(shop, rows[420]["time"])
    assert found is not None
    later = [row("c1", "product_viewed", START + timedelta(minutes=k), f"line{k % 5}-{k % 6}") for k in range(2000)]
    for each in later:
        found.hear([each])
    assert len(found._since["c1"]) < 2 * found._reach
    again = Foresight.of(shop, rows[420]["time"])
    assert again is not None
    again._reach = 10_000
    again.hear(later)
    same(found.next("c1"), again.next("c1"))


def test_the_next_list_is_what_is_foreseen_after_the_last_event(known: tuple[Shop, list[dict[str, Any]]]) -> None:
    shop, rows = known
    live = Live.of(shop, rows[420]["time"], 420)
    live.model, live.foresight = ALONE, Foresight.of(shop, rows[420]["time"])
    assert live.foresight is not None
    now = rows[420]["time"] + timedelta(minutes=1)

    def first(customer: str) -> str:
        return live.candidates(customer, 1, now, again=True)[0].product_id

    for step, product in enumerate(("line1-1", "line4-2")):
        live.add(numbered([row("new", "product_viewed", now, product)], 500 + step))
        foreseen = live.foresight.next("new")
        met = {name: chance for name, chance in foreseen.items() if len(live.learner.numbers([name]))}
        assert first("new") == max(met, key=met.__getitem__)
    live.add(numbered([row("ada", "customer_identified", now, None, anonymous_id="new")], 510))
    assert live.foresight.next("ada")
    live.forget(["ada"])
    assert live.foresight.next("ada") == {}


def test_a_shop_without_a_behaviour_model_never_waits_for_torch() -> None:
    subprocess.run(
        [sys.executable, "-c", "import sys, regulars.realtime; assert 'torch' not in sys.modules"], check=True
    )
