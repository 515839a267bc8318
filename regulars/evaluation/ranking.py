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


def diversity(lists: Ints, vectors: npt.NDArray[np.floating]) -> float:
    """How unlike the products of a list are: the mean of 1 - cosine over its pairs, in [0, 2]; NaN without a pair.

    Parameters
    ----------
    lists : (n, k) of products; 0 is no product.
    vectors : (products + 1, d) of length 1, or 0 of what nothing is known.

    Source
    ------
    Ziegler et al. (2005), Improving Recommendation Lists Through Topic Diversification, section 3.3.

    Examples
    --------
    >>> diversity(np.array([[1, 2, 0]]), np.array([[0, 0], [1, 0], [0, 1]]))
    1.0
    """
    shown = vectors[lists] * (lists > 0)[:, :, None]
    total = shown.sum(axis=1)
    # Of all pairs at once: the square of a sum, less the squares.
    alike = ((total**2).sum(axis=1) - (shown**2).sum(axis=(1, 2))).sum()
    count = (lists > 0).sum(axis=1).astype(float)
    pairs = (count * (count - 1)).sum()
    return float(1 - alike / pairs) if pairs else float("nan")


def serendipity(is_taken: npt.NDArray[np.bool_], lists: Ints, expected: Ints) -> float:
    """The share of what is shown that is bought, and that a simple method does not name: in [0, 1].

    Parameters
    ----------
    is_taken, lists : (n, k) products, 0 for none, and whether each was bought.
    expected : (n, m) what the simple method names for the same customers.

    Source
    ------
    Ge, Delgado-Battenfeld and Jannach (2010), Beyond Accuracy: Evaluating Recommender Systems by Coverage and
    Serendipity, section 3.

    Examples
    --------
    >>> serendipity(np.array([[True, True, False]]), np.array([[1, 2, 3]]), np.array([[1, 4]]))
    0.3333333333333333
    """
    row = np.arange(len(lists))[:, None] * (int(max(lists.max(initial=0), expected.max(initial=0))) + 1)
    is_new = is_taken & ~np.isin(row + lists, row + expected)
    return float(is_new.sum() / max(int((lists > 0).sum()), 1))
