"""The shop's own measure as of a moment: learned from before it, or worked out now."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import pyarrow as pa

from regulars.profile.base import Base, sampled
from regulars.profile.dataset import features_as_of
from regulars.profile.model import Norms

if TYPE_CHECKING:
    from regulars.shop import Shop


QUICKLY = 1_000
"""So many customers at most tell how the shop is while somebody waits for it: ranks are off by 3 % at most, 19 times
of 20."""


def measure(shop: Shop, as_of: datetime) -> Norms:
    """From the customers with an order before a moment; where there is none, all ranks and shares are absent."""
    return _of(shop, as_of, shop.customers(as_of), Base.of(shop, as_of))


def _of(shop: Shop, as_of: datetime, customers: pa.Table, base: Base) -> Norms:
    settings = shop.config.profile
    table = features_as_of(shop, customers)
    return Norms.of(table, new_days=settings.new_days, won_back_days=settings.won_back_days, base=base)


_LAST: WeakKeyDictionary[Shop, tuple[tuple[int, datetime], Norms]] = WeakKeyDictionary()
"""Of each open shop, what was worked out last, and of which version of the log as of which moment."""


def measure_in_use(shop: Shop, as_of: datetime) -> Norms:
    """What was learned, if it was learned from before the moment; else worked out now, from `QUICKLY` customers.

    Once for all customers that are looked at as of one moment, since it takes seconds.
    """
    version = shop.models.version_in_use("profile")
    if version is not None:
        model = shop.models.get("profile", version)
        if datetime.fromisoformat(model.card["until"]) <= as_of:
            try:
                return Norms.from_bytes(model.read("norms.json"))
            except KeyError:
                # Of a version that knew less: worked out now, until it is learned again.
                pass
    asked = (shop.log.version, as_of)
    if shop not in _LAST or _LAST[shop][0] != asked:
        some = sampled(shop.customers(as_of), QUICKLY)
        _LAST[shop] = asked, _of(shop, as_of, some, Base.of(shop, as_of, QUICKLY))
    return _LAST[shop][1]
