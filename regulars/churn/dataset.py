"""The training table of churn: features as of past moments, and who placed no order after them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.customers import ordered_within
from regulars.errors import NotEnoughError

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]

KEYS = ("customer_id", "as_of")
LEAST = 50
"""So many customers must have left, and so many stayed, for a risk that can be calibrated."""


@dataclass(frozen=True)
class Dataset:
    """Customers as of moments: what was known of each, and who was lost.

    Attributes
    ----------
    table : (n,) rows: customer_id, as_of and the features.
    features : (n, k) float64, NaN where absent; the columns of the table after its keys.
    is_lost : (n,) float64, 1 for who placed no order within the horizon, else 0.
    """

    table: pa.Table
    features: Floats
    is_lost: Floats

    @property
    def names(self) -> list[str]:
        """The names of the features."""
        return [name for name in self.table.column_names if name not in KEYS]

    def where(self, rows: npt.NDArray[np.bool_]) -> Dataset:
        """Some of the rows."""
        return Dataset(self.table.filter(pa.array(rows)), self.features[rows], self.is_lost[rows])


def features_of(table: pa.Table, names: Sequence[str]) -> Floats:
    """Columns of a profile table as an array; one that the table lacks is NaN."""
    columns = [
        table[name].to_numpy(zero_copy_only=False) if name in table.column_names else np.full(table.num_rows, np.nan)
        for name in names
    ]
    return np.column_stack(columns) if columns else np.empty((table.num_rows, 0))


def dataset(shop: Shop, moments: Sequence[datetime], horizon_days: int) -> Dataset:
    """Every customer with an order before each moment, and whether none followed in the horizon.

    Raises
    ------
    NotEnoughError
        If fewer than 50 customers were lost, or fewer than 50 stayed.
    """
    pairs = pa.concat_tables([shop.customers(moment) for moment in moments])
    table = shop.tables.of("profile", pairs)
    names = [name for name in table.column_names if name not in KEYS]
    is_lost = (~ordered_within(shop, pairs, horizon_days)).astype(float)
    lost, stayed = int(is_lost.sum()), int((1 - is_lost).sum())
    if min(lost, stayed) < LEAST:
        raise NotEnoughError(
            f"churn: as of {_listed(moments)}, {lost} customers placed no order in the {horizon_days} days after "
            f"and {stayed} did; at least {LEAST} of each are needed for a calibrated risk. Import more history, "
            "choose another moment, or set horizon_days under [churn] in shop.toml."
        )
    return Dataset(table, features_of(table, names), is_lost)


def _listed(moments: Sequence[datetime]) -> str:
    days = [f"{moment:%Y-%m-%d}" for moment in moments]
    return days[0] if len(days) == 1 else f"{days[-1]} to {days[0]}"


def end_of_target(moment: datetime, horizon_days: int) -> datetime:
    """When it is known whether a customer was lost as of a moment."""
    return moment + timedelta(days=horizon_days)
