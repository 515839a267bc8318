"""What fits behind the cursor in a rule of fraud that is being typed, each with what it means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from regulars.fraud.attempts import Attempts
from regulars.fraud.features.terms import Language
from regulars.fraud.features.words import meaning
from regulars.fraud.rule.columns import ENTITY_OF, PROPERTY, vocabulary
from regulars.fraud.stream import OWN
from regulars.rules import Column
from regulars.rules.completion import complete
from regulars.rules.lexer import is_plain

MOST_VALUES = 10
"""So many values of a column are offered, the most frequent first."""


@dataclass(frozen=True)
class Suggestion:
    """One thing that fits.

    Attributes
    ----------
    text : what to put in place of what was typed of it.
    start : the place in the rule from which on it stands.
    sort : see `regulars.rules.offers.Offer`.
    meaning : of a column, in words, with its kind and unit.
    count : of a value, how many attempts have it.
    """

    text: str
    start: int
    sort: str
    meaning: str = ""
    count: int | None = None


def suggest(rule: str, found: Attempts, language: Language = "en") -> list[Suggestion]:
    """What fits at the end of a rule that is being typed; nothing, if it is wrong before that."""
    words = vocabulary(found)
    done = complete(rule, words)
    result = []
    for offer in done.offers:
        match offer.sort:
            case "column":
                text = offer.text if is_plain(offer.text) else f"`{offer.text}`"
                about = _about(offer.text, words.columns[offer.text], language)
                result.append(Suggestion(text, done.start, "column", about))
            case "value":
                values = _values(found, offer.text, done.typed)
                result += [Suggestion(_quoted(value), done.start, "value", "", count) for value, count in values]
            case _:
                result.append(Suggestion(offer.text, done.start, offer.sort))
    return result


def _about(name: str, column: Column, language: Language) -> str:
    said = column.meaning if name.startswith(PROPERTY) else meaning(name, language)
    unit = f", {column.unit}" if column.unit else ""
    return f"{said} ({column.kind.value}{unit})"


def _values(found: Attempts, name: str, typed: str) -> list[tuple[str, int]]:
    """The most frequent values of a column of texts that begin with what was typed."""
    stream = found.stream
    entity = ENTITY_OF.get(name, name.replace(PROPERTY, OWN, 1))
    if entity not in stream.codes:
        return []
    codes = stream.codes[entity][stream.attempts]
    counts = np.bincount(codes[codes >= 0], minlength=len(stream.names[entity]))
    order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    if not typed:
        order = order[:MOST_VALUES]
    names = zip(stream.names[entity].take(order).to_pylist(), counts[order].tolist(), strict=True)
    return [each for each in names if each[0].casefold().startswith(typed.casefold())][:MOST_VALUES]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
