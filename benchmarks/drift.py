"""Twelve known drifts put into simulated logs: how many the watch tells, how soon, and how often it cries wolf.

    python -m benchmarks.drift              all logs (about 10 minutes on two quiet cores)
    python -m benchmarks.drift gifts        those of one preset

Each drift begins ten days before the log's end (the slow one 28), on a log whose seed nobody looked at while the watch
was written. It is caught if the watch tells of something that it does not tell of the same log without the drift. Quiet
are the last thirty days of logs without any; some of these days are festivals.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from benchmarks.report import Row, save
from regulars.drift import Change, Daily, changes, daily, festivals
from regulars.engine import Engine
from regulars.simulate import World, load, simulate
from regulars.simulate.drifts import DRIFTS

CUSTOMERS = {"gifts": 2000, "grocery": 400, "fashion": 8000}
DRIFTING = (("gifts", 201, 300), ("grocery", 202, 280), ("fashion", 203, 300))
"""Preset, seed, days. The watch was developed on seeds 1 to 3 and 101 to 106."""
FESTIVE = (("gifts", 204, 396), ("grocery", 205, 370), ("fashion", 206, 345))
"""Their last thirty days hold festivals: Christmas and New Year; Singles' Day, Thanksgiving and Black Friday."""
DRIFTING_DAYS = {name: 28 if name == "slow decline" else 10 for name in DRIFTS}
QUIET_DAYS = 30


class Log(NamedTuple):
    """A simulated log in memory."""

    preset: str
    events: pa.Table
    catalogue: pa.Table
    last: date
    """The last whole day."""


def played(preset: str, seed: int, days: int) -> Log:
    """The log of a world, with the contacts that a shop without a policy makes."""
    with tempfile.TemporaryDirectory(prefix="drift-") as folder:
        world = World(preset, customers=CUSTOMERS[preset], seed=seed, days=days, workers=2)
        log = simulate(Path(folder) / "shop", world).shop.log
        return Log(preset, log.read("events"), log.read("catalogue"), world.moment(days).date() - timedelta(days=1))


def counted(log: Log, events: pa.Table) -> Daily:
    """Its days."""
    engine, params = Engine(), load(log.preset)
    tables = engine.table(events), engine.table(log.catalogue)
    found = daily(engine, *tables, currency=params.currency, timezone=params.timezone)
    assert found is not None
    return found


def told(log: Log, days: Daily, last: int) -> Iterator[tuple[date, list[Change]]]:
    """What is told on each of the last days, each judged by what was before it."""
    known = festivals(date(2020, 1, 1), log.last, tuple(load(log.preset).visits.festivals))
    for back in reversed(range(last)):
        day = log.last - timedelta(days=back)
        yield day, changes(days, known, day)


def caught(log: Log, quiet: Daily, name: str) -> int | None:
    """Days from a drift's begin to the first word of it; None if there is none."""
    begin = log.last - timedelta(days=DRIFTING_DAYS[name] - 1)
    moment = datetime.combine(begin, time(), UTC)
    drifted = counted(log, DRIFTS[name](log.events, log.catalogue, moment))
    for number, ((_, without), (_, now)) in enumerate(
        zip(told(log, quiet, DRIFTING_DAYS[name]), told(log, drifted, DRIFTING_DAYS[name]), strict=True)
    ):
        if {change.signal for change in now} - {change.signal for change in without}:
            return number
    return None


def drifting(log: Log) -> list[Row]:
    """How many of the drifts are caught, and how soon."""
    quiet = counted(log, log.events)
    delays = {name: caught(log, quiet, name) for name in DRIFTS}
    found = [delay for delay in delays.values() if delay is not None]
    print(log.preset, delays, flush=True)
    return [
        Row(log.preset, "drifts caught, of 12", "higher", len(found)),
        Row(log.preset, "days until it is told, median of those caught", "lower", float(np.median(found))),
        *_quiet(log, quiet, "quiet"),
    ]


def festive(log: Log) -> list[Row]:
    """How often festivals, and the days between them, are taken for a drift."""
    return _quiet(log, counted(log, log.events), "with festivals")


def _quiet(log: Log, days: Daily, which: str) -> list[Row]:
    alarms = [(day, [change.signal for change in found]) for day, found in told(log, days, QUIET_DAYS) if found]
    print(log.preset, which, alarms, flush=True)
    return [Row(log.preset, f"days with an alarm, of the last {QUIET_DAYS}, {which}", "lower", len(alarms))]


def main(presets: list[str]) -> None:
    """Play, break, count and judge."""
    for logs, judged in ((DRIFTING, drifting), (FESTIVE, festive)):
        for preset, seed, days in logs:
            if not presets or preset in presets:
                save("drift", judged(played(preset, seed, days)))


if __name__ == "__main__":
    main(sys.argv[1:])
