"""What fits behind the cursor in a rule that is being typed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from regulars.rules.errors import RuleError
from regulars.rules.lexer import tokens
from regulars.rules.offers import Offer
from regulars.rules.parser import Parser
from regulars.rules.vocabulary import Vocabulary


@dataclass(frozen=True)
class Completion:
    """What fits, and what of the text it stands for.

    Attributes
    ----------
    start : from here on to the cursor the text is what has been typed of the next word.
    typed : that part, without a quote before it.
    offers : what fits there. Of values of a column or field, one that names it: which of them begin with `typed` is
        for whoever has the table; so it is with segments.
    """

    start: int
    typed: str
    offers: tuple[Offer, ...]


def complete(text: str, vocabulary: Vocabulary) -> Completion:
    """What could stand at the end of a text; nothing, if the rule is wrong before it.

    Parameters
    ----------
    text : a rule up to the cursor.

    Examples
    --------
    >>> from regulars.rules.tree import Kind
    >>> names = Vocabulary.of({"price": Kind.NUMBER, "category": Kind.TEXT})
    >>> [offer.text for offer in complete("price < 20 and cat", names).offers]
    ['category']
    >>> [offer.text for offer in complete("category ", names).offers][:3]
    ['=', '!=', 'in (']
    """
    start, typed = _begun(text)
    found: list[Offer] = []
    with suppress(RuleError):
        parser = Parser(text[:start], vocabulary)
        found = parser.offers
        parser.whole()
    wanted = typed.casefold()
    is_text = text[start : start + 1] in ("'", '"')
    fits = [
        offer
        for offer in found
        if offer.sort in ("value", "field value", "segment")
        or (not is_text and offer.text.casefold().startswith(wanted))
    ]
    return Completion(start, typed, tuple(fits))


def _begun(text: str) -> tuple[int, str]:
    """Where the word begins that is being typed, and that word; the end, if none is."""
    with suppress(RuleError):
        found = list(tokens(text))
        last = found[-2] if len(found) > 1 else None
        is_word = last is not None and last.sort in ("name", "word") and last.at + len(last.value) == len(text)
        return (last.at, last.value) if last is not None and is_word else (len(text), "")
    # A text in quotes that is not closed yet, the only thing that can be begun and be no word.
    for at in range(len(text)):
        if text[at] in "'\"`":
            with suppress(RuleError):
                list(tokens(text[:at]))
                if _is_open(text[at:]):
                    return at, text[at + 1 :]
    return len(text), ""


def _is_open(text: str) -> bool:
    """Whether a text in quotes that begins here does not end."""
    return text.count(text[0]) % 2 == 1
