"""What a log holds, counted: by type, by day and by source; what is missing from it, and what is odd."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import ibis
import numpy as np

from regulars.engine import Engine
from regulars.events.commit import Commit
from regulars.events.schema import NOTED

ODD = 10
"""A day with so many times the events of the middle day, or with so small a part of them, is odd."""

ENOUGH_DAYS = 7
"""With fewer days than this there is no telling which are odd."""


@dataclass(frozen=True)
class Overview:
    """What a version of the log holds. Days are those of UTC.

    Attributes
    ----------
    types : one dictionary a type, the most frequent first: type, rows, events, customers, products, first, last.
    days : one a day that has events, ascending: day, rows, events, customers.
    types_by_day : type, day, rows.
    sources : one a file from outside, the largest first: source, rows.
    rows, events : of all types.
    customer_share : part of the rows that name a customer, 0 to 1; None if there are no rows.
    gaps : first and last day of each stretch of days without an event, and how many: first, last, days.
    oddities : days far from the median: day, events, times (how many times the median).
    """

    version: int
    types: list[dict[str, Any]]
    days: list[dict[str, Any]]
    types_by_day: list[dict[str, Any]]
    sources: list[dict[str, Any]]
    rows: int
    events: int
    customer_share: float | None
    gaps: list[dict[str, Any]]
    oddities: list[dict[str, Any]]


def overview(events: ibis.Table, engine: Engine, commit: Commit) -> Overview:
    """Count a version of the log; the engine reads it, only counts come back.

    Parameters
    ----------
    events : its table.
    commit : the version; it knows the sources.
    """
    counts = {"rows": events.count(), "events": events.event_id.nunique(), "customers": events.customer_id.nunique()}
    more = {"products": events.product_id.nunique(), "first": events.time.min(), "last": events.time.max()}
    by_type = events.group_by("type").agg(**counts, **more).order_by(ibis.desc("rows"), "type")
    # Decisions are made as of one moment, all of them: beside what customers did, every such day would be odd.
    outside = events.filter(~events.type.isin(NOTED)).mutate(day=events.time.date())
    days = engine.to_arrow(
        outside.group_by("day")
        .agg(rows=outside.count(), events=outside.event_id.nunique(), customers=outside.customer_id.nunique())
        .order_by("day")
    ).to_pylist()
    by_day = events.mutate(day=events.time.date())
    types_by_day = engine.to_arrow(by_day.group_by("type", "day").agg(rows=by_day.count()).order_by("type", "day"))
    totals = {"rows": events.count(), "events": events.event_id.nunique(), "known": events.customer_id.count()}
    whole = engine.to_arrow(events.agg(**totals))
    rows, count, known = (whole[name][0].as_py() for name in ("rows", "events", "known"))
    sources: Counter[str] = Counter()
    for file in commit.tables.get("events", ()):
        sources.update(file.sources)
    return Overview(
        version=commit.version,
        types=engine.to_arrow(by_type).to_pylist(),
        days=days,
        types_by_day=types_by_day.to_pylist(),
        sources=[{"source": name, "rows": number} for name, number in sources.most_common()],
        rows=rows,
        events=count,
        customer_share=known / rows if rows else None,
        gaps=gaps([row["day"] for row in days]),
        oddities=oddities([row["day"] for row in days], [row["events"] for row in days]),
    )


def gaps(days: Sequence[date]) -> list[dict[str, Any]]:
    """The stretches of days that are missing between the first and the last.

    Parameters
    ----------
    days : with an event, ascending.

    Examples
    --------
    >>> found = gaps([date(2024, 5, 1), date(2024, 5, 2), date(2024, 5, 6)])
    >>> [(str(gap["first"]), str(gap["last"]), gap["days"]) for gap in found]
    [('2024-05-03', '2024-05-05', 3)]
    """
    one = timedelta(days=1)
    return [
        {"first": before + one, "last": after - one, "days": (after - before).days - 1}
        for before, after in pairwise(days)
        if after - before > one
    ]


def oddities(days: Sequence[date], counts: Sequence[int]) -> list[dict[str, Any]]:
    """The days with ten times the events of the middle day or more, or a tenth or less.

    >>> month = [date(2024, 5, day) for day in range(1, 9)]
    >>> [(str(odd["day"]), odd["times"]) for odd in oddities(month, [20, 20, 20, 200, 20, 20, 2, 20])]
    [('2024-05-04', 10.0), ('2024-05-07', 0.1)]
    """
    if len(days) < ENOUGH_DAYS:
        return []
    median = float(np.median(counts))
    times = np.asarray(counts) / median
    return [
        {"day": days[at], "events": counts[at], "times": round(float(times[at]), 3)}
        for at in np.flatnonzero((times >= ODD) | (times <= 1 / ODD)).tolist()
    ]
