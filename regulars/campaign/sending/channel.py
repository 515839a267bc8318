"""What a channel is: a letter, and how handing it over can end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Letter:
    """A message ready to leave.

    Attributes
    ----------
    key : of the customer's visit to the step; the same in every try.
    message_id : see `message_id.py`.
    to : an address of the channel; for webhooks that know customers by id it may be "".
    """

    key: str
    message_id: str
    channel: str
    customer_id: str
    to: str
    language: str
    subject: str
    body: str
    unsubscribe_url: str


class LaterError(Exception):
    """It was not taken now, and has not left: to be tried again."""


class DownError(LaterError):
    """The server cannot be reached: nor will it take the next one."""


class RefusedError(Exception):
    """It will never be taken."""


class UnsureError(Exception):
    """It may have left: the answer was lost."""


class Channel(Protocol):
    """A way to customers."""

    def send(self, letter: Letter, leaving: Callable[[], None]) -> None:
        """Hand a letter over.

        Parameters
        ----------
        leaving : called once, just before the letter itself leaves: what is raised in it keeps the letter here.

        Raises
        ------
        LaterError, RefusedError, UnsureError
            See there. Before `leaving` was called nothing is unsure.
        """

    def close(self) -> None:
        """Let go of the connection."""
