"""How much more often who clicks orders than others like them, and after which creative; many clicks are young."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.ads.prediction import Vocabulary, ripened
from regulars.customers import later_worth
from regulars.errors import NotEnoughError
from regulars.logistic import probability

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]

STEPS = 20
STRENGTH = 10.0
"""As from so many clicks that order as those who did not click: by it few clicks say little."""
APART, FEW = 0.3, 4.0
"""How far creatives are thought to lie apart (a standard deviation of log-odds), as from so many creatives seen."""


@dataclass(frozen=True)
class AfterClick:
    """By how much the logarithm of the odds of an order is higher after a click.

    Attributes
    ----------
    level : after a click on any creative, as they were clicked. creatives : by id, after a click on this one.

    Examples
    --------
    >>> AfterClick(np.log(2.0), {"red": np.log(4.0)}).chance(np.array([0.2]), "red").round(2).tolist()
    [0.5]
    """

    level: float = 0.0
    creatives: Mapping[str, float] = field(default_factory=dict)

    def chance(self, order_probability: Floats, creative: str | None = None) -> Floats:
        """(n,) of an order after a click, from that of an order at all; of a creative that is not known, as of any."""
        chance = np.clip(order_probability, 1e-9, 1 - 1e-9)
        return probability(np.log(chance / (1 - chance)) + self.creatives.get(creative or "", self.level))


def after_click(
    shop: Shop, clicks: pa.Table, order_probability: Floats, horizon_days: int, until: datetime
) -> AfterClick:
    """From the clicks of a shop's log; as if nobody had clicked where too few orders followed.

    Parameters
    ----------
    clicks : (n,) customer_id, as_of and creative of the ads that were clicked.
    order_probability : (n,) of an order within the horizon, were nothing known of the click.
    until : what comes later is not known.
    """
    if not clicks.num_rows:
        return AfterClick()
    moments = clicks["as_of"].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()
    elapsed = (until.timestamp() * 1e6 - moments) / 86_400e6
    pairs = clicks.select(["customer_id", "as_of"])
    later = later_worth(shop, pairs, np.minimum(elapsed, float(horizon_days)))
    is_order = later["is_order"].to_numpy(zero_copy_only=False)
    place, days = later["place"].to_numpy()[is_order], later["days"].to_numpy()[is_order]
    delay = np.full(clicks.num_rows, np.inf)
    np.minimum.at(delay, place, days)
    shown = {"creative": clicks["creative"].to_pylist()}
    words = Vocabulary.of(shown)
    creative, delay = words.encode(shown)[:, 0], np.where(np.isfinite(delay), delay, np.nan)
    try:
        level, *own = learned(delay, elapsed, order_probability, float(horizon_days), creative).tolist()
    except NotEnoughError:
        return AfterClick()
    numbers = words.values["creative"]
    return AfterClick(level, {name: own[number - 1] for name, number in numbers.items()})


def learned(
    delay_days: Floats,
    elapsed_days: Floats,
    order_probability: Floats,
    window_days: float,
    creative: npt.NDArray[np.int64],
) -> Floats:
    """By how much the logarithm of the odds of an order is higher after a click, from arrays.

    Parameters
    ----------
    delay_days : (n,) from click to order, NaN where none came so far. elapsed_days : (n,) from click to now.
    order_probability : (n,) of an order within the window, were nothing known of the click.
    creative : (n,) number of each click's creative from 1; 0 is one that is not known.

    Returns
    -------
    (1 + creatives,) after a click on any, and on each: drawn to that on any, as far as its clicks leave it open.

    Raises
    ------
    NotEnoughError
        If fewer than 20 clicks brought an order.

    Examples
    --------
    Clicks on the first creative leave the odds as they are, those on the second make them four times as high; orders
    take five days in the mean, and clicks are at most ten days old:

    >>> rng = np.random.default_rng(0)
    >>> before, elapsed = rng.uniform(0.05, 0.3, 20_000), rng.uniform(0, 10, 20_000)
    >>> delay, creative = rng.exponential(5, 20_000), rng.integers(1, 3, 20_000)
    >>> after = probability(np.log(before / (1 - before)) + np.log([1, 4])[creative - 1]) / (1 - np.exp(-2))
    >>> came = (rng.random(20_000) < after) & (delay < elapsed)
    >>> found = np.exp(learned(np.where(came, delay, np.nan), elapsed, before, 10.0, creative))
    >>> bool(abs(found[1] - 1) < 0.15), bool(abs(found[2] - 4) < 0.4), bool(found[1] < found[0] < found[2])
    (True, True, True)
    """
    before = np.clip(order_probability, 1e-6, 1 - 1e-6)
    odds = np.log(before / (1 - before))

    def learner(target: Floats) -> Floats:
        return probability(odds + _raised(odds, target, creative)[creative])

    return _raised(odds, ripened(learner, delay_days, elapsed_days, window_days)[0], creative)


def _raised(odds: Floats, target: Floats, creative: npt.NDArray[np.int64]) -> Floats:
    """(1 + creatives,) What is to be added to all odds, drawn to nothing; and to those of each, drawn to that."""
    level = 0.0
    for _ in range(STEPS):
        chance = probability(odds + level)
        spread = float((chance * (1 - chance)).sum())
        pull = STRENGTH * float((chance * (1 - chance)).mean())
        level += float(np.clip((float((target - chance).sum()) - pull * level) / (spread + pull), -1.0, 1.0))
    count = int(creative.max(initial=0)) + 1
    own, apart = np.zeros(count), APART**2
    for _ in range(STEPS):
        chance = probability(odds + level + own[creative])
        known = np.bincount(creative, chance * (1 - chance), count) + 1 / apart
        own += np.clip((np.bincount(creative, target - chance, count) - own / apart) / known, -1.0, 1.0)
        own[0] = 0.0
        # How far creatives lie apart is learned beside, with what is not known of each (expectation, maximisation).
        apart = (FEW * APART**2 + float((own**2 + 1 / known)[1:].sum())) / (FEW + count - 1)
    return np.asarray(level + own, np.float64)
