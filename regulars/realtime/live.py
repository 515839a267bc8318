"""The live state of a shop: made from the log or a snapshot, then brought forward by every event that comes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.clock import micros
from regulars.customers.identities import JOINS
from regulars.errors import InputError
from regulars.realtime import customers, snapshot
from regulars.realtime.arrays import Arrays
from regulars.realtime.candidates import FORESEEN, HOTTEST, STEADIEST, Candidates, first, odds_of
from regulars.realtime.customers import NEWEST, code
from regulars.realtime.dataset import Events, events_before, of_rows, recommendation_of
from regulars.realtime.feedback import Feedback
from regulars.realtime.kinds import CLICKED, DISMISSED, KINDS, TASTE
from regulars.realtime.learner import Learner
from regulars.realtime.model import RealtimeModel
from regulars.realtime.sessions import Ints
from regulars.realtime.snapshot import Snapshot
from regulars.realtime.store import Memory, Store, opened
from regulars.realtime.words import reason

if TYPE_CHECKING:
    from regulars.realtime.foresight import Foresight
    from regulars.shop import Shop

RECALLED = 8
"""Of who has no session under way, so many of the last products stand for one."""
LISTED = "product_list_viewed"
TASTES = frozenset(number for number, name in enumerate(KINDS) if name in TASTE)
SETTLING = frozenset((*CLICKED, DISMISSED))
SOURCES = ("steady", "hot", "foreseen")
"""What may be said for a product that no other led to; of two that say as much the first."""
SAYING = [STEADIEST, HOTTEST, FORESEEN]
"""Their features."""
LINES = 1024
"""An event has at most so many lines: between two events in the stream there are so many positions."""


class Candidate(NamedTuple):
    """A product to show.

    Attributes
    ----------
    product_id : which.
    odds : log-odds that it is taken up: what the list is ordered by.
    chance : the same as a calibrated probability.
    reason : why, in words.
    """

    product_id: str
    odds: float
    chance: float
    reason: str


class Numbered(NamedTuple):
    """An event that was acknowledged: its place in the stream, each row its own and ascending, and its row as the log
    has it (`customer_id`, `anonymous_id`, `type`, `time`, `product_id`, `unit_price`, `quantity`, `properties`)."""

    position: int
    row: Mapping[str, Any]


def numbered(number: int, rows: Iterable[Mapping[str, Any]]) -> list[Numbered]:
    """The lines of the event that has a number in the stream, from 1."""
    return [Numbered(number * LINES + place, row) for place, row in enumerate(rows)]


@dataclass
class Live:
    """What the last event has changed, for whoever asks next.

    Calls are not safe from several threads at once: whoever serves many gives each its turn.

    Attributes
    ----------
    position : of the last event that is in here.
    foresight : the behaviour model, which hears of every event; None where the shop has none, or it is not read yet.

    Examples
    --------
    >>> live = Live()
    >>> view = {"type": "product_viewed", "time": datetime.fromisoformat("2024-05-01T12:00+00:00")}
    >>> for place, (customer, product) in enumerate([("ada", "tea"), ("ada", "pot"), ("bob", "tea")]):
    ...     _ = live.add([Numbered(place, {**view, "customer_id": customer, "product_id": product})])
    >>> found = live.candidates("bob", 5, view["time"])
    >>> found[0].product_id, found[0].reason
    ('pot', 'who looked at tea went on to it')
    """

    model: RealtimeModel = field(default_factory=RealtimeModel)
    store: Store = field(default_factory=Memory)
    learner: Learner = field(default_factory=Learner)
    feedback: Feedback = field(default_factory=Feedback)
    titles: Mapping[str, str] = field(default_factory=dict)
    language: str = "en"
    aliases: dict[str, str] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    position: int = customers.NOWHERE
    foresight: Foresight | None = None

    @classmethod
    def of(cls, shop: Shop, as_of: datetime, position: int = 0) -> Live:
        """As the log was before a moment.

        Parameters
        ----------
        position : up to where in the stream of events the log holds them.
        """
        live = cls._opened(shop)
        events = events_before(shop, as_of)
        rows = customers.fresh(len(events.customers))
        codes = live._coded(events.products)
        place = np.arange(len(events)) - len(events)
        customers.note(rows, events.customer, events.time, events.kind, codes[events.product], events.value, place)
        rows["position"] = position
        live.store.load(events.customers, rows)
        live.learner.add(events)
        live.aliases = _aliases(shop, as_of)
        live.position = position
        return live

    @classmethod
    def restored(cls, shop: Shop, folder: Path) -> Live | None:
        """As the newest snapshot in a folder has it; None if there is none. Events after `position` are to follow.

        Raises
        ------
        CorruptLogError
            If a snapshot is not as it was written.
        """
        found = snapshot.newest(folder)
        if found is None:
            return None
        live = cls._opened(shop)
        live.position, texts = found.position, found.texts
        live.learner = Learner.of_arrays(found.part("learner"))
        live.feedback = Feedback.of_arrays(texts["lists"], found.part("feedback"))
        rows = found.part("customers")["rows"].view(customers.CUSTOMER).reshape(-1)
        live.store.load(texts["customers"], rows)
        live.aliases = texts["aliases"]
        live._coded(texts["products"])
        return live

    @classmethod
    def _opened(cls, shop: Shop) -> Live:
        settings = shop.config.realtime
        version = shop.models.version_in_use("realtime")
        model = RealtimeModel() if version is None else RealtimeModel.of(shop.models.get("realtime", version))
        known = shop.engine.to_arrow(
            shop.catalogue.group_by("product_id").agg(title=ibis._.title.argmax(ibis._.valid_from))
        )
        titles = dict(zip(known["product_id"].to_pylist(), known["title"].to_pylist(), strict=True))
        titles = {name: title for name, title in titles.items() if title}
        return cls(model, opened(settings.state, shop.folder.resolve().name), titles=titles, language=settings.language)

    def forget(self, customers: Iterable[str]) -> None:
        """Let go of customers who were erased, and of the lists that wait for what comes of them: some were theirs."""
        gone = set(customers)
        for customer in gone:
            self.store.drop(customer)
        self.aliases = {old: new for old, new in self.aliases.items() if not {old, new} & gone}
        self.learner.forget(gone)
        self.feedback.shown.clear()
        if self.foresight is not None:
            self.foresight.forget(gone)

    def foresee(self, foresight: Foresight | None, since: Iterable[Mapping[str, Any]] = ()) -> None:
        """Let a behaviour model be asked from now on, which hears first of the rows that its log had not yet."""
        if foresight is not None:
            foresight.hear(row for each in since if (row := _named(each, self.aliases)) is not None)
        self.foresight = foresight

    def taken(self) -> Snapshot:
        """All of it as it is now, to be written by `snapshot.write` while it goes on."""
        texts = {
            "customers": self.store.names(),
            "products": list(self.names.values()),
            "lists": list(self.feedback.shown),
            "aliases": dict(self.aliases),
        }
        parts: dict[str, Arrays] = {
            "learner": self.learner.to_arrays(),
            "feedback": self.feedback.to_arrays(),
            "customers": {"rows": np.ascontiguousarray(self.store.all_rows()).view(np.uint8).reshape(-1)},
        }
        return Snapshot.of(self.position, texts, parts)

    def add(self, events: Iterable[Numbered]) -> list[str]:
        """Let events be known, in their order; what is known already is passed over.

        Returns
        -------
        The customers to whom something happened, each once.
        """
        new = [event for event in events if event.position > self.position]
        touched: dict[str, None] = {}
        for what, part in groupby(new, _breaks):
            some = list(part)
            if what == "join":
                for event in some:
                    self._join(event)
            rows = [_named(event.row, self.aliases) for event in some]
            known = [(event.position, row) for event, row in zip(some, rows, strict=True) if row is not None]
            touched.update(dict.fromkeys(row["customer_id"] for _, row in known))
            self._add([position for position, _ in known], [row for _, row in known], what == "list")
        if new:
            self.position = new[-1].position
        return list(touched)

    def _add(self, positions: list[int], rows: list[dict[str, Any]], is_list: bool) -> None:
        if not rows:
            return
        events = of_rows(rows)
        if is_list:
            self._show(rows, events)
        held, places = self.store.take(events.customers)
        product = self._coded(events.products)[events.product]
        at = np.array(positions, np.int64)
        customers.note(held, places[events.customer], events.time, events.kind, product, events.value, at)
        self.store.put(events.customers, held, places)
        self.learner.add(events)
        if self.foresight is not None:
            self.foresight.hear(rows)
        self._settle(rows, events)

    def _show(self, rows: list[dict[str, Any]], events: Events) -> None:
        lists: dict[str, list[int]] = {}
        for place, row in enumerate(rows):
            name = recommendation_of(row)
            if name is not None and events.product[place] >= 0:
                lists.setdefault(name, []).append(place)
        for name, places in lists.items():
            self._show_list(name, rows[places[0]]["customer_id"], int(events.time[places[0]]),
                            [str(rows[place]["product_id"]) for place in places])  # fmt: skip

    def _show_list(self, name: str, customer: str, now: int, products: Sequence[str]) -> None:
        found = self._found(customer, now)
        numbers = self.learner.numbers(products)
        scores = odds_of(self.model.blend.scores(found.features))
        order = np.argsort(found.product)
        at = np.searchsorted(found.product, numbers, sorter=order)
        at = order[np.minimum(at, max(len(order) - 1, 0))] if len(order) else np.zeros(0, np.intp)
        is_there = found.product[at] == numbers if len(order) else np.zeros(len(numbers), bool)
        self.feedback.show(name, now, numbers[is_there], found.features[at[is_there]], scores[at[is_there]])

    def _settle(self, rows: list[dict[str, Any]], events: Events) -> None:
        for place, row in enumerate(rows):
            if row["type"] not in SETTLING or (name := recommendation_of(row)) is None or not row.get("product_id"):
                continue
            number = self.learner.numbers([row["product_id"]])
            if len(number):
                taken = 0.0 if row["type"] == DISMISSED else 1.0
                self.feedback.settle(name, int(number[0]), taken, int(events.time[place]))

    def _join(self, event: Numbered) -> None:
        """Visitors who turn out to be customers; who was parted by a person is so at the next start from the log."""
        visitor, customer = event.row.get("anonymous_id"), event.row.get("customer_id")
        if not visitor or not customer or event.row["type"] == "customers_unmerged":
            return
        customer = self.aliases.get(customer, customer)
        if visitor in self.aliases or visitor == customer:
            return  # the first customer keeps it: see `regulars.customers`
        self.aliases[visitor] = customer
        self.learner.join(visitor, customer)
        if self.foresight is not None:
            self.foresight.join(visitor, customer)
        one, other = (self.store.take([name]) for name in (customer, visitor))
        into, of = one[0][one[1]], other[0][other[1]]
        customers.merge(into, of, event.position)
        one[0][one[1]] = into
        self.store.put([customer], *one)
        self.store.drop(visitor)

    def candidates(
        self, customer: str, k: int, moment: datetime, *, again: bool = False, draw: str | None = None
    ) -> list[Candidate]:
        """What to show to a customer or visitor next, the first first.

        Parameters
        ----------
        k : how many, at least 1; fewer come where there are no more.
        moment : now.
        again : whether what the session has already is named too.
        draw : of a recommendation, its id: its order is drawn (Thompson sampling), the same for the same id.

        Raises
        ------
        InputError
            If `k` is below 1.
        """
        if k < 1:
            raise InputError(f"k is {k}: at least 1 is expected.")
        found = self._found(self.aliases.get(customer, customer), micros(moment))
        coefficients = self.feedback.coefficients(draw)
        some, odds = first(found.product, found.features, self.model.blend.weights, coefficients, k, again)
        lines = zip(
            found.product[some].tolist(), odds.tolist(), self.feedback.probabilities(odds).tolist(),
            found.because[some].tolist(), found.votes[some].tolist(),
            found.features[some][:, SAYING].argmax(axis=1).tolist() if len(some) else [], strict=True,
        )  # fmt: skip
        names = self.learner.products
        return [
            Candidate(str(names[product]), said, chance, self._reason(led, votes, SOURCES[source]))
            for product, said, chance, led, votes, source in lines
        ]

    def known(self, customer: str, moment: datetime) -> dict[str, Any]:
        """What is known of a customer as of a moment; see `customers.known`."""
        return customers.known(self.store.peek(self.aliases.get(customer, customer)), moment)

    def _found(self, customer: str, now: int) -> Candidates:
        items, visit = self.learner.session(customer, now)
        if not len(items):
            items = self._recalled(customer)
        likely: Mapping[str, float] = {}
        if self.foresight is not None and self.model.blend.foreseen:
            likely = self.foresight.next(customer)
        return self.learner.candidates(items, visit, now, likely)

    def _recalled(self, customer: str) -> Ints:
        """The last products of who has no session under way."""
        row = self.store.peek(customer)
        filled = min(int(row["count"]), NEWEST)
        newest = zip(reversed(row["kinds"][:filled].tolist()), reversed(row["products"][:filled].tolist()), strict=True)
        codes = dict.fromkeys(code for kind, code in newest if kind in TASTES)
        names = [self.names[each] for each in codes if each in self.names]
        return self.learner.numbers(names[:RECALLED])[::-1].copy()

    def _reason(self, led: int, votes: int, source: str) -> str:
        product = self.learner.products[led]
        return reason(self.language, None if product is None else self.titles.get(product, product), votes, source)

    def _coded(self, products: Sequence[str]) -> Ints:
        """(products + 1,) codes, the last of none, and remember whose they are."""
        codes = np.array([*(code(name) for name in products), 0], np.int64)
        self.names.update(zip(codes[:-1].tolist(), products, strict=True))
        return codes


def _breaks(event: Numbered) -> str:
    kind = event.row["type"]
    return "join" if kind in JOINS else "list" if kind == LISTED else "other"


def _named(row: Mapping[str, Any], aliases: Mapping[str, str]) -> dict[str, Any] | None:
    """The row with who did it, as of now; None of an event of nobody."""
    raw = row.get("customer_id") or row.get("anonymous_id")
    return None if not raw else {**row, "customer_id": aliases.get(raw, raw)}


def _aliases(shop: Shop, as_of: datetime) -> dict[str, str]:
    rows = shop.identities.intervals
    moment = pa.scalar(as_of, rows.schema.field("valid_from").type)
    ends = pc.fill_null(pc.greater_equal(rows["valid_to"], moment), True)
    rows = rows.filter(pc.and_(pc.less(rows["valid_from"], moment), ends))
    return dict(zip(rows["id"].to_pylist(), rows["customer_id"].to_pylist(), strict=True))
