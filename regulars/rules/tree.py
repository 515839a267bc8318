"""What a rule says, as a tree: made by the parser, read by what evaluates it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """Of a value, in words for whoever wrote the rule."""

    NUMBER = "number"
    TEXT = "text"
    TRUTH = "true or false"
    TIME = "time"
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

    value: float | str | bool | datetime


@dataclass(frozen=True)
class Name(Node):
    """The value of a column."""

    name: str


@dataclass(frozen=True)
class Not(Node):
    """True where `of` is false."""

    of: Node


@dataclass(frozen=True)
class Negative(Node):
    """Minus a number."""

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
