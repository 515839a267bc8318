"""The client for programs with an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx2

from regulars.client.call import Calls
from regulars.client.sending import AT_ONCE, body, settle, told, wait_seconds


class AsyncClient(Calls):
    """Gathers events; `await client.flush()` sends them, and so does the end of `async with`.

    Parameters as of `Client`.

    Raises
    ------
    SendError
        By `flush` or `close`: with the calls that were not taken.

    Examples
    --------
    >>> async def sell() -> None:
    ...     async with AsyncClient("http://127.0.0.1:8000", "rgl_…") as client:
    ...         client.track("ada", "Product Viewed", {"product_id": "tea"})
    """

    def __init__(self, url: str, key: str = "", *, tries: int = 8, timeout_seconds: float = 15.0) -> None:
        super().__init__()
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self._http = httpx2.AsyncClient(base_url=url, headers=headers, timeout=timeout_seconds)
        self._tries = tries

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def flush(self) -> None:
        """Send what waits. When it returns, the server has it on its disk."""
        while self.waiting:
            calls, self.waiting[:AT_ONCE] = self.waiting[:AT_ONCE], []
            answer, failure = None, None
            for number in range(self._tries):
                try:
                    answer, failure = await self._http.post("/v1/batch", json=body(calls)), None
                except httpx2.TransportError as error:
                    answer, failure = None, error
                wait = wait_seconds(answer, number)
                if wait is None:
                    break
                if number + 1 < self._tries:
                    await asyncio.sleep(wait)
            settle(answer, calls, failure)

    async def ask(self, path: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """A decision; see `Client.ask`."""
        await self.flush()
        return told(await self._http.post(path, json=dict(asked)))

    async def close(self) -> None:
        """Send what waits, and close the connection."""
        try:
            await self.flush()
        finally:
            await self._http.aclose()
