"""Who is like a group of customers, and whether such customers really go on to do what the group did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.spatial import cKDTree

from regulars.customers import bought_within, withheld
from regulars.errors import InputError, NotEnoughError
from regulars.evaluation import wilson_interval
from regulars.events.schema import TIME
from regulars.segment.dataset import SCALED, behavior_model, comparable, known_as_of
from regulars.segment.space import Space

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]

NEIGHBOURS = 50
"""So many of the most alike customers are asked whether they are of the group."""
LEAST = 20
"""Members of a group, at least."""


@dataclass(frozen=True)
class Lift:
    """Of who did not have a product before a moment: do the most alike of those who had it buy it afterwards?

    Attributes
    ----------
    seed, asked : how many had it before, and how many most alike are looked at.
    share, low, high : of the alike who bought it in the days after; 95 % interval (Wilson).
    base : the same of all who did not have it before.
    """

    seed: int
    asked: int
    share: float
    low: float
    high: float
    base: float

    @property
    def lift(self) -> float:
        """Times as many as of all."""
        return self.share / self.base if self.base > 0 else float("nan")


def lookalikes(shop: Shop, seed: list[str], as_of: datetime, most: int = 100) -> pa.Table:
    """The customers most like a group, the likest first; nobody of the group is among them.

    Nor is whoever objected to profiling, or took consent to it back.

    Parameters
    ----------
    seed : customers, each by any of its ids; at least 20 have an order before the moment.
    most : how many to give.

    Returns
    -------
    rank, customer_id, likeness: the share of the group's members among the 50 customers nearest in every space at
    once (features, interests, behaviour vectors where there are), nearer ones counting more; 0 to 1.

    Raises
    ------
    InputError
        If `most` is below 1.
    NotEnoughError
        If fewer than 20 of the group are known, or too few customers in all.
    """
    if most < 1:
        raise InputError(f"{most} lookalikes were asked for; at least 1 is expected.")
    customers, points = _points(shop, as_of)
    moments = pa.repeat(pa.scalar(as_of, TIME), len(seed))
    pairs = pa.table({"customer_id": pa.array(seed, pa.string()), "as_of": moments})
    is_seed = np.isin(customers, np.array(shop.identities.customers(pairs).to_pylist(), str))
    _require(int(is_seed.sum()), as_of)
    likeness = likeness_to(points, is_seed)
    may = ~is_seed & ~np.isin(customers, np.array(withheld(shop, "profiling", as_of).to_pylist(), str))
    order = np.argsort(-np.where(may, likeness, -1.0), kind="stable")[: min(most, int(may.sum()))]
    return pa.table(
        {
            "rank": pa.array(np.arange(1, len(order) + 1)),
            "customer_id": pa.array(customers[order].tolist(), pa.string()),
            "likeness": pa.array(likeness[order].round(4)),
        }
    )


def lift(shop: Shop, product_id: str, as_of: datetime, days: int, share: float = 0.1) -> Lift:
    """How much likelier buyers' lookalikes are to buy than others, by what came after a moment.

    Parameters
    ----------
    product_id : whose buyers before the moment are the group.
    share : of the other customers, the most alike, are looked at.

    Raises
    ------
    NotEnoughError
        If the product has fewer than 20 buyers before the moment.
    """
    seed = buyers(shop, product_id, as_of)
    customers, points = _points(shop, as_of)
    is_seed = np.isin(customers, np.array(seed, str))
    _require(int(is_seed.sum()), as_of)
    pairs = shop.customers(as_of)
    later = bought_within(shop, pairs, days)
    buys = np.zeros(len(customers), bool)
    buys[later.filter(pc.equal(later["product_id"], product_id))["place"].to_numpy()] = True
    others = np.flatnonzero(~is_seed)
    likeness = likeness_to(points, is_seed)[others]
    asked = others[np.argsort(-likeness, kind="stable")[: max(round(share * len(others)), 1)]]
    low, high = wilson_interval(np.array([buys[asked].sum()]), np.array([len(asked)]))
    return Lift(
        seed=int(is_seed.sum()),
        asked=len(asked),
        share=float(buys[asked].mean()),
        low=float(low[0]),
        high=float(high[0]),
        base=float(buys[others].mean()),
    )


def buyers(shop: Shop, product_id: str, as_of: datetime) -> list[str]:
    """The customers who ordered a product before a moment, by id."""
    events = shop.events
    bought = events.filter(
        events.type == "order_completed", events.product_id == product_id, events.time < ibis.literal(as_of)
    )
    bought = shop.identities.named(bought, as_of)
    found = shop.engine.to_arrow(bought.select("customer_id").distinct())["customer_id"].drop_null()
    return sorted(found.to_pylist())


def likeness_to(points: Floats, is_seed: npt.NDArray[np.bool_]) -> Floats:
    """(n,) share of a group among each point's nearest others, weighted by how near they are.

    >>> points = np.array([[0.0], [0.1], [0.2], [9.0], [9.1]])
    >>> likeness_to(points, np.array([True, True, False, False, False])).round(2).tolist()
    [0.47, 0.45, 0.9, 0.16, 0.15]
    """
    count = min(NEIGHBOURS + 1, len(points))
    distance, other = cKDTree(points).query(points, k=count)
    # Each is its own nearest, unless others lie on the same spot.
    is_other = other != np.arange(len(points))[:, None]
    scale = np.median(distance[:, -1]) / 10 + 1e-9
    weight = np.where(is_other, 1 / (distance + scale), 0.0)
    found: Floats = (weight * is_seed[other]).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-12)
    return found


def _points(shop: Shop, as_of: datetime) -> tuple[npt.NDArray[np.str_], Floats]:
    """Customers, and where they lie in all spaces at once, each of which counts alike."""
    pairs = shop.customers(as_of)
    if not pairs.num_rows:
        raise NotEnoughError(f"segment: no customer has an order before {as_of:%Y-%m-%d}; at least {LEAST} are needed.")
    known = known_as_of(shop, pairs, behavior_model(shop, as_of))
    parts = []
    for name, values in comparable(known).items():
        points = Space.of(values, scaled=SCALED[name]).points(values)
        parts.append(points / max(float(np.sqrt((points**2).sum(axis=1).mean())), 1e-9))
    return known.customers, np.hstack(parts)


def _require(members: int, as_of: datetime) -> None:
    if members < LEAST:
        raise NotEnoughError(
            f"segment: {members} of the group have an order before {as_of:%Y-%m-%d}; at least {LEAST} are needed to "
            "tell who is like them. Name more customers, or a product that more have bought."
        )
