"""Has this person the product already, or ordered just now? Then no ad for it is shown."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

ENDED = {"order_completed": True, "order_refunded": False}
"""Events that say who has a product, and who has not any more."""


class _Had(NamedTuple):
    at: datetime
    is_kept: bool


class Bought:
    """Who bought which product when.

    Parameters
    ----------
    product : for so long after an order no ad for its products is shown, unless they went back.
    anything : for so long after an order no ad is shown at all.

    Examples
    --------
    >>> from datetime import UTC
    >>> noon = datetime(2024, 5, 1, 12, tzinfo=UTC)
    >>> bought = Bought(product=timedelta(days=365), anything=timedelta(days=7))
    >>> bought.add("ada", "tea", "order_completed", noon)
    >>> [bought.refuses("ada", which, noon + timedelta(days=1)) for which in ("tea", "pot")]
    [True, True]
    >>> [bought.refuses("ada", which, noon + timedelta(days=8)) for which in ("tea", "pot")]
    [True, False]
    >>> bought.add("ada", "tea", "order_refunded", noon + timedelta(days=9))
    >>> bought.refuses("ada", "tea", noon + timedelta(days=9))
    False
    """

    def __init__(self, *, product: timedelta = timedelta(0), anything: timedelta = timedelta(0)) -> None:
        self.product, self.anything = product, anything
        self._had: dict[str, dict[str, _Had]] = {}
        self._ordered: dict[str, datetime] = {}

    def add(self, customer: str, product: str | None, kind: str, at: datetime) -> None:
        """An event of `ENDED`, in any order and as often as it is told."""
        if product is not None:
            had = self._had.setdefault(customer, {})
            if product not in had or had[product].at <= at:
                had[product] = _Had(at, ENDED[kind])
        if ENDED[kind]:
            self._ordered[customer] = max(at, self._ordered.get(customer, at))

    def update(self, other: Bought) -> None:
        """What another knows too."""
        for customer, had in other._had.items():
            for product, one in had.items():
                known = self._had.setdefault(customer, {})
                if product not in known or known[product].at <= one.at:
                    known[product] = one
        for customer, at in other._ordered.items():
            self._ordered[customer] = max(at, self._ordered.get(customer, at))

    def refuses(self, customer: str, product: str, at: datetime) -> bool:
        """Whether no ad for a product is shown to a person."""
        return self.has(customer, product, at) or self._is_within(self._ordered.get(customer), self.anything, at)

    def has(self, customer: str, product: str, at: datetime) -> bool:
        """Whether a person bought a product of late, and did not send it back."""
        had = self._had.get(customer, {}).get(product)
        return had is not None and had.is_kept and self._is_within(had.at, self.product, at)

    def forget(self, customers: Iterable[str]) -> None:
        """Let go of what some customers bought."""
        for customer in customers:
            self._had.pop(customer, None)
            self._ordered.pop(customer, None)

    @property
    def customers(self) -> set[str]:
        """Of whom something is known."""
        return {*self._had, *self._ordered}

    @staticmethod
    def _is_within(ordered: datetime | None, time: timedelta, at: datetime) -> bool:
        return ordered is not None and at - ordered < time
