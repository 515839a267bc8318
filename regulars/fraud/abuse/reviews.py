"""Whose reviews are bought: many of one product at once, by new accounts, in the same words, of what nobody ordered?

How many reviews a product may expect follows from its own orders shortly before, so a product that sells well, or was
just launched, may have many. A burst alone accuses nobody: it takes reviewers who are marked besides.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import stats

from regulars.fraud.abuse import findings, rows
from regulars.fraud.abuse.copies import near
from regulars.fraud.abuse.rows import DAY, HOUR, Codes, Floats, Ints, coded
from regulars.fraud.abuse.statistics import SMALLEST, at_least, at_least_by_rate, false_share, sums, together

if TYPE_CHECKING:
    from regulars.shop import Shop

TYPES = ("product_reviewed", "order_completed", "signed_up", "sign_in", "customer_identified")
WINDOWS = (6 * HOUR, DAY, 7 * DAY)
"""Within so long a burst is looked for."""
USUAL_WAIT = 30 * DAY
"""Reviews come so soon after the order where the log has no review of an order."""
MOST_WAIT = 0.95
"""All but the latest reviews come so soon after their order."""
NEW = 0.05
"""An account is new if of all reviews of the shop so few come from accounts as young."""
SECOND = 1_000_000


class Reviews(NamedTuple):
    """Reviews, and the orders that they may follow.

    Attributes
    ----------
    customers, products : names.
    customer, product : (reviews,) by code.
    time : (reviews,) microseconds since 1970.
    age : (reviews,) microseconds since its author was first seen.
    ordered : (reviews,) microseconds since its author first ordered the product; -1 where that was not before.
    text : (reviews,) by number, texts that say nearly the same having the same; -1 where there is none.
    order_product, order_time : (lines,) what was ordered, and when.
    """

    customers: pa.Array
    products: pa.Array
    customer: Codes
    product: Codes
    time: Ints
    age: Ints
    ordered: Ints
    text: Ints
    order_product: Codes
    order_time: Ints


class _Marks(NamedTuple):
    """Of each review whether its author never ordered the product, whether another says the same of it, and what share
    of reviews comes from accounts as young."""

    no_order: npt.NDArray[np.bool_]
    is_copy: npt.NDArray[np.bool_]
    young: Floats


class _Burst(NamedTuple):
    """Of each product its densest window: the chance of it, its first and last review, how many were expected."""

    chance: Floats
    first: Ints
    last: Ints
    expected: Floats


def find(reviews: Reviews) -> pa.Table:
    """Products whose reviews are bought. The score is the share of the burst's reviews that is marked beyond what is
    usual, less the share of false alarms. What a bought review costs, no log says: money is 0."""
    if not len(reviews.time):
        return findings.FINDINGS.empty_table()
    order = np.lexsort((reviews.time, reviews.product))
    reviews = reviews._replace(
        **{name: getattr(reviews, name)[order] for name in ("customer", "product", "time", "age", "ordered", "text")}
    )
    products, starts = np.unique(reviews.product, return_index=True)
    marks = _marks(reviews)
    burst = _burst(reviews, products, starts)
    size = burst.last - burst.first + 1
    within = [_sums(what, burst) for what in (marks.no_order, marks.is_copy, -2 * np.log(marks.young))]
    usual = [_usual(what, reviews.product, products) for what in (marks.no_order, marks.is_copy)]
    by_age = stats.chi2.sf(within[2], 2 * size)
    chance = together(
        np.stack([burst.chance, *(at_least(within[k], size, usual[k]) for k in range(2)), by_age]).clip(SMALLEST, 1)
    )
    is_marked = marks.no_order | marks.is_copy | (marks.young <= NEW)
    marked = _sums(is_marked, burst)
    beyond = np.maximum(marked / size - _usual(is_marked, reviews.product, products), 0)
    score = np.where(size >= 2, beyond * (1 - false_share(chance)), 0)
    found = np.flatnonzero(score >= findings.LEAST)
    customers, evidence = [], []
    for one in found.tolist():
        there = np.arange(burst.first[one], burst.last[one] + 1)
        authors = np.unique(reviews.customer[there[is_marked[there]]])
        customers.append(reviews.customers.take(pa.array(authors)).to_pylist())
        evidence.append(_told(there, reviews, marks, float(burst.expected[one])))
    return findings.table(
        "reviews", ["product"] * len(found), reviews.products.take(pa.array(products[found])), customers, score[found],
        np.zeros(len(found)), reviews.time[burst.first[found]], evidence,
    )  # fmt: skip


def _marks(reviews: Reviews) -> _Marks:
    has_text = np.flatnonzero(reviews.text >= 0)
    said = np.unique(np.stack([reviews.product, reviews.text, reviews.customer])[:, has_text], axis=1)
    pairs, authors = np.unique(said[:2], axis=1, return_counts=True)
    width = int(reviews.text.max(initial=0)) + 1
    keys = pairs[0].astype(np.int64) * width + pairs[1]
    is_copy = np.zeros(len(reviews.time), bool)
    own = reviews.product[has_text].astype(np.int64) * width + reviews.text[has_text]
    is_copy[has_text] = authors[np.searchsorted(keys, own)] >= 2
    ages = np.sort(reviews.age)
    young = np.searchsorted(ages, reviews.age, side="right") / len(ages)
    return _Marks(reviews.ordered < 0, is_copy, young)


def _burst(reviews: Reviews, products: Codes, starts: Ints) -> _Burst:
    """A scan over windows that end in each review; the chance is raised by how many windows were looked at."""
    count = len(reviews.time)
    begins = int(min(reviews.time.min(), reviews.order_time.min(initial=reviews.time.min())))
    seconds = (reviews.time - begins) // SECOND
    span = int(seconds.max()) + 1
    waited = reviews.ordered[reviews.ordered >= 0]
    wait = max(int(np.quantile(waited, MOST_WAIT)) if len(waited) else USUAL_WAIT, DAY) // SECOND
    # Of one product after another: a key that grows with the product, then with time.
    stride = span + max(wait, WINDOWS[-1] // SECOND) + 2
    keys = reviews.product * stride + seconds
    orders = np.sort(reviews.order_product * stride + (reviews.order_time - begins) // SECOND)
    before = np.searchsorted(orders, keys) - np.searchsorted(orders, np.maximum(keys - wait, reviews.product * stride))
    kinds = max(len(np.unique(reviews.order_product)), len(products))
    usual = len(orders) * min(wait / span, 1.0) / kinds
    each = count / len(orders) / wait if len(orders) else count / span / kinds
    rate = each * (before + usual) if len(orders) else np.full(count, each)
    chance, first, expected = np.ones(count), np.arange(count), np.zeros(count)
    for window in WINDOWS:
        begun = np.searchsorted(keys, np.maximum(keys - window // SECOND + 1, reviews.product * stride))
        likely = rate * (window // SECOND)
        of_window = at_least_by_rate(np.arange(count) - begun + 1, likely)
        better = of_window < chance
        chance[better], first[better], expected[better] = of_window[better], begun[better], likely[better]
    order = np.lexsort((chance, reviews.product))
    last = order[starts]
    tried = np.diff(np.append(starts, count)) * len(WINDOWS)
    return _Burst(np.minimum(chance[last] * tried, 1.0), first[last], last, expected[last])


def _sums(what: npt.NDArray[np.bool_] | Floats, burst: _Burst) -> Floats:
    """(products,) of what the reviews of each burst have."""
    running = np.concatenate([[0.0], np.cumsum(what)])
    found: Floats = running[burst.last + 1] - running[burst.first]
    return np.rint(found) if what.dtype == bool else found


def _usual(what: npt.NDArray[np.bool_], product: Codes, products: Codes) -> Floats:
    """(products,) what share of the reviews of all other products has it."""
    place = np.searchsorted(products, product)
    own, own_has = np.bincount(place, minlength=len(products)), sums(place, what, len(products))
    found: Floats = (what.sum() - own_has + 0.5) / (len(what) - own + 1)
    return found


def _told(there: Ints, reviews: Reviews, marks: _Marks, expected: float) -> tuple[str, str]:
    hours = max((int(reviews.time[there[-1]]) - int(reviews.time[there[0]])) / HOUR, 1.0)
    no_order, copies = int(marks.no_order[there].sum()), int(marks.is_copy[there].sum())
    new = int((marks.young[there] <= NEW).sum())
    english = [f"{len(there)} reviews within {hours:,.0f} hours where {expected:.2g} were to be expected"]
    chinese = [f"{hours:,.0f} 小时内有 {len(there)} 条评价，预期为 {expected:.2g} 条"]
    for number, english_text, chinese_text in (
        (no_order, "by customers who never ordered it", "来自从未下单的顾客"),
        (copies, "in nearly the same words as another", "与他人文字几乎相同"),
        (new, "by new accounts", "来自新账户"),
    ):
        if number:
            english.append(f"{number} {english_text}")
            chinese.append(f"{number} 条{chinese_text}")
    return findings.join(english), findings.join(chinese, chinese=True)


def read(shop: Shop, as_of: datetime) -> Reviews:
    """The reviews before a moment, each with its author's past as of then."""
    lines = rows.lines(shop, as_of, TYPES)
    columns = ("event_id", "line", "time", "type", "customer_id", "product_id", "text")
    found = shop.engine.to_arrow(lines.select(*columns).order_by("time", "event_id", "line"))
    time, customer, product = rows.moments(found), coded(found["customer_id"]), coded(found["product_id"])
    opened = np.full(len(customer.names), np.iinfo(np.int64).max)
    np.minimum.at(opened, customer.codes, time)
    has_product = product.codes >= 0
    order = np.flatnonzero(rows.are(found, "type", "order_completed") & has_product)
    review = np.flatnonzero(rows.are(found, "type", "product_reviewed") & has_product)
    pair = customer.codes.astype(np.int64) * (len(product.names) + 1) + product.codes
    # In order of time: the first of each pair is its first order.
    pairs, first = np.unique(pair[order], return_index=True)
    place = np.minimum(np.searchsorted(pairs, pair[review]), max(len(pairs) - 1, 0))
    ordered = np.full(len(review), -1)
    if len(pairs):
        waited = time[review] - time[order][first][place]
        ordered = np.where((pairs[place] == pair[review]) & (waited >= 0), waited, -1)
    text = coded(found["text"].take(pa.array(review)))
    same = np.append(near(text.names), -1)
    return Reviews(
        customer.names, product.names, customer.codes[review], product.codes[review], time[review],
        time[review] - opened[customer.codes[review]], ordered, same[text.codes], product.codes[order], time[order],
    )  # fmt: skip
