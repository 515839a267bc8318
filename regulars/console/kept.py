"""What is worked out once for each version of the log, and shown until the log has grown."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

Made = TypeVar("Made")


class Kept:
    """The newest of each name, in memory. Whoever asks holds the shop (`Console.reading`), so nothing is made twice.

    Examples
    --------
    >>> kept = Kept()
    >>> [kept.of("orders", version, lambda: object()) is kept.of("orders", 1, object) for version in (1, 2)]
    [True, False]
    """

    def __init__(self) -> None:
        self._made: dict[str, tuple[Hashable, Any]] = {}

    def of(self, name: str, version: Hashable, make: Callable[[], Made]) -> Made:
        """What was made under a name of this version of the log; else it is made now, in place of an older one."""
        if name not in self._made or self._made[name][0] != version:
            self._made.pop(name, None)  # never two at once in memory
            self._made[name] = version, make()
        made: Made = self._made[name][1]
        return made
