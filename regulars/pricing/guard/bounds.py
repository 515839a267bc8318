"""Between which prices may one be chosen, and what keeps it there? Whole numbers in, whole numbers out.

The bounds come after the rounding to endings: what they admit has an ending already, so no rounding can break them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError
from regulars.pricing.guard.rules import MOST, UNKNOWN, WHOLE, Ints, Rules, amounts

Numbers = npt.NDArray[np.int8]

LOWER = ("a price is above 0", "cost and margin", "corridor", "change in a week", "brand minimum", "largest discount")
"""What can keep a price from being lower."""
UPPER = ("the largest amount", "corridor", "change in a week", "list price", "shown before")
"""What can keep it from being higher."""
NO_COST = "cost is not known"
"""Why nothing is admitted where the cost is missing."""


@dataclass(frozen=True)
class Admissible:
    """The prices that may be asked, (n,) each, in the smallest coin.

    Attributes
    ----------
    low, high : the lowest and the highest, both with an ending that they may have; low above high: none may.
    low_by, high_by : what binds, as places in `LOWER` and `UPPER`.
    fallback : what is asked where none may: the price as it is.
    may_stay : whether the fallback may be chosen too where others may.
    held : which were shown before at a price below what may be asked now: that stands.
    """

    rules: Rules
    low: Ints
    high: Ints
    low_by: Numbers
    high_by: Numbers
    fallback: Ints
    may_stay: bool
    held: npt.NDArray[np.bool_]
    has_cost: npt.NDArray[np.bool_]

    @property
    def is_empty(self) -> npt.NDArray[np.bool_]:
        """(n,) where no price may be chosen."""
        found: npt.NDArray[np.bool_] = (self.low > self.high) | ~self.has_cost
        return found

    def nearest(self, wanted: npt.ArrayLike) -> Ints:
        """(n,) the admissible price that is nearest to each wanted one; where there is none, the price as it is.

        A wanted price in the middle between two goes to the lower one.
        """
        wish = np.clip(np.rint(np.asarray(wanted, np.float64)), 0, MOST).astype(np.int64)
        inside = np.clip(wish, self.low, np.maximum(self.high, self.low))
        below, above = self.rules.down(inside), self.rules.up(inside)
        below, above = np.maximum(below, self.low), np.minimum(above, np.maximum(self.high, self.low))
        found = np.where(inside - below <= above - inside, below, above)
        if self.may_stay:
            found = np.where(np.abs(self.fallback - wish) < np.abs(found - wish), self.fallback, found)
        return np.where(self.is_empty, self.fallback, found)

    def grid(self, steps: int) -> Ints:
        """(n, steps) admissible prices from low to high, evenly apart, some twice where there are fewer.

        Where none may be chosen, the price as it is.
        """
        if steps < 2:
            raise InputError(f"steps = {steps}: at least 2 prices are expected, the lowest and the highest.")
        spread = np.linspace(0.0, 1.0, steps)
        wanted = self.low[:, None] + (self.high - self.low)[:, None] * spread
        return np.stack([self.nearest(column) for column in wanted.T], axis=1)

    def why(self, row: int) -> str:
        """What binds, in words."""
        if not self.has_cost[row]:
            return f"{NO_COST}: the price stays as it is"
        low, high = LOWER[self.low_by[row]], UPPER[self.high_by[row]]
        if self.held[row]:
            return "was shown before at this price: it stands"
        if self.low[row] > self.high[row]:
            return f"no price is left between {low} and {high}: the price stays as it is"
        return f"not lower: {low}; not higher: {high}"


def list_prices(
    rules: Rules,
    present: npt.ArrayLike,
    cost: npt.ArrayLike,
    *,
    reference: npt.ArrayLike | None = None,
    week_low: npt.ArrayLike | None = None,
    week_high: npt.ArrayLike | None = None,
    brand_minimum: npt.ArrayLike = UNKNOWN,
) -> Admissible:
    """Which list prices may be asked, of everyone.

    Parameters
    ----------
    present : (n,) above 0, in the smallest coin: what is asked now.
    cost : (n,) of one, or -1 where it is not known: there the price stays as it is.
    reference : (n,) the price that the corridor is around; default: the present one.
    week_low, week_high : (n,) the lowest and highest that held in the last seven days; default: the present one.
    brand_minimum : (n,) or -1.

    Raises
    ------
    InputError
        If an amount cannot be one, or a present price is 0.

    Examples
    --------
    A price of 10.00 that cost 8.00 must leave a tenth and may change by a tenth:

    >>> found = list_prices(Rules(min_margin=0.1, endings=(99,)), [1000], [800])
    >>> found.low, found.high, found.why(0)
    (array([999]), array([1099]), 'not lower: change in a week; not higher: change in a week')
    >>> found.nearest([1045])
    array([999])
    """
    now = _present(present)
    count = len(now)
    price = {
        "reference": now if reference is None else amounts("reference", reference, count),
        "week_low": now if week_low is None else amounts("week_low", week_low, count),
        "week_high": now if week_high is None else amounts("week_high", week_high, count),
    }
    paid, brand = amounts("cost", cost, count), amounts("brand_minimum", brand_minimum, count)
    lower = {
        "cost and margin": _floor(rules, paid),
        "corridor": _above(price["reference"], rules.lowest_parts),
        "change in a week": _above(price["week_high"], WHOLE - rules.change_parts),
        "brand minimum": brand,
    }
    upper = {
        "corridor": price["reference"] * rules.highest_parts // WHOLE,
        "change in a week": price["week_low"] * (WHOLE + rules.change_parts) // WHOLE,
    }
    return _bounded(rules, now, paid, lower, upper)


def personal_prices(
    rules: Rules,
    list_price: npt.ArrayLike,
    cost: npt.ArrayLike,
    *,
    brand_minimum: npt.ArrayLike = UNKNOWN,
    shown: npt.ArrayLike = UNKNOWN,
) -> Admissible:
    """Which prices may be asked of one customer: the list price or less, and never more than was shown before.

    Parameters
    ----------
    list_price : (n,) above 0, in the smallest coin: what everyone pays.
    cost : (n,) of one, or -1 where it is not known: there the list price is asked.
    brand_minimum : (n,) or -1.
    shown : (n,) the lowest price that this customer saw of the product in this session or of late, or -1. It stands,
        even if the cost has risen since.

    Examples
    --------
    >>> found = personal_prices(Rules(max_discount=0.2), [1000, 1000], [500, 900], shown=[-1, 950])
    >>> found.nearest([700, 990]), found.why(1)
    (array([800, 950]), 'not lower: cost and margin; not higher: shown before')
    """
    now = _present(list_price)
    count = len(now)
    paid, brand = amounts("cost", cost, count), amounts("brand_minimum", brand_minimum, count)
    seen = amounts("shown", shown, count)
    was_shown = seen > UNKNOWN
    lower = {
        "cost and margin": _floor(rules, paid),
        "brand minimum": brand,
        "largest discount": _above(now, WHOLE - rules.discount_parts),
    }
    most = np.where(was_shown, np.minimum(seen, now), now)
    found = _bounded(rules, now, paid, lower, {"list price": now, "shown before": np.where(was_shown, seen, MOST)})
    # What everyone pays, or what was shown, may always be asked, whatever it ends in.
    return replace(found, fallback=most, may_stay=True, held=was_shown & (seen < now) & found.is_empty)


def _present(values: npt.ArrayLike) -> Ints:
    given = np.atleast_1d(np.asarray(values))
    now = amounts("price", given, len(given))
    if (now <= 0).any():
        row = int(np.argmax(now <= 0))
        raise InputError(f"row {row}: a price of {now[row]}: more than 0 is expected. Leave out what is given away.")
    return now


def _floor(rules: Rules, cost: Ints) -> Ints:
    """The lowest price of which the margin's share is left: price (1 - margin) >= cost."""
    return -(-np.maximum(cost, 0) * WHOLE // (WHOLE - rules.margin_parts))


def _above(price: Ints, parts: int) -> Ints:
    """The lowest whole price that is at least so many parts of another."""
    return -(-price * parts // WHOLE)


def _bounded(rules: Rules, now: Ints, cost: Ints, lower: dict[str, Any], upper: dict[str, Any]) -> Admissible:
    """The tightest of bounds; of equal ones the first in `LOWER` and `UPPER`."""
    lows = np.full((len(LOWER), len(now)), UNKNOWN, np.int64)
    highs = np.full((len(UPPER), len(now)), MOST, np.int64)
    lows[0] = 1
    for name, values in lower.items():
        lows[LOWER.index(name)] = values
    for name, values in upper.items():
        highs[UPPER.index(name)] = values
    low_by, high_by = lows.argmax(0), highs.argmin(0)
    columns = np.arange(len(now))
    low, high = rules.up(lows[low_by, columns]), rules.down(highs[high_by, columns])
    none = np.zeros(len(now), bool)
    return Admissible(
        rules, low, high, low_by.astype(np.int8), high_by.astype(np.int8), now, False, none, cost > UNKNOWN
    )
