"""Who clicks orders more often than others like them: by how much, learned from clicks of which many are young."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.ads.prediction import ripened
from regulars.customers import later_worth
from regulars.errors import NotEnoughError
from regulars.logistic import probability

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]

STEPS = 20
STRENGTH = 10.0
"""As from so many clicks that order as those who did not click: by it few clicks say little."""


def shift(shop: Shop, clicks: pa.Table, order_probability: Floats, horizon_days: int, until: datetime) -> float:
    """By how much the logarithm of the odds of an order is higher after a click; 0 where too few orders followed.

    Parameters
    ----------
    clicks : (n,) customer_id and as_of, the moments of the ads that were clicked.
    order_probability : (n,) of an order within the horizon, were nothing known of the click.
    until : what comes later is not known.
    """
    if not clicks.num_rows:
        return 0.0
    moments = clicks["as_of"].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()
    elapsed = (until.timestamp() * 1e6 - moments) / 86_400e6
    pairs = clicks.select(["customer_id", "as_of"])
    later = later_worth(shop, pairs, np.minimum(elapsed, float(horizon_days)))
    is_order = later["is_order"].to_numpy(zero_copy_only=False)
    place, days = later["place"].to_numpy()[is_order], later["days"].to_numpy()[is_order]
    delay = np.full(clicks.num_rows, np.inf)
    np.minimum.at(delay, place, days)
    try:
        return learned(np.where(np.isfinite(delay), delay, np.nan), elapsed, order_probability, float(horizon_days))
    except NotEnoughError:
        return 0.0


def learned(delay_days: Floats, elapsed_days: Floats, order_probability: Floats, window_days: float) -> float:
    """The same from arrays: `delay_days` (n,) from click to order, NaN where none came so far.

    Raises
    ------
    NotEnoughError
        If fewer than 20 clicks brought an order.

    Examples
    --------
    Clicks double the odds; orders take five days in the mean, and clicks are at most ten days old:

    >>> rng = np.random.default_rng(0)
    >>> before, elapsed = rng.uniform(0.05, 0.3, 20_000), rng.uniform(0, 10, 20_000)
    >>> delay = rng.exponential(5, 20_000)
    >>> after = probability(np.log(before / (1 - before)) + np.log(2)) / (1 - np.exp(-2))
    >>> came = (rng.random(20_000) < after) & (delay < elapsed)
    >>> bool(abs(np.exp(learned(np.where(came, delay, np.nan), elapsed, before, 10.0)) - 2) < 0.25)
    True
    """
    before = np.clip(order_probability, 1e-6, 1 - 1e-6)
    odds = np.log(before / (1 - before))

    def learner(target: Floats) -> Floats:
        return probability(odds + _raised(odds, target))

    return _raised(odds, ripened(learner, delay_days, elapsed_days, window_days)[0])


def _raised(odds: Floats, target: Floats) -> float:
    """What is to be added to all odds, by Newton's steps, drawn to nothing."""
    found = 0.0
    for _ in range(STEPS):
        chance = probability(odds + found)
        spread = float((chance * (1 - chance)).sum())
        pull = STRENGTH * float((chance * (1 - chance)).mean())
        found += float(np.clip((float((target - chance).sum()) - pull * found) / (spread + pull), -1.0, 1.0))
    return found
