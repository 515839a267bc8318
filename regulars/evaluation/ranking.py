"""How good lists of products are: whether they hold what was bought, and what they show of the shop."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Hits(NamedTuple):
    """Measures of each customer's list, (n,) each, in [0, 1]."""

    recall: Floats
    ndcg: Floats
    mrr: Floats
    map: Floats


def hits(is_taken: npt.NDArray[np.bool_], taken: Ints) -> Hits:
    """Recall, NDCG, MRR and MAP at k.

    Parameters
    ----------
    is_taken : (n, k) whether the product at each place was bought.
    taken : (n,) how many products each customer bought, >= 1.

    Source
    ------
    Järvelin and Kekäläinen (2002), Cumulated gain-based evaluation of IR techniques; Manning, Raghavan and Schütze
    (2008), Introduction to Information Retrieval, section 8.4, with the best that a list of k can reach as 1.

    Examples
    --------
    Two bought, one of them named, in the second place:

    >>> found = hits(np.array([[False, True, False]]), np.array([2]))
    >>> float(found.recall[0]), float(found.mrr[0]), float(found.map[0]), round(float(found.ndcg[0]), 4)
    (0.5, 0.5, 0.25, 0.3869)
    """
    k = is_taken.shape[1]
    place = np.arange(1, k + 1)
    gain = 1 / np.log2(place + 1)
    best = np.cumsum(gain)[np.minimum(taken, k) - 1]
    first = np.where(is_taken.any(axis=1), 1 / (is_taken.argmax(axis=1) + 1), 0.0)
    precision = np.cumsum(is_taken, axis=1) / place
    return Hits(
        is_taken.sum(axis=1) / taken,
        (is_taken * gain).sum(axis=1) / best,
        first,
        (precision * is_taken).sum(axis=1) / np.minimum(taken, k),
    )


class Spread(NamedTuple):
    """What lists show of the shop.

    Attributes
    ----------
    coverage : share of the products that stand in some list.
    gini : how unevenly they are shown, from 0 (all alike) to near 1 (one product alone).
    novelty : bits of surprise of a shown product: minus log2 of the share of customers who had it.
    bias : the mean popularity of what is shown, by that of what customers had themselves; 1 is as they are.
    """

    coverage: float
    gini: float
    novelty: float
    bias: float


def spread(lists: Ints, customers_of: npt.NDArray[np.floating], customers: int) -> Spread:
    """Of lists (n, k) of products; 0 is no product.

    Parameters
    ----------
    customers_of : (products + 1,) how many customers had each product.
    customers : how many there are.

    Examples
    --------
    >>> found = spread(np.array([[1, 2], [1, 2]]), np.array([0, 4, 1, 1, 2]), 8)
    >>> found.coverage, round(found.gini, 2), found.novelty
    (0.5, 0.5, 2.0)
    """
    shown = lists[lists > 0]
    counts = np.sort(np.bincount(shown, minlength=len(customers_of))[1:])
    count = len(counts)
    total = max(int(counts.sum()), 1)
    gini = float((2 * np.arange(1, count + 1) - count - 1) @ counts / (count * total))
    share = np.maximum(customers_of, 0.5) / max(customers, 1)
    usual = float((customers_of @ customers_of) / max(customers_of.sum(), 1e-9))
    return Spread(
        float((counts > 0).mean()),
        gini,
        float(-np.log2(share[shown]).mean()) if len(shown) else 0.0,
        float(customers_of[shown].mean() / max(usual, 1e-9)) if len(shown) else 0.0,
    )
