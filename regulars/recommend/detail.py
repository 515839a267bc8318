"""A closer look at lists: other methods beside ours, by who was asked and what was bought, and ten to judge by eye."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import scipy.linalg

from regulars.evaluation import Hits, Lines, Table, hits
from regulars.recommend.candidates import Floats, Ints, Top
from regulars.recommend.dataset import Outcome
from regulars.recommend.past import Past
from regulars.recommend.sources import Covisitation, Factors, Head, Own, Popular

LARGEST_EASE = 6_000
"""Products of which all pairs are weighed; the time grows with the third power of their number."""
REGULARISATION = 300.0
SHOWN, LINES = 10, 8
"""Customers to judge by eye, and products of each list."""
COLD = 3
"""A product is cold if fewer customers than this had it."""


def others(past: Past, customers: Ints, k: int, head: Head | None) -> dict[str, Ints]:
    """(n, k) what methods that stand alone name for some customers of a past, of all products."""
    part, every = past.of(customers), np.arange(past.products + 1) > 0
    methods: dict[str, Callable[[], Top]] = {
        "own history with decay": lambda: Own.fit(past).top(part, k, every),
        "popularity": lambda: Popular.fit(past).top(part, k, every),
        "item-kNN": lambda: Covisitation.fit(past).top(part, k, every),
        "iALS": lambda: Factors.fit(past).top(part, k, every),
        "EASE": lambda: ease(past, part, k),
    }
    if head is not None:
        methods["behaviour model alone"] = lambda: head.top(part, k, every)
    return {name: _filled(top().products, k) for name, top in methods.items()}


def ease(past: Past, asked: Past, k: int) -> Top:
    """The best k products for each customer asked about, by a linear model of all pairs in closed form.

    Of more products than `LARGEST_EASE` it looks at those that most customers had.

    Source
    ------
    Steck (2019), Embarrassingly Shallow Autoencoders for Sparse Data, equation 8.
    """
    had = (past.matrix(1e9) > 0).astype(np.float32).tocsc()
    counts = np.diff(had.indptr)
    some = np.sort(np.argsort(-counts, kind="stable")[: min(LARGEST_EASE, int((counts > 0).sum()))])
    had = had[:, some]
    inverse = scipy.linalg.inv((had.T @ had).toarray() + REGULARISATION * np.eye(len(some), dtype=np.float32))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    of_asked = (asked.matrix(1e9) > 0).astype(np.float32).tocsc()[:, some].tocsr()

    def scores(block: slice) -> Floats:
        found: Floats = np.asarray(of_asked[block] @ weights, np.float32)
        return found

    top = Top.by_block(scores, of_asked.shape[0], len(some) - 1, k)
    return Top(some[top.products], top.scores)


def beside(found: Mapping[str, Hits], k: int) -> Table:
    """Every method's figures."""
    rows = [
        [name, *(float(getattr(each, field).mean()) for field in ("ndcg", "recall", "mrr", "map"))]
        for name, each in found.items()
    ]
    return Table(["Method", f"NDCG@{k}", f"recall@{k}", f"MRR@{k}", f"MAP@{k}"], rows)


def by_customer(past: Past, bought: Outcome, ours: Hits, theirs: Hits, k: int) -> Table:
    """NDCG of customers by how many products they had before."""
    had = np.bincount(past.had // (past.products + 1), minlength=len(past.sequences.customers))[bought.customer]
    edges = np.quantile(had, [1 / 3, 2 / 3])
    rows = []
    for name, inside in (
        (f"new: up to {edges[0]:.0f} products", had <= edges[0]),
        (f"casual: up to {edges[1]:.0f}", (had > edges[0]) & (had <= edges[1])),
        ("heavy: more", had > edges[1]),
    ):
        if inside.any():
            rows.append([name, int(inside.sum()), float(ours.ndcg[inside].mean()), float(theirs.ndcg[inside].mean())])
    return Table(["Customers", "Judged", f"NDCG@{k}, model", f"NDCG@{k}, baseline"], rows)


def by_product(past: Past, bought: Outcome, ours: Ints, theirs: Ints) -> Table:
    """How much of what was bought the lists hold, by how many customers had the product before.

    The head are the products that most had, so many that half of all that anybody had is of them.
    """
    count = np.bincount(past.had % (past.products + 1), minlength=past.products + 1)
    order = np.argsort(-count, kind="stable")
    is_head = np.zeros(len(count), bool)
    is_head[order[np.cumsum(count[order]) <= count.sum() / 2]] = True
    is_cold = count < COLD
    owner = np.repeat(np.arange(len(bought.customer)), np.diff(bought.starts))
    groups = (("head", is_head), ("tail", ~is_head & ~is_cold), (f"cold: had by fewer than {COLD}", is_cold))
    width = len(count)
    rows = []
    for name, is_of in groups:
        inside = is_of[bought.product]
        key = owner[inside] * width + bought.product[inside]
        if len(key):
            named = [_share(lists, key, width) for lists in (ours, theirs)]
            rows.append([name, int(is_of[1:].sum()), len(key), *named])
    return Table(["Products", "There are", "Bought", "Named by the model", "by the baseline"], rows)


def gallery(past: Past, bought: Outcome, ours: Ints, titles: Sequence[str | None], k: int) -> Table:
    """Some customers: what they had last, what we would show, marked where it was bought, and what they bought.

    They are drawn evenly from those with few products to those with many, and not named.
    """
    had = np.bincount(past.had // (past.products + 1), minlength=len(past.sequences.customers))[bought.customer]
    order = np.argsort(had, kind="stable")
    some = order[np.unique(np.linspace(0, len(order) - 1, SHOWN).round().astype(np.int64))]

    def named(products: Ints) -> list[str]:
        return [titles[number] or past.vocabulary.products[number - 1] for number in products.tolist()]

    rows = []
    for number, place in enumerate(some.tolist(), 1):
        events = past.of(bought.customer[place : place + 1]).with_product
        last = events.product[np.argsort(-events.time, kind="stable")]
        last = last[np.sort(np.unique(last, return_index=True)[1])][:LINES]
        shown = ours[place][ours[place] > 0][:LINES]
        taken = bought.product[bought.starts[place] : bought.starts[place + 1]]
        is_hit = np.isin(shown, taken).tolist()
        rows.append(
            [number, int(had[place]), Lines(named(last)), Lines(named(shown), is_hit), Lines(named(taken[:LINES]))]
        )
    return Table(["", "Had", "The last of them", f"Would be shown, the first of {k}", "Bought then"], rows)


def _share(lists: Ints, key: Ints, width: int) -> float:
    row = np.arange(len(lists))[:, None] * width
    return float(np.isin(key, (row + lists)[lists > 0]).mean())


def _filled(products: Ints, k: int) -> Ints:
    return np.hstack([products, np.zeros((len(products), max(k - products.shape[1], 0)), np.int64)])[:, :k]


def judged(bought: Outcome, lists: Ints) -> Hits:
    """Measures of each customer's list (n, k)."""
    return hits(taken_of(bought, lists), np.diff(bought.starts))


def taken_of(bought: Outcome, lists: Ints) -> npt.NDArray[np.bool_]:
    """(n, k) whether each product of a list was bought."""
    whose = np.repeat(np.arange(len(lists)), lists.shape[1])
    found: npt.NDArray[np.bool_] = bought.values(whose, lists.ravel()).reshape(lists.shape) > 0
    return found
