"""What customers did with products before a moment, as arrays that every source reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from regulars.behavior.dataset import sequences_of, vocabulary_and_content
from regulars.behavior.sequences import DAY, Sequences
from regulars.behavior.vocabulary import Content, Vocabulary
from regulars.clock import micros

if TYPE_CHECKING:
    from regulars.shop import Shop

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

WEIGHTS = {
    "order_completed": 1.0,
    "product_added": 0.5,
    "product_added_to_wishlist": 0.4,
    "product_viewed": 0.2,
    "product_clicked": 0.2,
    "product_reviewed": 0.2,
}
"""How much an event says of a taste, beside an order. What is not named here says nothing of one."""
CLICKS = ("product_clicked", "product_viewed")
BOUGHT, RETURNED, LISTED = "order_completed", "order_refunded", "product_list_viewed"


@dataclass(frozen=True)
class Past:
    """Events of customers with products before a moment.

    Attributes
    ----------
    vocabulary, content : the products that there are, and what is known of each; products are numbered from 1.
    sequences : the events, of all kinds; the customers they are of.
    now : the moment, in microseconds since 1970.
    worth : (products + 1,) what an order of each product counts for, or one number for all.
    """

    vocabulary: Vocabulary
    content: Content
    sequences: Sequences
    now: int
    worth: Floats | float = 1.0

    @property
    def products(self) -> int:
        """How many products there are; their numbers go from 1 to this."""
        return len(self.vocabulary.products)

    @cached_property
    def with_product(self) -> Events:
        """The events that say something of a taste for a product."""
        weight_of = np.zeros(len(self.vocabulary.types) + 2, np.float32)
        for number, name in enumerate(self.vocabulary.types, 1):
            weight_of[number] = WEIGHTS.get(name, 0.0)
        product = self.sequences.fields["product"].astype(np.int64)
        weight = weight_of[self.sequences.fields["type"]]
        keep = (product > 0) & (weight > 0)
        kind = 1 + self.vocabulary.types.index(BOUGHT) if BOUGHT in self.vocabulary.types else -1
        is_bought = self.sequences.fields["type"][keep] == kind
        return Events(self.sequences.owner[keep], product[keep], self.sequences.time[keep], weight[keep], is_bought)

    @cached_property
    def looked_at(self) -> npt.NDArray[np.bool_]:
        """(pairs,) of each pair in `had` whether it was not ordered."""
        found: npt.NDArray[np.bool_] = np.bincount(self.pair, self.with_product.is_bought, len(self.had)) == 0
        return found

    def conversion(self, shrinkage: float) -> Floats:
        """(products + 1,) the share of the customers who had to do with a product that ordered it.

        Parameters
        ----------
        shrinkage : so many customers as all are, are added to those of each.
        """
        product = self.had % (self.products + 1)
        ordered = np.bincount(product, ~self.looked_at, self.products + 1)
        return shrunk(ordered, np.bincount(product, minlength=self.products + 1), shrinkage)

    @cached_property
    def lines(self) -> tuple[Ints, Ints, Ints]:
        """Customer, product and time of each line of a list that was shown."""
        if LISTED not in self.vocabulary.types:
            return (np.zeros(0, np.int64),) * 3
        product = self.sequences.fields["product"].astype(np.int64)
        here = (self.sequences.fields["type"] == 1 + self.vocabulary.types.index(LISTED)) & (product > 0)
        return self.sequences.owner[here], product[here], self.sequences.time[here]

    @cached_property
    def had(self) -> Ints:
        """Pairs, customer x (products + 1) + product, of what each ever had to do with; ascending."""
        return self._pairs[0]

    @property
    def pair(self) -> Ints:
        """(n,) of each event with a product the place of its pair in `had`."""
        return self._pairs[1]

    @cached_property
    def _pairs(self) -> tuple[Ints, Ints]:
        events = self.with_product
        return np.unique(events.customer * (self.products + 1) + events.product, return_inverse=True)

    @cached_property
    def returned(self) -> Ints:
        """Pairs, as `had`, of what each sent back and did not order since; ascending."""
        if RETURNED not in self.vocabulary.types:
            return np.zeros(0, np.int64)
        kind = 1 + self.vocabulary.types.index(RETURNED)
        product = self.sequences.fields["product"].astype(np.int64)
        back = (self.sequences.fields["type"] == kind) & (product > 0)
        events = self.with_product
        width = self.products + 1
        bought = events.customer[events.is_bought] * width + events.product[events.is_bought]
        key = np.concatenate([self.sequences.owner[back] * width + product[back], bought])
        time = np.concatenate([self.sequences.time[back], events.time[events.is_bought]])
        is_back = np.arange(len(key)) < back.sum()
        # Of a return and an order at one moment the return counts: it is a correction of that order.
        order = np.lexsort((is_back, time, key))
        last = np.append(np.diff(key[order]) != 0, True)[: len(order)]
        found: Ints = key[order][last & is_back[order]]
        return found

    def matrix(self, half_life_days: float) -> sp.csr_matrix:
        """(customers, products + 1): how much each customer has to do with each product, older events less.

        It is kept, and must not be changed.
        """
        if half_life_days not in self._matrices:
            self._matrices[half_life_days] = self._matrix(half_life_days)
        return self._matrices[half_life_days]

    @cached_property
    def _matrices(self) -> dict[float, sp.csr_matrix]:
        return {}

    def _matrix(self, half_life_days: float) -> sp.csr_matrix:
        events, width = self.with_product, self.products + 1
        age = (self.now - events.time) / DAY
        value = np.bincount(self.pair, events.weight * np.exp2(-age / half_life_days), len(self.had))
        starts = np.searchsorted(self.had, np.arange(len(self.sequences.customers) + 1) * width)
        shape = (len(self.sequences.customers), width)
        return sp.csr_matrix((value.astype(np.float32), self.had % width, starts), shape=shape)

    def of(self, customers: Ints) -> Past:
        """Only some of the customers, in that order."""
        return replace(self, sequences=self.sequences.of(customers))

    def before(self, moment: int) -> Past:
        """The same as of an earlier moment."""
        return replace(self, sequences=self.sequences.where(self.sequences.time < moment), now=moment)


def shrunk(some: npt.NDArray[Any], of_all: npt.NDArray[Any], shrinkage: float) -> Floats:
    """A share of each, drawn to that of all by so many cases of `shrinkage`."""
    mean = some.sum() / max(float(of_all.sum()), 1.0)
    found: Floats = ((some + shrinkage * mean) / (of_all + shrinkage)).astype(np.float32)
    return found


@dataclass(frozen=True)
class Events:
    """Events with a product.

    Attributes
    ----------
    customer : (n,) a number into the customers; product : (n,) from 1; time : (n,) microseconds since 1970.
    weight : (n,) how much each says of a taste, (0, 1]; is_bought : (n,) whether it is of an order.
    """

    customer: Ints
    product: Ints
    time: Ints
    weight: Floats
    is_bought: npt.NDArray[np.bool_]


def past_of(shop: Shop, as_of: datetime, customers: Sequence[str] | None = None) -> Past:
    """What customers (default: all with an event) did before a moment.

    Raises
    ------
    NotEnoughError
        If there are too few events, or none about a product.
    """
    vocabulary, content = vocabulary_and_content(shop, as_of)
    return Past(vocabulary, content, sequences_of(shop, vocabulary, as_of, customers), micros(as_of))
