"""The HTTP API for twenty minutes at half load: does its memory grow, do its answers become slower?

    python -m benchmarks.serve_soak        twenty minutes, after some that are not counted
    python -m benchmarks.serve_soak 2      another number of minutes
    python -m benchmarks.serve_soak kills  200 times it is killed under load: what of the acknowledged is in the log?

The load is lists and three times as many events, each asked at its time: half as many a second as are answered where
each connection asks again as soon as it has its answer, which is found first.
"""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import numpy as np
from scipy.stats import theilslopes

from benchmarks.report import Row, save
from benchmarks.serve_decisions import LISTS_OF, Served, load, shop_of
from regulars.serve.live.decisions import KEPT

MINUTES = 20
FULL_RATE, FULL_SECONDS = 10_000, 3.0
"""More than any server answers: all wait in line, and how long that takes says what it answers at most."""
CONNECTIONS = 256
"""So many that a list does not wait in the load's own line behind events that wait for the disk."""
ASKED = ("lists", "events")
SYNC_SECONDS = 0.1
KILLS = 200
KILL_TEST = "tests/serve/test_kill.py"
COMPARED_MINUTES = 5
"""At the beginning and at the end."""


def soak(minutes: int) -> list[Row]:
    """Minute by minute, on one server."""
    p99: dict[str, list[float]] = {"lists": [], "events": [], "a bare sync": []}
    own, memory, errors = [], [], 0.0
    with tempfile.TemporaryDirectory() as home:
        served = Served(shop_of(Path(home) / "shop", 12_000, 300_000))
        served.settle()
        rate = _full(served) / 2
        # Until all is full of which the server remembers a certain number, and its last decisions are the most.
        warm = math.ceil(KEPT / (rate / LISTS_OF) / 60) + 1
        for minute in range(warm + minutes):
            with _syncs(Path(home)) as syncs:
                found = load(served.port, "mixed", rate=rate, seconds=60.0, seed=2 + minute, connections=CONNECTIONS)
            p99["lists"].append(found["lists"])
            p99["events"].append(found["events"])
            p99["a bare sync"].append(float(np.quantile(syncs, 0.99)))
            alone, others = served.memory
            own.append(alone)
            memory.append(alone + others)
            errors += found["errors"]
            print(
                f"{time.strftime('%H:%M')} {alone / 2**20:,.0f} + {others / 2**20:,.0f} MiB, "
                f"sync {p99['a bare sync'][-1]:.1f} ms",
                file=sys.stderr,
            )
        served.stop()
    compared = min(COMPARED_MINUTES, minutes // 2)
    case = f"soak {minutes} minutes at half load"

    def growth(of: list[int]) -> float:
        # What is freed is given back now and then: one reading tells when it was read.
        return float(np.median(of[-compared:]) / np.median(of[warm:][:compared]) - 1)

    rows = [
        Row(case, "lists and events a second", "higher", rate),
        Row(case, "memory growth", "lower", growth(memory)),
        Row(case, "memory growth of the process that answers", "lower", growth(own)),
        Row(case, "memory at the end, MiB", "lower", float(np.median(memory[-compared:]) / 2**20)),
        Row(case, "errors", "lower", errors),
    ]
    for name, each in p99.items():
        counted = each[warm:]
        rows += [
            Row(case, f"p99 of {name}, ms in the first minutes", "lower", float(np.median(counted[:compared]))),
            Row(case, f"p99 of {name}, ms in the last minutes", "lower", float(np.median(counted[-compared:]))),
        ]
        if name in ASKED:
            # The 99th percentile of a minute swings with what else the machine does: a drift is what is beyond that.
            drift = theilslopes(counted, alpha=0.95)
            rows += [
                Row(case, f"p99 drift of {name}, ms a minute", "lower", float(drift.slope)),
                Row(case, f"p99 drift of {name}, lower end of 95 % interval", "lower", float(drift.low_slope)),
                Row(case, f"p99 drift of {name}, upper end of 95 % interval", "lower", float(drift.high_slope)),
            ]
    return rows


def _full(served: Served) -> float:
    """Lists and events a second that are answered at most; the first time, all is met for the first time."""
    at_most = [
        load(served.port, "mixed", rate=FULL_RATE, seconds=FULL_SECONDS, seed=seed, connections=CONNECTIONS)["rate"]
        for seed in (0, 1)
    ]
    return at_most[-1]


@contextmanager
def _syncs(folder: Path) -> Iterator[list[float]]:
    """What the disk alone takes meanwhile: milliseconds of syncs of one page, some a second."""
    took: list[float] = []
    is_over = Event()

    def sync() -> None:
        with (folder / "page").open("wb", buffering=0) as file:
            while not is_over.wait(SYNC_SECONDS):
                began = time.perf_counter()
                file.seek(0)
                file.write(bytes(4096))
                os.fsync(file.fileno())
                took.append((time.perf_counter() - began) * 1e3)

    thread = Thread(target=sync)
    thread.start()
    try:
        yield took
    finally:
        is_over.set()
        thread.join()


def kills() -> list[Row]:
    """The test of kills, for longer; it fails if a call is lost or counted twice."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "0", "-rP", KILL_TEST],
        env={**os.environ, "REGULARS_SERVER_KILLS": str(KILLS)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = re.search(r"acknowledged (\d+) in the log (\d+)", done.stdout)
    assert found
    acknowledged, logged = map(int, found.groups())
    case = f"{KILLS} kills of the server under load"
    return [
        Row(case, "acknowledged and lost", "lower", max(acknowledged - logged, 0)),
        Row(case, "counted twice", "lower", max(logged - acknowledged, 0)),
        Row(case, "acknowledged", "higher", acknowledged),
    ]


if __name__ == "__main__":
    asked = sys.argv[1] if len(sys.argv) > 1 else str(MINUTES)
    save("serve", kills() if asked == "kills" else soak(int(asked)))
