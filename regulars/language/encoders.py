"""Which encoder a shop has chosen: the one that is always there, one of English, or an endpoint's."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from regulars.config import LanguageSettings
from regulars.language.calls import Bill, Calls
from regulars.language.connect import endpoint, spending_of
from regulars.language.deadline import left
from regulars.language.embedding import OFFLINE, Encoder
from regulars.language.english import English
from regulars.language.errors import AnswerError, NotSentError
from regulars.language.pseudonyms import Pseudonyms
from regulars.language.text import clean, tokens
from regulars.language.wire import Wire
from regulars.state import State

AT_ONCE = 32
"""So many texts are sent in one call."""


class ByEndpoint:
    """An embedding model behind an endpoint. E-mail addresses, phone numbers and ids do not leave.

    Parameters
    ----------
    timeout_seconds, tries : of each call.
    calls : of this endpoint.

    Raises
    ------
    LanguageError
        Where the endpoint does not answer, is left alone, or a cap is reached.
    """

    def __init__(
        self, wire: Wire, model: str, timeout_seconds: float, tries: int = 1, calls: Calls | None = None
    ) -> None:
        self._wire, self._model, self._seconds, self._tries = wire, model, timeout_seconds, tries
        self._calls = calls or Calls()
        self.name = f"endpoint {model}"

    @cached_property
    def dimensions(self) -> int:
        """As the endpoint has them: asked once."""
        return int(self._sent(["dimensions"]).shape[1])

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """See `Encoder`."""
        # Of new pseudonyms for each text: the same text is always the same vector.
        sent = [Pseudonyms().hide(clean(text)) or " " for text in texts]
        return np.concatenate([self._vectors(sent[first : first + AT_ONCE]) for first in range(0, len(sent), AT_ONCE)])

    def _vectors(self, sent: Sequence[str]) -> npt.NDArray[np.float32]:
        found = self._sent(sent)
        if found.shape[1] != self.dimensions:
            raise AnswerError(
                f'The embedding model "{self._model}" answers vectors of {found.shape[1]} numbers, and had '
                f"{self.dimensions} before: it is another one now. Start again whatever runs, and all is read by it."
            )
        return found

    def _sent(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        seconds = left(self._seconds)
        if seconds <= 0:
            raise NotSentError("No time is left for vectors of the endpoint.")
        return self._calls.tried(
            lambda _, seconds: self._wire.embed(self._model, texts, seconds),
            Bill(sum(map(tokens, texts)), 0),
            time.monotonic() + seconds,
            self._tries,
        )


def encoder_of(settings: LanguageSettings, state: State | None = None) -> Encoder:
    """The encoder of a shop, by `[language] embeddings`; ConfigError or NoModelError if it is not there.

    Parameters
    ----------
    state : where it is counted what an endpoint's vectors cost.

    >>> encoder_of(LanguageSettings()).dimensions
    512
    """
    if settings.embeddings == "offline":
        return OFFLINE
    if settings.embeddings == "english":
        return English()
    calls = Calls(None if state is None else spending_of(settings, state))
    return ByEndpoint(endpoint(settings), settings.embeddings, settings.timeout_seconds, settings.tries, calls)
