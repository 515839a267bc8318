"""What experiments are judged by: metrics declared as sums over a customer's events.

A metric is of a fixed number of days after each customer's exposure, and counts customers of whom those days are over.
So the value of a customer never changes once it counts, and looking at it daily adds customers and nothing else: that
is what sequential tests rest on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from regulars.errors import InputError

Amount = Literal["any", "count", "revenue", "margin", "pieces"]

PRE_DAYS = 28
"""Days before exposure by which CUPED takes noise away."""
MOST_DAYS = 400


@dataclass(frozen=True)
class Measure:
    """A sum over a customer's events.

    Attributes
    ----------
    amount : "any" (1 if there is one), "count" (orders, by their ids; other events each), "revenue" (price times
        pieces; of orders less what was given back), "margin" (the same less unit costs) or "pieces".
    type : of event.
    """

    amount: Amount
    type: str = "order_completed"


@dataclass(frozen=True)
class Metric:
    """What an experiment is judged by.

    Attributes
    ----------
    name : as people say it.
    measure : what is added up for each customer; for a ratio its numerator, for a quantile each event's own value.
    over : the denominator of a ratio, None for a mean over customers.
    quantile : in (0, 1), of the values of single orders; None for a mean or ratio.
    better : which direction is good.
    days : after exposure, that count.
    from_day : the first of them; above 0 for retention, what is done only later.
    cut : the share of customers left as they are: larger values are cut down to that quantile (winsorised), in both
        arms alike; 1 for none.

    Raises
    ------
    InputError
        If days, the quantile or the cut are outside their range.

    Examples
    --------
    >>> Metric("basket", Measure("revenue"), over=Measure("count"), days=14).kind
    'ratio'
    """

    name: str
    measure: Measure
    over: Measure | None = None
    quantile: float | None = None
    better: Literal["higher", "lower"] = "higher"
    days: int = 7
    from_day: int = 0
    cut: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.from_day < self.days <= MOST_DAYS:
            raise InputError(
                f'metric "{self.name}": days {self.from_day} to {self.days} after exposure; at least one, and at most '
                f"{MOST_DAYS}, are expected."
            )
        if not 0.5 < self.cut <= 1:
            raise InputError(f'metric "{self.name}": cut = {self.cut}; a share above .5, such as 0.999, is expected.')
        if self.quantile is not None and (not 0 < self.quantile < 1 or self.over is not None):
            raise InputError(
                f'metric "{self.name}": a quantile is between 0 and 1, .5 for the median, and has no denominator.'
            )

    @property
    def kind(self) -> Literal["share", "mean", "ratio", "quantile"]:
        """Which statistics are right for it."""
        if self.quantile is not None:
            return "quantile"
        if self.over is not None:
            return "ratio"
        return "share" if self.measure.amount == "any" else "mean"


ORDER = "order_completed"
REFUND = "order_refunded"

READY: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("conversion", Measure("any")),
        Metric("orders", Measure("count")),
        Metric("revenue", Measure("revenue"), cut=0.999),
        Metric("margin", Measure("margin"), cut=0.999),
        Metric("average order value", Measure("revenue"), over=Measure("count"), cut=0.999),
        Metric("median order value", Measure("revenue"), quantile=0.5),
        Metric("retention", Measure("any"), days=28, from_day=7),
        Metric("refunds", Measure("any", REFUND), better="lower", days=28),
        Metric("product views", Measure("count", "product_viewed")),
        Metric("carts", Measure("any", "product_added")),
    )
}
"""Metrics that any shop has. `dataclasses.replace` makes others of them: other days, another cut."""


def named(names: Sequence[str]) -> list[Metric]:
    """Metrics by their names.

    Raises
    ------
    InputError
        If there is none of a name; the message lists those that there are.

    Examples
    --------
    >>> [metric.days for metric in named(["revenue", "retention"])]
    [7, 28]
    """
    for name in names:
        if name not in READY:
            raise InputError(f'there is no metric "{name}". There are: {", ".join(READY)}.')
    return [READY[name] for name in names]
