"""When a rule about a customer becomes true: by an event, by what others tell, or because time has passed."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from regulars.clock import micros, moment_of
from regulars.errors import ConfigError
from regulars.realtime.customers import NEWEST, known
from regulars.realtime.kinds import DAY, KINDS
from regulars.realtime.live import LINES, Live, Numbered
from regulars.rules import Column, Events, Rule, RuleError, Vocabulary
from regulars.rules.tree import Ago, Happened, Kind, parts

if TYPE_CHECKING:
    from regulars.shop import Shop

TOLD = {
    "churn_risk": Column(Kind.NUMBER, "the risk that the customer leaves, as churn told it last"),
    "churn_risk_before": Column(Kind.NUMBER, "the risk that was told before that"),
    "fraud_risk": Column(Kind.NUMBER, "the risk of the last attempt to pay"),
    "segments": Column(Kind.LIST, "the segments that the customer is in"),
    "price_drop": Column(Kind.NUMBER, "by which share a product became cheaper that the customer looked at", "share"),
    "dropped_product": Column(Kind.TEXT, "which product that is"),
}
"""What others tell of customers; what nobody told is unknown."""
COLUMNS = {
    "events": Column(Kind.NUMBER, "events so far"),
    "views": Column(Kind.NUMBER, "product pages seen"),
    "cart_adds": Column(Kind.NUMBER, "products put into the cart"),
    "order_lines": Column(Kind.NUMBER, "lines ordered"),
    "spend": Column(Kind.NUMBER, "money of orders"),
    "first_seen": Column(Kind.TIME, "the first event"),
    "last_seen": Column(Kind.TIME, "the last event"),
    "session_events": Column(Kind.NUMBER, "events of the session under way"),
    "session_minutes": Column(Kind.NUMBER, "how long it has gone on", "minutes"),
    "products_seen": Column(Kind.NUMBER, "different products, about"),
    "views_1d": Column(Kind.NUMBER, "views, of which a day halves the weight"),
    "views_30d": Column(Kind.NUMBER, "views, of which thirty days halve the weight"),
    "cart_adds_1d": Column(Kind.NUMBER, "the same of what was put into the cart"),
    "cart_adds_30d": Column(Kind.NUMBER, "the same of what was put into the cart"),
    "order_lines_30d": Column(Kind.NUMBER, "the same of lines ordered"),
    "spend_30d": Column(Kind.NUMBER, "the same of money"),
    "contacts_1d": Column(Kind.NUMBER, "messages within a day"),
    "contacts_7d": Column(Kind.NUMBER, "messages within seven days"),
    **TOLD,
}
"""What a trigger's rule may ask of a customer."""
SHORT = {
    "viewed": "product_viewed", "clicked": "product_clicked", "added": "product_added", "removed": "product_removed",
    "ordered": "order_completed", "searched": "products_searched", "messaged": "message_sent",
}  # fmt: skip
FIELDS = {"product_id": Column(Kind.TEXT, "which product"), "value": Column(Kind.NUMBER, "price times quantity")}
VOCABULARY = Vocabulary(COLUMNS, Events({name: name for name in KINDS[1:]}, SHORT, FIELDS, {}))
PRICE = "price_set"
LATELY = 30 * DAY
"""Who had to do with a product within so long is told that it became cheaper."""


class Fired(NamedTuple):
    """A trigger that was set off.

    Attributes
    ----------
    key : the same whenever the same cause is met again.
    trigger : its name.
    customer_id : whose rule became true.
    at : when.
    product_id : what it is about; None for no product.
    """

    key: str
    trigger: str
    customer_id: str
    at: datetime
    product_id: str | None = None


@dataclass(frozen=True)
class Trigger:
    """A named rule that sets something off when it becomes true.

    Examples
    --------
    >>> cart = Trigger.of("cart left: added within 1 days and not ordered within 1 days and last_seen > 30 minutes")
    >>> cart.name, [str(each) for each in cart.waits]
    ('cart left', ['0:30:00', '1 day, 0:00:00'])
    """

    name: str
    rule: Rule

    @classmethod
    def of(cls, text: str) -> Trigger:
        """From "name: rule".

        Raises
        ------
        ConfigError
            If the rule cannot be read.
        """
        name, _, said = text.partition(":")
        try:
            return cls(name.strip(), Rule.of(said.strip(), VOCABULARY))
        except RuleError as error:
            raise ConfigError(f'[realtime] triggers, "{name.strip()}": {error}') from None

    @property
    def waits(self) -> list[timedelta]:
        """So long after an event it may become true without another one."""
        found: set[timedelta] = set()
        for part in parts(self.rule.tree):
            if isinstance(part, Ago):
                found.add(part.duration)
            elif isinstance(part, Happened):
                ends = (*part.window.since, *part.window.before)
                found.update(end for end in ends if isinstance(end, timedelta))
        return sorted(found)


def read(texts: Sequence[str]) -> list[Trigger]:
    """Triggers as the settings have them.

    Raises
    ------
    ConfigError
        If a rule cannot be read, or two triggers have one name.
    """
    triggers = [Trigger.of(text) for text in texts]
    names = [trigger.name for trigger in triggers]
    if again := {name for name in names if names.count(name) > 1}:
        raise ConfigError(f"[realtime] triggers: two are named {', '.join(sorted(again))}.")
    return triggers


@dataclass
class Triggers:
    """All triggers of a shop, beside its live state.

    A rule is asked after each event of its customer, when something is told of the customer, and, where it speaks of
    time, when so much time has passed. It fires when it was not true and is; the key of that hangs on what caused it
    alone, so that replaying events after a crash gives the same keys.

    Attributes
    ----------
    standing : customer -> triggers whose rule is true.
    """

    live: Live
    triggers: Sequence[Trigger]
    standing: dict[str, frozenset[str]] = field(default_factory=dict)
    _told: dict[str, dict[str, Any]] = field(default_factory=dict)
    _prices: dict[str, float] = field(default_factory=dict)
    _due: list[tuple[int, str, int]] = field(default_factory=list)
    _waiting: set[tuple[str, int]] = field(default_factory=set)

    @classmethod
    def of(cls, shop: Shop, live: Live) -> Triggers:
        """The triggers of shop.toml, as of the live state; what is true already does not fire.

        Raises
        ------
        ConfigError
            If a rule cannot be read, or two triggers have one name.
        """
        found = cls(live, read(shop.config.realtime.triggers))
        found._begin()
        return found

    def change(self, triggers: Sequence[Trigger]) -> None:
        """Others from now on, by what was told so far; what is true already does not fire."""
        self.triggers = triggers
        self._begin()

    def add(self, events: Iterable[Numbered]) -> list[Fired]:
        """Let events be known to the live state and to the rules, in their order; what they set off."""
        if not self.triggers:
            self.live.add(events)
            return []
        return [fired for event in events for fired in self._add(event)]

    def _add(self, event: Numbered) -> list[Fired]:
        if event.position <= self.live.position:
            return []
        moment = event.row["time"]
        fired = self.pass_time(moment)
        price = self._price(event)
        for customer in self.live.add([event]):
            fired += self._ask(customer, moment + timedelta(microseconds=1), _cause(event))
            self._wait(customer, micros(moment))
        if price is not None:
            product, share = price
            for customer in self.live.learner.customers_of(product, micros(moment) - LATELY):
                facts = {"price_drop": share, "dropped_product": product}
                fired += self.tell(customer, facts, moment, _cause(event))
                self.tell(customer, dict.fromkeys(facts), moment, "")
        return fired

    def tell(self, customer: str, facts: Mapping[str, Any], moment: datetime, cause: str) -> list[Fired]:
        """Something of `TOLD` became known of a customer.

        Parameters
        ----------
        cause : names what it became known by, for the key: the same when it is told again.
        """
        customer = self.live.aliases.get(customer, customer)
        if unknown := set(facts) - set(TOLD):
            raise ValueError(f"nothing is told of {', '.join(sorted(unknown))}; there are: {', '.join(TOLD)}")
        self._told.setdefault(customer, {}).update(facts)
        return self._ask(customer, moment, cause)

    def pass_time(self, moment: datetime) -> list[Fired]:
        """It is now so late: ask the rules that waited for it."""
        now, fired = micros(moment), []
        while self._due and self._due[0][0] <= now:
            due, customer, wait = heapq.heappop(self._due)
            self._waiting.discard((customer, wait))
            fired += self._ask(customer, moment_of(due), f"t{due}")
            last = int(self.live.store.peek(customer)["last"])
            if last + wait >= due:  # something came meanwhile
                self._wait(customer, last)
        return fired

    def _ask(self, customer: str, moment: datetime, cause: str) -> list[Fired]:
        row = self.live.store.peek(customer)
        values = dict.fromkeys(TOLD) | known(row, moment) | self._told.get(customer, {})
        happened = list(self._events(row))
        before = self.standing.get(customer, frozenset())
        now = frozenset(each.name for each in self.triggers if each.rule.is_true(values, events=happened, as_of=moment))
        if now:
            self.standing[customer] = now
        else:
            self.standing.pop(customer, None)
        return [
            Fired(f"{each.name}/{customer}/{cause}", each.name, customer, moment, values["dropped_product"])
            for each in self.triggers
            if each.name in now - before
        ]

    def _events(self, row: Any) -> Iterator[dict[str, Any]]:
        for place in range(min(int(row["count"]), NEWEST)):
            time = int(row["times"][place])
            yield {
                "time": moment_of(time), "type": KINDS[row["kinds"][place]], "event": place,
                "product_id": self.live.names.get(int(row["products"][place])), "value": float(row["values"][place]),
            }  # fmt: skip

    def _wait(self, customer: str, last: int) -> None:
        for wait in self._waits():
            if (customer, wait) not in self._waiting:
                self._waiting.add((customer, wait))
                heapq.heappush(self._due, (last + wait + 1, customer, wait))

    def _waits(self) -> list[int]:
        return sorted({wait // timedelta(microseconds=1) for each in self.triggers for wait in each.waits})

    def _begin(self) -> None:
        """Ask every rule as of the last event of who was here lately, and wait for what may come of it."""
        waits = self._waits()
        if not self.triggers:
            return
        rows, names = self.live.store.all_rows(), self.live.store.names()
        since = int(rows["last"].max(initial=0)) - (waits[-1] if waits else 0)
        for name, row in zip(names, rows, strict=True):
            if int(row["last"]) >= since:
                self._ask(name, moment_of(int(row["last"]) + 1), "")
                self._wait(name, int(row["last"]))

    def _price(self, event: Numbered) -> tuple[str, float] | None:
        """A product that became cheaper, and by which share; None if the event says nothing of that."""
        product, price = event.row.get("product_id"), event.row.get("unit_price")
        if event.row["type"] != PRICE or product is None or price is None:
            return None
        before = self._prices.get(product)
        self._prices[product] = float(price)
        return (product, 1 - float(price) / before) if before and float(price) < before else None


def _cause(event: Numbered) -> str:
    """The same whenever the event is met again, wherever in the stream it stands then."""
    name = event.row.get("event_id")
    return f"e{event.position}" if name is None else f"{name}/{event.position % LINES}"
