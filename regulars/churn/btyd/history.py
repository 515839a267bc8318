"""What buy-till-you-die models know of a customer: how many orders came after the first, when, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from regulars.errors import NotEnoughError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEAST_REPEATING = 10
"""Customers who must have come back for a rate that can be told from a chance."""


@dataclass(frozen=True)
class Histories:
    """Customers as these models see them; times are in any one unit, from each customer's own first order.

    Attributes
    ----------
    orders : (n,) orders after the first, 0 or more ("frequency").
    last : (n,) when the last of them was; 0 of who has none ("recency").
    age : (n,) how long ago the first was, at least `last` ("T").
    count : (n,) how many customers are alike in these.
    log_gaps : (n,) the sum of the logarithms of the times between orders; regular buyers are told by it.

    Raises
    ------
    ValueError
        If a last order lies after the age, is negative, or is not 0 of who has none.
    """

    orders: Floats
    last: Floats
    age: Floats
    count: Floats
    log_gaps: Floats

    def __post_init__(self) -> None:
        is_fine = (self.last >= 0) & (self.last <= self.age) & ((self.orders > 0) | (self.last == 0))
        if not is_fine.all():
            row = int(np.flatnonzero(~is_fine)[0])
            raise ValueError(
                f"row {row}: {self.orders[row]:g} orders, the last at {self.last[row]:g}, age {self.age[row]:g}: the "
                "last lies between 0 and the age, and is 0 of who has none"
            )

    @classmethod
    def of(cls, customer: Ints, time: Floats, end: float) -> Histories:
        """From orders before a moment; of one customer at one time they are one.

        Parameters
        ----------
        customer : (m,) numbers from 0, every one with an order before the moment; time : (m,) in the unit wanted.
        end : the moment.

        Examples
        --------
        >>> found = Histories.of(np.array([0, 0, 0, 1]), np.array([1.0, 3.0, 3.0, 2.0]), 10.0)
        >>> found.orders.tolist(), found.last.tolist(), found.age.tolist()
        ([1.0, 0.0], [2.0, 0.0], [9.0, 8.0])
        """
        before = time < end
        order = np.lexsort((time[before], customer[before]))
        customer, time = customer[before][order], time[before][order]
        is_new = np.append(True, (np.diff(customer) != 0) | (np.diff(time) != 0))[: len(customer)]
        customer, time = customer[is_new], time[is_new]
        people = int(customer.max(initial=-1)) + 1
        orders = np.bincount(customer, minlength=people).astype(float) - 1
        starts = np.cumsum(orders + 1).astype(np.int64) - 1
        first = time[np.append(0, starts[:-1] + 1)[:people].astype(np.int64)] if people else np.zeros(0)
        last = time[starts] - first if people else np.zeros(0)
        gap = np.diff(time, prepend=0.0)
        is_again = np.append(False, np.diff(customer) == 0)[: len(customer)]
        logs = np.bincount(customer[is_again], np.log(gap[is_again]), people).astype(float)
        return cls(orders, last, end - first, np.ones(people), logs)

    def __len__(self) -> int:
        return len(self.orders)

    @property
    def customers(self) -> float:
        """How many there are."""
        return float(self.count.sum())

    @cached_property
    def numbers(self) -> tuple[Floats, Ints]:
        """All numbers of orders up to the most, and (n,) the place of each customer's among them."""
        return np.arange(self.orders.max(initial=0) + 1), self.orders.astype(np.int64)

    def grouped(self) -> Histories:
        """Customers who are alike in orders, last and age as one row: the likelihood is the same, and sooner known."""
        key = np.column_stack([self.orders, self.last, self.age])
        rows, back = np.unique(key, axis=0, return_inverse=True)
        count = np.bincount(back, self.count).astype(float)
        # Where alike customers differ in their gaps, the mean of them counts: it enters the likelihood as a sum.
        logs = np.bincount(back, self.count * self.log_gaps) / count
        return Histories(rows[:, 0], rows[:, 1], rows[:, 2], count, logs)

    def some(self, rows: int) -> Histories:
        """So many of the rows, evenly."""
        at = np.unique(np.linspace(0, len(self) - 1, rows).round().astype(np.int64))
        return Histories(self.orders[at], self.last[at], self.age[at], self.count[at], self.log_gaps[at])

    def scaled(self, by: float) -> Histories:
        """In another unit: times by so much."""
        logs = self.log_gaps + self.orders * np.log(by)
        return Histories(self.orders, self.last * by, self.age * by, self.count, logs)

    def require_enough(self) -> None:
        """Raise NotEnoughError, saying what is needed, where nothing can be learned."""
        repeating = int(self.count[self.orders > 0].sum())
        if repeating < LEAST_REPEATING:
            raise NotEnoughError(
                f"churn: {repeating} customers ordered again on a later day; at least {LEAST_REPEATING} are needed to "
                "learn how often customers come back. Import more history, or choose a later time."
            )
