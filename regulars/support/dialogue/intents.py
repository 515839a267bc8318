"""What a message wants: the words by which English and Chinese ask for each thing, and where they stand."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from regulars.support.entities import asking, parts

SWAP = "swap"
"""Other items: a change of a pending order, an exchange of a delivered one. Customers use the words for both."""
STATUS, PERSON, ANGRY, UNDO, GOODBYE, GREETING = "status", "person", "angry", "undo", "goodbye", "greeting"
MONEY_BACK = "money_back"
"""A refund: of what, the rest of its clause or the one before says."""
CHANGE = "change"
"""A verb that says only that something is to be other than it is; what, the rest of its clause says."""

MOST = 40
"""Verbs of a message that are heeded. Nobody asks for so many things at once; an attack may."""

_WORDS: dict[str, dict[str, list[str]]] = tomllib.loads((Path(__file__).parent / "words.toml").read_text("utf-8"))


def _any(patterns: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_VERBS = [(intent, _any(patterns)) for intent, patterns in _WORDS["verbs"].items()]
_ELSE = [(intent, _any(patterns)) for intent, patterns in _WORDS["else"].items()]
_NO_VERB = _any(_WORDS["apart"]["no_verb"])
_MOODS = [(name, _any(_WORDS["mood"][name])) for name in (PERSON, ANGRY, GOODBYE, GREETING)]
ANGRY_WORDS = dict(_MOODS)[ANGRY]
"""By what a message is angry."""
_REASONS = {reason: _any(patterns) for reason, patterns in _WORDS["reasons"].items()}


class Verb(NamedTuple):
    """A word that asks for something, and where."""

    start: int
    end: int
    intent: str


def verbs(text: str, apart: Collection[str] = ()) -> list[Verb]:
    """Which things does a text ask for, in its order?

    Parameters
    ----------
    text : a cleaned message.
    apart : words in which no verb is looked for.

    Examples
    --------
    >>> [one.intent for one in verbs("Cancel #W1 and exchange the lamp. I changed my mind.")]
    ['cancel', 'swap']
    >>> [one.intent for one in verbs("把地址改成上海，再取消另一单")]
    ['change', 'cancel']
    """
    taken = [match.span() for match in islice(_NO_VERB.finditer(text), MOST)]
    for words in apart:
        taken += [match.span() for match in islice(re.finditer(re.escape(words), text, re.IGNORECASE), MOST)]
    found = []
    for intent, pattern in _VERBS:
        for match in islice(pattern.finditer(text), MOST):
            if all(match.end() <= start or match.start() >= end for start, end in taken):
                taken.append(match.span())
                found.append(Verb(match.start(), match.end(), intent))
    return sorted(found)[:MOST]


def implied(sentence: str) -> list[Verb]:
    """What a sentence asks for that has none of these words, at its beginning: one thing at most.

    >>> implied("the address of my order is wrong"), implied("the lamp is wrong")
    ([Verb(start=0, end=0, intent='change_address')], [])
    """
    return [Verb(0, 0, intent) for intent, pattern in _ELSE if pattern.search(sentence)][:1]


_POLITE = re.compile(
    r"(?:(?:and|so|but|hi|hello|please|ok|then|also|just|kindly|now|can|could|would|will|you|i|i'd|we|want|need|like|"
    r"wish|have|to|my|me|help|with)\W+)*",
    re.IGNORECASE,
)


def is_both(text: str) -> bool:
    """Whether a message asks something in one part, and for something to be done in another.

    >>> [is_both(said) for said in ("How long may I wait? And cancel #W1", "How do I cancel an order?", "Cancel #W1")]
    [True, False, False]
    >>> is_both("怎么开发票？另外取消订单W1")
    True
    """
    return bool(asking(text)) and any(_is_request(part) for part in parts(text))


def _is_request(part: str) -> bool:
    found = [verb for verb in verbs(part) if verb.intent != STATUS]
    if not found:
        return False
    is_chinese = re.search(r"[\u3400-\u9fff]", part) is not None
    return not asking(part) if is_chinese else _POLITE.fullmatch(part[: found[0].start]) is not None


def mood(text: str) -> str | None:
    """Whether a message as a whole asks for a person, is angry, says hello or goodbye; None for all others.

    >>> mood("I want to talk to a human"), mood("这是骗子"), mood("thanks, bye"), mood("cancel it")
    ('person', 'angry', 'goodbye', None)
    """
    return next((name for name, pattern in _MOODS if pattern.search(text)), None)


def cancel_reason(text: str, reasons: tuple[str, ...]) -> str:
    """Which of the shop's reasons for a cancellation does a text give? Empty if it gives none.

    >>> cancel_reason("I clicked by accident", ("no longer needed", "ordered by mistake"))
    'ordered by mistake'
    """
    for reason in reasons:
        if reason.casefold() in text.casefold():
            return reason
    for reason, pattern in _REASONS.items():
        if reason in reasons and pattern.search(text):
            return reason
    return ""
