"""What the rhythm of all customers says of each: still a customer? how many orders, of what worth?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from regulars.churn.btyd import GammaGamma, Histories, ParetoNBD
from regulars.churn.btyd.history import Floats
from regulars.churn.dataset import Dataset, features_of
from regulars.churn.forecast import Said
from regulars.errors import NotEnoughError


@dataclass(frozen=True)
class Rhythm:
    """How customers of a shop come back, and what their orders are worth.

    Attributes
    ----------
    orders : by days. worth : None where no order is worth anything.
    horizon_days : how far ahead it looks.
    """

    orders: ParetoNBD
    worth: GammaGamma | None
    horizon_days: float

    @classmethod
    def of(cls, profiles: pa.Table, horizon_days: float) -> Rhythm:
        """From profiles of all customers as of one moment.

        Raises
        ------
        NotEnoughError
            If hardly anybody came back.
        """
        orders = ParetoNBD.fit(_histories(profiles))
        try:
            worth = GammaGamma.fit(*_worth(profiles))
        except NotEnoughError:
            worth = None
        return cls(orders, worth, float(horizon_days))

    def added_to(self, profiles: pa.Table) -> pa.Table:
        """Profiles with two columns more: `alive` and `expected_orders`. Rounded: the last bits differ by machine."""
        known = _histories(profiles)
        for name, meaning, unit, values in (
            ("alive", "chance of still being a customer", "share", self.orders.alive(known)),
            (
                "expected_orders", f"orders expected within {self.horizon_days:.0f} days", "orders",
                self.orders.expected(known, self.horizon_days),
            ),
        ):  # fmt: skip
            field = pa.field(name, pa.float64(), metadata={"meaning": meaning, "unit": unit})
            profiles = profiles.append_column(field, pa.array(values.round(6)))
        return profiles

    def widened(self, data: Dataset) -> Dataset:
        """A training table with these columns."""
        table = self.added_to(data.table)
        added = features_of(table, ("alive", "expected_orders"))
        return Dataset(table, np.hstack([data.features, added]), data.later)

    def said(self, profiles: pa.Table, horizon_days: float) -> Said:
        """What the model says of orders within any horizon."""
        known = _histories(profiles)
        days = np.full(len(known), float(horizon_days))
        return Said(self.orders.expected(known, float(horizon_days)), self.orders.rate(known), days)

    def order_worth(self, profiles: pa.Table) -> Floats:
        """(n,) what an order of each customer is worth, less what it sends back; 0 where no order is worth anything."""
        return np.zeros(profiles.num_rows) if self.worth is None else self.worth.expected(*_worth(profiles))

    def spend(self, profiles: pa.Table) -> Floats:
        """(n,) what each customer would spend within the horizon as long as it stays, less what it sends back."""
        rate = self.orders.rate(_histories(profiles))
        found: Floats = rate * self.horizon_days * self.order_worth(profiles)
        return found

    def to_json(self) -> dict[str, Any]:
        """As values that JSON can hold."""
        worth = None if self.worth is None else [self.worth.p, self.worth.q, self.worth.v]
        orders = [self.orders.r, self.orders.alpha, self.orders.s, self.orders.beta]
        return {"orders": orders, "worth": worth, "horizon_days": self.horizon_days}

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Rhythm:
        """From what `to_json` gave."""
        worth = None if saved["worth"] is None else GammaGamma(*saved["worth"])
        return cls(ParetoNBD(*saved["orders"]), worth, saved["horizon_days"])


def _histories(profiles: pa.Table) -> Histories:
    orders, age, since = features_of(profiles, ("orders", "tenure_days", "recency_days")).T
    again = orders - 1
    last = np.where(again > 0, np.clip(age - since, 0, age), 0.0)
    return Histories(again, last, age, np.ones(len(again)), np.zeros(len(again)))


def _worth(profiles: pa.Table) -> tuple[Floats, Floats]:
    """(n,) orders, and their mean worth after what was sent back."""
    orders, spend, refunded = features_of(profiles, ("orders", "spend", "refunded")).T
    return orders, np.maximum(spend - np.nan_to_num(refunded), 0.0) / orders
