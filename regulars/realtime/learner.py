"""What all customers teach, by the names of customers and products: tables that grow, and questions about them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from regulars.realtime import sessions
from regulars.realtime.candidates import FEATURES, Candidates, Likely, candidates, session_of
from regulars.realtime.dataset import Events
from regulars.realtime.kinds import GAP
from regulars.realtime.neighbours import Scratch
from regulars.realtime.sessions import Floats, Ints, Tables

NOTHING: Mapping[str, float] = {}
AT_ONCE = 4096
"""So many events are learned between two looks at the room in the tables."""


class Lessons(NamedTuple):
    """What events teach: see `sessions.learn`."""

    customer: Ints
    product: Ints
    time: Ints
    weight: Floats

    def part(self, start: int, end: int) -> Lessons:
        """Some of them."""
        some = slice(start, end)
        return Lessons(self.customer[some], self.product[some], self.time[some], self.weight[some])


class Learner:
    """Sessions, what follows what, and what is wanted.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from regulars.realtime.dataset import of_rows
    >>> row = {"type": "product_viewed", "time": datetime(2024, 5, 1, tzinfo=UTC)}
    >>> learner = Learner()
    >>> for customer in ("ada", "bob"):
    ...     for product in ("tea", "pot"):
    ...         learner.add(of_rows([{**row, "customer_id": customer, "product_id": product}]))
    >>> found = learner.candidates(learner.numbers(["tea"]), -1, learner.now)
    >>> [learner.products[number] for number in found.product if number not in learner.numbers(["tea"])]
    ['pot']
    """

    def __init__(self) -> None:
        self.tables: Tables | None = None
        self.products: list[str | None] = [None]
        """By number, from 1."""
        self._product: dict[str, int] = {}
        self._customer: dict[str, int] = {}
        self._names: list[str] = []
        """Of customers by number; "" of a visitor who turned out to be somebody else."""
        self._scratch: Scratch | None = None

    @property
    def now(self) -> int:
        """The time of the latest event, microseconds since 1970; 0 before the first."""
        return 0 if self.tables is None else int(self.tables.last.max(initial=0))

    def add(self, events: Events) -> None:
        """Learn events in their order; those that say nothing of a product are left out."""
        self.learn(self.lessons(events))

    def lessons(self, events: Events) -> Lessons:
        """What events teach, with a number for each customer and product from now on."""
        said = events.weight
        some = np.flatnonzero(said > 0)
        customer, product = events.customer[some], events.product[some]
        customer = _numbered(self._customer, self._names, events.customers, customer)
        product = _numbered(self._product, self.products, events.products, product)
        return Lessons(customer, product, events.time[some], said[some])

    def learn(self, lessons: Lessons) -> None:
        """Learn them in their order."""
        count = len(lessons.time)
        if not count:
            return
        if self.tables is None:
            self.tables = sessions.empty(int(lessons.time.min()))
        for start in range(0, count, AT_ONCE):
            part = lessons.part(start, min(start + AT_ONCE, count))
            self.tables = sessions.with_room(self.tables, len(self._names), len(self.products), len(part.time))
            sessions.learn(self.tables, *part)

    def join(self, visitor: str, customer: str) -> None:
        """A visitor turned out to be a customer: the later of their sessions goes on."""
        number = self._customer.pop(visitor, None)
        if number is None:
            return
        known = self._customer.setdefault(customer, number)
        self._names[number] = ""
        self._names[known] = customer
        tables = self.tables
        if known != number and tables is not None and tables.last[number] > tables.last[known]:
            for column in (tables.session, tables.last, tables.used):
                column[known] = column[number]

    def forget(self, customers: Iterable[str]) -> None:
        """Let go of customers by name, and of when they came; what their visits taught of products names nobody."""
        for customer in customers:
            number = self._customer.pop(customer, None)
            if number is None:
                continue
            self._names[number] = ""
            if self.tables is not None and number < len(self.tables.session):
                for name in sessions.OF_CUSTOMERS:
                    getattr(self.tables, name)[number] = sessions.FRESH.get(name, 0)

    def numbers(self, products: Sequence[str]) -> Ints:
        """The numbers of those products that were met, in their order."""
        found = [number for name in products if (number := self._product.get(name))]
        return np.array(found, np.int64)

    def session(self, customer: str, now: int) -> tuple[Ints, int]:
        """See `candidates.session_of`."""
        number = self._customer.get(customer)
        return (np.zeros(0, np.int64), -1) if number is None else self.session_of(number, now)

    def session_of(self, customer: int, now: int) -> tuple[Ints, int]:
        """The same by a customer's number."""
        if self.tables is None or customer >= len(self.tables.session):
            return np.zeros(0, np.int64), -1
        return session_of(self.tables, customer, now, GAP)

    def wanted(self) -> Ints:
        """The most wanted of late, the first first."""
        top = np.zeros(0, np.int64) if self.tables is None else self.tables.top_steady
        return top[top > 0]

    def simple(self, items: Ints) -> Ints:
        """What followed the last product most, then what is wanted most of late; the first first."""
        if self.tables is None or not len(items):
            return self.wanted()
        names, weights = self.tables.follower[items[-1]], self.tables.following[items[-1]]
        followers = names[np.argsort(-weights, kind="stable")].astype(np.int64)
        both = np.concatenate([followers[followers > 0], self.wanted()])
        return both[np.sort(np.unique(both, return_index=True)[1])]

    def candidates(self, items: Ints, visit: int, now: int, foreseen: Mapping[str, float] = NOTHING) -> Candidates:
        """See `candidates.candidates`; `foreseen` are chances by product, of which those count that were met."""
        if self.tables is None:
            nothing = np.zeros(0, np.int64)
            return Candidates(nothing, np.zeros((0, len(FEATURES))), nothing, nothing)
        if self._scratch is None or not self._scratch.fits(self.tables):
            self._scratch = Scratch.of(self.tables)
        met = [(number, chance) for name, chance in foreseen.items() if (number := self._product.get(name))]
        likely = Likely(np.array([number for number, _ in met], np.int64), np.array([chance for _, chance in met]))
        return candidates(self.tables, self._scratch, items, visit, now, likely)

    def customers_of(self, product: str, since: int) -> list[str]:
        """Who had to do with a product in one of its newest visits, and was here since a time."""
        number, tables = self._product.get(product), self.tables
        if number is None or tables is None:
            return []
        start, size = int(tables.postings[number]), int(tables.posting_size[number])
        visits = tables.pool[start : start + min(size, int(tables.posting_count[number]))]
        slots = visits % len(tables.visit)
        whose = np.unique(tables.owner[slots[tables.visit[slots] == visits]])
        names = (self._names[place] for place in whose[tables.last[whose] >= since].tolist())
        return [name for name in names if name]

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """A copy of all of it."""
        if self.tables is None:
            return {}
        names = {"customers": self._names, "products": self.products[1:]}
        texts = {name: np.frombuffer(json.dumps(said).encode(), np.uint8) for name, said in names.items()}
        return {**{name: each.copy() for name, each in self.tables._asdict().items()}, **texts}

    @classmethod
    def of_arrays(cls, saved: Mapping[str, npt.NDArray[Any]]) -> Learner:
        """From what `to_arrays` gave."""
        found = cls()
        if not saved:
            return found
        found.tables = Tables(**{name: saved[name] for name in Tables._fields})
        found.products = [None, *json.loads(saved["products"].tobytes())]
        found._product = {str(name): number for number, name in enumerate(found.products) if name is not None}
        found._names = json.loads(saved["customers"].tobytes())
        found._customer = {name: number for number, name in enumerate(found._names) if name}
        return found


def _numbered(number: dict[str, int], known: list[Any], names: Sequence[str], places: Ints) -> Ints:
    """(n,) numbers of those that stand at some places of a list; who is new gets the next, in order of appearance."""
    met, first, back = np.unique(places, return_index=True, return_inverse=True)
    found = np.empty(len(met), np.int64)
    for k in np.argsort(first).tolist():
        name = names[met[k]]
        if name not in number:
            number[name] = len(known)
            known.append(name)
        found[k] = number[name]
    return found[back]
