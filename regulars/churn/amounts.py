"""How good are the orders and margins that were foreseen, beside those of everybody's own past rate."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.churn.dataset import Dataset, Floats, features_of
from regulars.churn.outlook import Outlook
from regulars.evaluation import (
    Metric,
    compare,
    correlation_score,
    gini_score,
    rmse_error,
    total_bias_error,
)

LEAST_DAYS = 30.0
"""A rate over fewer days is taken as over these: one order of yesterday is no order a day."""


def judged(
    data: Dataset, inputs: pa.Table, outlook: Outlook, risk: Floats, customers: npt.NDArray[np.str_], horizon_days: int
) -> tuple[Metric, ...]:
    """Of orders, and of margin where it can be said; the baseline is the customer's own past rate."""
    orders, tenure, value = features_of(data.table, ("orders", "tenure_days", "order_value_mean")).T
    past = orders / np.maximum(tenure, LEAST_DAYS) * horizon_days
    metrics: tuple[Metric, ...] = ()
    if data.later.orders.std() > 0:
        metrics += compare(
            {
                "RMSE of orders": rmse_error,
                "correlation of orders": correlation_score,
                "total bias of orders": total_bias_error,
            },
            data.later.orders,
            outlook.orders(inputs, horizon_days),
            past,
            customers=customers,
        )
    said = outlook.margin(inputs, risk)
    if said is not None and data.later.margin.std() > 0 and data.later.margin.sum() > 0:
        metrics += compare(
            {"normalised Gini of margin": gini_score, "total bias of margin": total_bias_error},
            data.later.margin,
            said,
            past * np.nan_to_num(value),
            customers=customers,
        )
    return metrics
