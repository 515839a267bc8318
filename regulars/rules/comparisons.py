"""Two values beside each other: what each is, seen from the other, and what the sign between them asks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from regulars.rules.durations import COUNTED
from regulars.rules.operators import MIRRORED
from regulars.rules.reader import a
from regulars.rules.tree import Ago, Binary, Kind, Length, Literal, Name, Node

if TYPE_CHECKING:
    from regulars.rules.parser import Parser


def compared(parser: Parser, sign: str, left: Node, right: Node) -> Node:
    """Two values of one kind and the sign between them."""
    left, right = as_time(parser, left, right), as_time(parser, right, left)
    left, right = _as_length(left, right), _as_length(right, left)
    if Kind.DURATION in (left.kind, right.kind):
        return _how_long(parser, sign, left, right)
    if Kind.LIST in (left.kind, right.kind):
        raise parser.wrong(left.at, "a list of texts is asked by \"contains\", e.g. interests contains 'tea'")
    if left.kind is not right.kind:
        hint = ""
        if {left.kind, right.kind} == {Kind.TIME, Kind.NUMBER} and parser.vocabulary.events.types:
            hint = "; how long ago is said with a unit, e.g. 60 days"
        raise parser.wrong(right.at, f"{a(left.kind)} is compared with {a(right.kind)}{hint}")
    if left.kind is Kind.TRUTH and sign not in ("=", "!="):
        raise parser.wrong(
            left.at, f'what is true or false has no order; "{sign}" is asked of numbers, texts and times'
        )
    return Binary(left.at, Kind.TRUTH, sign, left, right)


def _how_long(parser: Parser, sign: str, left: Node, right: Node) -> Node:
    """A comparison with a duration: of how long ago a time is, or of a number of days."""
    at = left.at
    if left.kind is Kind.DURATION:
        left, right, sign = right, left, MIRRORED.get(sign, sign)
    length = right.value if isinstance(right, Literal) else None
    if left.kind is Kind.DURATION or not isinstance(length, timedelta):
        raise parser.wrong(right.at, "two durations are compared: one of them must be a column")
    if left.kind is Kind.TIME:
        if sign not in MIRRORED:
            raise parser.wrong(right.at, 'how long ago is asked by "<", "<=", ">" or ">=", or as: within 7 days')
        return Binary(at, Kind.TRUTH, MIRRORED[sign], left, Ago(right.at, Kind.TIME, length))
    unit = parser.vocabulary.columns[left.name].unit if isinstance(left, Name) else ""
    if unit in COUNTED:
        return Binary(at, Kind.TRUTH, sign, left, Literal(right.at, Kind.NUMBER, length / COUNTED[unit]))
    hint = "; it counts no days, so write the number alone" if left.kind is Kind.NUMBER else ""
    raise parser.wrong(right.at, f"{a(left.kind)} is compared with a duration{hint}")


def as_time(parser: Parser, node: Node, other: Node) -> Node:
    """A text beside a time is a time."""
    if other.kind is Kind.TIME and isinstance(node, Literal) and isinstance(node.value, str):
        return replace(node, kind=Kind.TIME, value=moment(parser, node.value, node.at))
    return node


def moment(parser: Parser, text: str, at: int) -> datetime:
    """A moment as it was written, in UTC where it names no zone."""
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise parser.wrong(at, f"'{text}' is no time; write it as '2024-05-01' or '2024-05-01T18:00'") from None


def _as_length(node: Node, other: Node) -> Node:
    """A list beside a number is how many texts it holds."""
    is_counted = node.kind is Kind.LIST and other.kind is Kind.NUMBER
    return Length(node.at, Kind.NUMBER, node) if is_counted else node
