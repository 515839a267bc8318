"""What customers did, as arrays: the events of each, one customer after the other, in the order of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

MICROSECONDS = 1_000_000
DAY = 86_400 * MICROSECONDS

FIELDS = ("product", "type", "gap", "hour", "weekday", "price", "quantity", "channel")
"""What an event is described by; each is a number below the count that the vocabulary knows, 0 for unknown."""


@dataclass(frozen=True)
class Sequences:
    """Events of customers.

    Attributes
    ----------
    customers : (c,) ids, each once.
    starts : (c + 1,) the events of customer k are those from starts[k] to starts[k + 1].
    time : (n,) microseconds since 1970, not descending within a customer; all 0 where only the order is known.
    fields : {one of FIELDS: (n,) int32}.
    spend : (n,) money of the event, in the shop's currency; 0 for what is no purchase.

    Examples
    --------
    >>> two = Sequences.of_products([[3, 1], [2]])
    >>> two.starts.tolist(), two.fields["product"].tolist()
    ([0, 2, 3], [3, 1, 2])
    """

    customers: Sequence[str]
    starts: Ints
    time: Ints
    fields: Mapping[str, npt.NDArray[np.int32]]
    spend: npt.NDArray[np.float32]

    @classmethod
    def of_products(cls, products: Sequence[Sequence[int]]) -> Sequences:
        """Histories of which nothing is known but the products (from 1) and their order."""
        lengths = [len(history) for history in products]
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        parts = [np.zeros(0, np.int32), *(np.asarray(history, np.int32) for history in products)]
        return cls.of_flat(starts, np.concatenate(parts))

    @classmethod
    def of_flat(cls, starts: Ints, products: npt.NDArray[np.int32]) -> Sequences:
        """The same, of all customers in one array."""
        nothing = np.zeros(len(products), np.int32)
        fields = dict.fromkeys(FIELDS, nothing) | {"product": products, "type": np.ones_like(nothing)}
        names = [str(number) for number in range(len(starts) - 1)]
        return cls(names, starts, np.zeros(len(products), np.int64), fields, np.zeros(len(products), np.float32))

    @property
    def lengths(self) -> Ints:
        """(c,) how many events each customer has."""
        return np.diff(self.starts)

    @property
    def owner(self) -> Ints:
        """(n,) whose event it is, as a number into `customers`."""
        return np.repeat(np.arange(len(self.customers)), self.lengths)

    @property
    def is_timed(self) -> bool:
        """Whether it is known when the events were, not their order alone."""
        return bool(len(self.time)) and bool(self.time[-1] != 0)

    def of(self, customers: Ints) -> Sequences:
        """Only some of the customers, in that order; -1 for one without an event, whose name is empty."""
        here = customers >= 0
        lengths = np.where(here, self.lengths[customers], 0) if len(self.customers) else np.zeros_like(customers)
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        begins = self.starts[np.where(here, customers, 0)]
        at = np.repeat(begins - starts[:-1], lengths) + np.arange(starts[-1])
        names = [self.customers[k] if k >= 0 else "" for k in customers.tolist()]
        fields = {name: values[at] for name, values in self.fields.items()}
        return Sequences(names, starts, self.time[at], fields, self.spend[at])

    def where(self, keep: npt.NDArray[np.bool_]) -> Sequences:
        """Only some of the events; every customer stays, if with none."""
        kept = np.concatenate([[0], np.cumsum(keep)]).astype(np.int64)
        starts = kept[self.starts]
        fields = {name: values[keep] for name, values in self.fields.items()}
        return Sequences(self.customers, starts, self.time[keep], fields, self.spend[keep])


def place_before(sequences: Sequences, customer: Ints, time: Ints) -> Ints:
    """How many events of its customer lie before each moment.

    Parameters
    ----------
    customer : (q,) numbers into `sequences.customers`.
    time : (q,) microseconds since 1970.

    Returns
    -------
    (q,) numbers of events with time strictly before.
    """
    found: Ints = _place_before(sequences.starts, sequences.time, customer, time)
    return found


@numba.njit(cache=True)
def _place_before(starts: Ints, times: Ints, customer: Ints, moments: Ints) -> Ints:
    found = np.zeros(len(customer), np.int64)
    for k in range(len(customer)):
        low, high = starts[customer[k]], starts[customer[k] + 1]
        while low < high:
            middle = (low + high) // 2
            if times[middle] < moments[k]:
                low = middle + 1
            else:
                high = middle
        found[k] = low - starts[customer[k]]
    return found
