"""What a rule may speak of: columns, events and segments."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from regulars.rules.tree import Kind


@dataclass(frozen=True)
class Column:
    """A column: the kind of its values, in words what it means, and the unit of a number.

    A number whose unit is "days" or "seconds" can be compared with a duration.
    """

    kind: Kind
    meaning: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Events:
    """Which events a rule may ask for, of the customer that a row is of.

    Attributes
    ----------
    types : the types there are, each in words; none where rows are not of customers.
    words : short words for types: {"messaged": "message_sent"}.
    fields : what can be asked of an event, after `where` and in `sum` and its like.
    measures : names that stand for a field of one type: {"spend": ("value", "order_completed")}.
    """

    types: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, Column] = field(default_factory=dict)
    measures: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def type_of(self, word: str) -> str | None:
        """The type that a word names; None if there is none."""
        return word if word in self.types else self.words.get(word)


@dataclass(frozen=True)
class Vocabulary:
    """All that a rule may speak of.

    Attributes
    ----------
    columns : of the table that it is asked of.
    events : without types where rows are not of customers; then there is no moment either that a duration could count
        from.
    segments : the rules of segments by name.
    """

    columns: Mapping[str, Column]
    events: Events = Events()
    segments: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, columns: Mapping[str, Kind] | pa.Schema | Vocabulary) -> Vocabulary:
        """From names and kinds, or from the schema of a table."""
        if isinstance(columns, Vocabulary):
            return columns
        found = kinds(columns) if isinstance(columns, pa.Schema) else columns
        return cls({name: Column(kind) for name, kind in found.items()})


def instead(word: str, there_are: Iterable[str], *, most: int = 40) -> str:
    """What may have been meant by a word that is none, and what there is, if that is not too much to read.

    >>> instead("prise", ["price", "brand"])
    ' Did you mean "price"? There are: brand, price'
    """
    names = sorted(set(there_are))
    near = difflib.get_close_matches(word, names, n=1 if len(names) <= most else 3)
    meant = " Did you mean " + " or ".join(f'"{name}"' for name in near) + "?" if near else ""
    if len(names) > most:
        return meant or f" There are {len(names)}, among them: {', '.join(names[:12])}"
    return f"{meant} There are: {', '.join(names) or 'none'}"


def kinds(schema: pa.Schema) -> dict[str, Kind]:
    """The kind of each column that a rule can ask for; columns of other types are left out.

    >>> kinds(pa.schema({"price": pa.float64(), "tags": pa.list_(pa.string()), "raw": pa.binary()}))
    {'price': <Kind.NUMBER: 'number'>, 'tags': <Kind.LIST: 'list of texts'>}
    """
    found = {field.name: _kind(field.type) for field in schema}
    return {name: kind for name, kind in found.items() if kind is not None}


def _kind(type_: pa.DataType) -> Kind | None:
    if pa.types.is_dictionary(type_):
        return _kind(type_.value_type)
    if pa.types.is_list(type_):
        return Kind.LIST if _kind(type_.value_type) is Kind.TEXT else None
    for kind, tests in _KINDS.items():
        if any(test(type_) for test in tests):
            return kind
    return None


_KINDS: dict[Kind, tuple[Callable[[pa.DataType], bool], ...]] = {
    Kind.TRUTH: (pa.types.is_boolean,),
    Kind.NUMBER: (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal),
    Kind.TEXT: (pa.types.is_string, pa.types.is_large_string),
    Kind.TIME: (pa.types.is_timestamp, pa.types.is_date),
}
