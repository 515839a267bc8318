"""Where events wait: what is asked of it, whichever engine it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Entry(NamedTuple):
    """A call that waits.

    Attributes
    ----------
    sequence : its number; later ones have higher numbers, and none is used twice.
    body : one call of Segment's API as JSON, UTF-8.
    """

    sequence: int
    body: bytes


class Reader(Protocol):
    """Follows a store from any process."""

    @property
    def identity(self) -> str:
        """Random, made with the store: numbers of another store say nothing about this one."""

    def read(self, after: int, most: int) -> list[Entry]:
        """The entries with numbers above one, in order; at most so many.

        Raises
        ------
        NotFoundError
            If some of them are deleted already, for they are in the log: a follower that was away for so long begins
            anew from there.
        UnavailableError
            If the engine does not answer.
        """

    def deleted(self) -> int:
        """The highest number that `Store.delete` was told; 0 if none."""

    def close(self) -> None:
        """Let go of what it holds."""


class Store(Reader, Protocol):
    """Takes entries and keeps them until they are deleted. One thread writes; any may read.

    Attributes
    ----------
    promise : what an acknowledgement is worth here, in a sentence.
    lost : entries that were kept, were not deleted, and are gone, as far as this process knows: an engine that was
        started again without all it held. `count` looks.
    """

    promise: str
    lost: int

    def append(self, bodies: Sequence[bytes]) -> list[int]:
        """Keep bodies, in one transaction that is synced when this returns; the number of each.

        Raises
        ------
        DiskFullError
            If there is no room; nothing was kept.
        UnavailableError
            If the engine failed: what was kept is not known, so nothing may be acknowledged.
        """

    def delete(self, through: int) -> int:
        """Drop entries with numbers up to one, which the log has; no number up to it is given any more.

        A store that was put back from an older copy would else use numbers twice.

        Returns
        -------
        Up to which number it was done: below `through` where there are many, so that nobody waits for long.
        """

    def count(self) -> int:
        """How many entries wait."""

    def scrub(self) -> None:
        """Leave no byte on the disk of what was deleted, so that whoever was erased is nowhere."""
