"""The space that customers are compared in: skewed columns by their logarithm, all of one scale, then de-correlated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SKEWED = 1.0
"""Skewness above which a column that is never negative is taken by its logarithm."""
FARTHEST = 4.0
"""Standard deviations beyond which nobody lies: one order of a million is not a segment."""
KEPT = 0.8
"""Share of the variance that the axes explain together."""
MOST = 8
"""Axes: in many dimensions everything is equally far from everything."""
BLOCK = 1 << 16
"""Rows that are worked on at once."""
DIGITS = 6
"""Sums of floats differ in their last bits from one machine to another."""


@dataclass(frozen=True)
class Space:
    """From the columns of customers to points.

    Attributes
    ----------
    used : (c,) which columns: those that differ between customers.
    is_log : (c,) of which the logarithm is taken, ln(1 + x).
    fill, middle, scale : (c,) what stands for an absent value, what is taken off, what is divided by.
    axes : (c, d) principal axes, most variance first.
    """

    used: npt.NDArray[np.int64]
    is_log: npt.NDArray[np.bool_]
    fill: Floats
    middle: Floats
    scale: Floats
    axes: Floats

    @classmethod
    def of(cls, values: Floats, *, scaled: bool = True) -> Space:
        """Fitted to rows (n, c), NaN where absent.

        Parameters
        ----------
        scaled : whether each column counts alike; shares of one whole keep their own scale.

        Raises
        ------
        ValueError
            If no column differs between the rows.

        Examples
        --------
        >>> rows = np.array([[1.0, 5.0, 1.0], [2.0, 5.0, 2.0], [3.0, 5.0, np.nan]])
        >>> space = Space.of(rows)
        >>> space.used.tolist(), space.points(rows).shape
        ([0, 2], (3, 2))
        """
        known = np.isfinite(values).any(axis=0)
        fill = np.zeros(values.shape[1])
        fill[known] = np.nanmedian(np.where(np.isfinite(values[:, known]), values[:, known], np.nan), axis=0)
        whole = np.where(np.isfinite(values), values, fill)
        spread = whole.std(axis=0)
        # A column of equal values has a spread of rounding.
        used = np.flatnonzero(spread > 1e-9 * (1 + np.abs(whole).max(axis=0, initial=0)))
        if not len(used):
            raise ValueError("no column differs between the rows")
        whole, fill = whole[:, used], fill[used]
        centred = whole - whole.mean(axis=0)
        skew = (centred**3).mean(axis=0) / whole.std(axis=0) ** 3
        is_log = scaled & (skew > SKEWED) & (whole.min(axis=0) >= 0)
        whole = np.where(is_log, np.log1p(np.maximum(whole, 0)), whole)
        middle = whole.mean(axis=0).round(DIGITS)
        scale = whole.std(axis=0) if scaled else np.full(len(used), whole.std(axis=0).mean())
        scale = np.maximum(scale, 10.0**-DIGITS).round(DIGITS)
        held = cls(used, is_log, fill, middle, scale, np.eye(len(used)))
        return cls(used, is_log, fill, middle, scale, _axes(held._scaled(values)))

    def points(self, values: Floats) -> Floats:
        """(n, d) of rows (n, c), each by itself: who is alone gets the same as among others."""
        found = np.empty((len(values), self.axes.shape[1]))
        for low in range(0, len(values), BLOCK):
            found[low : low + BLOCK] = self._scaled(values[low : low + BLOCK]) @ self.axes
        return found.round(DIGITS)

    def _scaled(self, values: Floats) -> Floats:
        whole = values[:, self.used]
        whole = np.where(np.isfinite(whole), whole, self.fill)
        if self.is_log.any():
            whole[:, self.is_log] = np.log1p(np.maximum(whole[:, self.is_log], 0))
        found: Floats = np.clip((whole - self.middle) / self.scale, -FARTHEST, FARTHEST)
        return found

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {name: value.tolist() for name, value in vars(self).items()}

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Space:
        """From what `to_json` gave."""
        return cls(
            np.array(saved["used"], np.int64),
            np.array(saved["is_log"], bool),
            *(np.array(saved[name], np.float64) for name in ("fill", "middle", "scale", "axes")),
        )


def _axes(scaled: Floats) -> Floats:
    values, vectors = np.linalg.eigh(np.cov(scaled, rowvar=False).reshape(scaled.shape[1], -1))
    values, vectors = np.maximum(values[::-1], 0), vectors[:, ::-1]
    count = int(np.searchsorted(np.cumsum(values), KEPT * values.sum()) + 1)
    axes = vectors[:, : min(count, MOST)]
    # An axis has no direction of its own: its largest part points up.
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=0)[None], 0)
    return np.ascontiguousarray(axes * np.sign(largest)).round(DIGITS)
