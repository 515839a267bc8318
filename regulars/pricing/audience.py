"""What a discount would bring of each customer: what it would spend, what that costs, how it answers prices.

What a discount gives away is sure, what it brings is not. So whom one is given is decided by a doubtful look at each
(`Audience.doubted`): a discount must be a gain with the chance `least_chance`, as a new list price must. Which of those
that are is best is decided by what is believed in the mean, and lots go on asking all, or nobody would ever be known.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import TYPE_CHECKING

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import norm

from regulars.pricing.caring import caring_of
from regulars.pricing.guard import UNKNOWN
from regulars.pricing.model import PricingModel

if TYPE_CHECKING:
    from regulars.pricing.products import Products
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]

PAST_DAYS = 182
SHRUNK = 20.0
"""A customer's own mix of products counts beside that of all as if the latter were so many lines."""
FEATURES = ("spend", "elasticity", "caring", "cost_share", "lifetime")
"""What a personal discount hangs on, and nothing else."""


@dataclass(frozen=True)
class Audience:
    """Customers, (n,) each.

    Attributes
    ----------
    spend : expected within the horizon at list prices, in the shop's currency.
    elasticity : of what the customer buys. error : of it, from those of the products.
    caring : in [0, 1], how far the customer's own purchases at reduced prices bear that out, at the end of their
        interval that speaks against it: 0 for who is not known to look at prices. 1 where it was not looked at.
    cost_share : share of that spend that the products cost; the shop's where none is known.
    lifetime : the margin that is to come for each unit of that of late, over that of all; see `lifetime_of`. 1 where
        it was not looked at.
    """

    spend: Floats
    elasticity: Floats
    error: Floats
    caring: Floats
    cost_share: Floats
    lifetime: Floats

    def where(self, rows: npt.NDArray[np.int64]) -> Audience:
        """Some of them."""
        return Audience(*(getattr(self, field.name)[rows] for field in fields(self)))

    def doubted(self, chance: float) -> Audience:
        """The same customers, answering prices as little as they may with the chance `chance` that it is more.

        Examples
        --------
        >>> one = np.array([1.0])
        >>> Audience(one, -3 * one, 0.5 * one, 0.5 * one, one, one).doubted(0.5).elasticity.tolist()
        [-1.5]
        """
        least = np.minimum(self.elasticity + norm.ppf(chance) * self.error, 0.0) * self.caring
        return replace(self, elasticity=np.maximum(self.elasticity, least))

    def gain(self, levels: npt.ArrayLike, lifetime_weight: float) -> tuple[Floats, Floats]:
        """What discounts add and give away.

        With spend S at list prices, elasticity e, cost share c and discount d, the customer buys (1 - d)^e as much:

            margin = S (1 - d)^e (1 - d - c),     given away = S (1 - d)^e d

        and each order more brings `lifetime_weight` of its own margin at list prices again, later; that times
        `lifetime` for each customer.

        Parameters
        ----------
        levels : (k,) shares, or (n, k) shares for each.

        Returns
        -------
        (n, k) gain over no discount and (n, k) given away, in the shop's currency.

        Examples
        --------
        >>> one = np.array([1.0])
        >>> ada = Audience(100 * one, -4 * one, 0 * one, one, 0.5 * one, lifetime=2 * one)
        >>> gain, spend = ada.gain([0.0, 0.1], lifetime_weight=0.0)
        >>> gain.round(2).tolist(), spend.round(2).tolist()
        ([[0.0, 10.97]], [[0.0, 15.24]])
        >>> (ada.gain([0.1], lifetime_weight=0.5)[0] - gain[:, 1:]).round(2).tolist()  # 0.5 x 2 x (1.524 - 1) x 50
        [[26.21]]
        """
        off = np.asarray(levels, np.float64)
        more = (1 - off) ** self.elasticity[:, None]
        margin = more * (1 - off - self.cost_share[:, None])
        plain = (1 - self.cost_share)[:, None]
        later = lifetime_weight * self.lifetime[:, None] * (more - 1) * plain
        return self.spend[:, None] * (margin - plain + later), self.spend[:, None] * more * off


def audience(
    shop: Shop, customer_ids: pa.Array, as_of: datetime, products: Products, model: PricingModel, horizon_days: int,
    least_chance: float,
) -> Audience:  # fmt: skip
    """What is known of customers before a moment.

    What they will spend is what they spent in the last 182 days, for as many days as the horizon; of who is new, since
    the first order (28 days at least). Of who bought too little to tell, `caring` is that of any customer.
    """
    events = shop.events
    begin = ibis.literal(as_of) - ibis.interval(days=PAST_DAYS)
    orders = events.filter(
        events.type == "order_completed", events.time < ibis.literal(as_of), events.time >= begin, events.unit_price > 0
    )
    orders = shop.identities.named(
        orders.select("customer_id", "anonymous_id", "product_id", "unit_price", "quantity", "time"), as_of
    )
    orders = orders.mutate(paid=orders.unit_price.cast("float64") * orders.quantity.fill_null(1.0))
    lines = orders.group_by("customer_id", "product_id").agg(
        paid=orders.paid.sum(), lines=orders.count(), first=orders.time.min()
    )
    table = shop.engine.to_arrow(lines.order_by("customer_id", "product_id"))
    who = pc.index_in(table["customer_id"], customer_ids)
    table, who = table.filter(pc.is_valid(who)), np.asarray(who.drop_null())
    count = len(customer_ids)
    names = [product if product in products.place else None for product in table["product_id"].to_pylist()]
    place = np.array([UNKNOWN if name is None else products.place[name] for name in names], np.int64)
    there = place >= 0
    (elasticity_of, error_of), cost_of = model.elasticity_of(products.ids), _cost_share(products)
    middle = float(np.nanmedian(cost_of)) if np.isfinite(cost_of).any() else np.nan
    each_e = np.where(there, elasticity_of[place] if len(elasticity_of) else 0.0, model.common)
    each_error = np.where(there, error_of[place] if len(error_of) else 0.0, model.spread)
    each_c = np.where(there, cost_of[place] if len(cost_of) else 0.0, np.nan)
    paid, weight = table["paid"].to_numpy(), table["lines"].to_numpy().astype(float)
    days = (as_of.timestamp() - table["first"].cast(pa.int64()).to_numpy() / 1e6) / 86_400
    since = np.zeros(count)
    np.maximum.at(since, who, days)
    total = float(weight.sum())
    common = float((weight * each_e).sum() / total) if total else model.common
    lines_of = np.bincount(who, weight, count)
    elasticity = (np.bincount(who, weight * each_e, count) + SHRUNK * common) / (lines_of + SHRUNK)
    # Errors of products go together, for most of each is that of all: their mean, not that of independent ones.
    usual = float((weight * each_error).sum() / total) if total else model.spread
    error = (np.bincount(who, weight * each_error, count) + SHRUNK * usual) / (lines_of + SHRUNK)
    known = np.isfinite(each_c)
    paid_known = np.bincount(who[known], paid[known], count)
    share = np.divide(
        np.bincount(who[known], paid[known] * each_c[known], count), paid_known, out=np.full(count, middle),
        where=paid_known > 0,
    )  # fmt: skip
    spend = np.bincount(who, paid, count) * horizon_days / np.clip(since, 28.0, PAST_DAYS)
    caring = caring_of(shop, customer_ids, as_of, least_chance)
    return Audience(
        spend.round(4),
        elasticity.round(6),
        error.round(6),
        caring.round(6),
        np.clip(share, 0.0, 1.0).round(6),
        np.ones(count),
    )


def _cost_share(products: Products) -> Floats:
    found: Floats = np.where(products.cost > UNKNOWN, products.cost / products.price, np.nan)
    return found
