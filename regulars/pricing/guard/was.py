"""Which price may be called the earlier one? The lowest of the last thirty days, from the prices that really held."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError
from regulars.pricing.guard.rules import UNKNOWN, Ints

DAYS = 30
_DAY = 86_400_000_000


def held_within(
    product: npt.ArrayLike, since: npt.ArrayLike, price: npt.ArrayLike, asked: npt.ArrayLike, until: npt.ArrayLike,
    days: int = DAYS,
) -> tuple[Ints, Ints]:  # fmt: skip
    """The lowest and the highest price of products within so many days before moments, from their history.

    A price holds from when it was set to when the next one was. The one that held when those days began counts too.

    Parameters
    ----------
    product : (h,) int, which product each line of the history is of; in any order.
    since : (h,) int, microseconds: from when on its price held.
    price : (h,) int, in the smallest coin.
    asked : (n,) int, the products that are asked about.
    until : (n,) int, microseconds: the moment for each, which does not count itself.

    Returns
    -------
    (n,) int lowest and (n,) highest; -1 where the product had no price before the moment.

    Source
    ------
    Directive 98/6/EC, article 6a (by Directive (EU) 2019/2161): the prior price is the lowest price applied during a
    period of time not shorter than 30 days prior to the application of the price reduction.

    Examples
    --------
    10.00 for long, 8.00 for two days three weeks ago, then 12.00. From now on 9.00 is asked: "was 8.00" is true, and
    therefore no reduction.

    >>> day = 86_400_000_000
    >>> held_within([0, 0, 0], [0, 79 * day, 81 * day], [1000, 800, 1200], [0], [100 * day])
    (array([800]), array([1200]))
    """
    who, at, value = (np.atleast_1d(np.asarray(each, np.int64)) for each in (product, since, price))
    wanted, moment = (np.atleast_1d(np.asarray(each, np.int64)) for each in (asked, until))
    if days < 1:
        raise InputError(f"days = {days}: at least 1 is expected.")
    order = np.lexsort((at, who))
    who, at, value = who[order], at[order], value[order]
    names, starts = np.unique(who, return_index=True)
    ends = dict(zip(names.tolist(), zip(starts.tolist(), [*starts.tolist(), len(who)][1:], strict=True), strict=True))
    lowest, highest = np.full(len(wanted), UNKNOWN, np.int64), np.full(len(wanted), UNKNOWN, np.int64)
    for row, one in enumerate(wanted.tolist()):
        low, high = ends.get(one, (0, 0))
        end = low + int(np.searchsorted(at[low:high], moment[row]))
        begin = low + int(np.searchsorted(at[low:high], moment[row] - days * _DAY, side="right")) - 1
        window = value[max(begin, low) : end]
        if len(window):
            lowest[row], highest[row] = window.min(), window.max()
    return lowest, highest


def reduced_from(price: npt.ArrayLike, lowest: npt.ArrayLike) -> Ints:
    """(n,) what may stand beside prices as "was"; -1 where there is no reduction, and nothing may.

    Parameters
    ----------
    price : (n,) that is asked from now on.
    lowest : (n,) of the thirty days before, by `held_within`.

    >>> reduced_from([900, 900, 900], [800, 1000, -1])
    array([  -1, 1000,   -1])
    """
    now, before = np.asarray(price, np.int64), np.asarray(lowest, np.int64)
    return np.where(before > now, before, UNKNOWN)
