"""Answers that are given again to who asks again: a request that was sent twice is decided once."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import NamedTuple

from regulars.serve.problems import Problem

KEPT = 10_000
"""So many answers, the last ones."""
Place = tuple[str, str, str]
"""Whose key, which route, and the request's own key."""


class _Given(NamedTuple):
    asked: bytes
    answer: bytes | None


class Repeated:
    """Answers by the key under which they were asked for."""

    def __init__(self) -> None:
        self._known: OrderedDict[Place, _Given] = OrderedDict()

    def begin(self, place: Place, body: bytes) -> bytes | None:
        """The answer that was given; None for the first time.

        Raises
        ------
        Problem
            409 if it is being answered, 422 if something else was asked under the key.
        """
        asked = hashlib.sha256(body).digest()
        found = self._known.get(place)
        if found is None:
            self._known[place] = _Given(asked, None)
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
            return None
        if found.asked != asked:
            raise Problem(422, "Something else was asked under this Idempotency-Key. Take another key.")
        if found.answer is None:
            raise Problem(409, "The request with this Idempotency-Key is being answered.", {"retry-after": "1"})
        return found.answer

    def end(self, place: Place, answer: bytes | None) -> None:
        """Keep the answer; None forgets the key, for nothing was decided."""
        found = self._known.pop(place, None)
        if found is not None and answer is not None:
            self._known[place] = found._replace(answer=answer)
