"""How a batch is sent: what it looks like, what its answer means, and when it is tried again."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import httpx2

from regulars import clock
from regulars.client.call import Call

AT_ONCE = 100
"""Calls in a batch; as many wait until one is sent by itself."""
LATER = (408, 429, 500, 502, 503, 504, 507)
"""What a server answers that may take the same later."""
FIRST_SECONDS, MOST_SECONDS = 0.2, 30.0
"""Of waiting between two tries, doubled each time."""


class SendError(Exception):
    """A batch that was not taken.

    Attributes
    ----------
    calls : that are not in the log; to be sent again by whoever can mend what the message says.
    """

    def __init__(self, said: str, calls: Sequence[Call]) -> None:
        super().__init__(said)
        self.calls = list(calls)


class AskError(Exception):
    """A decision that was not made; says why.

    Attributes
    ----------
    status : of the answer.
    """

    def __init__(self, status: int, said: str) -> None:
        super().__init__(f"{status}: {said}")
        self.status = status


def told(answer: httpx2.Response) -> dict[str, Any]:
    """What a server decided.

    Raises
    ------
    AskError
        If it did not.
    """
    if not answer.is_success:
        raise AskError(answer.status_code, said_of(answer))
    found: dict[str, Any] = answer.json()
    return found


def said_of(answer: httpx2.Response) -> str:
    """What a problem document says is wrong."""
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:200]


def body(calls: Sequence[Call]) -> dict[str, Any]:
    """A batch. It bears the moment of sending, by which the server sets a wrong clock right."""
    return {"batch": calls, "sentAt": clock.now().isoformat()}


def wait_seconds(answer: httpx2.Response | None, number: int) -> float | None:
    """How long to wait before a batch is sent again; None where that would be in vain.

    Parameters
    ----------
    answer : None if none came.
    number : of the try, from 0.
    """
    if answer is not None and answer.status_code not in LATER:
        return None
    told = answer.headers.get("retry-after", "") if answer is not None else ""
    if told.isdecimal():
        return min(float(told), MOST_SECONDS)
    # At random, so that many clients of a server that was away do not come back at once.
    return float(min(FIRST_SECONDS * 2**number, MOST_SECONDS) * random.uniform(0.5, 1))


def settle(answer: httpx2.Response | None, calls: Sequence[Call], error: Exception | None) -> None:
    """Nothing if a batch was taken whole.

    Raises
    ------
    SendError
        With the calls that were not taken.
    """
    if answer is None:
        raise SendError(f"No answer: {error}.", calls) from error
    if not answer.is_success:
        raise SendError(f"{answer.status_code}: {said_of(answer)}", calls)
    if refused := answer.json().get("refused"):
        reasons = "; ".join(sorted({found["reason"] for found in refused}))
        raise SendError(
            f"{len(refused)} of {len(calls)} calls were refused: {reasons}.", [calls[r["index"]] for r in refused]
        )
