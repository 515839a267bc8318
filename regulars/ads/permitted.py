"""Who may be shown ads as of a moment, and why the others may not."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars import capability as capabilities
from regulars.ads.bought import bought
from regulars.ads.delivery import excluded
from regulars.ads.delivery.exclusion import all_of
from regulars.customers import customers_as_of, of_age, withheld
from regulars.customers.age import AGE, BIRTH
from regulars.errors import NotEnoughError, NotFoundError

if TYPE_CHECKING:
    from regulars.shop import Shop

PURPOSES = ("ads", "marketing", "profiling")
"""What an ad for a known customer is: whoever forbids one of them is left out."""


@dataclass(frozen=True)
class Permitted:
    """The customers of a moment.

    Attributes
    ----------
    pairs : (n,) customer_id and as_of of those who may be shown ads.
    reasons : of those who may not, how many for which reason.
    """

    pairs: pa.Table
    reasons: Counter[str]

    @property
    def left_out(self) -> int:
        """How many may not."""
        return self.reasons.total()


def permitted(shop: Shop, as_of: datetime, products: Collection[str] = ()) -> Permitted:
    """Of the customers with an order before a moment, who may be shown ads.

    Who told an age, or a birthday, and is not of age, is left out; who told none is not known to be a child.

    Parameters
    ----------
    products : what is advertised: who has all of it is left out. Empty where that is not known.

    Raises
    ------
    NotEnoughError
        If there is nobody, or nobody may.
    """
    pairs = shop.customers(as_of)
    if not pairs.num_rows:
        raise NotEnoughError(f"ads: no customer has an order before {as_of:%Y-%m-%d}. Choose a later as-of time.")
    ids = pairs["customer_id"].to_pylist()
    settings = shop.config.ads
    forbidden = [one for purpose in PURPOSES for one in withheld(shop, purpose, as_of).to_pylist()]
    flags: dict[str, npt.ArrayLike] = {
        "objected": all_of(ids, forbidden),
        "minor": all_of(ids, _minors(shop, as_of)),
        "complained": all_of(ids, _lately(shop, as_of, ("support_asked", "order_refunded"), settings.complained_days)),
        "fraud": _suspected(shop, pairs, settings.most_suspicion),
        "bought": all_of(ids, _lately(shop, as_of, ("order_completed",), settings.bought_days)),
        "has": _having(shop, as_of, ids, products),
    }
    out, why = excluded(len(ids), flags)
    reasons = Counter(one for one in why if one is not None)
    if out.all():
        said = "; ".join(f"{count:,} {reason}" for reason, count in reasons.most_common())
        raise NotEnoughError(f"ads: none of {len(ids):,} customers may be shown ads: {said}. See [ads] in shop.toml.")
    return Permitted(pairs.filter(pa.array(~out)), reasons)


def _minors(shop: Shop, as_of: datetime) -> list[str]:
    known = customers_as_of(shop, as_of).select(["customer_id", "attributes"])
    told = [
        row["customer_id"]
        for row in known.to_pylist()
        if row["attributes"] and any(name in json.loads(row["attributes"]) for name in (*AGE, *BIRTH))
    ]
    adults = set(of_age(shop, as_of).to_pylist()) if told else set()
    return [one for one in told if one not in adults]


def _lately(shop: Shop, as_of: datetime, types: tuple[str, ...], days: int) -> list[str]:
    events = shop.events
    since = ibis.literal(as_of - timedelta(days=days))
    some = events.filter(events.type.isin(types), events.time < ibis.literal(as_of), events.time >= since)
    named = shop.identities.named(some.select("customer_id", "anonymous_id"), as_of)
    found = shop.engine.to_arrow(named.filter(named.customer_id.notnull()).select("customer_id").distinct())
    ids: list[str] = found["customer_id"].to_pylist()
    return ids


def _having(shop: Shop, as_of: datetime, ids: list[str], products: Collection[str]) -> list[bool]:
    """Who has all of what is advertised."""
    if not products:
        return [False] * len(ids)
    known = bought(shop, as_of, products)
    return [all(known.has(one, product, as_of) for product in products) for one in ids]


def _suspected(shop: Shop, pairs: pa.Table, most: float) -> npt.NDArray[np.bool_]:
    """Who is suspected of abuse, as far as another capability knows of it."""
    nobody = np.zeros(pairs.num_rows, bool)
    if "fraud" not in capabilities.names():
        return nobody
    try:
        found = shop.tables.of("fraud", pairs)
    except (NotFoundError, NotEnoughError):
        return nobody
    suspicion = found["abuse_suspicion"].fill_null(0.0).to_numpy()
    return np.asarray(suspicion > most)
