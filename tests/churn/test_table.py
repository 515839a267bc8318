"""What other capabilities read of churn, and what the report adds of orders and margins."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from regulars import Shop
from regulars.churn.charts import alive_plot
from regulars.churn.cohorts import retention
from regulars.churn.table import table
from regulars.churn.timing import rhythm_words
from regulars.errors import NotFoundError


@pytest.fixture(scope="module")
def foreseen(tea_shop: Shop, tea_as_of: datetime) -> pa.Table:
    return table(tea_shop, tea_shop.customers(tea_as_of))


def test_every_customer_has_a_row_and_every_column_says_what_it_is(
    tea_shop: Shop, tea_as_of: datetime, foreseen: pa.Table
) -> None:
    assert foreseen["customer_id"].to_pylist() == tea_shop.customers(tea_as_of)["customer_id"].to_pylist()
    for field in list(foreseen.schema)[2:]:
        assert field.metadata[b"meaning"]
        assert field.metadata[b"unit"]


def test_more_is_expected_of_a_longer_time(foreseen: pa.Table) -> None:
    month, quarter, year = (foreseen[f"expected_margin_{days}d"].to_numpy() for days in (30, 90, 365))
    assert (month >= 0).all()
    assert month.sum() < quarter.sum() < year.sum()


def test_who_is_likelier_to_leave_is_expected_to_order_less(foreseen: pa.Table) -> None:
    risk, orders = foreseen["churn_probability"].to_numpy(), foreseen["expected_orders"].to_numpy()
    assert np.corrcoef(risk, np.log(orders))[0, 1] < -0.4
    assert ((risk > 0) & (risk < 1)).all()


def test_days_are_in_order_and_absent_where_an_order_is_not_likely(foreseen: pa.Table) -> None:
    early, middle = foreseen["next_order_days_early"], foreseen["next_order_days"]
    both = pc.and_(pc.is_valid(early), pc.is_valid(middle))
    assert pc.all(pc.less_equal(early.filter(both), middle.filter(both))).as_py()
    risk = foreseen["churn_probability"]
    assert pc.all(pc.is_null(middle.filter(pc.greater(risk, 0.5)))).as_py()
    assert pc.all(pc.is_valid(middle.filter(pc.less(risk, 0.49)))).as_py()


def test_a_shop_that_has_not_learned_is_told_to(shop: Shop) -> None:
    pairs = pa.table({"customer_id": ["a"], "as_of": pa.array([datetime(2024, 1, 1)], pa.timestamp("us", "UTC"))})
    with pytest.raises(NotFoundError, match="learn churn"):
        table(shop, pairs)


def test_the_report_has_orders_margins_limits_and_past_moments(tea_shop: Shop) -> None:
    report = tea_shop.models.in_use("churn").card["report"]
    names = {metric["name"] for metric in report["metrics"]}
    assert {"RMSE of orders", "correlation of orders", "total bias of orders", "normalised Gini of margin"} <= names


def test_cohorts_begin_whole_and_what_is_not_over_is_not_said(tea_shop: Shop, tea_as_of: datetime) -> None:
    shares, months = retention(tea_shop, tea_as_of)
    assert months == sorted(months)
    assert months[-1] == "2024-05"
    assert shares.shape == (len(months), len(months))
    assert np.isnan(shares[-1, 1:]).all()
    begun = ~np.isnan(shares[:, 0])
    assert (shares[begun, 0] == 1).all()
    known = shares[~np.isnan(shares)]
    assert ((known >= 0) & (known <= 1)).all()


def test_only_who_is_late_by_its_own_habit_is_said_to_be() -> None:
    profiles = pa.table(
        {"orders": [5.0, 5.0, 2.0, 5.0], "recency_days": [75.0, 20.0, 90.0, 90.0],
         "gap_mean_days": [31.0, 31.0, 5.0, 0.0], "gap_spread_days": [6.0, 6.0, None, 0.0]}
    )  # fmt: skip
    assert rhythm_words(profiles) == [
        "usually orders every 31 ± 6 days; last order 75 days ago", None, None, None
    ]  # fmt: skip


def test_the_chance_of_being_a_customer_is_drawn_day_by_day() -> None:
    chart = alive_plot(["2024-05-01", "2024-05-02"], np.array([0.9, 0.8])).to_dict()
    assert [row["alive"] for row in chart["data"]["values"]] == [0.9, 0.8]
