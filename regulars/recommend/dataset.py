"""What the ranker learns from: candidates as of past moments, and which of them were bought afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from regulars.behavior.dataset import micros, moment_of, sequences_of
from regulars.behavior.sequences import DAY
from regulars.behavior.use import model_as_of
from regulars.errors import NotFoundError
from regulars.recommend.candidates import Ints
from regulars.recommend.features import Products
from regulars.recommend.model import BLOCK, RecommendModel, candidates
from regulars.recommend.past import BOUGHT, Past, past_of
from regulars.recommend.ranker import Lesson
from regulars.recommend.sources import SOURCES, Head

if TYPE_CHECKING:
    from regulars.shop import Shop


@dataclass(frozen=True)
class Bought:
    """What customers bought in a window.

    Attributes
    ----------
    customer : (c,) ascending numbers into the past's customers: who bought.
    starts : (c + 1,) the products of customer k are those from starts[k] to starts[k + 1].
    product : (b,) numbers, each once a customer, ascending.
    """

    customer: Ints
    starts: Ints
    product: Ints

    @classmethod
    def within(cls, shop: Shop, past: Past, days: int) -> Bought:
        """By customers with an order before the past's moment, in so many days from it on."""
        end = past.now + days * DAY
        later = sequences_of(shop, past.vocabulary, moment_of(end), list(past.sequences.customers))
        if BOUGHT not in past.vocabulary.types:
            return cls(np.zeros(0, np.int64), np.zeros(1, np.int64), np.zeros(0, np.int64))
        kind = 1 + past.vocabulary.types.index(BOUGHT)
        inside = (later.time >= past.now) & (later.fields["type"] == kind) & (later.fields["product"] > 0)
        events = past.with_product
        has_past = np.zeros(len(past.sequences.customers), bool)
        has_past[events.customer[events.is_bought]] = True
        inside &= has_past[later.owner]
        width = past.products + 1
        pairs = np.unique(later.owner[inside] * width + later.fields["product"][inside].astype(np.int64))
        customer, first = np.unique(pairs // width, return_index=True)
        return cls(customer, np.append(first, len(pairs)).astype(np.int64), pairs % width)

    def holds(self, customer: Ints, product: Ints) -> npt.NDArray[np.bool_]:
        """(m,) whether a customer, as a place in `customer`, bought a product."""
        width = int(max(self.product.max(initial=0), product.max(initial=0))) + 1
        owner = np.repeat(np.arange(len(self.customer)), np.diff(self.starts))
        return np.isin(customer * width + product, owner * width + self.product)


def lesson(shop: Shop, moment: datetime, days: int, head: Head | None) -> Lesson | None:
    """Candidates as of a moment, of sources that know nothing after it, and what was bought in the days after.

    None if nobody bought.
    """
    past = past_of(shop, moment)
    bought = Bought.within(shop, past, days)
    if not len(bought.customer):
        return None
    sources = tuple(source.fit(past) for source in SOURCES)
    products = Products.of(past)
    parts = []
    for low in range(0, len(bought.customer), BLOCK):
        some = np.arange(low, min(low + BLOCK, len(bought.customer)))
        found, known = candidates(sources, head, past.of(bought.customer[some]), products)
        parts.append(Lesson.of(found, known, bought.holds(found.customer + low, found.product), seed=low))
    return Lesson.joined(parts)


def model_in_use(shop: Shop) -> RecommendModel:
    """The model that decides; NotFoundError, saying how to make one, if there is none."""
    kept = shop.models.in_use("recommend")
    return RecommendModel.from_files({name: kept.read(name) for name in kept.card["files"] if name != "report.html"})


def past_as_of(shop: Shop, model: RecommendModel, as_of: datetime, customers: list[str] | None) -> Past:
    """What customers (default: all) did before a moment, with the products that a model knows."""
    sequences = sequences_of(shop, model.vocabulary, as_of, customers)
    return Past(model.vocabulary, model.content, sequences, micros(as_of))


def head_as_of(shop: Shop, moment: datetime) -> Head | None:
    """The newest behaviour model that saw nothing at or after a moment; None if there is none."""
    try:
        return Head.of(shop, model_as_of(shop, moment), moment)
    except NotFoundError:
        return None
