"""Moments of metrics by arm and look, added up in the engine in one pass over customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.experiment.metrics import Metric
from regulars.experiment.stats import Moments

if TYPE_CHECKING:
    from regulars.engine import Engine

Ints = npt.NDArray[np.int64]

Quantities = Mapping[str, Sequence[Any]]
"""Under a name the expressions of a customer's values whose moments are wanted together."""

_DAY = 86_400_000_000


def looks_of(exposed_at: pa.ChunkedArray, days: int, looks: Sequence[datetime]) -> Ints:
    """At which look each customer first counts, its days being over; len(looks) for not yet."""
    moments = exposed_at.cast(pa.int64()).to_numpy() + days * _DAY
    ends = np.array([round(look.timestamp() * 1e6) for look in looks])
    return np.asarray(np.searchsorted(ends, moments), np.int64)


def quantities_of(rows: ibis.Table, number: int, metric: Metric, cuts: Mapping[str, float]) -> list[Any]:
    """The values of metric `number` of `per_customer`: value and value before; of a ratio both with what is below it.

    Parameters
    ----------
    cuts : for a column the value that is the most.
    """
    names = [f"value_{number}", f"before_{number}"]
    if metric.kind == "ratio":
        names = [f"value_{number}", f"over_{number}", f"before_{number}", f"over_before_{number}"]
    return [ibis.least(rows[name], cuts[name]) if name in cuts else rows[name] for name in names]


def cuts_of(engine: Engine, rows: ibis.Table, shares: Mapping[str, float]) -> dict[str, float]:
    """Of each column the quantile above which it is cut down, of all customers together, so that arms are cut alike."""
    wanted = {name: share for name, share in shares.items() if share < 1}
    if not wanted:
        return {}
    found = engine.to_arrow(rows.aggregate(**{name: rows[name].quantile(share) for name, share in wanted.items()}))
    return {name: float(value) for name, value in found.to_pylist()[0].items() if value is not None}


def moments(
    engine: Engine, rows: ibis.Table, by: Sequence[str], shape: Sequence[int], quantities: Quantities
) -> dict[str, Sums]:
    """Counts, sums and sums of products of quantities, for each group of customers; one query.

    Parameters
    ----------
    by : columns of whole numbers that group customers.
    shape : how many of each there are; customers beyond are left out.
    """
    inside = rows.filter(*((rows[name] >= 0) & (rows[name] < count) for name, count in zip(by, shape, strict=True)))
    made: dict[str, Any] = {"customers": inside.count()}
    for name, columns in quantities.items():
        for i, left in enumerate(columns):
            made[f"{name} {i}"] = left.sum()
            for j, right in enumerate(columns[i:], start=i):
                made[f"{name} {i} {j}"] = (left * right).sum()
    found = engine.to_arrow(inside.group_by(list(by)).agg(**made))
    at = tuple(found[name].to_numpy() for name in by)

    def filled(column: str) -> npt.NDArray[np.float64]:
        whole = np.zeros(tuple(shape))
        whole[at] = found[column].cast(pa.float64()).fill_null(0.0).to_numpy()
        return whole

    counts = filled("customers")
    result = {}
    for name, columns in quantities.items():
        k = len(columns)
        sums = np.stack([filled(f"{name} {i}") for i in range(k)], -1)
        products = np.zeros((*shape, k, k))
        for i in range(k):
            for j in range(i, k):
                products[..., i, j] = products[..., j, i] = filled(f"{name} {i} {j}")
        result[name] = Sums(counts, sums, products)
    return result


class Sums:
    """What the engine added up of some quantities: counts (shape), sums (shape, k), products (shape, k, k)."""

    def __init__(
        self, counts: npt.NDArray[np.float64], sums: npt.NDArray[np.float64], products: npt.NDArray[np.float64]
    ) -> None:
        self.counts, self.sums, self.products = counts, sums, products

    def cumulated(self) -> Sums:
        """All up to each of the first axis: what was known at each look."""
        return Sums(self.counts.cumsum(0), self.sums.cumsum(0), self.products.cumsum(0))

    def at(self, *place: int) -> Moments:
        """The moments of one group."""
        return Moments.from_sums(int(self.counts[place]), self.sums[place], self.products[place])
