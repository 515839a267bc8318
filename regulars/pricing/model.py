"""How demand answers prices, kept: elasticities of products, and what stands for a product that is not known."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from regulars import storage
from regulars.pricing.dataset import Dataset
from regulars.pricing.suggest import ConstantElasticity

Floats = npt.NDArray[np.float64]

FILE, ABOUT = "products.parquet", "model.json"
COLUMNS = ("elasticity", "error", "units", "price")


@dataclass(frozen=True)
class PricingModel:
    """Elasticities of products, with their errors.

    Attributes
    ----------
    table : product_id, elasticity, error, units (in a week at `price`), price (in the smallest coin).
    common, spread : of all, and by how much products differ: what is believed of a product that is not in the table.
    dispersion : variance of a week's lines over their mean.
    share_drawn : of the price changes that were learned from, the share that a lot drew.
    """

    table: pa.Table
    common: float
    spread: float
    dispersion: float
    share_drawn: float

    @classmethod
    def fit(cls, data: Dataset) -> PricingModel:
        """From weeks of products; NotEnoughError where hardly any product had two prices."""
        found = data.elasticities
        demand = found.demand
        # Rounded, so that sums added up in another order give the same bytes.
        columns = {
            "product_id": pa.array(data.ids, pa.string()),
            "elasticity": pa.array(found.mean.round(6)),
            "error": pa.array(found.error.round(6)),
            "units": pa.array(demand.base_units.round(6)),
            "price": pa.array(demand.base_price.round(4)),
        }
        moved = np.abs(data.log_price - data.log_price.mean(1, keepdims=True)) > 1e-3
        drawn = round(float((data.variance[moved] > 0).mean()), 6) if moved.any() else 0.0
        return cls(
            pa.table(columns),
            round(found.common, 6),
            round(max(found.spread, 0.2), 6),
            round(found.dispersion, 6),
            drawn,
        )

    @cached_property
    def _place(self) -> Mapping[str, int]:
        return {product: place for place, product in enumerate(self.table["product_id"].to_pylist())}

    def demand(self, ids: Sequence[str], price: npt.NDArray[np.int64]) -> ConstantElasticity:
        """Demand of some products; of one that is not known no units are expected, and the elasticity is that of all.

        Parameters
        ----------
        price : (n,) present, in the smallest coin.
        """
        place = np.array([self._place.get(product, -1) for product in ids], np.int64)
        there = place >= 0
        found = {}
        default = {"elasticity": self.common, "error": self.spread, "units": 0.0}
        for name in COLUMNS:
            column = self.table[name].to_numpy()
            values = column[np.maximum(place, 0)] if len(column) else np.zeros(len(place))
            found[name] = np.where(there, values, price if name == "price" else default[name])
        return ConstantElasticity(found["units"], found["price"], found["elasticity"], found["error"])

    def elasticity_of(self, ids: Sequence[str]) -> Floats:
        """(n,) of products; that of all where one is not known."""
        return self.demand(ids, np.ones(len(ids), np.int64)).elasticity

    def to_files(self) -> dict[str, bytes]:
        """As files: Parquet and JSON."""
        about = {name: getattr(self, name) for name in ("common", "spread", "dispersion", "share_drawn")}
        return {FILE: bytes(storage.parquet(self.table)), ABOUT: json.dumps(about, indent=2).encode()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> PricingModel:
        """From what `to_files` gave."""
        return cls(pq.read_table(io.BytesIO(files[FILE])), **json.loads(files[ABOUT]))
