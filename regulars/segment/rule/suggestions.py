"""What fits behind the cursor in a rule of a shop, each with what it means, and values with how often they occur."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from regulars.rules.completion import complete
from regulars.rules.lexer import is_plain

if TYPE_CHECKING:
    from regulars.rules import Column
    from regulars.segment.rule.counting import Counter


@dataclass(frozen=True)
class Suggestion:
    """One thing that fits.

    Attributes
    ----------
    text : what to put in place of what was typed of it.
    start : the place in the rule from which on it stands.
    sort : see `regulars.rules.offers.Offer`.
    meaning : in words; of a column its kind and unit besides.
    count : of a value, how many customers or lines have it; of an event, its lines in the log.
    examples : values of a column.
    """

    text: str
    start: int
    sort: str
    meaning: str = ""
    count: int | None = None
    examples: tuple[str, ...] = ()


def suggest(rule: str, counter: Counter) -> list[Suggestion]:
    """What fits at the end of a rule that is being typed; nothing, if it is wrong before that."""
    found = complete(rule, counter.words.vocabulary)
    columns, events = counter.words.vocabulary.columns, counter.words.vocabulary.events
    result = []
    for offer in found.offers:
        match offer.sort:
            case "column":
                meaning, examples = _about(columns[offer.text]), counter.values.examples(offer.text)
                result.append(Suggestion(_written(offer.text), found.start, "column", meaning, None, examples))
            case "field":
                field = events.fields.get(offer.text)
                meaning = _about(field) if field else f"{events.measures[offer.text][0]} of its events"
                result.append(Suggestion(offer.text, found.start, "field", meaning))
            case "event":
                type_ = events.type_of(offer.text) or offer.text
                count = counter.words.lines.get(type_, 0)
                result.append(Suggestion(offer.text, found.start, "event", events.types[type_], count))
            case "segment":
                if offer.text.casefold().startswith(found.typed.casefold()):
                    rule_of_it = counter.words.vocabulary.segments[offer.text]
                    result.append(Suggestion(_quoted(offer.text), found.start, "segment", rule_of_it))
            case "value" | "field value":
                values = counter.values.of(offer.text, found.typed, of_events=offer.sort == "field value")
                result += [Suggestion(_quoted(value), found.start, "value", "", count) for value, count in values]
            case _:
                result.append(Suggestion(offer.text, found.start, offer.sort))
    return result


def _about(column: Column) -> str:
    unit = f", {column.unit}" if column.unit else ""
    return f"{column.meaning} ({column.kind.value}{unit})".strip()


def _written(name: str) -> str:
    return name if is_plain(name) else f"`{name}`"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
