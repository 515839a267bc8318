"""What churn knows of each customer, for people and for other capabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from regulars.churn.dataset import Floats, features_of
from regulars.churn.model import ChurnModel, inputs_of
from regulars.churn.timing import overdue_days

if TYPE_CHECKING:
    from regulars.shop import Shop


def in_use(shop: Shop) -> ChurnModel:
    """The model in use; NotFoundError, saying what to do, if there is none."""
    kept = shop.models.in_use("churn")
    return ChurnModel.from_files({name: kept.read(name) for name in kept.card["files"]})


def table(shop: Shop, pairs: pa.Table) -> pa.Table:
    """What the model in use foresees of customers, each as of its moment.

    Parameters
    ----------
    pairs : (n,) customer_id and as_of; of customers with an order before it.

    Returns
    -------
    (n,) customer_id, as_of and the columns of `foreseen`, each with its `meaning` and `unit`; what cannot be said of a
    customer is null.
    """
    model = in_use(shop)
    inputs = inputs_of(shop, shop.tables.of("profile", pairs), model)
    found = pairs.select(["customer_id", "as_of"])
    for field, values in foreseen(model, inputs, model.predict(features_of(inputs, model.names))):
        found = found.append_column(field, pa.array(values, mask=np.isnan(values)))
    return found


def foreseen(model: ChurnModel, inputs: pa.Table, risk: Floats) -> list[tuple[pa.Field, Floats]]:
    """The columns that a model gives, with what they mean; NaN where it cannot say.

    Parameters
    ----------
    inputs : what the model reads, of n customers. risk : (n,) of no order within its horizon.
    """

    def field(name: str, meaning: str, unit: str) -> pa.Field:
        return pa.field(name, pa.float64(), metadata={"meaning": meaning, "unit": unit})

    outlook = model.outlook
    days = 0 if outlook is None else round(outlook.hazard.horizon_days)
    found = [
        (field("churn_probability", "chance of no order within the horizon", "share"), risk),
        (field("overdue_days", "days that the next order is later than usual", "days"), overdue_days(inputs)),
    ]
    if outlook is None:
        return found
    survival = outlook.survival(inputs, risk)
    found += [
        (field("expected_orders", f"orders foreseen within {days} days", "orders"), outlook.orders(inputs, days)),
        (
            field("next_order_days", f"days until the next order is as likely as not; absent beyond {days}", "days"),
            outlook.hazard.days_until(survival, 0.5),
        ),
        (
            field("next_order_days_early", "days until it has come with a chance of one in ten", "days"),
            outlook.hazard.days_until(survival, 0.1),
        ),
        (
            field("next_order_days_late", "days until it has come with a chance of nine in ten", "days"),
            outlook.hazard.days_until(survival, 0.9),
        ),
        (
            field("contact_in_days", "days until the best day to contact: before the chance to order falls", "days"),
            outlook.hazard.best_day(survival).astype(float),
        ),
    ]
    found += [
        (
            field(f"expected_margin_{ahead}d", f"margin foreseen within {ahead} days, as of today's worth", "money"),
            value,
        )
        for ahead, value in outlook.margins(inputs, risk).items()
    ]
    return found
