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
from regulars.errors import CorruptLogError
from regulars.pricing.dataset import Dataset
from regulars.pricing.guard import Ints
from regulars.pricing.suggest import ConstantElasticity, kept

Floats = npt.NDArray[np.float64]

FILE, ABOUT = "products.parquet", "model.json"
ABOUT_ALL = ("common", "spread", "diversion", "share_drawn", "effects")
COLUMNS = ("elasticity", "error", "units", "price", "lines", "line_elasticity")


@dataclass(frozen=True)
class PricingModel:
    """Elasticities of products, with their errors.

    Attributes
    ----------
    table : product_id, elasticity, error, units and lines (in a week at `price`), price (in the smallest coin),
        line_elasticity.
    common, spread : of all, and by how much products differ: what is believed of a product that is not in the table.
    diversion : of the lines that a higher price loses, the share that others of the category win.
    share_drawn : of the price changes that were learned from, the share that a lot drew.
    effects : name -> by how much the logarithm of lines moves with what else moves demand, as far as the shop has it.
    """

    table: pa.Table
    common: float
    spread: float
    diversion: float
    share_drawn: float
    effects: Mapping[str, float]

    @classmethod
    def fit(cls, data: Dataset) -> PricingModel:
        """From weeks of products; NotEnoughError where hardly any product had two prices."""
        found = data.belief
        demand = found.demand
        # Rounded, so that sums added up in another order give the same bytes.
        columns = {
            "product_id": pa.array(data.ids, pa.string()),
            "elasticity": pa.array(found.mean.round(6)),
            "error": pa.array(found.error.round(6)),
            "units": pa.array(demand.base_units.round(6)),
            "price": pa.array(demand.base_price.round(4)),
            "lines": pa.array(found.level.round(6)),
            "line_elasticity": pa.array(found.lines.round(6)),
        }
        moved = np.abs(data.log_price - data.log_price.mean(1, keepdims=True)) > 1e-3
        drawn = round(float(np.isfinite(data.expected[moved]).mean()), 6) if moved.any() else 0.0
        return cls(
            table=pa.table(columns),
            common=round(found.common, 6),
            spread=round(max(found.spread, 0.2), 6),
            diversion=round(found.diversion, 6),
            share_drawn=drawn,
            effects={name: round(effect, 6) for name, effect in found.effects.items()},
        )

    @cached_property
    def _place(self) -> Mapping[str, int]:
        return {product: place for place, product in enumerate(self.table["product_id"].to_pylist())}

    def demand(
        self, ids: Sequence[str], price: Ints, cost: Ints, group: Ints, lifetime_weight: float = 0.0
    ) -> ConstantElasticity:
        """Demand of some products, with what others of the category earn by the customers whom a price turns away.

        Of a product that is not known no units are expected, and the elasticity is that of all.

        Parameters
        ----------
        price, cost : (n,) present, in the smallest coin; cost -1 where it is not known.
        group : (n,) number of each product's category.
        lifetime_weight : what an order more brings later, as a share of its own margin.
        """
        found = self._of(ids)
        there = found["units"] > 0
        quantity = np.divide(found["units"], found["lines"], out=np.ones(len(there)), where=found["lines"] > 0)
        return ConstantElasticity(
            base_units=found["units"],
            base_price=np.where(there, found["price"], price),
            elasticity=found["elasticity"],
            error=found["error"],
            kept=kept(found["lines"], quantity, self.diversion, price, cost, group, lifetime_weight),
            line_elasticity=found["line_elasticity"],
        )

    def elasticity_of(self, ids: Sequence[str]) -> tuple[Floats, Floats]:
        """(n,) of products, and its error; that of all where one is not known."""
        found = self._of(ids)
        return found["elasticity"], found["error"]

    def _of(self, ids: Sequence[str]) -> dict[str, Floats]:
        place = np.array([self._place.get(product, -1) for product in ids], np.int64)
        default = {"elasticity": self.common, "line_elasticity": self.common, "error": self.spread}
        found = {}
        for name in COLUMNS:
            column = self.table[name].to_numpy()
            values = column[np.maximum(place, 0)] if len(column) else np.zeros(len(place))
            found[name] = np.where(place >= 0, values, default.get(name, 0.0))
        return found

    def to_files(self) -> dict[str, bytes]:
        """As files: Parquet and JSON."""
        about = {name: getattr(self, name) for name in ABOUT_ALL}
        return {FILE: bytes(storage.parquet(self.table)), ABOUT: json.dumps(about, indent=2).encode()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> PricingModel:
        """From what `to_files` gave.

        Raises
        ------
        CorruptLogError
            If the model is of another version of the program.
        """
        about, table = json.loads(files[ABOUT]), pq.read_table(io.BytesIO(files[FILE]))
        if set(about) != set(ABOUT_ALL) or not {"product_id", *COLUMNS} <= set(table.column_names):
            raise CorruptLogError(
                "This model of pricing was learned by another version of Regulars, which this one cannot read. "
                "Learn anew: regulars learn pricing"
            )
        return cls(table, **about)
