"""Features of orders: how often, how much, when, how regularly.

Their level has one row an order: `nth` (the last has the highest), `age_days` (before the moment),
`gap_days` (since the order before; null for the first), `value`, `units`, `lines`, `hour` and `weekday`
(0 is Monday) in the shop's own time, `day` and `month` (numbers), and of its lines `price_sum`,
`price_square_sum`, `price_highest`, `price_level_sum`, `discounted_lines` and `compared_lines` (those
whose product had a usual price before).
"""

from __future__ import annotations

from typing import Any

import ibis

from regulars.profile.features.feature import Feature, entropy, within

NEEDS = "orders"


def _orders(days: int) -> Feature:
    return Feature(
        f"orders_{days}d",
        f"orders in the last {days} days",
        "orders",
        days,
        NEEDS,
        lambda o: within(o, days).sum(),
        0,
    )


def _spend(days: int) -> Feature:
    return Feature(
        f"spend_{days}d",
        f"spend in the last {days} days",
        "money",
        days,
        NEEDS,
        lambda o: o.value.sum(where=within(o, days)),
        0,
    )


def _before(o: ibis.Table, near: int, far: int) -> ibis.Value:
    return (o.age_days > float(near)) & (o.age_days <= float(far))


def _at_least_a_day(days: Any) -> Any:
    # Not `greatest`, which takes 1 where there is nothing: who has one order has no pause.
    return ibis.ifelse(days < 1.0, 1.0, days)


def _share(name: str, meaning: str, holds: object) -> Feature:
    return Feature(name, meaning, "share", None, NEEDS, lambda o: holds(o).cast("float64").mean())  # type: ignore[operator]


FEATURES = (
    Feature("orders", "orders so far", "orders", None, NEEDS, lambda o: o.count(), 0),
    *(_orders(days) for days in (7, 30, 60, 90, 180, 365)),
    Feature(
        "orders_previous_90d", "orders in the 90 days before the last 90", "orders", 180, NEEDS,
        lambda o: _before(o, 90, 180).sum(), 0,
    ),
    Feature("spend", "spend so far", "money", None, NEEDS, lambda o: o.value.sum(), 0),
    *(_spend(days) for days in (30, 90, 180, 365)),
    Feature(
        "spend_previous_90d", "spend in the 90 days before the last 90", "money", 180, NEEDS,
        lambda o: o.value.sum(where=_before(o, 90, 180)), 0,
    ),
    Feature("order_value_mean", "average order value", "money", None, NEEDS, lambda o: o.value.mean()),
    Feature("order_value_highest", "largest order", "money", None, NEEDS, lambda o: o.value.max()),
    Feature(
        "order_value_last", "value of the last order", "money", None, NEEDS, lambda o: o.value.argmax(o.nth)
    ),
    Feature(
        "order_value_spread", "spread of order values over their average", "ratio", None, NEEDS,
        lambda o: o.value.std(how="pop") / o.value.mean().nullif(0),
    ),
    Feature("recency_days", "days since the last order", "days", None, NEEDS, lambda o: o.age_days.min()),
    Feature("tenure_days", "days since the first order", "days", None, NEEDS, lambda o: o.age_days.max()),
    Feature(
        "orders_per_month", "orders a month since the first", "orders", None, NEEDS,
        lambda o: o.count() / ibis.greatest(o.age_days.max() / 30.4375, 1.0),
    ),
    Feature("gap_mean_days", "average days between orders", "days", None, NEEDS, lambda o: o.gap_days.mean()),
    Feature(
        "gap_spread_days", "spread of the days between orders", "days", None, NEEDS,
        lambda o: o.gap_days.std(how="pop"),
    ),
    Feature(
        "gap_regularity", "spread of the days between orders over their average (0 is clockwork)", "ratio", None,
        NEEDS, lambda o: o.gap_days.std(how="pop") / o.gap_days.mean().nullif(0),
    ),
    Feature("gap_longest_days", "longest pause between orders", "days", None, NEEDS, lambda o: o.gap_days.max()),
    Feature(
        "gap_last_days", "days between the last two orders", "days", None, NEEDS,
        lambda o: o.gap_days.argmax(o.nth),
    ),
    Feature(
        "overdue", "times the usual pause since the last order (above 1 is overdue)", "ratio", None,
        NEEDS, lambda o: o.age_days.min() / _at_least_a_day(o.gap_days.mean()),
    ),
    Feature("order_days", "days with an order", "days", None, NEEDS, lambda o: o.day.nunique(), 0),
    Feature("order_months", "months with an order", "months", None, NEEDS, lambda o: o.month.nunique(), 0),
    Feature(
        "order_months_365d", "months with an order in the last 365 days", "months", 365, NEEDS,
        lambda o: o.month.nunique(where=within(o, 365)), 0,
    ),
    Feature("lines_mean", "average lines an order", "lines", None, NEEDS, lambda o: o.lines.mean()),
    Feature("lines_last", "lines of the last order", "lines", None, NEEDS, lambda o: o.lines.argmax(o.nth)),
    Feature("units_mean", "average pieces an order", "pieces", None, NEEDS, lambda o: o.units.mean()),
    Feature("units_highest", "most pieces in an order", "pieces", None, NEEDS, lambda o: o.units.max()),
    _share("single_line_share", "share of orders with one line", lambda o: o.lines == 1),
    Feature(
        "price_mean", "average price of what was bought", "money", None, NEEDS,
        lambda o: o.price_sum.sum() / o.lines.sum(),
    ),
    Feature("price_highest", "highest price paid", "money", None, NEEDS, lambda o: o.price_highest.max()),
    Feature(
        "price_spread", "spread of prices over their average", "ratio", None, NEEDS,
        lambda o: ibis.greatest(
            o.price_square_sum.sum() / o.lines.sum() - (o.price_sum.sum() / o.lines.sum()).pow(2), 0.0
        ).sqrt()
        / (o.price_sum.sum() / o.lines.sum()).nullif(0),
    ),
    Feature(
        "price_level", "price paid over the product's usual price before (1 is usual)", "ratio", None, NEEDS,
        lambda o: o.price_level_sum.sum() / o.compared_lines.sum().nullif(0),
    ),
    Feature(
        "discount_share", "share of lines bought over 5 % under the product's usual price", "share", None, NEEDS,
        lambda o: o.discounted_lines.sum() / o.compared_lines.sum().nullif(0).cast("float64"),
    ),
    _share("morning_share", "share of orders from 6 to 12", lambda o: (o.hour >= 6) & (o.hour < 12)),
    _share("afternoon_share", "share of orders from 12 to 18", lambda o: (o.hour >= 12) & (o.hour < 18)),
    _share("evening_share", "share of orders from 18 to 24", lambda o: o.hour >= 18),
    _share("weekend_share", "share of orders at the weekend", lambda o: o.weekday >= 5),
    Feature(
        "weekday_entropy", "evenness of orders over the days of the week (0 one day, 1 all alike)", "share", None,
        NEEDS, lambda o: entropy([(o.weekday == day).sum() for day in range(7)]),
    ),
    Feature(
        "hour_mean", "average hour of ordering", "hour", None, NEEDS, lambda o: o.hour.cast("float64").mean()
    ),
)  # fmt: skip
