"""How long a test must run at this shop: variance and traffic from its own log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.errors import InputError, NotEnoughError
from regulars.experiment.metrics import PRE_DAYS, Metric
from regulars.experiment.stats import Moments, adjusted, customers_needed, detectable
from regulars.experiment.values import happened, per_customer

if TYPE_CHECKING:
    from regulars.shop import Shop

HISTORY_DAYS = 56
"""How much of the newest past is taken for what is to come."""
LEAST_CUSTOMERS = 200


@dataclass(frozen=True)
class Past:
    """A test that never was: whoever came in some newest days, as if exposed then.

    Attributes
    ----------
    metric : that was measured.
    begins_at : the first day.
    exposed_day : (n,) on which day from then each customer first came.
    values : (n, 2) after and before, of a ratio (n, 4); see `stats.adjusted`.
    """

    metric: Metric
    begins_at: datetime
    exposed_day: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]


@dataclass(frozen=True)
class RunTime:
    """How long a test of a metric must run.

    Attributes
    ----------
    lift : relative effect that is to be found.
    value, deviation : of the metric in the past: its mean, and a customer's standard deviation after CUPED.
    saved : share of variance that CUPED takes away.
    customers : needed, of both arms together.
    days : until the verdict: those in which so many customers come, and those that each is measured. None where the
        past is too short to say.
    detectable : the relative effect that those `history_days` would find.
    """

    metric: Metric
    lift: float
    value: float
    deviation: float
    saved: float
    customers: int
    days: int | None
    history_days: int
    detectable: float

    def __str__(self) -> str:
        if self.days is not None:
            return f"{self.days} days at your traffic ({self.customers:,} customers)"
        return (
            f"more than {self.history_days} days at your traffic ({self.customers:,} customers); in "
            f"{self.history_days} days an effect of {self.detectable:.1%} is found"
        )


def past(shop: Shop, metric: Metric, as_of: datetime, days: int = HISTORY_DAYS, pre_days: int = PRE_DAYS) -> Past:
    """What customers did who came in the newest days before a moment, from when each first came.

    Raises
    ------
    InputError
        If the metric is a quantile, or there are no more days than it counts.
    NotEnoughError
        If fewer than 200 customers came.
    """
    if metric.kind == "quantile":
        raise InputError(f'"{metric.name}" is a quantile: choose a mean or a ratio.')
    if days <= metric.days:
        raise InputError(
            f'"{metric.name}" counts {metric.days} days after exposure: {days} days of past are too few. Take more.'
        )
    begins, ends = as_of - timedelta(days=days), as_of - timedelta(days=metric.days)
    log = shop.events
    log = log.filter(log.time >= _moment(begins), log.time < _moment(ends), log.type.isin(CAME))
    came = shop.identities.named(log, as_of)
    came = came.filter(came.customer_id.notnull()).group_by("customer_id").agg(exposed_at=came.time.min())
    customers = shop.engine.to_arrow(came.order_by("customer_id"))
    if customers.num_rows < LEAST_CUSTOMERS:
        raise NotEnoughError(
            f"{customers.num_rows} customers came from {begins:%Y-%m-%d} to {ends:%Y-%m-%d}: at least "
            f"{LEAST_CUSTOMERS} are needed to tell how much a metric varies. Take more days, or import more."
        )
    table = per_customer(happened(shop, customers, [metric], as_of, pre_days), [metric], pre_days)
    names = ["value_0", "before_0"]
    if metric.kind == "ratio":
        names = ["value_0", "over_0", "before_0", "over_before_0"]
    values = np.column_stack([table[name].to_numpy() for name in names])
    if metric.cut < 1:
        for column in (0, len(names) // 2):
            values[:, column] = np.minimum(values[:, column], np.quantile(values[:, column], metric.cut))
    moments = customers["exposed_at"].cast(pa.int64()).to_numpy() - round(begins.timestamp() * 1e6)
    return Past(metric, begins, (moments // 86_400_000_000).astype(np.int64), values)


CAME = (
    "page_viewed", "product_viewed", "product_list_viewed", "products_searched", "product_added", "cart_viewed",
    "checkout_started", "order_completed",
)  # fmt: skip
"""Events of a customer who is there, and could be shown something."""


def _moment(moment: datetime) -> ibis.Value:
    return ibis.literal(moment, "timestamp('UTC')")


def run_time(
    past: Past, lift: float, *, power: float = 0.8, alpha: float = 0.05, share: float = 0.5, traffic: float = 1.0
) -> RunTime:
    """How long a test must run to find an effect.

    Customers who come twice count once, so that the second week brings fewer than the first: days are counted on when
    customers first came in the past.

    Parameters
    ----------
    lift : > 0, relative effect, such as .05.
    share : of customers in the test that are treated.
    traffic : share of customers that are in the test at all.

    Raises
    ------
    InputError
        If the lift or the traffic is outside its range.
    NotEnoughError
        If the metric was the same for all, or 0 on average: there is no variance or no base to go by.
    """
    if not lift > 0 or not 0 < traffic <= 1:
        raise InputError(f"lift {lift} and traffic {traffic}: above 0 are expected, traffic 1 at most.")
    whole = Moments.of(past.values)
    found = adjusted([whole])
    arm = found.arms[0]
    deviation = arm.error * float(np.sqrt(whole.count))
    if not deviation or not arm.value > 0:
        raise NotEnoughError(
            f'"{past.metric.name}" was {arm.value:g} on average and varied by {deviation:g} in the past: no run time '
            "can be told. Choose a metric that is above 0 and varies."
        )
    needed = customers_needed(lift * arm.value, deviation, share=share, power=power, alpha=alpha, looks=True)
    came = np.cumsum(np.bincount(past.exposed_day)) * traffic
    reached = int(np.searchsorted(came, needed))
    days = reached + 1 + past.metric.days if reached < len(came) else None
    smallest = detectable(float(came[-1]), deviation, share=share, power=power, alpha=alpha) / arm.value
    history_days = len(came) + past.metric.days
    saved = found.health.saved
    return RunTime(past.metric, lift, arm.value, deviation, saved, needed, days, history_days, smallest)
