"""What was asked for last: features of many customers are wanted by one capability after the other."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

import pyarrow as pa

Made = TypeVar("Made")

MOST_BYTES = 256 * 1024**2
"""Of all that is kept: the features of a million customers are more, and are made anew."""
LEAST_ROWS = 100
"""What is said of a few customers takes no time, and would push out what does."""


class Recent:
    """The newest answers about pairs of customer and moment, up to 256 MB; another is made where none is at hand.

    What they are about must be the same for all: of an older log nothing is kept.

    Examples
    --------
    >>> recent, made = Recent(least_rows=1), []
    >>> def count(pairs):
    ...     made.append(pairs.num_rows)
    ...     return pairs.append_column("orders", pa.array([2] * pairs.num_rows))
    >>> ada = pa.table({"customer_id": ["ada"]})
    >>> recent.of("version 1", ada, count).equals(recent.of("version 1", pa.table(ada), count)), made
    (True, [1])
    >>> _ = recent.of("version 2", ada, count)
    >>> made
    [1, 1]
    """

    def __init__(self, *, most_bytes: int = MOST_BYTES, least_rows: int = LEAST_ROWS) -> None:
        self._most_bytes, self._least_rows = most_bytes, least_rows
        self._kept: tuple[tuple[Hashable, pa.Table, pa.Table], ...] = ()

    def of(self, about: Hashable, pairs: pa.Table, make: Callable[[pa.Table], pa.Table]) -> pa.Table:
        """The answer about pairs.

        Parameters
        ----------
        about : all that the answer depends on besides, such as the version of the log.
        make : gives it, as a table, if it is not at hand.
        """
        for known, asked, answer in self._kept:
            if known == about and asked.equals(pairs):
                return answer
        made = make(pairs)
        if pairs.num_rows >= self._least_rows and made.nbytes <= self._most_bytes:
            # Replaced as a whole, so that threads that share a shop see the one or the other.
            kept = (*(one for one in self._kept if one[0] == about), (about, pairs, made))
            while sum(answer.nbytes for _, _, answer in kept) > self._most_bytes:
                kept = kept[1:]
            self._kept = kept
        return made


class Last:
    """What was made last of each name, and of what: who asks for the same once more is given it.

    Examples
    --------
    >>> last, made = Last(), []
    >>> def learn():
    ...     made.append("a model")
    ...     return len(made)
    >>> [last.of("churn", version, learn) for version in (1, 1, 2)]
    [1, 1, 2]
    """

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Hashable, Any]] = {}

    def of(self, name: str, about: Hashable, make: Callable[[], Made]) -> Made:
        """The one of this name; `about` is all that it depends on."""
        kept = self._kept.get(name)
        if kept is None or kept[0] != about:
            kept = self._kept[name] = about, make()
        return cast(Made, kept[1])
