"""Numbers as buckets: gaps in time, quantities, prices, and the hazards of a next event."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

SECOND = 1_000_000
"""Times are microseconds."""

GAPS = 34
"""Buckets of the time since the last event: 0 for the first event, 1 for none at all, then by powers of two seconds."""
QUANTITIES = np.array([2, 3, 5, 10, 20, 50, 100])
"""Where buckets of quantities begin, after that of one."""
PRICES = np.log([0.35, 0.55, 0.8, 1.25, 1.8, 2.9])
"""Where buckets of price levels begin: the logarithm of the price over the median of its category."""
EDGES_DAYS = np.array(
    [1 / 1440, 1 / 144, 1 / 24, 0.25, 1, 2, 4, 7, 10, 14, 21, 30, 45, 60, 90, 120, 180, 365], np.float64
)
"""Where the bins of the time to the next event end, in days; the last bin is open."""
BINS = len(EDGES_DAYS) + 1


def gap_bucket(gap: Ints) -> npt.NDArray[np.int32]:
    """Buckets of gaps in microseconds; below 0 for no event before.

    >>> gap_bucket(np.array([-1, 0, 1_000_000, 86_400_000_000])).tolist()
    [0, 1, 3, 19]
    """
    seconds = np.maximum(gap, 0) / SECOND
    bucket = np.where(seconds < 0.5, 1, 2 + np.ceil(np.log2(np.maximum(seconds, 1.0)) + 0.5).astype(np.int64))
    return np.where(gap < 0, 0, np.minimum(bucket, GAPS - 1)).astype(np.int32)


def quantity_bucket(quantity: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
    """Buckets of quantities, from 1; 0 where unknown (NaN).

    >>> quantity_bucket(np.array([np.nan, 1, 2, 4, 1000])).tolist()
    [0, 1, 2, 3, 8]
    """
    found = 1 + np.searchsorted(QUANTITIES, np.nan_to_num(quantity), side="right")
    return np.where(np.isnan(quantity), 0, found).astype(np.int32)


def price_bucket(price: npt.NDArray[np.float64], usual: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
    """Buckets of prices relative to what is usual, from 1; 0 where either is unknown or nothing.

    >>> price_bucket(np.array([1.0, 10.0, np.nan]), np.array([1.0, 1.0, 1.0])).tolist()
    [4, 7, 0]
    """
    known = (price > 0) & (usual > 0)
    ratio = np.log(np.where(known, price, 1.0) / np.where(known, usual, 1.0))
    return np.where(known, 1 + np.searchsorted(PRICES, ratio, side="right"), 0).astype(np.int32)


def hour_and_weekday(
    time: Ints, clock: tuple[tuple[int, int], ...]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Hours (1 to 24) and weekdays (1 for Monday to 7) on the clock of the shop's wall.

    Parameters
    ----------
    time : (n,) microseconds since 1970.
    clock : when the clock was changed and how many seconds it is ahead of Greenwich since, ascending.

    >>> noon = 1_714_564_800 * SECOND  # of the first of May 2024, a Wednesday, in Greenwich
    >>> [bucket.tolist() for bucket in hour_and_weekday(np.array([noon]), ((0, 3600),))]
    [[14], [3]]
    """
    seconds = time // SECOND
    moments = np.array([moment for moment, _ in clock])
    offsets = np.array([offset for _, offset in clock])
    local = seconds + offsets[np.maximum(np.searchsorted(moments, seconds, side="right") - 1, 0)]
    hour = local // 3600 % 24 + 1
    weekday = (local // 86_400 + 3) % 7 + 1  # the first of January 1970 was a Thursday
    return hour.astype(np.int32), weekday.astype(np.int32)


def survival_bins(gap: Ints) -> npt.NDArray[np.int64]:
    """In which bin of `EDGES_DAYS` a gap in microseconds ends.

    >>> survival_bins(np.array([0, 3_600_000_000, 86_400_000_000 * 400])).tolist()
    [0, 2, 18]
    """
    return np.searchsorted(EDGES_DAYS, gap / (SECOND * 86_400.0), side="left").astype(np.int64)
