"""The keys as a running server knows them: read anew every second, so that a revoked one is refused soon."""

from __future__ import annotations

import hmac
import time

from regulars import clock
from regulars.serve.keys import Key, Keys, hashed

SECONDS = 1.0


class Keyring:
    """Which key is it that somebody shows?

    Attributes
    ----------
    is_empty : whether no key was ever made.
    origins : of the pages that may use some key.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self.refresh()

    def refresh(self) -> None:
        """Read the keys anew."""
        found = self._keys.all()
        now = clock.now()
        self._by_hash = {key.hash: key for key in found}
        self.is_empty = not found
        self.origins = frozenset(origin for key in found if key.counts_at(now) for origin in key.origins)
        self._read_at = time.monotonic()

    @property
    def is_stale(self) -> bool:
        """Whether they were read some time ago."""
        return time.monotonic() - self._read_at > SECONDS

    def find(self, secret: str) -> Key | None:
        """The key, if it counts now.

        It is looked for by its hash, which nobody can choose, and compared in constant time: how long that takes says
        nothing about any key.
        """
        asked = hashed(secret)
        key = self._by_hash.get(asked)
        if key is None or not hmac.compare_digest(key.hash, asked) or not key.counts_at(clock.now()):
            return None
        return key
