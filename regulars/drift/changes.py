"""Which days are far from the weeks before them, further than such days used to be?

Each count is set beside what the rate of the last four weeks foretells of it, on the scale of square roots, where
chance is the same for few and many. How far days of this shop were from that before, festivals apart, says how far is
far: a shop that jumps by itself is given its jumps.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from regulars.drift.daily import Daily, Signal

Floats = npt.NDArray[np.float64]

SPANS = (1, 7)
"""A day by itself sees a break at once; seven together see what is small or slow."""
REFERENCE = 28
LEAST_PAST = 28
"""So many days, each beside its own four weeks, must have been before there is a usual distance."""
YEAR = 364
"""Days, so that weekdays meet."""
FAR = 5.5
"""Usual deviations from which on a change is told."""
NOTABLE = 4 / 3
"""Times more, or less, from which on it is: large shops would hear of every trifle."""
LEAST = 0.01
"""Of all, so much more or less at least: rare things that come in bursts are no break."""
SPREAD = 1.4826
"""Times the median absolute deviation: the standard deviation of what is normal."""


class Change(NamedTuple):
    """A signal that is far from usual.

    Attributes
    ----------
    day : on it, or in the seven days that end with it.
    span : 1 or 7 days.
    found, usual, of : how many, how many were usual, out of how many; see `Daily`.
    score : usual deviations, above zero.
    """

    signal: Signal
    day: date
    span: int
    found: float
    usual: float
    of: float
    score: float


def changes(daily: Daily, festivals: Collection[date], day: date) -> list[Change]:
    """What is far from usual on a day, the furthest first, one for each signal; days after it are not looked at.

    A festival itself is not judged, nor is it in what others are judged by. There is nothing to tell of days of which
    less than nine weeks are known.
    """
    last = (day - daily.first).days + 1
    if not 0 < last <= len(daily.counts):
        return []
    days = [daily.first + timedelta(days=number) for number in range(last)]
    is_usual = np.array([one not in festivals for one in days])
    count = np.where(is_usual[:, None], daily.counts[:last], 0.0)
    of = np.where(is_usual[:, None], daily.of[:last], 0.0)
    of[:, 0] *= _weekdays(count[:, 0], is_usual)
    season = _season(daily, last, festivals)
    found: dict[Signal, Change] = {}
    for span in SPANS:
        if is_usual[-1]:
            for change in _far(daily.signals, count, of, season, day, span):
                if change.signal not in found or change.score > found[change.signal].score:
                    found[change.signal] = change
    return sorted(found.values(), key=lambda change: -change.score)


def _far(signals: list[Signal], count: Floats, of: Floats, season: Floats, day: date, span: int) -> list[Change]:
    counts, totals = _summed(count, span), _summed(of, span)
    expected = np.where(totals > 0, totals, np.nan) * _reference(counts, totals, span)
    expected[:, 0] *= season
    distance = 2 * (np.sqrt(counts + 3 / 8) - np.sqrt(expected + 3 / 8))
    past, now = distance[:-1], distance[-1]
    is_known = ~np.isnan(past)
    enough = is_known.sum(0) >= LEAST_PAST
    past = past[:, enough]
    centre = np.nanmedian(past, axis=0)
    spread = np.maximum(SPREAD * np.nanmedian(np.abs(past - centre), axis=0), 1.0)  # never below that of chance
    score = np.zeros(len(signals))
    score[enough] = np.nan_to_num(np.abs(now[enough] - centre) / spread)
    times = (counts[-1] + 1) / (expected[-1] + 1)
    is_notable = (np.maximum(times, 1 / times) > NOTABLE) & (np.abs(counts[-1] - expected[-1]) > LEAST * totals[-1])
    is_far = (score > FAR) & is_notable
    return [
        Change(signals[at], day, span, counts[-1, at], expected[-1, at], totals[-1, at], float(score[at]))
        for at in np.flatnonzero(is_far).tolist()
    ]


def _summed(values: Floats, span: int) -> Floats:
    """(days, signals) sums over the days that end with each; of the first days over those that there are."""
    total = np.cumsum(values, axis=0)
    total[span:] -= total[:-span].copy()
    return total


def _reference(counts: Floats, totals: Floats, span: int) -> Floats:
    """(days, signals) the middle rate of the four weeks before each span; nan where less is known."""
    rate = np.divide(counts, totals, out=np.full_like(counts, np.nan), where=totals > 0)
    found = np.full_like(rate, np.nan)
    first = REFERENCE + span  # the first spans are not whole, and lie in no reference but that of the first days
    if len(rate) > first:
        weeks = np.lib.stride_tricks.sliding_window_view(rate, REFERENCE, axis=0)[: len(rate) - first]
        found[first:] = np.ma.median(np.ma.masked_invalid(weeks), axis=-1).filled(np.nan)  # type: ignore[no-untyped-call]
    return found


def _weekdays(visits: Floats, is_usual: npt.NDArray[np.bool_]) -> Floats:
    """(days,) how busy each day's weekday is beside the mean day; before the last day alone, which is to be judged."""
    weekday = np.arange(len(visits)) % 7
    known = is_usual.copy()
    known[-1] = False
    number = np.bincount(weekday[known], minlength=7)
    mean = np.bincount(weekday[known], visits[known], minlength=7) / np.maximum(number, 1)
    whole = mean.mean()
    return mean[weekday] / whole if whole > 0 else np.ones(len(visits))


def _season(daily: Daily, last: int, festivals: Collection[date]) -> Floats:
    """(last,) how the same week stood beside its four weeks a year ago; 1 where the log does not reach back so far."""
    found = np.ones(last)
    before = len(daily.visits) - len(daily.counts)  # days of the log before the first that is counted whole
    begin = daily.first - timedelta(days=before)
    days = [begin + timedelta(days=number) for number in range(before + last)]
    is_usual = np.array([day not in festivals for day in days])
    visits = np.where(is_usual, daily.visits[: before + last], 0.0)[:, None]
    weight = is_usual.astype(float)[:, None]
    week, weights = _summed(visits, 7), _summed(weight, 7)
    expected = (weights * _reference(week, weights, 7))[:, 0]
    place = before + np.arange(last) - YEAR
    is_there = place >= 0
    then = expected[place[is_there]]
    with np.errstate(all="ignore"):
        ratio = week[place[is_there], 0] / then
    found[is_there] = np.where(np.isfinite(ratio) & (ratio > 0), ratio, 1.0)
    return found
