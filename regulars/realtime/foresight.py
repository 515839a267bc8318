"""What the behaviour model says comes next, by all that a customer did, with the last event among it.

Whoever imports this waits for torch: `Live` and `learn` do so only where the shop has a behaviour model.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from regulars.behaving import model_before
from regulars.behavior.dataset import sequences_of
from regulars.behavior.encode import encode
from regulars.behavior.model import BehaviorModel
from regulars.behavior.sequences import Sequences
from regulars.behavior.state import CustomerState, Event, IncrementalModel
from regulars.behavior.tokens import Tokens
from regulars.clock import moment_of
from regulars.events.schema import NOTED

if TYPE_CHECKING:
    from regulars.realtime.dataset import Events
    from regulars.shop import Shop

Ints = npt.NDArray[np.int64]

NAMED = 64
"""So many of the likeliest products are candidates."""
KEPT_BYTES = 256 << 20
"""Of the states of the customers who were asked for last."""
FEW = 4
"""Of more events than this the state is made anew in one pass, which costs as much as some steps."""


@dataclass
class _Known:
    state: CustomerState
    taken: int
    next: dict[str, float]


class Foresight:
    """The behaviour model beside histories, which events bring forward.

    An event is only laid down; who is asked for has its state brought forward then. So who sends much costs little,
    and memory holds tokens of all and states of few. An event that is older than the last one counts as if it came
    with it, until histories are read anew.

    Parameters
    ----------
    histories : of all customers, as the model's vocabulary has them.
    most_bytes : of states; those asked for longest ago are made anew.
    """

    def __init__(self, model: IncrementalModel, histories: Sequences, most_bytes: int = KEPT_BYTES) -> None:
        self._model, self._histories = model, histories
        self._place = {name: place for place, name in enumerate(histories.customers)}
        self._since: dict[str, list[Event]] = {}
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._most = max(most_bytes // model.begin().cache.nbytes, 1)
        self._reach = (model.size.layers + 1) * model.size.context + 1

    @classmethod
    def of(cls, shop: Shop, as_of: datetime) -> Foresight | None:
        """By the newest behaviour model and the log before a moment; None where there is no model."""
        kept = model_before(shop, as_of)
        if kept is None:
            return None
        return cls(IncrementalModel(kept.model), sequences_of(shop, kept.model.vocabulary, as_of))

    def hear(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Rows as the log has them, whose `customer_id` is who did it, in the order in which they came."""
        for row in rows:
            if row["type"] in NOTED:
                continue
            customer = row["customer_id"]
            events = self._since.setdefault(customer, [])
            last = events[-1].time if events else self._last(customer)
            time = row["time"] if last is None else max(row["time"], last)
            price, quantity = (
                None if row.get(name) is None else float(row[name]) for name in ("unit_price", "quantity")
            )
            events.append(Event(row["type"], time, row.get("product_id"), price, quantity, row.get("channel")))
            if len(events) >= 2 * self._reach:  # what lies further back no layer looks at
                self._since[customer] = events[-self._reach :]
                self._place.pop(customer, None)
                self._known.pop(customer, None)

    def join(self, visitor: str, customer: str) -> None:
        """A visitor turned out to be a customer: what both did since is one history; what the log has of the visitor
        counts when histories are read anew."""
        events = [*self._since.pop(visitor, []), *self._since.pop(customer, [])]
        self._known.pop(visitor, None)
        self._known.pop(customer, None)
        last = self._last(customer)
        if events:
            events.sort(key=lambda event: event.time)
            self._since[customer] = [
                event if last is None else event._replace(time=max(event.time, last)) for event in events
            ]

    def forget(self, customers: Iterable[str]) -> None:
        """Let go of customers; their tokens are no longer found, and go when histories are read anew."""
        for customer in customers:
            for held in (self._place, self._since, self._known):
                held.pop(customer, None)

    def next(self, customer: str) -> Mapping[str, float]:
        """{product: chance} of those that are likeliest next, after the customer's last event; none of a stranger."""
        place, since = self._place.get(customer, -1), self._since.get(customer, [])
        if place < 0 and not since:
            return {}
        known = self._known.pop(customer, None)
        if known is None or len(since) - known.taken > FEW:
            known = _Known(self._model.state_of(self._histories, place, since), len(since), {})
        for event in since[known.taken :]:
            self._model.add(known.state, event)
            known.next = {}
        known.taken = len(since)
        if not known.next:
            known.next = dict(self._model.next_products(known.state.vector, NAMED, kind=None))
        self._known[customer] = known
        if len(self._known) > self._most:
            self._known.popitem(last=False)
        return known.next

    def _last(self, customer: str) -> datetime | None:
        place = self._place.get(customer)
        if place is None or self._histories.starts[place] == self._histories.starts[place + 1]:
            return None
        return moment_of(int(self._histories.time[self._histories.starts[place + 1] - 1]))


@dataclass(frozen=True)
class Past:
    """The same at many past moments, for learning and judging: by a model that saw nothing of them.

    Attributes
    ----------
    sequences : of the customers whose events are asked about.
    token : (n,) which of their events each is.
    version : of the model.
    """

    model: BehaviorModel
    sequences: Sequences
    token: Ints
    version: int

    @classmethod
    def of(cls, shop: Shop, events: Events, since: datetime, until: datetime) -> Past | None:
        """Of all events of the log before a moment, in their order, by a model that saw nothing after another one; None
        where there is none."""
        kept = model_before(shop, since)
        if kept is None:
            return None
        sequences = sequences_of(shop, kept.model.vocabulary, until, events.customers)
        order = np.argsort(events.customer, kind="stable")  # both stand by time, event and line
        token = np.empty(len(order), np.int64)
        token[order] = np.arange(len(order))
        return cls(kept.model, sequences, token, kept.version)

    def before(self, events: Ints) -> list[Mapping[str, float]]:
        """What `Foresight.next` would have said before each of some events of `token`; none before a first event."""
        at = self.token[events]
        is_first = np.isin(at, self.sequences.starts)
        found: list[Mapping[str, float]] = [{}] * len(events)
        some = np.flatnonzero(~is_first)
        for place, each in zip(some.tolist(), foretold(self.model, self.sequences, at[some] - 1), strict=True):
            found[place] = each
        return found


def foretold(model: BehaviorModel, sequences: Sequences, after: Ints) -> Sequence[Mapping[str, float]]:
    """The products that are likeliest after each of some events, with their chances; in one pass over all histories."""
    nothing = np.zeros(0, np.int64)
    tokens = Tokens.of(sequences, model.vocabulary, nothing, nothing, nothing)
    wanted = np.zeros(len(tokens.event), bool)
    wanted[after] = True
    states = np.zeros((len(wanted), model.settings.size.dimensions), np.float32)
    for part in encode(model.network, tokens, wanted):
        states[part.token] = part.state.float().cpu().numpy()
    names, found = model.vocabulary.products, []
    most = min(NAMED, len(names))
    for low in range(0, len(after), 1024):
        chances = softmax(model.scores(states[after[low : low + 1024]]), axis=1)
        best = np.argpartition(-chances, most - 1, axis=1)[:, :most]
        for row, chance in zip(best.tolist(), np.take_along_axis(chances, best, 1).tolist(), strict=True):
            found.append(dict(zip((names[number - 1] for number in row), chance, strict=True)))
    return found
