"""Behaviour vectors as columns beside the named features: few of them, of the very model they were learned with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from safetensors.numpy import load, save

from regulars.capability import Rows
from regulars.events.schema import TIME

if TYPE_CHECKING:
    import ibis

    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]

BEGINNING = "behavior_"
"""Of the names of the columns; none of them is a reason, for none has a meaning in words."""
FILE = "vectors.safetensors"
"""Of a model that has such columns."""
MOST = 16
"""Columns: the tables are small, and each column that says little costs something."""


@dataclass(frozen=True)
class VectorColumns:
    """Behaviour vectors, reduced to where they differ most among the customers learned from (principal components).

    Attributes
    ----------
    version, is_earlier : which behaviour model's vectors they are; those of another have nothing in common with them.
    middle : (D,) what is taken off.
    axes : (D, k) from vectors to columns.

    Examples
    --------
    >>> three = np.array([[0.0, 0.0], [0.0, 2.0], [0.0, 4.0]])
    >>> VectorColumns.of(1, False, three, most=1)(three).tolist()
    [[-2.0], [0.0], [2.0]]
    """

    version: int
    is_earlier: bool
    middle: Floats
    axes: Floats

    @classmethod
    def of(cls, version: int, is_earlier: bool, vectors: Floats, most: int = MOST) -> VectorColumns:
        """Fitted to the vectors (n, D) of the rows learned from."""
        middle = vectors.mean(axis=0)
        # In the order of what they explain, most first: eigh gives the least first.
        axes = np.linalg.eigh(np.cov(vectors - middle, rowvar=False))[1][:, ::-1][:, :most]
        # An axis has no direction of its own; its largest part points up, so that the same rows give the same columns.
        largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=0)[None], 0)
        return cls(version, is_earlier, middle, np.ascontiguousarray(axes * np.sign(largest)))

    def __call__(self, vectors: Floats) -> Floats:
        """(n, k) of vectors (n, D). Rounded: sums of floats differ in their last bits from one machine to another."""
        found: Floats = ((vectors - self.middle) @ self.axes).round(4) + 0.0
        return found

    @property
    def names(self) -> list[str]:
        """Of the columns: `behavior_0`, `behavior_1`, …"""
        return [f"{BEGINNING}{number}" for number in range(self.axes.shape[1])]

    def to_bytes(self) -> bytes:
        """As safetensors."""
        model = np.array([self.version, int(self.is_earlier)])
        return save({"model": model, "middle": self.middle, "axes": self.axes})

    @classmethod
    def from_bytes(cls, data: bytes) -> VectorColumns:
        """From what `to_bytes` gave."""
        saved = load(data)
        version, is_earlier = saved["model"].tolist()
        return cls(version, bool(is_earlier), saved["middle"], saved["axes"])


@dataclass(frozen=True)
class Tried:
    """Whether vectors of a behaviour model help, by the smallest log loss at a later moment with them and without.

    Attributes
    ----------
    version, is_earlier : which behaviour model.
    """

    version: int
    is_earlier: bool
    with_vectors: float
    without: float

    @property
    def help(self) -> bool:
        """Whether the loss is smaller with them."""
        return self.with_vectors < self.without

    def __str__(self) -> str:
        found = f"log loss {self.with_vectors:.4f} with them, {self.without:.4f} without, by a later outcome"
        if self.help:
            return f"Vectors of behaviour model {self.version} are used beside the features: {found}."
        return f"Vectors of behaviour model {self.version} are left out, for they do not help: {found}."


def vectors(shop: Shop, table: pa.Table, version: int, is_earlier: bool) -> Floats:
    """(n, D) of the customers and moments of a table, by one model."""
    from regulars import behavior  # noqa: PLC0415

    model = behavior.load(shop, version, is_earlier=is_earlier).model
    return behavior.vectors(shop, table.select(["customer_id", "as_of"]), model).astype(np.float64).round(4)


def with_columns(shop: Shop, profiles: pa.Table, columns: VectorColumns | None) -> pa.Table:
    """A table of profiles with a behaviour vector's columns at its end; as it is where there are none."""
    if columns is None:
        return profiles
    found = columns(vectors(shop, profiles, columns.version, columns.is_earlier))
    for name, column in zip(columns.names, found.T, strict=True):
        profiles = profiles.append_column(name, pa.array(np.ascontiguousarray(column)))
    return profiles


def joined(shop: Shop, rows: Rows, customers: ibis.Table, as_of: datetime, columns: VectorColumns | None) -> Rows:
    """As `with_columns`, of rows that are not computed yet: of the vectors alone all customers are in memory."""
    if columns is None:
        return rows
    ids = shop.engine.to_arrow(customers.select("customer_id").order_by("customer_id"))
    pairs = ids.append_column("as_of", pa.repeat(pa.scalar(as_of, TIME), ids.num_rows))
    found = with_columns(shop, pairs, columns).drop_columns(["as_of"])
    schema = pa.schema([*rows.schema, *(pa.field(name, pa.float64()) for name in columns.names)])
    return Rows(rows.table.inner_join(shop.engine.table(found), "customer_id"), schema)


def are_named(names: Sequence[str]) -> npt.NDArray[np.bool_]:
    """(k,) which of a model's columns are named features, not of a vector.

    >>> are_named(("orders", "behavior_0")).tolist()
    [True, False]
    """
    return np.array([not name.startswith(BEGINNING) for name in names], bool)
