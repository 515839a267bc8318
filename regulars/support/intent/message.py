"""One message read whole: each thing that it asks for, in which language, in which mood and how urgently."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from regulars.support.dialogue.intents import ANGRY_WORDS
from regulars.support.dialogue.languages import language_of
from regulars.support.entities import cleaned, parts
from regulars.support.intent.model import Intents, Understood

PLEASED = re.compile(
    r"\b(?:thanks?|thank you|great|love|awesome|perfect|excellent|appreciate|wonderful)\b"
    r"|谢谢|感谢|很好|太棒|喜欢|满意|好评",
    re.IGNORECASE,
)
UNHAPPY = re.compile(
    r"\b(?:awful|terrible|horrible|worst|pathetic)\b"
    r"|\b(?:disappoint\w*|annoy\w*|upset|frustrat\w*|unhappy|still (?:not|no|waiting)|wrong|broken)\b"
    r"|失望|不满|着急|郁闷|还没|怎么又|一直没|太差|无语|差评",
    re.IGNORECASE,
)
_URGENT = re.compile(
    r"\b(?:urgent\w*|asap|immediately|right now|right away|emergency|at once|by (?:today|tonight|tomorrow)|today)\b"
    r"|紧急|马上|立刻|立即|赶紧|尽快|急用|很急|着急|今天(?:就|必须|之内)",
    re.IGNORECASE,
)

Mood = Literal["angry", "unhappy", "neutral", "pleased"]


@dataclass(frozen=True)
class Message:
    """What a message says.

    Attributes
    ----------
    intents : what is asked for and sure, in the order of the message; several if it asks for several things.
    whole : the message as one question, with choices to offer where nothing is sure.
    language : of the message, such as "en" or "zh".
    mood : by words that tell it; neutral where none does.
    is_urgent : whether it says so.
    """

    intents: tuple[str, ...]
    whole: Understood
    language: str
    mood: Mood
    is_urgent: bool


def read(intents: Intents, message: str) -> Message:
    """What does a message ask for, and how?

    Where each of two clauses or more is sure by itself, and they differ, all are wanted. Otherwise it is the whole that
    counts: a clause out of its place is easily misread.

    Examples
    --------
    >>> found = read(Intents.starter(), "Please cancel my order ASAP. And where can I download my invoice?")
    >>> found.intents, found.mood, found.is_urgent
    (('cancel_order', 'invoice'), 'neutral', True)
    """
    text = cleaned(message)
    whole, *each = intents.of([text, *parts(text)], quick=True)
    sure = tuple(dict.fromkeys(one.intent for one in each if one.intent is not None))
    if not sure and whole.verdict == "unsure":
        (whole,) = intents.of([text])
    if len(sure) < 2:
        sure = (whole.intent,) if whole.intent is not None else sure
    return Message(sure, whole, language_of(text), mood(text), is_urgent(text))


def is_urgent(text: str) -> bool:
    """Whether a text says that it is urgent.

    >>> is_urgent("I need this today"), is_urgent("请尽快处理"), is_urgent("when you have time")
    (True, True, False)
    """
    return bool(_URGENT.search(text))


def mood(text: str) -> Mood:
    """The mood that the words of a text tell.

    >>> mood("this is ridiculous"), mood("还没收到，很失望"), mood("where is it"), mood("谢谢，很满意")
    ('angry', 'unhappy', 'neutral', 'pleased')
    """
    if ANGRY_WORDS.search(text):
        return "angry"
    if UNHAPPY.search(text):
        return "unhappy"
    return "pleased" if PLEASED.search(text) else "neutral"
