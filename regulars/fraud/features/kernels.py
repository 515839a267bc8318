"""What windows over sorted rows come to, compiled: one pass for all queries of an entity, memory flat.

All take rows and queries grouped by the value of an entity, in order of time within it: `starts` and `asked` say
where each value's rows and queries begin. A row counts for a query only if it is strictly earlier, and until it is
taken back: `gone` (rows,) says when, `LATEST` of what stands; empty where all do.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Answers = npt.NDArray[np.float32]

SECOND = 1_000_000
LATEST = np.iinfo(np.int64).max


@numba.njit(nogil=True, cache=True)
def grouped(codes: npt.NDArray[np.int32], values: int) -> tuple[Ints, Ints]:
    """Rows by code, each code's in their order; and where each code begins. Rows without a code are left out.

    >>> order, starts = grouped(np.array([1, -1, 0, 1], np.int32), 2)
    >>> order.tolist(), starts.tolist()
    ([2, 0, 3], [0, 1, 3])
    """
    starts = np.zeros(values + 1, np.int64)
    for code in codes:
        if code >= 0:
            starts[code + 1] += 1
    starts = np.cumsum(starts)
    order = np.empty(starts[-1], np.int64)
    filled = starts[:-1].copy()
    for row in range(len(codes)):
        code = codes[row]
        if code >= 0:
            order[filled[code]] = row
            filled[code] += 1
    return order, starts


@numba.njit(nogil=True, cache=True)
def counted(
    time: Ints, starts: Ints, asked_time: Ints, asked: Ints, place: Ints, sums: Floats, seconds: int, out: Answers
) -> None:
    """How many rows, or the sum over them: `sums` (rows + 1,) are their running sums; of counts 0, 1, 2, …"""
    for value in range(len(starts) - 1):
        low = high = starts[value]
        for query in range(asked[value], asked[value + 1]):
            moment = asked_time[query]
            while high < starts[value + 1] and time[high] < moment:
                high += 1
            if seconds > 0:
                while low < high and time[low] < moment - seconds * SECOND:
                    low += 1
            out[place[query]] = sums[high] - sums[low]


@numba.njit(nogil=True, cache=True)
def less_withdrawn(
    time: Ints, starts: Ints, asked_time: Ints, asked: Ints, place: Ints, gone: Ints, seconds: int, out: Answers
) -> None:
    """Take off a count what was taken back before each query."""
    for value in range(len(starts) - 1):
        for row in range(starts[value], starts[value + 1]):
            if gone[row] == LATEST:
                continue
            for query in range(asked[value], asked[value + 1]):
                moment = asked_time[query]
                if gone[row] < moment and (seconds == 0 or time[row] >= moment - seconds * SECOND):
                    out[place[query]] -= 1


@numba.njit(nogil=True, cache=True)
def distinct(
    time: Ints, starts: Ints, asked_time: Ints, asked: Ints, place: Ints, values: npt.NDArray[np.int32],
    seconds: int, most: int, out: Answers,
) -> None:  # fmt: skip
    """How many values the last rows of the window have, `most` rows at most."""
    seen = np.zeros(values.max() + 2 if len(values) else 1, np.int32)
    for value in range(len(starts) - 1):
        low = high = starts[value]
        different = 0
        for query in range(asked[value], asked[value + 1]):
            moment = asked_time[query]
            while high < starts[value + 1] and time[high] < moment:
                if values[high] >= 0:
                    different += seen[values[high]] == 0
                    seen[values[high]] += 1
                high += 1
            while low < high and (time[low] < moment - seconds * SECOND or high - low > most):
                if values[low] >= 0:
                    seen[values[low]] -= 1
                    different -= seen[values[low]] == 0
                low += 1
            out[place[query]] = different
        for row in range(low, high):
            if values[row] >= 0:
                seen[values[row]] = 0


@numba.njit(nogil=True, cache=True)
def fading(
    time: Ints, starts: Ints, asked_time: Ints, asked: Ints, place: Ints, gone: Ints, seconds: int, out: Answers
) -> None:
    """How many rows, each half as much after so many seconds."""
    rate = np.log(2) / (seconds * SECOND)
    withdrawn = np.flatnonzero(gone < LATEST)
    end = 0
    for value in range(len(starts) - 1):
        high = starts[value]
        begin = end
        while end < len(withdrawn) and withdrawn[end] < starts[value + 1]:
            end += 1
        total, last = 0.0, 0
        for query in range(asked[value], asked[value + 1]):
            moment = asked_time[query]
            while high < starts[value + 1] and time[high] < moment:
                total = total * np.exp(-rate * (time[high] - last)) + 1.0 if total > 0 else 1.0
                last = time[high]
                high += 1
            faded = total * np.exp(-rate * (moment - last)) if total > 0 else 0.0
            left = high - starts[value]
            for row in withdrawn[begin:end]:
                if gone[row] < moment:
                    faded -= np.exp(-rate * (moment - time[row]))
                    left -= 1
            out[place[query]] = faded if left > 0 else 0.0


@numba.njit(nogil=True, cache=True)
def since(
    time: Ints, starts: Ints, asked_time: Ints, asked: Ints, place: Ints, gone: Ints, is_first: bool, out: Answers
) -> None:
    """Seconds since the first row, or the last; NaN where there is none."""
    for value in range(len(starts) - 1):
        high = starts[value]
        for query in range(asked[value], asked[value + 1]):
            moment = asked_time[query]
            while high < starts[value + 1] and time[high] < moment:
                high += 1
            row = starts[value] if is_first else high - 1
            while len(gone) and starts[value] <= row < high and gone[row] < moment:
                row += 1 if is_first else -1
            is_there = starts[value] <= row < high
            out[place[query]] = (moment - time[row]) / SECOND if is_there else np.nan


@numba.njit(nogil=True, cache=True)
def run(
    time: Ints, starts: Ints, asked_time: Ints, asked: Ints, place: Ints, gone: Ints,
    is_fraud: npt.NDArray[np.bool_], tried: Ints, wants_length: bool, out: Answers,
) -> None:  # fmt: skip
    """Of labels: how many frauds since the last honest one, or seconds since the first of them was tried."""
    for value in range(len(starts) - 1):
        high = starts[value]
        length, first = 0, 0
        for query in range(asked[value], asked[value + 1]):
            moment = asked_time[query]
            while high < starts[value + 1] and time[high] < moment:
                if is_fraud[high]:
                    first = tried[high] if length == 0 else first
                    length += 1
                else:
                    length = 0
                high += 1
            if len(gone):
                length, row = 0, high - 1
                while row >= starts[value] and (is_fraud[row] or gone[row] < moment):
                    if gone[row] >= moment:
                        first, length = tried[row], length + 1
                    row -= 1
            if wants_length:
                out[place[query]] = length
            else:
                out[place[query]] = (moment - first) / SECOND if length > 0 else np.nan
