"""The stage of life of a customer, by a rule that the docs give (docs/profile.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Floats = npt.NDArray[np.float64]

STAGES = ("prospect", "new", "won back", "growing", "active", "cooling", "lapsed")
READS = (
    "orders", "recency_days", "tenure_days", "gap_last_days", "orders_90d", "orders_previous_90d", "spend_90d",
    "spend_previous_90d",
)  # fmt: skip
"""The columns of a profile that the rule reads."""


@dataclass(frozen=True)
class Rhythm:
    """How the customers of a shop come back: its own measure of "late".

    Attributes
    ----------
    cooling_days : three pauses between orders in four are shorter.
    lapsed_days : nineteen in twenty are shorter.
    new_days, won_back_days : from shop.toml.
    """

    cooling_days: float
    lapsed_days: float
    new_days: float
    won_back_days: float

    @classmethod
    def of(cls, table: pa.Table, *, new_days: float, won_back_days: float) -> Rhythm:
        """From the last pause of every customer with two orders; 60 and 180 days where no one has."""
        gaps = _column(table, "gap_last_days")
        gaps = gaps[~np.isnan(gaps)]
        cooling, lapsed = np.quantile(gaps, [0.75, 0.95]) if len(gaps) else (60.0, 180.0)
        # At least a day apart: in a shop where all come daily the two would be one.
        cooling = max(float(cooling), 1.0)
        return cls(cooling, max(float(lapsed), cooling + 1.0), new_days, won_back_days)

    def to_dict(self) -> dict[str, float]:
        """As JSON can hold it."""
        return dict(vars(self))

    @classmethod
    def from_dict(cls, saved: Mapping[str, float]) -> Rhythm:
        """From what `to_dict` gave."""
        return cls(**saved)


def stages(table: pa.Table, rhythm: Rhythm) -> list[str]:
    """The stage of each row of a profile table; the first that holds.

    - prospect: no order yet
    - lapsed: the last order is longer ago than 19 of 20 pauses between orders in this shop
    - cooling: longer ago than 3 of 4
    - won back: the pause before the last order would have been lapsed, and that order is recent
    - new: the first order is recent
    - growing: more orders, and more spent, in the last 90 days than in the 90 before
    - active: all others

    Examples
    --------
    >>> rhythm = Rhythm(cooling_days=60, lapsed_days=180, new_days=30, won_back_days=60)
    >>> table = pa.table({"orders": [0.0, 1.0, 3.0], "recency_days": [None, 5.0, 200.0],
    ...                   "tenure_days": [None, 5.0, 300.0]})
    >>> stages(table, rhythm)
    ['prospect', 'new', 'lapsed']
    """
    numbers = stage_numbers({name: _column(table, name) for name in READS}, rhythm)
    return [STAGES[number] for number in numbers.tolist()]


def stage_numbers(columns: Mapping[str, npt.NDArray[np.floating[Any]]], rhythm: Rhythm) -> npt.NDArray[np.int8]:
    """The rule of `stages` on arrays of any one shape, by the names in `READS`: numbers in `STAGES`.

    >>> rhythm = Rhythm(cooling_days=60, lapsed_days=180, new_days=30, won_back_days=60)
    >>> known = {"orders": np.array([0, 9]), "recency_days": np.array([np.nan, 70])}
    >>> found = stage_numbers({name: np.full(2, np.nan) for name in READS} | known, rhythm)
    >>> [STAGES[number] for number in found]
    ['prospect', 'cooling']
    """
    recency = columns["recency_days"]
    conditions = [
        ~(np.nan_to_num(columns["orders"]) > 0),
        recency > rhythm.lapsed_days,
        recency > rhythm.cooling_days,
        (columns["gap_last_days"] > rhythm.lapsed_days) & (recency <= rhythm.won_back_days),
        columns["tenure_days"] <= rhythm.new_days,
        (columns["orders_90d"] > columns["orders_previous_90d"])
        & (columns["spend_90d"] > columns["spend_previous_90d"])
        & (columns["orders_previous_90d"] > 0),
    ]
    names = ("prospect", "lapsed", "cooling", "won back", "new", "growing")
    found = [np.int8(STAGES.index(name)) for name in names]
    return np.asarray(np.select(conditions, found, default=np.int8(STAGES.index("active"))), np.int8)


def _column(table: pa.Table, name: str) -> Floats:
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    found: Floats = table[name].to_numpy(zero_copy_only=False).astype(float)
    return found
