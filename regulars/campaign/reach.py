"""Whom a growing budget reaches, one customer after the other, and what is expected of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa

from regulars.campaign.actions import cost_of
from regulars.campaign.permitted import permitted
from regulars.campaign.reasons import Worth
from regulars.campaign.scoring import scored
from regulars.campaign.training import in_use
from regulars.errors import NotEnoughError

if TYPE_CHECKING:
    from regulars.shop import Shop


def reach(shop: Shop, as_of: datetime) -> pa.Table:
    """Who may be contacted and is expected to bring more than it costs: see `reached`.

    `decide` chooses nearly the same, and besides keeps floors and stock, and lets a lot decide for a share.

    Raises
    ------
    NotFoundError
        If there is no model in use.
    NotEnoughError
        If nobody may be contacted, or no trial has told yet what contacts bring.
    """
    model = in_use(shop)
    if model.uplift is None:
        raise NotEnoughError(
            "campaign: no trial has told yet what contacts bring: a lot decides about everybody (a pilot). Send what "
            "was decided; when its days are over: regulars learn campaign"
        )
    may = permitted(shop, as_of, model.actions)
    costs = np.array([cost_of(name, shop.config.campaign) for name in model.actions])
    with scored(shop, model, may.customers, as_of) as found:
        worth = cast("Worth", found.worth(may.may, costs))  # it is no pilot
    return reached(may.customers, model.actions, worth)


def reached(customers: pa.Array, actions: Sequence[str], worth: Worth) -> pa.Table:
    """Customers with the action that brings each most after its cost, most gain for the money first.

    Parameters
    ----------
    customers : (n,) ids. actions : names, in the order of the columns of `worth`.

    Returns
    -------
    A row for each who is expected to bring more than it costs: `customer_id`, `action`, `expected_gain`, `gain_low`,
    `gain_high`, `cost`; `spent` on this one and all before, and `earned` by them, costs taken off.

    Examples
    --------
    >>> gain = np.array([[2.0, 1.0], [0.1, 0.05], [3.0, 0.4]])
    >>> worth = Worth(gain, gain - 1, gain + 1, np.array([0.5, 0.1]))
    >>> found = reached(pa.array(["ada", "bob", "cy"]), ("coupon by sms", "news by email"), worth)
    >>> found.select(["customer_id", "action", "spent", "earned"]).to_pylist()[0]
    {'customer_id': 'cy', 'action': 'coupon by sms', 'spent': 0.5, 'earned': 2.5}
    >>> found["customer_id"].to_pylist()
    ['cy', 'ada']
    """
    best = (worth.mean - worth.cost).argmax(1)
    row = np.arange(len(best))
    gain, cost = worth.mean[row, best], worth.cost[best]
    # What costs nothing comes first.
    gain_for_money = np.divide(gain, cost, out=np.full(len(gain), np.inf), where=cost > 0)
    order = np.lexsort((-gain, -gain_for_money))
    order = order[gain[order] > cost[order]]
    gain, cost = gain[order], cost[order]
    at = (order, best[order])
    return pa.table(
        {
            "customer_id": customers.take(pa.array(order)),
            "action": pa.array([actions[k] for k in best[order].tolist()], pa.string()),
            "expected_gain": gain,
            "gain_low": worth.low[at],
            "gain_high": worth.high[at],
            "cost": cost,
            "spent": np.cumsum(cost).round(4),
            "earned": np.cumsum(gain - cost).round(4),
        }
    )
