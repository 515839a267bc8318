"""Which customers are most like one, and in what?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.behaving import model_before
from regulars.customers import withheld
from regulars.events.schema import TIME
from regulars.profile.dataset import KEYS, features_as_of
from regulars.units import shown

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]

MOST = 20_000
"""So many customers at most are compared; of a large shop, those that ordered last."""
APART = 1.0
"""Standard deviations from the middle, from which on a feature is worth naming."""
REASONS = 3


class Near(NamedTuple):
    """A customer who is like another.

    Attributes
    ----------
    likeness : cosine of behaviour vectors or of standardised features, at most 1.
    by : "behavior" or "features".
    why : what both have in common and most customers have not, in words.
    """

    customer_id: str
    likeness: float
    by: str
    why: tuple[str, ...]


def nearest(shop: Shop, customer_id: str, as_of: datetime, k: int) -> list[Near]:
    """The k customers most like one; by behaviour vectors where a model is old enough, else by features.

    Whoever objected to profiling is not among them. There must be a customer with an order before the moment.
    """
    others = shop.customers(as_of)
    may = pc.invert(pc.is_in(others["customer_id"], withheld(shop, "profiling", as_of)))
    others = others.filter(pc.and_(may, pc.not_equal(others["customer_id"], customer_id)))
    table = features_as_of(shop, pa.concat_tables([_one(customer_id, as_of), others]))
    if table.num_rows > MOST and "recency_days" in table.column_names:
        # The customer itself stays the first.
        order = np.argsort(table["recency_days"].to_numpy(zero_copy_only=False)[1:], kind="stable")[:MOST]
        table = table.take(pa.array(np.concatenate([[0], order + 1])))
    standard = standardised(table)
    kept = model_before(shop, as_of)
    if kept is None:
        by, vectors = "features", standard
    else:
        from regulars import behavior  # noqa: PLC0415

        vectors = behavior.vectors(shop, table.select(KEYS), kept.model).astype(np.float64)
        by, vectors = "behavior", vectors - vectors.mean(axis=0)
    likeness = likeness_to_first(vectors)
    order = np.lexsort((table["customer_id"].to_numpy(zero_copy_only=False)[1:].astype(str), -likeness.round(6)))[:k]
    names = [name for name in table.column_names if name not in KEYS]
    return [
        Near(
            table["customer_id"][int(row) + 1].as_py(),
            round(float(likeness[row]), 4),
            by,
            tuple(in_common(table, names, standard, int(row) + 1, shop.config.shop.currency)),
        )
        for row in order
    ]


def likeness_to_first(vectors: Floats) -> Floats:
    """(n - 1,) cosines of all vectors but the first with it; 0 of what has no length.

    >>> likeness_to_first(np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 0.0]])).tolist()
    [1.0, 0.0, 0.0]
    """
    length = np.linalg.norm(vectors, axis=1)
    found: Floats = vectors[1:] @ vectors[0] / np.maximum(length[1:] * length[0], 1e-12)
    return found


def standardised(table: pa.Table) -> Floats:
    """(n, k) features of a profile table, each with mean 0 and spread 1, at most three; 0 where it is absent."""
    names = [name for name in table.column_names if name not in KEYS]
    values = np.column_stack([table[name].to_numpy(zero_copy_only=False) for name in names]).astype(np.float64)
    # Counts and money have long tails: without the logarithm one customer would be all of the spread.
    values = np.sign(values) * np.log1p(np.abs(values))
    there = np.isfinite(values)
    values = np.where(there, values, 0.0)
    count = np.maximum(there.sum(axis=0), 1)
    mean = values.sum(axis=0) / count
    left = np.where(there, values - mean, 0.0)
    spread = np.sqrt((left**2).sum(axis=0) / count)
    return np.clip(np.where(spread > 1e-9, left / np.maximum(spread, 1e-9), 0.0), -3.0, 3.0)


def in_common(table: pa.Table, names: Sequence[str], standard: Floats, row: int, currency: str) -> list[str]:
    """What the first customer and another have in common, and most have not: three features of different kinds."""
    first, other = standard[0], standard[row]
    shared = np.where(first * other > 0, np.minimum(abs(first), abs(other)) - abs(first - other), -np.inf)
    shared[np.minimum(abs(first), abs(other)) < APART] = -np.inf
    said: dict[str, str] = {}
    for k in np.argsort(-shared, kind="stable").tolist():
        if len(said) == REASONS or not np.isfinite(shared[k]):
            break
        about = table.schema.field(names[k]).metadata
        unit = about[b"unit"].decode()
        own, others = (shown(table[names[k]][at].as_py(), unit, currency) for at in (0, row))
        typical = shown(float(np.nanmedian(table[names[k]].to_numpy(zero_copy_only=False))), unit, currency)
        words = f"{about[b'meaning'].decode()}: {own} and {others} (typically {typical})"
        # "orders_30d", "order_days" and "orders" say much the same.
        said.setdefault(names[k].split("_", maxsplit=1)[0].removesuffix("s"), words)
    return list(said.values())


def _one(customer_id: str, as_of: datetime) -> pa.Table:
    return pa.table({"customer_id": [customer_id], "as_of": pa.array([as_of], TIME)})
