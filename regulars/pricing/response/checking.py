"""What of a shop's demand cannot be: each refused with its product, week and remedy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError, NotEnoughError

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Words = npt.NDArray[np.str_]

ABSURD = 20.0
"""A competitor whose middle price is so many times ours sells something else, or in another currency."""
ABSURD_OWN = 1000.0
"""A price so many times the middle price of its product is in another currency or unit, or a slip."""


def numbers(name: str, values: npt.ArrayLike) -> Floats:
    """(n,) as numbers; InputError where one is none.

    >>> numbers("price", ["1.50", 2]).tolist()
    [1.5, 2.0]
    """
    try:
        return np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: {error}. Numbers are expected, such as 1.50.") from None


class Rows:
    """Which product and week each row is of, to name it by."""

    def __init__(self, product: Words, week: npt.NDArray[np.generic], columns: Mapping[str, npt.ArrayLike]) -> None:
        if not len(product):
            raise NotEnoughError("there is no demand: at least one row is needed.")
        for name, column in {"week": week, **columns}.items():
            if np.shape(column) != product.shape:
                raise InputError(f"{name}: shape {np.shape(column)}; one value a row is expected, {product.shape}.")
        if week.dtype.kind not in "iu":
            raise InputError(f"week: {week.dtype} values; whole numbers are expected, such as weeks since any day.")
        self.product, self.week = product, week

    def refuse(self, wrong: Flags, name: str, column: Floats, expected: str) -> None:
        """Unless no row is wrong."""
        if wrong.any():
            at = int(np.argmax(wrong))
            raise InputError(f'product "{self.product[at]}", week {self.week[at]}: {name} {column[at]:g}; {expected}')

    def require_prices(self, price: Floats, of_product: Numbers) -> None:
        """Above 0, and of one currency."""
        expected = "a price above 0 is expected. Leave out what was given away."
        self.refuse(~(np.isfinite(price) & (price > 0)), "price", price, expected)
        ratio = price / medians(price, of_product)[of_product]
        expected = "the middle price of the product is far from it. Put all prices into one currency and unit."
        self.refuse((ratio > ABSURD_OWN) | (ratio < 1 / ABSURD_OWN), "price", price, expected)

    def require_counts(self, units: Floats, stocked: Floats) -> None:
        """None below 0, and no more than the whole week."""
        expected = "a number of 0 or more is expected. Take returns off the week of their sale."
        self.refuse(~(np.isfinite(units) & (units >= 0)), "units", units, expected)
        expected = "the share of the week with some to sell is expected, from 0 to 1."
        self.refuse(~((stocked >= 0) & (stocked <= 1)), "stocked", stocked, expected)

    def require_competitor(self, other: Floats, price: Floats, of_product: Numbers) -> None:
        """Above 0 where known, and not of another currency or product."""
        name, known = "competitor's price", ~np.isnan(other)
        expected = "a price above 0 is expected, or NaN where not known."
        self.refuse(known & ~((other > 0) & np.isfinite(other)), name, other, expected)
        usual = medians(other / price, of_product)[of_product]
        expected = (
            f"it is usually more than {ABSURD:g} times our price, or less than a {ABSURD:g}th of it. Is it in another "
            "currency, or of another product?"
        )
        self.refuse(known & ((usual > ABSURD) | (usual < 1 / ABSURD)), name, other, expected)


def medians(values: Floats, group: Numbers) -> Floats:
    """(groups,) of the numbers of each group; NaN where it has none.

    >>> medians(np.array([1.0, 5.0, 2.0, np.nan]), np.array([0, 0, 0, 1])).tolist()
    [2.0, nan]
    """
    found = np.full(int(group.max()) + 1, np.nan)
    known = ~np.isnan(values)
    order = np.lexsort((values[known], group[known]))
    which, ordered = group[known][order], values[known][order]
    names, begin, count = np.unique(which, return_index=True, return_counts=True)
    found[names] = (ordered[begin + (count - 1) // 2] + ordered[begin + count // 2]) / 2
    return found


def filled(column: Floats, series: Numbers) -> Floats:
    """What is not known as the mean of its series, or of all.

    >>> filled(np.array([1.0, np.nan, np.nan]), np.array([0, 0, 1])).tolist()
    [1.0, 1.0, 1.0]
    """
    known, size = np.isfinite(column), int(series.max()) + 1
    count = np.bincount(series[known], minlength=size)
    total = np.bincount(series[known], column[known], size)
    whole = float(column[known].mean()) if known.any() else 0.0
    mean = np.where(count > 0, total / np.maximum(count, 1), whole)
    return np.where(known, column, mean[series])
