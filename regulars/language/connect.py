"""The language model that a shop has connected, by its settings and the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from regulars.config import LanguageSettings
from regulars.config.foundations import OWN_ENCODERS
from regulars.errors import ConfigError
from regulars.language.errors import NoModelError
from regulars.language.model import LanguageModel, Limits
from regulars.language.recording import Recorded
from regulars.language.spending import Spending
from regulars.language.wire import Wire
from regulars.state import State

if TYPE_CHECKING:
    from regulars.language.endpoint import Endpoint

URL, MODEL, KEY, RECORD = (
    "REGULARS_LANGUAGE_URL", "REGULARS_LANGUAGE_MODEL", "REGULARS_LANGUAGE_KEY", "REGULARS_LANGUAGE_RECORD",
)  # fmt: skip
"""In the environment: where, which model, the key, and a file that calls are recorded in."""


def is_connected(settings: LanguageSettings) -> bool:
    """Whether there is a language model: an endpoint that only embeds is none."""
    settings = _overridden(settings)
    only_embeds = not settings.model and settings.embeddings not in OWN_ENCODERS
    return bool(settings.url) and not only_embeds


def connect(settings: LanguageSettings, state: State) -> LanguageModel:
    """The language model of a shop: `connect(shop.config.language, shop.state)`.

    Make it once and keep it: it remembers whether the endpoint is down.

    Raises
    ------
    NoModelError
        If none is connected.
    ConfigError
        If the environment names an address that cannot be used, or no model.

    Examples
    --------
    >>> import tempfile
    >>> connect(LanguageSettings(), State.open(Path(tempfile.mkdtemp())))
    Traceback (most recent call last):
    regulars.language.errors.NoModelError: No language model is connected. Name one in shop.toml: [language] url ...
    """
    settings = _overridden(settings)
    wire: Wire = endpoint(settings)
    if not settings.model:
        raise ConfigError(f'{settings.url} is connected, but no model is named: [language] model = "…" in shop.toml.')
    if file := os.environ.get(RECORD):
        wire = Recorded(wire, Path(file))
    return LanguageModel(
        wire,
        settings.model,
        Limits(settings.timeout_seconds, settings.tries, settings.answer_tokens, frozenset(settings.send)),
        spending_of(settings, state),
    )


def spending_of(settings: LanguageSettings, state: State) -> Spending:
    """What a shop's endpoint may cost in a day."""
    return Spending(
        state,
        settings.tokens_per_day,
        settings.money_per_day,
        price_in=settings.price_in,
        price_out=settings.price_out,
    )


def endpoint(settings: LanguageSettings) -> Endpoint:
    """The endpoint of a shop; NoModelError if it has none."""
    settings = _overridden(settings)
    if not settings.url:
        raise NoModelError(
            f"No language model is connected. Name one in shop.toml: [language] url and model, its key in the "
            f"environment: {KEY}."
        )
    # OpenAI's client takes a second to load, and most shops have no model.
    from regulars.language.endpoint import Endpoint  # noqa: PLC0415

    return Endpoint(settings.url, os.environ.get(KEY, ""))


def _overridden(settings: LanguageSettings) -> LanguageSettings:
    found = {"url": os.environ.get(URL, settings.url), "model": os.environ.get(MODEL, settings.model)}
    try:
        return LanguageSettings.model_validate({**settings.model_dump(), **found})
    except ValidationError as error:
        said = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{URL} = {found['url']!r} {said}.") from None
