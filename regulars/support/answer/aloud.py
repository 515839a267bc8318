"""Who hears an answer while it is written. What is heard was checked, and the answer begins with it whatever comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Heard = Callable[[str], None]
"""Is told an answer as far as it may be said, each time from its beginning."""

_listener: ContextVar[Heard | None] = ContextVar("listener", default=None)


@contextmanager
def heard_by(listener: Heard | None) -> Iterator[None]:
    """What is answered inside is told while it is written; to nobody where there is no listener.

    >>> with heard_by(print):
    ...     tell("Within thirty days. [1]")
    ...     with heard_by(None):
    ...         tell("It is free. [1]")
    Within thirty days. [1]
    """
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def is_heard() -> bool:
    """Whether somebody listens."""
    return _listener.get() is not None


def tell(so_far: str) -> None:
    """Let whoever listens hear how far an answer is."""
    if (listener := _listener.get()) is not None:
        listener(so_far)
