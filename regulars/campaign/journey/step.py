"""What a journey is made of: who enters, the steps, and when it is over."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

Channel = Literal["email", "sms", "push", "wechat"]
TriggerKind = Literal["event", "segment", "rule", "birthday", "price_drop", "back_in_stock"]
END = "exit"
"""Where a way ends that leads to no other step: every journey has it, without a table of its own."""


@dataclass(frozen=True)
class Trigger:
    """Who enters.

    Attributes
    ----------
    kind : event: did something; segment, rule: is meant now and was not before; birthday: today is the day of
        `customer_identified` trait `what`; price_drop: a product got cheaper by `share`; back_in_stock: one can be had
        again. The last two ask who did `what` (an event) with the product `within` so long before.
    what : the type of event, the segment's name, the rule, or the trait.
    where : of which events, as a rule over their fields; "" for all.
    share : for price_drop, at least so much cheaper, in (0, 1).
    within : see `kind`.
    again : so long after entering a customer does not enter again; None for never again.
    late : an event that becomes known so long after it happened still lets its customer in.
    line : in the file, from 1.
    """

    kind: TriggerKind
    what: str = ""
    where: str = ""
    share: float = 0.0
    within: timedelta = timedelta(days=30)
    again: timedelta | None = timedelta(days=30)
    late: timedelta = timedelta(days=2)
    line: int = 1


@dataclass(frozen=True)
class Awaited:
    """An event that ends something: its type, and a rule over its fields ("" for any)."""

    event: str
    where: str = ""
    line: int = 1


@dataclass(frozen=True)
class Step(ABC):
    """A step: its name, and the line where it begins."""

    name: str
    line: int

    @abstractmethod
    def ways(self) -> Iterator[tuple[str, str]]:
        """Where it leads: (what the way is called, the step's name)."""


@dataclass(frozen=True)
class Wait(Step):
    """Stay so long."""

    duration: timedelta
    next: str

    def ways(self) -> Iterator[tuple[str, str]]:
        """One way."""
        yield "", self.next


@dataclass(frozen=True)
class WaitForEvent(Step):
    """Stay until the customer does something, at most so long; then one way, otherwise the other."""

    event: Awaited
    most: timedelta
    then: str
    otherwise: str

    def ways(self) -> Iterator[tuple[str, str]]:
        """Two ways."""
        yield "happened", self.then
        yield "did not", self.otherwise


@dataclass(frozen=True)
class WaitForTime(Step):
    """Stay until a time of day, on a weekday (0 is Monday) if one is named, on the customer's own clock."""

    minute_of_day: int
    weekday: int | None
    next: str

    def ways(self) -> Iterator[tuple[str, str]]:
        """One way."""
        yield "", self.next


@dataclass(frozen=True)
class Branch(Step):
    """One way for customers of whom a rule is true or who are in a segment, another for the rest."""

    rule: str
    segment: str
    then: str
    otherwise: str

    def ways(self) -> Iterator[tuple[str, str]]:
        """Two ways."""
        yield "yes", self.then
        yield "no", self.otherwise


@dataclass(frozen=True)
class Part:
    """A part of a split: its name, its share in (0, 1], and where it leads."""

    name: str
    share: float
    next: str


@dataclass(frozen=True)
class Split(Step):
    """Customers parted by chance: the same customer always goes the same way."""

    parts: tuple[Part, ...]

    def ways(self) -> Iterator[tuple[str, str]]:
        """One way a part."""
        for part in self.parts:
            yield f"{part.name} {part.share:.0%}", part.next


@dataclass(frozen=True)
class Send(Step):
    """Send a message, with a coupon of an offer if one is named, at the customer's best hour if asked for."""

    message: str
    channel: Channel
    offer: str
    at_best_hour: bool
    next: str

    def ways(self) -> Iterator[tuple[str, str]]:
        """One way."""
        yield "", self.next


@dataclass(frozen=True)
class Exit(Step):
    """Leave."""

    def ways(self) -> Iterator[tuple[str, str]]:
        """None."""
        return iter(())


@dataclass(frozen=True)
class Journey:
    """A journey as its file declares it.

    Attributes
    ----------
    name : of the file.
    steps : in the order of the file; the first is where customers begin.
    goal : what the journey is for; who does it leaves with outcome "goal". None for none.
    leave : events after which a customer leaves, for the journey no longer fits.
    text : the file's.
    """

    name: str
    note: str
    trigger: Trigger
    goal: Awaited | None
    leave: tuple[Awaited, ...]
    steps: tuple[Step, ...]
    text: str = field(repr=False, default="")

    @property
    def sends(self) -> tuple[Send, ...]:
        """The steps that send."""
        return tuple(step for step in self.steps if isinstance(step, Send))

    @property
    def places(self) -> dict[str, int]:
        """Where each step stands; END stands behind the last."""
        return {END: len(self.steps)} | {step.name: place for place, step in enumerate(self.steps)}

    @property
    def awaited(self) -> tuple[Awaited, ...]:
        """All events that it waits for or ends by."""
        waits = tuple(step.event for step in self.steps if isinstance(step, WaitForEvent))
        return (*waits, *self.leave, *((self.goal,) if self.goal else ()))

    @property
    def rules(self) -> tuple[Branch, ...]:
        """The steps that ask a rule or a segment."""
        return tuple(step for step in self.steps if isinstance(step, Branch))
