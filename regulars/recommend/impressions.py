"""What customers were shown in lists, and what they took up of it: the best there is to learn an order from.

What stands first is looked at most, whatever it is; so the ranker is told the places and learns how much each of them
does by itself.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import ibis
import numpy as np
import pyarrow as pa

from regulars.behavior.dataset import moment_of
from regulars.recommend.blocks import blocks
from regulars.recommend.candidates import Candidates, Ints
from regulars.recommend.features import Products, features
from regulars.recommend.model import named
from regulars.recommend.past import CLICKS, Past
from regulars.recommend.ranker import Lesson
from regulars.recommend.sources import Head, Source

if TYPE_CHECKING:
    from regulars.recommend.dataset import Outcome
    from regulars.shop import Shop

MOST_LISTS = 20_000
"""Of more lists, so many are drawn at random."""
CLICKED_WITHIN = timedelta(hours=24)
"""A product was taken up from a list, if it was clicked, looked at or ordered within so long after it."""
LEAST_TAKEN = 100
"""Of fewer lists from which something was taken nothing can be learned beyond what orders say."""
PLACES = 50
"""Places further down are taken for alike."""


class Shown(NamedTuple):
    """Lines of lists that customers saw.

    Attributes
    ----------
    list : (l,) the number of the list.
    customer, product : (l,) whose it was, a number into the past's customers; the product.
    place : (l,) from 1.
    is_taken : (l,) whether it was taken up.
    """

    list: Ints
    customer: Ints
    product: Ints
    place: Ints
    is_taken: np.ndarray


def shown_within(shop: Shop, past: Past, days: int) -> Shown | None:
    """Lists shown in so many days from a past's moment on, to customers of the past, of which something was taken up.

    None if they are too few.
    """
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
    taken = taken.select("customer_id", "product_id", taken_at="time")
    both = lists.left_join(
        taken,
        [
            lists.customer_id == taken.customer_id,
            lists.product_id == taken.product_id,
            taken.taken_at >= lists.time,
            taken.taken_at <= lists.time + ibis.interval(seconds=int(CLICKED_WITHIN.total_seconds())),
        ],
    )
    lines = both.group_by("event_id", "line").agg(
        customer_id=both.customer_id.first(), product_id=both.product_id.first(), is_taken=both.taken_at.notnull().any()
    )
    table = shop.engine.to_arrow(lines.order_by("event_id", "line"))
    return _of_table(table, past)


def _of_table(table: pa.Table, past: Past) -> Shown | None:
    number = {name: place for place, name in enumerate(past.sequences.customers)}
    customer = np.array([number.get(name, -1) for name in table["customer_id"].to_pylist()], np.int64)
    product = past.vocabulary.numbers(table["product_id"].to_pylist()).astype(np.int64)
    encoded = table["event_id"].combine_chunks().dictionary_encode().indices
    which = np.asarray(encoded).astype(np.int64)
    is_taken = np.asarray(table["is_taken"])
    known = (customer >= 0) & (product > 0)
    lists = int(which.max(initial=-1)) + 1
    of_use = np.bincount(which[known], is_taken[known], lists) > 0
    if of_use.sum() < LEAST_TAKEN:
        return None
    some = np.flatnonzero(of_use)
    some = np.sort(np.random.default_rng(past.now % (1 << 32)).permutation(some)[:MOST_LISTS])
    keep = known & np.isin(which, some)
    place = np.minimum(np.asarray(table["line"]).astype(np.int64) + 1, PLACES)
    return Shown(which[keep], customer[keep], product[keep], place[keep], is_taken[keep])


def lesson_of(shown: Shown, taken: Outcome, sources: tuple[Source, ...], head: Head | None, past: Past) -> Lesson:
    """What to learn from lists: each line with its features as of the past's moment, its place, and what it was worth.

    A line that was taken up is worth what the outcome says of the product, or else what is least there.
    """
    products = Products.of(past)
    width = past.products + 1
    place_of = np.full(len(past.sequences.customers), -1)
    place_of[taken.customer] = np.arange(len(taken.customer))
    least = float(taken.value.min(initial=1.0))
    parts = []
    whose = np.unique(shown.customer)
    for block in blocks(len(whose)):
        some = whose[block.start : block.stop]
        lines = np.flatnonzero(np.isin(shown.customer, some))
        own = np.searchsorted(some, shown.customer[lines])
        pairs, back = np.unique(own * width + shown.product[lines], return_inverse=True)
        part = past.of(some)
        asked = _asked(named(sources, head, part), pairs, width, len(some))
        known = features(part, products, asked)[back]
        value = taken.values(place_of[shown.customer[lines]], shown.product[lines])
        value = np.where(shown.is_taken[lines], np.maximum(value, least), 0).astype(np.float32)
        order = np.lexsort((shown.place[lines], shown.list[lines]))
        counts = np.unique(shown.list[lines], return_counts=True)[1]
        parts.append(Lesson(known[order], value[order], counts, shown.place[lines][order]))
    return Lesson.joined(parts)


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
