"""What a rule says, as a tree: made by the parser, read by what evaluates it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Kind(StrEnum):
    """Of a value, in words for whoever wrote the rule."""

    NUMBER = "number"
    TEXT = "text"
    TRUTH = "true or false"
    TIME = "time"
    DURATION = "duration"
    LIST = "list of texts"


@dataclass(frozen=True)
class Node:
    """A part of a rule.

    Attributes
    ----------
    at : where it begins in the text, from 0.
    kind : of its value.
    """

    at: int
    kind: Kind


@dataclass(frozen=True)
class Literal(Node):
    """A value as it was written; a number as float."""

    value: float | str | bool | datetime | timedelta


@dataclass(frozen=True)
class Name(Node):
    """The value of a column."""

    name: str


@dataclass(frozen=True)
class Ago(Node):
    """The moment so long before the one that the rule is asked as of."""

    duration: timedelta

    def moment(self, as_of: datetime | None) -> datetime:
        """That moment; ValueError if the rule is asked as of none."""
        return _told(as_of) - self.duration


@dataclass(frozen=True)
class Not(Node):
    """True where `of` is false."""

    of: Node


@dataclass(frozen=True)
class Negative(Node):
    """Minus a number."""

    of: Node


@dataclass(frozen=True)
class Length(Node):
    """How many texts a list holds."""

    of: Node


@dataclass(frozen=True)
class Binary(Node):
    """Two values and what is between them: and, or, + - * /, = != < <= > >=, contains, starts with."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class In(Node):
    """Whether a value is one of those listed."""

    of: Node
    values: tuple[float | str | datetime, ...]


@dataclass(frozen=True)
class IsNull(Node):
    """Whether a value is unknown."""

    of: Node


@dataclass(frozen=True)
class InSegment(Node):
    """Whether the rule of a segment is true; where it is unknown, it is not."""

    name: str
    of: Node


@dataclass(frozen=True)
class Window:
    """Which times count, besides being before the moment that the rule is asked as of.

    Attributes
    ----------
    since : none earlier than all of these; a duration is so long before the moment.
    before : all earlier than each of these.
    """

    since: tuple[datetime | timedelta, ...] = ()
    before: tuple[datetime | timedelta, ...] = ()

    def bounds(self, as_of: datetime | None) -> tuple[datetime | None, datetime]:
        """The first moment that counts, None for all of the past; and the first after it that does not.

        Raises
        ------
        ValueError
            If the rule is asked as of no moment.

        >>> from datetime import UTC
        >>> Window(since=(timedelta(days=7),)).bounds(datetime(2024, 5, 8, tzinfo=UTC))[0].isoformat()
        '2024-05-01T00:00:00+00:00'
        """

        now = _told(as_of)

        def moments(ends: tuple[datetime | timedelta, ...]) -> list[datetime]:
            return [now - end if isinstance(end, timedelta) else end for end in ends]

        return max(moments(self.since), default=None), min([*moments(self.before), now])

    def __bool__(self) -> bool:
        return bool(self.since or self.before)


@dataclass(frozen=True)
class Happened(Node):
    """What a customer's events of one type come to.

    Attributes
    ----------
    function : "did" (whether there is one), "count" (of events, not of their lines), "sum", "avg", "min", "max".
    type : of the events.
    of : what of each line is summed, averaged or compared; None for "did" and "count".
    where : which lines count; None for all.
    window : when they came.
    """

    function: str
    type: str
    of: Node | None
    where: Node | None
    window: Window


def _told(as_of: datetime | None) -> datetime:
    if as_of is None:
        raise ValueError("the rule asks how long ago, and no moment is given that counts as now")
    return as_of


def parts(node: Node) -> Iterator[Node]:
    """A part and all that it is made of; what is asked of single events is not among them."""
    yield node
    match node:
        case Binary(left=left, right=right):
            yield from parts(left)
            yield from parts(right)
        case Not(of=of) | Negative(of=of) | IsNull(of=of) | In(of=of) | Length(of=of) | InSegment(of=of):
            yield from parts(of)
