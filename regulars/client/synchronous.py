"""The client for programs that wait."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx2

from regulars.client.call import Call, Calls
from regulars.client.sending import AT_ONCE, body, settle, told, wait_seconds


class Client(Calls):
    """Sends events, a hundred at a time. For one thread; the last are sent when it is closed.

    Parameters
    ----------
    url : of the server: https://events.shop.example
    key : with the scope ingest; "" for a shop without keys.
    tries : how often a batch is sent that the server does not take now.
    timeout_seconds : so long each answer is waited for.

    Raises
    ------
    SendError
        By the call that fills a batch, `flush` or `close`: with the calls that were not taken.

    Examples
    --------
    >>> with Client("http://127.0.0.1:8000", "rgl_…") as client:  # doctest: +SKIP
    ...     client.track("ada", "Product Viewed", {"product_id": "tea"})
    """

    def __init__(self, url: str, key: str = "", *, tries: int = 8, timeout_seconds: float = 15.0) -> None:
        super().__init__()
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self._http = httpx2.Client(base_url=url, headers=headers, timeout=timeout_seconds)
        self._tries = tries

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def flush(self) -> None:
        """Send what waits. When it returns, the server has it on its disk."""
        while self.waiting:
            calls, self.waiting[:AT_ONCE] = self.waiting[:AT_ONCE], []
            answer, failure = self._sent(calls)
            settle(answer, calls, failure)

    def ask(self, path: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """A decision: `client.ask("/v1/recommend", {"customer_id": "ada"})`; docs/api.md has the routes.

        What waits is sent before, so that the answer knows of it. Needs a key with the scopes ingest and decide.

        Raises
        ------
        AskError
            With what the server says is wrong.
        """
        self.flush()
        return told(self._http.post(path, json=dict(asked)))

    def close(self) -> None:
        """Send what waits, and close the connection."""
        try:
            self.flush()
        finally:
            self._http.close()

    def _add(self, call: Call) -> Call:
        super()._add(call)
        if len(self.waiting) >= AT_ONCE:
            self.flush()
        return call

    def _sent(self, calls: list[Call]) -> tuple[httpx2.Response | None, Exception | None]:
        answer, failure = None, None
        for number in range(self._tries):
            try:
                answer, failure = self._http.post("/v1/batch", json=body(calls)), None
            except httpx2.TransportError as error:
                answer, failure = None, error
            wait = wait_seconds(answer, number)
            if wait is None:
                break
            if number + 1 < self._tries:
                time.sleep(wait)
        return answer, failure
