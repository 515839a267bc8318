"""What profiles are set against: the rhythm of the shop, and where its customers stand in each feature."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.profile.base import Base
from regulars.profile.stage import Rhythm

Floats = npt.NDArray[np.float64]

KEYS = ("customer_id", "as_of")
PERCENTS = tuple(range(0, 101, 5))


@dataclass(frozen=True)
class Norms:
    """The shop's own measure.

    Attributes
    ----------
    rhythm : when a customer is late.
    quantiles : {feature: its values at 0, 5, …, 100 % of the customers}.
    base : what is chosen, when, at which prices, and how customers come back.
    """

    rhythm: Rhythm
    quantiles: Mapping[str, tuple[float, ...]]
    base: Base = field(default_factory=Base)

    @classmethod
    def of(cls, table: pa.Table, *, new_days: float, won_back_days: float, base: Base = Base()) -> Norms:  # noqa: B008
        """From the profiles of all customers as of one moment."""
        quantiles = {}
        for name in table.column_names:
            values = table[name].drop_null().to_numpy() if name not in KEYS else np.empty(0)
            if len(values):
                # Each a value that someone has: between two values lies a rank that nobody holds.
                found = np.percentile(values, PERCENTS, method="inverted_cdf")
                quantiles[name] = tuple(float(q) for q in found)
        return cls(Rhythm.of(table, new_days=new_days, won_back_days=won_back_days), quantiles, base)

    def share_below(self, name: str, value: float) -> float | None:
        """The share of customers with less of a feature, rounded down to 5 %; None where nothing is known of it."""
        if name not in self.quantiles or np.isnan(value):
            return None
        below = int(np.searchsorted(self.quantiles[name], value, side="left"))
        return max(below - 1, 0) * 0.05

    def to_bytes(self) -> bytes:
        """As JSON."""
        found = {"rhythm": self.rhythm.to_dict(), "quantiles": dict(self.quantiles), "base": self.base.to_dict()}
        return json.dumps(found, indent=1, ensure_ascii=False).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Norms:
        """From what `to_bytes` gave."""
        saved = json.loads(data)
        quantiles = {name: tuple(values) for name, values in saved["quantiles"].items()}
        return cls(Rhythm.from_dict(saved["rhythm"]), quantiles, Base.from_dict(saved["base"]))
