"""What the ranker knows of a candidate: the product, the customer, and the two together, as of a moment."""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from regulars.behavior.sequences import DAY
from regulars.recommend.candidates import Candidates, Floats
from regulars.recommend.past import Past

SHORT_DAYS, LONG_DAYS = 30.0, 180.0
NEW_DAYS = 30.0
"""A product is new for so many days after it was first met."""
NAMES = (
    "product_sold_recently", "product_sold", "product_customers", "product_rise", "product_days_since_sold",
    "product_age_days", "product_price", "product_repeat_share",
    "customer_orders", "customer_products", "customer_days_since_order", "customer_repeat_share",
    "times_had", "had_recently", "days_since_had", "interval_share", "price_fit", "attribute_share",
)  # fmt: skip
"""The features, in their order; scores and places of the sources come before them."""


class Products(NamedTuple):
    """What is known of each product as of a moment, (products + 1,) each; learned from all customers."""

    sold_recently: Floats
    sold: Floats
    customers: Floats
    rise: Floats
    since_sold: Floats
    age: Floats
    price: Floats
    repeat_share: Floats
    interval: Floats

    @property
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
            _logs(past.vocabulary.usual_price), repeat, _interval(past),
        )  # fmt: skip


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
    people = len(past.sequences.customers)
    who, what = found.customer, found.product
    had = _Had.of(past)
    times, recent, since = had.of_pairs(who * (past.products + 1) + what)
    whose = had.pairs // (past.products + 1)
    per_customer = np.bincount(whose, minlength=people)
    repeated = np.bincount(whose, had.times > 1, people)
    orders, last = _orders(past)
    columns: list[npt.NDArray[Any]] = [
        products.sold_recently[what], products.sold[what], products.customers[what], products.rise[what],
        products.since_sold[what], products.age[what], products.price[what], products.repeat_share[what],
        orders[who], np.log1p(per_customer)[who], last[who], ((repeated + 1) / (per_customer + 5))[who],
        times, recent, since, since / products.interval[what],
        *_tastes(past, products, found),
    ]  # fmt: skip
    own = np.stack(columns, axis=1).astype(np.float32)
    return np.hstack([found.scores, found.places, own])


class _Had(NamedTuple):
    """Products that customers had, by pair: how often, how much of late, and how many days since."""

    pairs: npt.NDArray[np.int64]
    times: npt.NDArray[np.int64]
    recent: Floats
    since: Floats

    @classmethod
    def of(cls, past: Past) -> _Had:
        events = past.with_product
        age = ((past.now - events.time) / DAY).astype(np.float32)
        key = events.customer * (past.products + 1) + events.product
        pairs, back, times = np.unique(key, return_inverse=True, return_counts=True)
        since = np.full(len(pairs), np.inf, np.float32)
        np.minimum.at(since, back, age)
        recent = np.bincount(back, events.weight * np.exp2(-age / LONG_DAYS), len(pairs))
        return cls(pairs, times, recent.astype(np.float32), since)

    def of_pairs(self, asked: npt.NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
        """How often, how much of late, days since: 0, 0 and NaN for a pair that never was."""
        if not len(self.pairs):
            nothing = np.zeros(len(asked), np.float32)
            return nothing, nothing, nothing + np.nan
        at = np.minimum(np.searchsorted(self.pairs, asked), len(self.pairs) - 1)
        has = self.pairs[at] == asked
        times = np.where(has, self.times[at], 0).astype(np.float32)
        return times, np.where(has, self.recent[at], 0), np.where(has, self.since[at], np.nan)


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
    fit = np.abs(products.price[found.product] - usual[found.customer])
    attributes = past.content.attributes
    if not attributes.shape[1]:
        return fit.astype(np.float32), np.full(len(fit), np.nan, np.float32)
    taste = (had @ attributes).tocsr()
    one, other = ((each.indptr, each.indices, each.data) for each in (taste, attributes))
    share = _shared(found.starts, found.product, *one, *other, attributes.shape[1])
    share /= np.maximum(total[found.customer], 1e-9).astype(np.float32)
    return fit.astype(np.float32), share


def _orders(past: Past) -> tuple[npt.NDArray[np.int64], Floats]:
    """At how many moments each customer ordered, and how many days ago last; NaN for who never did."""
    events = past.with_product
    people = len(past.sequences.customers)
    customer, time = events.customer[events.is_bought], events.time[events.is_bought]
    pairs = np.unique(np.stack([customer, time]), axis=1)
    last = np.full(people, np.nan, np.float32)
    np.fmin.at(last, customer, ((past.now - time) / DAY).astype(np.float32))
    return np.bincount(pairs[0], minlength=people), last


@numba.njit(cache=True)
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
