"""What the ranker knows of a candidate: the product, the customer, and the two together, as of a moment."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from regulars.behavior.sequences import DAY, MICROSECONDS
from regulars.recommend.candidates import Candidates, Floats, Ints
from regulars.recommend.past import Past, shrunk

SHORT_DAYS, LONG_DAYS = 30.0, 180.0
SHRINKAGE = 20.0
NEW_DAYS = 30.0
"""A product is new for so many days after it was first met."""
NAMES = (
    "product_sold_recently", "product_sold", "product_customers", "product_rise", "product_days_since_sold",
    "product_age_days", "product_price", "product_repeat_share", "product_conversion", "product_taken_share",
    "customer_orders", "customer_products", "customer_days_since_order", "customer_repeat_share",
    "times_had", "had_recently", "days_since_had", "interval_share", "price_fit", "attribute_share",
)  # fmt: skip
"""The features, in their order; scores and places of the sources come before them."""


@dataclass(frozen=True)
class Products:
    """What is known of each product as of a moment, (products + 1,) each; learned from all customers."""

    sold_recently: Floats
    sold: Floats
    customers: Floats
    rise: Floats
    since_sold: Floats
    age: Floats
    price: Floats
    repeat_share: Floats
    conversion: Floats
    taken_share: Floats
    interval: Floats

    @cached_property
    def rows(self) -> Floats:
        """(products + 1, 11) the fields, in their order."""
        return np.stack([getattr(self, field.name) for field in fields(self)], axis=1).astype(np.float32)

    @cached_property
    def is_new(self) -> npt.NDArray[np.bool_]:
        """(products + 1,) which were first met within the last 30 days."""
        return np.asarray(self.age <= NEW_DAYS)

    @classmethod
    def of(cls, past: Past) -> Products:
        """From a past."""
        events = past.with_product
        count = past.products + 1
        age = ((past.now - events.time) / DAY).astype(np.float32)

        def decayed(half_life: float) -> Floats:
            return np.bincount(events.product, events.weight * np.exp2(-age / half_life), count).astype(np.float32)

        newest, oldest = np.full(count, np.nan, np.float32), np.full(count, np.nan, np.float32)
        order = np.argsort(events.time, kind="stable")
        newest[events.product[order]] = age[order]
        oldest[events.product[order[::-1]]] = age[order[::-1]]
        key = events.customer * count + events.product
        pairs, times = np.unique(key, return_counts=True)
        product = pairs % count
        customers = np.bincount(product, minlength=count).astype(np.float32)
        again = np.bincount(product, times > 1, count)
        recent, lasting = decayed(SHORT_DAYS), decayed(LONG_DAYS)
        repeat = ((again + 1) / (customers + 5)).astype(np.float32)
        return cls(
            np.log1p(recent), np.log1p(lasting), np.log1p(customers),
            np.log((recent + 0.5) / (lasting * SHORT_DAYS / LONG_DAYS + 0.5)), newest, oldest,
            _logs(past.vocabulary.usual_price), repeat, past.conversion(SHRINKAGE),
            shrunk(*_shown(past), SHRINKAGE), _interval(past),
        )  # fmt: skip


def _shown(past: Past) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """(products + 1,) in how many lines of lists each was shown, and of those, after how many it was soon ordered."""
    events, (customer, product, time) = past.with_product, past.lines
    width = past.products + 1
    bought = np.flatnonzero(events.is_bought)
    key = events.customer[bought] * width + events.product[bought]
    order = np.lexsort((events.time[bought], key))
    key, when = key[order], events.time[bought][order]
    pairs, asked = np.unique(key), customer * width + product
    if not len(pairs) or not len(asked):
        return np.zeros(width), np.bincount(product, minlength=width)
    # Pair and seconds as one number, so that the first order after a line is found by one search.
    own, line = (
        np.searchsorted(pairs, each) * (1 << 31) + (moment - when.min()) // MICROSECONDS
        for each, moment in ((key, when), (asked, np.maximum(time, when.min())))
    )
    at = np.minimum(np.searchsorted(own, line), len(key) - 1)
    is_taken = (key[at] == asked) & (when[at] >= time) & (when[at] <= time + DAY)
    return np.bincount(product, is_taken, width), np.bincount(product, minlength=width)


def _logs(price: npt.NDArray[np.float64]) -> Floats:
    """NaN where there is no price, or none above 0."""
    is_some = np.nan_to_num(price) > 0
    found: Floats = np.where(is_some, np.log(np.where(is_some, price, 1.0)), np.nan).astype(np.float32)
    return found


def _interval(past: Past) -> Floats:
    """(products + 1,) the median days between a customer's orders of a product; NaN where nobody came back."""
    events = past.with_product
    bought = np.flatnonzero(events.is_bought)
    key = events.customer[bought] * (past.products + 1) + events.product[bought]
    order = np.lexsort((events.time[bought], key))
    key, time = key[order], events.time[bought][order]
    gap = np.diff(time) / DAY
    is_gap = (np.diff(key) == 0) & (gap > 0.5)
    product, gap = key[1:][is_gap] % (past.products + 1), gap[is_gap]
    found = np.full(past.products + 1, np.nan, np.float32)
    by = np.lexsort((gap, product))
    product, gap = product[by], gap[by]
    first = np.flatnonzero(np.append(True, np.diff(product) != 0)) if len(product) else np.zeros(0, np.int64)
    counts = np.diff(np.append(first, len(product)))
    found[product[first]] = gap[first + (counts - 1) // 2]
    return found


def features(past: Past, products: Products, found: Candidates) -> Floats:
    """(m, k) of candidates: scores and places of the sources, then `NAMES`; NaN where something is not known.

    Parameters
    ----------
    past : of the customers that the candidates are for.
    """
    orders, last = _orders(past)
    starts, had, times, recent, since = _had(past)
    whose = np.repeat(np.arange(len(orders)), np.diff(starts))
    different = np.diff(starts)
    repeated = np.bincount(whose, times > 1, len(orders))
    people = np.stack([orders, np.log1p(different), last, (repeated + 1) / (different + 5)], axis=1)
    fit, share = _tastes(past, products, found)
    table = np.empty((len(found.product), 2 * found.scores.shape[1] + len(NAMES)), np.float32)
    _write(
        table, found.starts, found.product, found.scores, found.places, products.rows, people.astype(np.float32),
        starts, had, times, recent, since, fit, share,
    )  # fmt: skip
    return table


def _had(past: Past) -> tuple[Ints, Ints, Ints, Floats, Floats]:
    """What each customer had, by customer and product: starts (n + 1,), products, how often, how much of late, days."""
    events, pair = past.with_product, past.pair
    age = ((past.now - events.time) / DAY).astype(np.float32)
    times = np.bincount(pair, minlength=len(past.had))
    since = np.full(len(past.had), np.inf, np.float32)
    np.minimum.at(since, pair, age)
    recent = past.matrix(LONG_DAYS)
    return recent.indptr.astype(np.int64), recent.indices.astype(np.int64), times, recent.data, since


@numba.njit(cache=True, nogil=True)
def _write(
    table: Any, starts: Any, product: Any, scores: Any, places: Any, products: Any, people: Any, had_starts: Any,
    had: Any, times: Any, recent: Any, since: Any, fit: Any, share: Any,
) -> None:  # fmt: skip
    """Fill the table of features; what a customer had and the candidates are both in the order of products."""
    sources, known, of_person = scores.shape[1], products.shape[1] - 1, people.shape[1]
    own = 2 * sources + known + of_person
    for customer in range(len(starts) - 1):
        pair, last = had_starts[customer], had_starts[customer + 1]
        for row in range(starts[customer], starts[customer + 1]):
            which = product[row]
            table[row, :sources] = scores[row]
            table[row, sources : 2 * sources] = places[row]
            table[row, 2 * sources : 2 * sources + known] = products[which, :known]
            table[row, 2 * sources + known : own] = people[customer]
            while pair < last and had[pair] < which:
                pair += 1
            if pair < last and had[pair] == which:
                table[row, own] = times[pair]
                table[row, own + 1] = recent[pair]
                table[row, own + 2] = since[pair]
                table[row, own + 3] = since[pair] / products[which, known]
            else:
                table[row, own : own + 2] = 0
                table[row, own + 2 : own + 4] = np.nan
            table[row, own + 4] = fit[row]
            table[row, own + 5] = share[row]


def _tastes(past: Past, products: Products, found: Candidates) -> tuple[Floats, Floats]:
    """How far the price is from what the customer pays, and how much of the past shares the product's attributes."""
    had: sp.csr_matrix = past.matrix(LONG_DAYS)
    whose = np.repeat(np.arange(had.shape[0]), np.diff(had.indptr))
    total = np.bincount(whose, had.data, had.shape[0])
    price = products.price[had.indices]
    known = had.data * ~np.isnan(price)
    weight = np.bincount(whose, known, had.shape[0])
    paid = np.bincount(whose, known * np.nan_to_num(price), had.shape[0])
    usual = np.divide(paid, weight, out=np.full(len(total), np.nan), where=weight > 0)
    fit = np.abs(products.price[found.product] - usual[found.customer]).astype(np.float32)
    attributes = past.content.attributes
    if not attributes.shape[1]:
        return fit, np.full(len(fit), np.nan, np.float32)
    taste = (had @ attributes).tocsr()
    one, other = ((each.indptr, each.indices, each.data) for each in (taste, attributes))
    share = _shared(found.starts, found.product, *one, *other, attributes.shape[1])
    share /= np.maximum(total[found.customer], 1e-9).astype(np.float32)
    return fit, share


def _orders(past: Past) -> tuple[Ints, Floats]:
    """At how many moments each customer ordered, and how many days ago last; NaN for who never did."""
    events = past.with_product
    people = len(past.sequences.customers)
    customer, time = events.customer[events.is_bought], events.time[events.is_bought]
    pairs = np.unique(np.stack([customer, time]), axis=1)
    last = np.full(people, np.nan, np.float32)
    np.fmin.at(last, customer, ((past.now - time) / DAY).astype(np.float32))
    return np.bincount(pairs[0], minlength=people), last


@numba.njit(cache=True, nogil=True)
def _shared(
    starts: Any, product: Any, own_row: Any, own: Any, weight: Any, row: Any, column: Any, value: Any, width: int
) -> Floats:
    """(m,) the inner product of each candidate's attributes with the taste of its customer."""
    found = np.zeros(len(product), np.float32)
    taste = np.zeros(width, np.float32)
    for customer in range(len(starts) - 1):
        for k in range(own_row[customer], own_row[customer + 1]):
            taste[own[k]] = weight[k]
        for place in range(starts[customer], starts[customer + 1]):
            for k in range(row[product[place]], row[product[place] + 1]):
                found[place] += taste[column[k]] * value[k]
        for k in range(own_row[customer], own_row[customer + 1]):
            taste[own[k]] = 0
    return found
