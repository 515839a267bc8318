"""What prices may be, as rules: shares are kept as whole hundredths of a per cent, so that bounds are exact."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError

Ints = npt.NDArray[np.int64]

UNKNOWN = -1
"""In place of an amount that is not known, or of a bound that there is not."""
WHOLE = 10_000
"""Hundredths of a per cent in 1."""
MOST = 10**13
"""The largest amount, in the currency's smallest coin: products of it and `WHOLE` still fit into 64 bits."""


@dataclass(frozen=True)
class Rules:
    """What the prices of a shop may be.

    Attributes
    ----------
    min_margin : share of the price, [0, 1), that must be left after the cost.
    lowest, highest : times the reference price, the corridor that a list price stays in.
    max_change : share by which a list price may differ from any that held in the last seven days.
    max_discount : share of the list price that a personal price may be below it.
    endings : the last two digits that a price may have, each 0 to 99; () for any.

    Examples
    --------
    >>> rules = Rules(min_margin=0.1, endings=(99, 49))
    >>> rules.margin_parts, rules.up(np.array([199, 250])).tolist()
    (1000, [199, 299])
    """

    min_margin: float = 0.05
    lowest: float = 0.8
    highest: float = 1.25
    max_change: float = 0.1
    max_discount: float = 0.3
    endings: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name, low, high in (
            ("min_margin", 0.0, 0.99), ("lowest", 0.0, 1.0), ("highest", 1.0, 10.0), ("max_change", 0.0, 1.0),
            ("max_discount", 0.0, 1.0),
        ):  # fmt: skip
            value = getattr(self, name)
            if not low <= value <= high:  # so that NaN fails too
                raise InputError(f"{name} = {value!r}: a number from {low:g} to {high:g} is expected; 0.1 is 10 %.")
        for ending in self.endings:
            if ending not in range(100):
                raise InputError(f"endings: {ending!r} is no ending; the last two digits are expected, 0 to 99.")

    @property
    def margin_parts(self) -> int:
        """`min_margin`, rounded to the safe side."""
        return _up(self.min_margin)

    @property
    def lowest_parts(self) -> int:
        """`lowest`, rounded to the safe side."""
        return _up(self.lowest)

    @property
    def highest_parts(self) -> int:
        """`highest`, rounded to the safe side."""
        return _down(self.highest)

    @property
    def change_parts(self) -> int:
        """`max_change`, rounded to the safe side."""
        return _down(self.max_change)

    @property
    def discount_parts(self) -> int:
        """`max_discount`, rounded to the safe side."""
        return _down(self.max_discount)

    def up(self, price: Ints) -> Ints:
        """(n,) the lowest price with such an ending that is not below."""
        if not self.endings:
            return price
        found: Ints = np.min([price + (ending - price) % 100 for ending in self.endings], axis=0)
        return found

    def down(self, price: Ints) -> Ints:
        """(n,) the highest price with such an ending that is not above; it may be below 0."""
        if not self.endings:
            return price
        found: Ints = np.max([price - (price - ending) % 100 for ending in self.endings], axis=0)
        return found


def amounts(name: str, values: npt.ArrayLike, count: int) -> Ints:
    """Amounts in the smallest coin, one for each of so many rows or one for all.

    Raises
    ------
    InputError
        If they are no whole numbers, too large, or too few.
    """
    given = np.asarray(values)
    if given.dtype.kind not in "iu":
        raise InputError(f"{name}: whole numbers of the currency's smallest coin are expected, not {given.dtype}.")
    if given.ndim > 1 or (given.ndim == 1 and len(given) != count):
        raise InputError(f"{name}: {count} amounts are expected, one a row; its shape is {given.shape}.")
    if given.size and (given.max() > MOST or given.min() < UNKNOWN):
        wrong = given.ravel()[np.argmax((given.ravel() > MOST) | (given.ravel() < UNKNOWN))]
        raise InputError(f"{name}: {wrong} is no amount; 0 to {MOST:,} is expected, {UNKNOWN} for none.")
    return np.broadcast_to(given.astype(np.int64), (count,))


def _up(share: float) -> int:
    # 0.07 x 10,000 is a little above 700 as a float: that little is no part of the rule.
    return math.ceil(round(share * WHOLE, 6))


def _down(share: float) -> int:
    return math.floor(round(share * WHOLE, 6))
