"""One more event: how long the behaviour model takes, and how large what it keeps of a customer is.

    python -m benchmarks.behavior_state        a few seconds, on one core

Beside what the clock says stands the processor's time: on a machine that has other work, the clock counts that too.
"""

from __future__ import annotations

import gc
import sys
import time
from datetime import UTC, datetime, timedelta

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.report import Row, shown
from regulars.behavior.model import BehaviorModel
from regulars.behavior.sizes import Settings, size_named
from regulars.behavior.state import Event, IncrementalModel
from regulars.behavior.vocabulary import Content, Vocabulary

PRODUCTS, CUSTOMERS, EVENTS = 12_000, 50, 200
TYPES, CHANNELS = ("order_completed", "product_added", "product_viewed"), ("app", "web")


def bench(size: str = "small") -> list[Row]:
    """Milliseconds to take in an event, of customers with all the context filled; and bytes of a state."""
    model = _model(size)
    taken, worked = [], []
    with threadpool_limits(1):
        for customer in range(CUSTOMERS):
            state = model.begin()
            rng = np.random.default_rng(customer)
            events = _events(rng)
            gc.collect()
            for number, event in enumerate(events):
                start, begun = time.perf_counter(), time.thread_time()
                model.add(state, event)
                if number >= model.size.context:
                    taken.append(time.perf_counter() - start)
                    worked.append(time.thread_time() - begun)
    case = "incremental step"
    p50, p99 = np.quantile(taken, [0.5, 0.99]) * 1e3
    return [
        Row(case, f"milliseconds p50, {size}", "lower", float(p50)),
        Row(case, f"milliseconds p99, {size}", "lower", float(p99)),
        Row(case, f"processor milliseconds p99, {size}", "lower", float(np.quantile(worked, 0.99)) * 1e3),
        Row(case, f"bytes of a state, {size}", "lower", float(len(state.to_bytes()))),
    ]


def _model(size: str) -> IncrementalModel:
    names = [f"p{number}" for number in range(PRODUCTS)]
    counts = np.full(PRODUCTS + 1, 10)
    clock = tuple((year * 31_556_952, 3600 * (year % 2)) for year in range(80))
    known = Vocabulary(names, TYPES, CHANNELS, (), counts, np.full(PRODUCTS + 1, 10.0), clock)
    return IncrementalModel(BehaviorModel.new(known, Content.none(PRODUCTS), Settings(size_named(size)), until=0))


def _events(rng: np.random.Generator) -> list[Event]:
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    found = []
    for gap in rng.lognormal(8, 3, EVENTS):
        moment += timedelta(seconds=min(gap, 1e7))
        kind, channel = rng.choice(TYPES), rng.choice(CHANNELS)
        found.append(Event(kind, moment, f"p{rng.integers(PRODUCTS)}", 9.5, float(rng.integers(1, 4)), channel))
    return found


if __name__ == "__main__":
    for row in bench():
        print(f"{row.case}, {row.metric}: {shown(row.ours)}", file=sys.stderr)
