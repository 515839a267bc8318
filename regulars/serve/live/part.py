"""Something that is read from the disk and made aside, and takes the place of the one before it when it is whole."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, nullcontext
from math import inf
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Generic, TypeVar

from regulars.errors import NotFoundError, RegularsError, UnavailableError

if TYPE_CHECKING:
    from regulars.shop import Shop

Made = TypeVar("Made")

ALONE = nullcontext()
UNTRIED: Hashable = object()
RETRY_SECONDS = 60.0
"""What could not be made is tried again after so long, but for what is not there."""


class Part(Generic[Made]):
    """One thing that decisions stand on.

    Parameters
    ----------
    name : as a problem names it.
    key : what it is made of, in short: another key, and it is made anew.
    make : makes it; a RegularsError says why it cannot be.
    turn : held meanwhile.

    Attributes
    ----------
    makings : how many times it was made: a key of what is made of it.

    Examples
    --------
    >>> versions = [1]
    >>> part = Part("a number", lambda: versions[-1], lambda: versions[-1] * 10)
    >>> part.refresh(), part.get(), part.refresh()
    (True, 10, False)
    >>> versions.append(2)
    >>> part.refresh(), part.get()
    (True, 20)
    """

    def __init__(
        self, name: str, key: Callable[[], Hashable], make: Callable[[], Made],
        turn: AbstractContextManager[object] = ALONE,
    ) -> None:  # fmt: skip
        self._key, self._make, self._turn = key, make, turn
        self._made: Made | None = None
        self._of: Hashable = UNTRIED
        self._aged = 0
        self.makings = 0
        self._again_at = 0.0
        self._why: RegularsError | None = UnavailableError(f"{name}: the server is making it. Ask again.")

    def get(self) -> Made:
        """The newest whole one.

        Raises
        ------
        RegularsError
            Why there is none: not learned, not decided, or not made yet.
        """
        if self._why is not None:
            raise self._why
        return self._made  # type: ignore[return-value] # None only where `make` gives it

    @property
    def was_tried(self) -> bool:
        """Whether it was made, or it is known why it cannot be."""
        return self._of is not UNTRIED

    def peek(self) -> Made | None:
        """The same; None if there is none."""
        return self._made

    def age(self) -> None:
        """Let it be made anew by the next refresh, whatever its key says; also by one more where one is under way."""
        self._aged += 1

    def refresh(self) -> bool:
        """Make it anew if what it is made of has changed; whether it was."""
        key = (self._aged, self._key())
        if key == self._of and not (self._why is not None and monotonic() >= self._again_at):
            return False
        try:
            with self._turn:
                made = self._make()
        except RegularsError as error:
            # What was not learned or decided is there once the key says so; to look meanwhile may cost a whole log.
            waits = inf if isinstance(error, NotFoundError) else RETRY_SECONDS
            self._made, self._why, self._again_at = None, error, monotonic() + waits
        else:
            self._made, self._why = made, None
            self.makings += 1
        self._of = key
        return self._why is None


def version(shop: Shop, name: str) -> Callable[[], Hashable]:
    """The version in use of a capability, as a key."""
    return lambda: shop.models.version_in_use(name)


def decided(shop: Shop, name: str) -> Callable[[], Hashable]:
    """The newest decisions of a capability, as a key."""

    def key() -> tuple[Path, int] | None:
        found = max((shop.tables.folder / name).glob("decisions-*.parquet"), default=None)
        return None if found is None else (found, found.stat().st_mtime_ns)

    return key


def at_most(seconds: float, key: Callable[[], Hashable]) -> Callable[[], Hashable]:
    """The same key, but looked at only so often: what it is of changes more often than it is worth to be made anew."""
    found: list[Hashable] = [None]
    again_at = 0.0

    def looked() -> Hashable:
        nonlocal again_at
        if monotonic() >= again_at:
            found[0], again_at = key(), monotonic() + seconds
        return found[0]

    return looked


def every(seconds: float, key: Callable[[], Hashable]) -> Callable[[], Hashable]:
    """Another key as well, that changes after so many seconds."""
    return lambda: (int(monotonic() // seconds), key())
