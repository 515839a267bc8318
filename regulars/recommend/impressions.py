"""What customers were shown in lists, and what they took up of it: the best there is to learn an order from.

What stands first is looked at most, whatever it is; so the ranker is told the places.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.clock import moment_of
from regulars.recommend.blocks import blocks, in_threads
from regulars.recommend.candidates import Candidates, Floats, Ints
from regulars.recommend.features import Products, features
from regulars.recommend.model import RecommendModel, named
from regulars.recommend.past import BOUGHT, CLICKS, Past
from regulars.recommend.ranker import Lesson
from regulars.recommend.sources import Head, Source

if TYPE_CHECKING:
    from regulars.shop import Shop

MOST_LINES = 400_000
"""Of more lines, so many are drawn at random, list by list."""
TAKEN_WITHIN = timedelta(hours=24)
"""A product was taken up from a list, if it was clicked, looked at or ordered within so long after it."""
LEAST_TAKEN = 1_000
"""Of fewer lines that were taken up nothing can be learned beyond what orders say."""
PLACES = 50
"""Places further down are taken for alike."""


class Shown(NamedTuple):
    """Lines of lists that customers saw.

    Attributes
    ----------
    list : (l,) the number of the list.
    customer, product : (l,) whose it was, a number into the past's customers; the product.
    place : (l,) from 1.
    is_clicked, is_ordered : (l,) whether it was clicked or looked at, and whether it was ordered.
    """

    list: Ints
    customer: Ints
    product: Ints
    place: Ints
    is_clicked: npt.NDArray[np.bool_]
    is_ordered: npt.NDArray[np.bool_]


def shown_within(shop: Shop, past: Past, days: int) -> Shown | None:
    """Lists that customers of a past saw in so many days from its moment on; None if too little was taken up."""
    begin = moment_of(past.now)
    end = begin + timedelta(days=days)
    events = shop.identities.named(shop.events, end)
    inside = events.filter(
        events.time >= ibis.literal(begin), events.time < ibis.literal(end), events.product_id.notnull(),
        events.customer_id.notnull(),
    )  # fmt: skip
    lists = inside.filter(inside.type == "product_list_viewed").select(
        "customer_id", "product_id", "time", "event_id", "line"
    )
    taken = inside.filter(inside.type.isin([*CLICKS, "order_completed"]))
    taken = taken.select("customer_id", "product_id", taken_at="time", how="type")
    both = lists.left_join(
        taken,
        [
            lists.customer_id == taken.customer_id,
            lists.product_id == taken.product_id,
            taken.taken_at >= lists.time,
            taken.taken_at <= lists.time + ibis.interval(seconds=int(TAKEN_WITHIN.total_seconds())),
        ],
    )
    lines = both.group_by("event_id", "line").agg(
        customer_id=both.customer_id.first(), product_id=both.product_id.first(),
        is_clicked=both.how.isin(CLICKS).fill_null(False).any(), is_ordered=(both.how == BOUGHT).fill_null(False).any(),
    )  # fmt: skip
    table = shop.engine.to_arrow(lines.order_by("event_id", "line"))
    return _of_table(table, past)


def _of_table(table: pa.Table, past: Past) -> Shown | None:
    number = {name: place for place, name in enumerate(past.sequences.customers)}
    customer = np.array([number.get(name, -1) for name in table["customer_id"].to_pylist()], np.int64)
    product = past.vocabulary.numbers(table["product_id"].to_pylist()).astype(np.int64)
    encoded = table["event_id"].combine_chunks().dictionary_encode().indices
    which = np.asarray(encoded).astype(np.int64)
    is_clicked, is_ordered = np.asarray(table["is_clicked"]), np.asarray(table["is_ordered"])
    known = (customer >= 0) & (product > 0)
    if (known & (is_clicked | is_ordered)).sum() < LEAST_TAKEN:
        return None
    counts = np.bincount(which, known)
    some = np.random.default_rng(past.now % (1 << 32)).permutation(len(counts))
    drawn = np.zeros(len(counts), bool)
    drawn[some[np.cumsum(counts[some]) <= MOST_LINES]] = True
    keep = known & drawn[which]
    place = np.minimum(np.asarray(table["line"]).astype(np.int64) + 1, PLACES)
    return Shown(which[keep], customer[keep], product[keep], place[keep], is_clicked[keep], is_ordered[keep])


def lesson_of(
    shown: Shown,
    of_click: float,
    sources: tuple[Source, ...],
    head: Head | None,
    past: Past,
    products: Products,
) -> Lesson:
    """What to learn from lists: each line with its features as of the past's moment, its place, and what came of it.

    Parameters
    ----------
    of_click : what a click counts for. What came of a line is told as a share of what a click and an order of its
        product are worth, in [0, 1].
    """
    width = past.products + 1

    def part(block: range) -> Lesson:
        some = whose[block.start : block.stop]
        lines = np.flatnonzero(np.isin(shown.customer, some))
        own = np.searchsorted(some, shown.customer[lines])
        pairs, back = np.unique(own * width + shown.product[lines], return_inverse=True)
        of_some = past.of(some)
        asked = _asked(named(sources, head, of_some), pairs, width, len(some))
        known = features(of_some, products, asked)[back]
        of_order = np.broadcast_to(past.worth, width)[shown.product[lines]]
        came = of_click * shown.is_clicked[lines] + of_order * shown.is_ordered[lines]
        share = came / np.maximum(of_click + of_order, 1e-9)
        order = np.lexsort((shown.place[lines], shown.list[lines]))
        counts = np.unique(shown.list[lines], return_counts=True)[1]
        return Lesson(known[order], share[order].astype(np.float32), counts, shown.place[lines][order])

    whose = np.unique(shown.customer)
    return Lesson.joined(list(in_threads(part, blocks(len(whose)))))


def first_fifth(
    shown: Shown, of_click: float, model: RecommendModel, head: Head | None, past: Past
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """How much of what customers took up lies in the first fifth of the lines they were shown, in another order.

    Returns
    -------
    (n,) shares of the worth, in [0, 1], of each customer who took up any: by the model's order, and by what sold most.
    """
    products, width = Products.of(past), past.products + 1
    pairs, back = np.unique(shown.customer * width + shown.product, return_inverse=True)
    of_order = np.broadcast_to(past.worth, width)[shown.product]
    came = np.zeros(len(pairs))
    np.maximum.at(came, back, of_click * shown.is_clicked + of_order * shown.is_ordered)
    whose, own = np.unique(pairs // width, return_inverse=True)

    def part(block: range) -> Floats:
        inside = (own >= block.start) & (own < block.stop)
        asked = (own[inside] - block.start) * width + pairs[inside] % width
        of_some = past.of(whose[block.start : block.stop])
        found = named(model.sources, head if model.has_head else None, of_some)
        found = _asked(found, asked, width, len(block))
        scores: Floats = model.ranker.scores(features(of_some, products, found)) * model.worth[found.product]
        return scores

    ours = np.concatenate(list(in_threads(part, blocks(len(whose)))))
    total = np.bincount(own, came)
    counts = np.bincount(own)
    starts = np.cumsum(counts) - counts
    shares = []
    for scores in (ours, products.sold_recently[pairs % width]):
        order = np.lexsort((-scores, own))
        is_first = np.arange(len(order)) - starts[own[order]] < np.ceil(counts / 5)[own[order]]
        shares.append(np.bincount(own[order][is_first], came[order][is_first], len(total)))
    some = total > 0
    return shares[0][some] / total[some], shares[1][some] / total[some]


def _asked(found: Candidates, pairs: Ints, width: int, customers: int) -> Candidates:
    """Candidates for some pairs, customer x width + product, ascending, with what the sources said of them."""
    key = found.customer * width + found.product
    at = np.minimum(np.searchsorted(key, pairs), max(len(key) - 1, 0))
    is_named = key[at] == pairs if len(key) else np.zeros(len(pairs), bool)
    scores = np.where(is_named[:, None], found.scores[at], np.nan).astype(np.float32)
    places = np.where(is_named[:, None], found.places[at], 0).astype(np.float32)
    customer = pairs // width
    starts = np.searchsorted(customer, np.arange(customers + 1))
    return Candidates(customer, pairs % width, starts, scores, places)
