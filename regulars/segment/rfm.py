"""RFM: how recently, how often and for how much each customer ordered, by the shop's own quintiles; eleven cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SCORES = 5
MIDDLE = 3
"""The score of all where all have the same: it says nothing of anyone."""

CELLS = {
    "Champions": "冠军顾客",
    "Loyal customers": "忠诚顾客",
    "Potential loyalists": "潜在忠诚顾客",
    "New customers": "新顾客",
    "Promising": "有潜力",
    "Need attention": "需要关注",
    "About to sleep": "即将沉睡",
    "At risk": "有流失风险",
    "Cannot lose them": "不能失去",
    "Hibernating": "沉睡",
    "Lost": "已流失",
}
"""The cells, best first, in English and Chinese."""
NAMES = tuple(CELLS)

GRID = np.array(
    [
        # Frequency and money, 1 to 5; recency 1 (longest ago) in the first row.
        [10, 10, 7, 7, 8],
        [9, 9, 7, 7, 8],
        [6, 6, 5, 1, 1],
        [4, 2, 2, 1, 1],
        [3, 2, 2, 0, 0],
    ]
)
"""(recency, frequency and money) numbers into `CELLS`, as the widespread grid by Putler and CleverTap has them; there
cells overlap or are ten, here each pair of scores has exactly one of eleven."""


@dataclass(frozen=True)
class Rfm:
    """Where the scores of a shop change.

    Attributes
    ----------
    edges : (3, 4) ascending: of minus the days since the last order, of orders, of spend after returns. A value has
        score 1 plus the number of edges below it: who has the same has the same score, today and later.
    """

    edges: Floats

    @classmethod
    def of(cls, profiles: pa.Table) -> Rfm:
        """From the profiles (n >= 1) of all customers as of one moment.

        A quintile that falls among equal values ends with the last of them, so a score may be nobody's.
        """
        values = measures(profiles)
        # Each edge is a value that someone has: between two values lies one that nobody has.
        edges = np.percentile(values, [20, 40, 60, 80], axis=0, method="inverted_cdf").T
        is_constant = values.max(axis=0) == values.min(axis=0)
        # Two edges below all values and two above put all into the middle.
        edges[is_constant] = np.array([-np.inf, -np.inf, np.inf, np.inf])
        return cls(edges)

    def scores(self, profiles: pa.Table) -> Ints:
        """(n, 3) recency, frequency, monetary: 1 (least) to 5.

        Examples
        --------
        >>> table = pa.table({"recency_days": [1.0, 9.0, 50.0, 90.0, 200.0], "orders": [9.0, 4.0, 1.0, 1.0, 1.0],
        ...                   "spend": [900.0, 80.0, 20.0, 30.0, 10.0]})
        >>> rfm = Rfm.of(table)
        >>> rfm.scores(table).tolist()
        [[5, 5, 5], [4, 4, 4], [3, 1, 2], [2, 1, 3], [1, 1, 1]]
        >>> [NAMES[cell] for cell in rfm.cells(table)]
        ['Champions', 'Loyal customers', 'About to sleep', 'Hibernating', 'Lost']
        """
        values = measures(profiles)
        columns = [np.searchsorted(edges, column) for edges, column in zip(self.edges, values.T, strict=True)]
        return np.stack(columns, axis=1) + 1

    def cells(self, profiles: pa.Table) -> Ints:
        """(n,) the one cell of each customer, a number into `NAMES`."""
        return cells(self.scores(profiles))

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it; an edge that is no number as null."""
        return {"edges": [[float(e) if np.isfinite(e) else None for e in row] for row in self.edges]}

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Rfm:
        """From what `to_json` gave."""
        return cls(
            np.array(
                [
                    [edge if edge is not None else (-np.inf if place < SCORES // 2 else np.inf)]
                    for row in saved["edges"]
                    for place, edge in enumerate(row)
                ]
            ).reshape(3, SCORES - 1)
        )


def cells(scores: Ints) -> Ints:
    """(n,) numbers into `NAMES`, by the score of recency and the mean of the two others (halves go up).

    >>> NAMES[cells(np.array([[5, 1, 1]]))[0]], NAMES[cells(np.array([[1, 5, 5]]))[0]]
    ('New customers', 'Cannot lose them')
    """
    worth = (scores[:, 1] + scores[:, 2] + 1) // 2
    found: Ints = GRID[scores[:, 0] - 1, worth - 1]
    return found


def measures(profiles: pa.Table) -> Floats:
    """(n, 3) minus the days since the last order, orders, spend less what was given back; larger is better.

    What is not known (a customer without an order) counts as the least there is.
    """

    def column(name: str, absent: float) -> Floats:
        if name not in profiles.column_names:
            return np.full(profiles.num_rows, absent)
        found: Floats = profiles[name].to_numpy(zero_copy_only=False).astype(np.float64)
        return np.where(np.isnan(found), absent, found)

    spend = column("spend", 0.0) - column("refunded", 0.0)
    # Rounded: a difference of two rounded sums has last bits of its own, and equal spend must stay equal.
    return np.column_stack([-column("recency_days", 1e6), column("orders", 0.0), spend.round(2)])
