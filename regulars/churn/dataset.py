"""The training table of churn: features as of past moments, and who placed no order after them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.customers import later_worth
from regulars.errors import NotEnoughError
from regulars.events.identity import hash_rows

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]

KEYS = ("customer_id", "as_of")
MOST_ROWS = 200_000
"""Customers as of moments to learn from: more make a model little better, and take longer."""
LEAST = 50
"""So many customers must have left, and so many stayed, for a risk that can be calibrated."""


@dataclass(frozen=True)
class Later:
    """What customers did after their moments.

    Attributes
    ----------
    horizon : (n,) days that were looked at.
    wait : (n,) days until the next order, as parts of a day; infinite where none came within the horizon.
    orders : (n,) how many came.
    margin : (n,) what the shop earned by them, less what was given back; in the shop's currency.
    """

    horizon: Floats
    wait: Floats
    orders: Floats
    margin: Floats

    @classmethod
    def of(cls, shop: Shop, pairs: pa.Table, horizon: Floats) -> Later:
        """Of customers (n,) as of moments, each looked at for so many days (n,)."""
        found = later_worth(shop, pairs, horizon)
        place, days, is_order = (found[name].to_numpy() for name in ("place", "days", "is_order"))
        count = pairs.num_rows
        wait = np.full(count, np.inf)
        np.minimum.at(wait, place[is_order], days[is_order])
        margin = np.bincount(place, found["margin"].to_numpy(), count).astype(float)
        return cls(horizon, wait, np.bincount(place[is_order], minlength=count).astype(float), margin)

    def where(self, rows: npt.NDArray[np.bool_]) -> Later:
        """Of some of the rows."""
        return Later(self.horizon[rows], self.wait[rows], self.orders[rows], self.margin[rows])


@dataclass(frozen=True)
class Dataset:
    """Customers as of moments: what was known of each, and who was lost.

    Attributes
    ----------
    table : (n,) rows: customer_id, as_of and the features.
    features : (n, k) float64, NaN where absent; the columns of the table after its keys.
    later : what came of each within its horizon.
    """

    table: pa.Table
    features: Floats
    later: Later

    @property
    def is_lost(self) -> Floats:
        """(n,) 1 for who placed no order within the horizon, else 0."""
        lost: Floats = (self.later.orders == 0).astype(float)
        return lost

    @property
    def names(self) -> list[str]:
        """The names of the features."""
        return [name for name in self.table.column_names if name not in KEYS]

    def where(self, rows: npt.NDArray[np.bool_]) -> Dataset:
        """Some of the rows."""
        return Dataset(self.table.filter(pa.array(rows)), self.features[rows], self.later.where(rows))


def features_of(table: pa.Table, names: Sequence[str]) -> Floats:
    """Columns of a profile table as an array; one that the table lacks is NaN."""
    columns = [
        table[name].to_numpy(zero_copy_only=False) if name in table.column_names else np.full(table.num_rows, np.nan)
        for name in names
    ]
    return np.column_stack(columns) if columns else np.empty((table.num_rows, 0))


def asked(shop: Shop, moments: Sequence[datetime]) -> pa.Table:
    """Customers with an order before each moment, as customer_id and as_of; of very many a part, the same at each."""
    pairs = pa.concat_tables([shop.customers(moment) for moment in moments])
    parts = -(-pairs.num_rows // MOST_ROWS)
    if parts <= 1:
        return pairs
    return pairs.filter(pa.array(hash_rows(pairs, ("customer_id",)) % np.uint64(parts) == 0))


def dataset(shop: Shop, moments: Sequence[datetime], horizon_days: int, profiles: pa.Table | None = None) -> Dataset:
    """Customers with an order before each moment, and what followed in the horizon.

    Parameters
    ----------
    profiles : of the customers wanted, as of these moments; by default of all with an order.

    Raises
    ------
    NotEnoughError
        If fewer than 50 customers were lost, or fewer than 50 stayed.
    """
    if profiles is None:
        profiles = shop.tables.of("profile", pa.concat_tables([shop.customers(moment) for moment in moments]))
    pairs = profiles.select(KEYS)
    later = Later.of(shop, pairs, np.full(pairs.num_rows, float(horizon_days)))
    stayed = int((later.orders > 0).sum())
    lost = pairs.num_rows - stayed
    if min(lost, stayed) < LEAST:
        raise NotEnoughError(
            f"churn: as of {_listed(moments)}, {lost} customers placed no order in the {horizon_days} days after "
            f"and {stayed} did; at least {LEAST} of each are needed for a calibrated risk. Import more history, "
            "choose another moment, or set horizon_days under [churn] in shop.toml."
        )
    names = [name for name in profiles.column_names if name not in KEYS]
    return Dataset(profiles, features_of(profiles, names), later)


def _listed(moments: Sequence[datetime]) -> str:
    days = [f"{moment:%Y-%m-%d}" for moment in moments]
    return days[0] if len(days) == 1 else f"{days[-1]} to {days[0]}"
