"""The shop's own measure as of a moment: learned from before it, or worked out now."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from regulars.profile.base import Base, Sample
from regulars.profile.dataset import features_as_of
from regulars.profile.model import Norms

if TYPE_CHECKING:
    from regulars.shop import Shop


def measure(shop: Shop, as_of: datetime) -> Norms:
    """From the customers with an order before a moment, of a large shop from a sample of them; where there is none,
    all ranks and shares are absent."""
    settings, sample = shop.config.profile, Sample.of(shop, as_of)
    table = features_as_of(shop, sample.customers, sample.events)
    base = Base.of(shop, sample)
    return Norms.of(table, new_days=settings.new_days, won_back_days=settings.won_back_days, base=base)


def measure_in_use(shop: Shop, as_of: datetime) -> Norms:
    """What was learned, if it was learned from before the moment; else worked out now.

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
    return shop.of_log("profile norms", lambda: measure(shop, as_of), as_of)
