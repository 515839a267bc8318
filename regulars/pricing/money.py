"""Amounts as whole numbers of a currency's smallest coin: what guardrails are exact in."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.events.schema import MONEY
from regulars.pricing.guard import UNKNOWN, Ints

DIGITS = {
    "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0,
    "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0, "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3,
    "TND": 3,
}  # fmt: skip
"""Digits after the point (ISO 4217); two for all others."""
To = Literal["nearest", "up", "down"]
_ROUNDINGS = {"nearest": ROUND_HALF_EVEN, "up": ROUND_CEILING, "down": ROUND_FLOOR}


def digits(currency: str) -> int:
    """How many digits stand after the point.

    >>> digits("EUR"), digits("JPY")
    (2, 0)
    """
    return DIGITS.get(currency, 2)


def to_coins(values: Any, currency: str, to: To = "nearest") -> Ints:
    """(n,) amounts in the smallest coin; -1 where there is none.

    Parameters
    ----------
    values : (n,) amounts as Arrow's decimals or numbers, or a sequence of them.
    to : costs are rounded up, so that a margin is never smaller than it seems.

    Examples
    --------
    >>> to_coins([Decimal("4.5010"), None], "EUR", to="up")
    array([451,  -1])
    """
    if isinstance(values, pa.Array | pa.ChunkedArray):
        # Through 1/10,000, which the log's money has exactly.
        column = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
        numbers = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        parts = np.rint(np.nan_to_num(numbers) * 10_000).astype(np.int64)
        unit = 10 ** (4 - digits(currency))
        found = {"up": -(-parts // unit), "down": parts // unit, "nearest": np.rint(parts / unit).astype(np.int64)}[to]
        return np.where(np.isnan(numbers), UNKNOWN, found)
    return np.array([UNKNOWN if value is None else to_coin(Decimal(value), currency, to) for value in values], np.int64)


def to_coin(value: Decimal, currency: str, to: To = "nearest") -> int:
    """One amount in the smallest coin."""
    return int(value.scaleb(digits(currency)).to_integral_value(_ROUNDINGS[to]))


def to_amount(coins: int, currency: str) -> Decimal:
    """One amount as people write it.

    >>> to_amount(450, "EUR"), to_amount(450, "JPY")
    (Decimal('4.50'), Decimal('450'))
    """
    return Decimal(coins).scaleb(-digits(currency))


def to_amounts(coins: npt.ArrayLike, currency: str) -> pa.Array:
    """(n,) amounts as the log's money; null where there is none."""
    return pa.array(
        [None if each == UNKNOWN else to_amount(each, currency) for each in np.asarray(coins).tolist()], MONEY
    )
