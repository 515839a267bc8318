"""What each group of customers is worth: its share of revenue and margin, who leaves, and what is spent next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.segment.dataset import Known

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

COSTED = 0.5
"""Share of revenue whose unit costs must be known for a margin to be told."""


class After(NamedTuple):
    """What followed a moment: (n,) whether each customer placed no order, and what each spent."""

    is_lost: npt.NDArray[np.bool_]
    spend: Floats


@dataclass(frozen=True)
class Worth:
    """Each customer's part in what the shop earned before a moment.

    Attributes
    ----------
    revenue : (n,) spend less what was given back.
    margin : (n,) of order lines whose unit cost is known; None where it is known of too few.
    """

    revenue: Floats
    margin: Floats | None


@dataclass(frozen=True)
class GroupValue:
    """A group's worth; shares are of all customers', nothing is known of an outcome that is not over.

    Attributes
    ----------
    churn, spend : share who placed no order in the days after, and mean spend of a customer in them.
    """

    customers: int
    revenue_share: float
    margin_share: float | None
    churn: float | None
    spend: float | None


def after(shop: Shop, pairs: pa.Table, days: int) -> After:
    """What customers did in the days from a moment on, by all ids that are theirs at the end of those days.

    Parameters
    ----------
    pairs : (n,) customer_id and as_of.
    """
    ends = pc.add(pairs["as_of"], pa.scalar(days * 86_400_000_000, pa.duration("us")))
    at_the_end = pairs.select(["customer_id", "as_of"]).set_column(1, "as_of", ends)
    members = shop.engine.table(shop.identities.members(at_the_end))
    lines = shop.identities.raw(shop.events)
    lines = lines.filter(lines.type == "order_completed")
    lines = lines.select("customer_id", "time", value=lines.quantity * lines.unit_price.cast("float64"))
    horizon: Any = ibis.interval(days=days)
    met = lines.join(members, "customer_id")
    met = met.filter(met.time < met.as_of, met.time >= met.as_of - horizon)
    found = shop.engine.to_arrow(met.group_by("place").agg(value=met.value.sum()))
    spend, is_lost = np.zeros(pairs.num_rows), np.ones(pairs.num_rows, bool)
    place = found["place"].to_numpy()
    spend[place] = np.nan_to_num(found["value"].to_numpy(zero_copy_only=False)).round(2)
    is_lost[place] = False
    return After(is_lost, spend)


def worth(shop: Shop, known: Known) -> Worth:
    """What customers brought before their one moment."""

    def column(name: str) -> Floats:
        if name not in known.profiles.column_names:
            return np.zeros(len(known))
        found: Floats = np.nan_to_num(known.profiles[name].to_numpy(zero_copy_only=False))
        return found

    revenue = column("spend") - column("refunded")
    moment = known.profiles["as_of"][0].as_py()
    costs = shop.catalogue
    costs = costs.filter(costs.unit_cost.notnull(), costs.valid_from < ibis.literal(moment))
    costs = costs.group_by("product_id").agg(cost=costs.unit_cost.cast("float64").argmax(costs.valid_from))
    lines = shop.events.filter(ibis._.type == "order_completed", ibis._.time < ibis.literal(moment))
    lines = shop.identities.named(lines, moment)
    sold = lines.select("customer_id", "product_id", "quantity", price=lines.unit_price.cast("float64"))
    sold = sold.filter(sold.customer_id.notnull()).join(costs, "product_id")
    found = shop.engine.to_arrow(
        sold.group_by("customer_id").agg(
            margin=(sold.quantity * (sold.price - sold.cost)).sum(), costed=(sold.quantity * sold.price).sum()
        )
    )
    if np.nansum(found["costed"].to_numpy(zero_copy_only=False)) < COSTED * max(column("spend").sum(), 1e-9):
        return Worth(revenue, None)
    whose = shop.identities.customers(known.profiles.select(["customer_id", "as_of"]))
    row = pc.index_in(whose, found["customer_id"].combine_chunks())
    margin = found["margin"].take(row).to_numpy(zero_copy_only=False)
    return Worth(revenue, np.nan_to_num(margin).round(2))


def by_group(label: Ints, count: int, earned: Worth, then: After | None) -> list[GroupValue]:
    """The value of each of so many groups.

    Parameters
    ----------
    label : (n,) the group of each customer; below 0 for none.
    then : what followed; None if it is not over.

    Examples
    --------
    >>> earned = Worth(np.array([30.0, 10.0]), None)
    >>> by_group(np.array([0, 1]), 2, earned, After(np.array([False, True]), np.array([5.0, 0.0])))[0]
    GroupValue(customers=1, revenue_share=0.75, margin_share=None, churn=0.0, spend=5.0)
    """
    inside = label >= 0
    size = np.bincount(label[inside], minlength=count)

    def total(values: Floats) -> Floats:
        return np.bincount(label[inside], values[inside], count).astype(np.float64)

    def share(values: Floats) -> Floats:
        whole = values.sum()
        return total(values) / whole if whole > 0 else np.zeros(count)

    revenue = share(earned.revenue)
    margin = None if earned.margin is None else share(earned.margin)
    each = np.maximum(size, 1)
    churn = None if then is None else total(then.is_lost.astype(float)) / each
    spend = None if then is None else total(then.spend) / each
    return [
        GroupValue(
            customers=int(size[k]),
            revenue_share=float(revenue[k]),
            margin_share=None if margin is None else float(margin[k]),
            churn=None if churn is None or not size[k] else float(churn[k]),
            spend=None if spend is None or not size[k] else float(spend[k]),
        )
        for k in range(count)
    ]
