"""The HTTP API for twenty minutes at half load: does its memory grow, do its answers become slower?

    python -m benchmarks.serve_soak        twenty minutes, after three that are not counted
    python -m benchmarks.serve_soak 2      another number of minutes
    python -m benchmarks.serve_soak kills  200 times it is killed under load: what of the acknowledged is in the log?

Half load is half of what is asked of it at full load: 500 lists and 1,500 events a second, each asked at its time.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.stats import theilslopes

from benchmarks.report import Row, save
from benchmarks.serve_decisions import Served, load, shop_of

MINUTES, WARM_MINUTES = 20, 3
RATE = 2_000
KILLS = 200
KILL_TEST = "tests/serve/test_kill.py"
COMPARED_MINUTES = 5
"""At the beginning and at the end."""


def soak(minutes: int) -> list[Row]:
    """Minute by minute, on one server."""
    with tempfile.TemporaryDirectory() as home:
        served = Served(shop_of(Path(home) / "shop", 12_000, 300_000))
        served.settle()
        p99, memory, errors = [], [], 0.0
        for minute in range(WARM_MINUTES + minutes):
            found = load(served.port, "mixed", rate=RATE, seconds=60.0, seed=minute)
            p99.append(found["p99"])
            memory.append(served.memory)
            errors += found["errors"]
            print(f"{time.strftime('%H:%M')} {memory[-1] / 2**20:,.0f} MiB", file=sys.stderr)
        served.stop()
    compared = min(COMPARED_MINUTES, minutes // 2)
    of_first, of_last = p99[WARM_MINUTES:][:compared], p99[-compared:]
    # The 99th percentile of a minute swings with what else the machine does: a drift is what is beyond that.
    drift = theilslopes(p99[WARM_MINUTES:], alpha=0.95)
    case = f"{minutes} minutes of 500 lists and 1,500 events a second"
    # What is freed is given back now and then: one reading tells when it was read.
    first, last = np.median(memory[WARM_MINUTES:][:compared]), np.median(memory[-compared:])
    return [
        Row(case, "memory growth", "lower", float(last / first - 1)),
        Row(case, "memory at the end, MiB", "lower", float(last / 2**20)),
        Row(case, "p99 ms in the first minutes", "lower", float(np.median(of_first))),
        Row(case, "p99 ms in the last minutes", "lower", float(np.median(of_last))),
        Row(case, "p99 drift, ms a minute", "lower", float(drift.slope)),
        Row(case, "p99 drift, lower end of 95 % interval", "lower", float(drift.low_slope)),
        Row(case, "p99 drift, upper end of 95 % interval", "lower", float(drift.high_slope)),
        Row(case, "errors", "lower", errors),
    ]


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
