"""How do our prices stand beside those of competitors, by category, and who undercuts us?"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from regulars.pricing.guard import UNKNOWN, Ints

if TYPE_CHECKING:
    from regulars.pricing.products import Products

NO_CATEGORY = "no category"


class Index(NamedTuple):
    """A category beside competitors.

    Attributes
    ----------
    products : how many of it have a competitor's price.
    mean_index : the geometric mean of our prices over the mean of competitors'; above 1 where we are dearer.
    lowest_index : the same over the lowest of competitors.
    undercut : of how many a competitor asks less than we do.
    """

    category: str
    products: int
    mean_index: float
    lowest_index: float
    undercut: int


class Undercut(NamedTuple):
    """A product for which a competitor asks less: `gap` is the share of our price that it is lower by."""

    product_id: str
    competitor: str
    ours: int
    theirs: int
    gap: float


def lowest(products: Products, newest: pa.Table) -> Ints:
    """(n,) the lowest fresh price of competitors for each product, in coins; -1 where there is none.

    Parameters
    ----------
    newest : by `Competitors.newest`.
    """
    found = np.full(len(products), np.iinfo(np.int64).max)
    np.minimum.at(found, *_rows(products, newest))
    return np.where(found == np.iinfo(np.int64).max, UNKNOWN, found)


def by_category(products: Products, newest: pa.Table) -> list[Index]:
    """Each category with a competitor's price, the one where we are dearest first."""
    place, coins = _rows(products, newest)
    theirs = np.bincount(place, np.log(coins), len(products))
    counts = np.bincount(place, minlength=len(products))
    best = lowest(products, newest)
    rows = np.flatnonzero((counts > 0) & (products.price > 0))
    names = np.array([products.categories[row] or NO_CATEGORY for row in rows], object)
    ours = np.log(products.price[rows])
    found = []
    for name in sorted(set(names.tolist())):
        those = names == name
        which = rows[those]
        mean = float(np.exp((ours[those] - theirs[which] / counts[which]).mean()))
        low = float(np.exp((ours[those] - np.log(best[which])).mean()))
        found.append(Index(name, len(which), mean, low, int((best[which] < products.price[which]).sum())))
    return sorted(found, key=lambda each: -each.mean_index)


def undercuts(products: Products, newest: pa.Table, *, at_least: float = 0.0) -> list[Undercut]:
    """The products for which a competitor asks less, the widest gap first.

    Parameters
    ----------
    at_least : the gap, as a share of our price.
    """
    place, coins = _rows(products, newest)
    ours = products.price[place]
    gap = 1 - coins / ours
    names = newest["competitor"].to_pylist()
    known = [row for row, product in enumerate(newest["product_id"].to_pylist()) if products.price_of(product) > 0]
    found = [
        Undercut(products.ids[place[k]], names[row], int(ours[k]), int(coins[k]), float(gap[k]))
        for k, row in enumerate(known)
        if gap[k] > 0 and gap[k] >= at_least
    ]
    return sorted(found, key=lambda each: (-each.gap, each.product_id, each.competitor))


def _rows(products: Products, newest: pa.Table) -> tuple[Ints, Ints]:
    """(m,) the place of the product of each price that has one, and the price."""
    pairs = [
        (products.place[product], coins)
        for product, coins in zip(newest["product_id"].to_pylist(), newest["coins"].to_pylist(), strict=True)
        if products.price_of(product) > 0
    ]
    place, coins = np.array(pairs, np.int64).reshape(-1, 2).T
    return place, coins
