"""What a customer may want, by the intents of `regulars.support.intent`: how it is offered, and what is done."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from regulars.support.intent import Message

Reader = Callable[[str], "Message"]
"""A message to what it asks for: `functools.partial(read, intents)`."""

_WANTS: dict[str, dict[str, str]] = tomllib.loads((Path(__file__).parent / "wants.toml").read_text("utf-8"))


def task_of(intent: str) -> str | None:
    """What the dialogue does itself about an intent; None if texts or a person answer it.

    >>> task_of("cancel_order"), task_of("invoice"), task_of("engraving")
    ('cancel', None, None)
    """
    return _WANTS.get(intent, {}).get("task")


def intent_of(task: str) -> str | None:
    """The first intent about which a task is done; None if there is none.

    >>> intent_of("cancel"), intent_of("coupon")
    ('cancel_order', None)
    """
    return next((intent for intent, about in _WANTS.items() if about.get("task") == task), None)


def shown(intent: str, language: str) -> str:
    """An intent as a customer reads it; one of the shop's own by its name.

    >>> shown("invoice", "en"), shown("invoice", "zh"), shown("gift_engraving", "en")
    ('get an invoice', '开发票', 'gift engraving')
    """
    said = _WANTS.get(intent)
    return intent.replace("_", " ") if said is None else said["zh" if language == "zh" else "en"]


def named_in(text: str, intents: Sequence[str], language: str) -> str | None:
    """Which of some that were offered a customer names by its words; None if it is none, or more than one.

    >>> named_in("I want to cancel an order", ["cancel_order", "invoice"], "en")
    'cancel_order'
    """
    said = text.casefold()
    named = [one for one in intents if shown(one, language).casefold() in said]
    return named[0] if len(named) == 1 else None
