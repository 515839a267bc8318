"""An OpenAI-compatible endpoint over HTTP, through OpenAI's client: no more time, bytes or hosts than allowed."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Iterator, Sequence
from typing import Any, cast

import httpx2
import openai

from regulars.language.background import wait
from regulars.language.errors import AnswerError, DownError, LanguageError
from regulars.language.wire import MOST_BYTES, Floats, Reply, Request, read_piece, read_reply, read_vectors

CONNECT_SECONDS = 5.0
_LATER = (408, 409, 425, 429)
_OTHERWISE: dict[str, str] = {
    "max_tokens": "max_completion_tokens",
    "response_format": "",
    "temperature": "",
    "stream_options": "",
}
"""What some endpoints refuse, and what is said in its place: nothing, or the same by another name."""


class TooLongError(Exception):
    """More bytes came than are read."""


class _UnknownFieldError(AnswerError):
    """The endpoint refused a field of the request, and does not know it."""

    def __init__(self, said: str, field: str) -> None:
        super().__init__(said, may_cost=False)
        self.field = field


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for chunk in self._stream:
            read += len(chunk)
            if read > MOST_BYTES:
                raise TooLongError
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Client(httpx2.AsyncClient):
    """Reads no more of any answer than allowed, of errors too, which OpenAI's client would read to their end."""

    async def send(self, request: httpx2.Request, *, stream: bool = False, **settings: Any) -> httpx2.Response:
        response = await super().send(request, stream=True, **settings)
        if response.headers.get("content-encoding", "identity") != "identity":
            # A compressed answer may be a thousand times as long once unpacked.
            await response.aclose()
            raise TooLongError
        response.stream = _Bounded(cast(httpx2.AsyncByteStream, response.stream))
        if not stream:
            await response.aread()
        return response


class Endpoint:
    """A server that speaks OpenAI's protocol.

    Parameters
    ----------
    url : up to and with the version: https://api.openai.com/v1, http://localhost:11434/v1
    key : sent as a bearer token; "" for servers that ask for none.
    """

    def __init__(self, url: str, key: str = "") -> None:
        self._url, self._key = url, key
        self._client: openai.AsyncOpenAI | None = None
        self._refused: set[str] = set()

    def chat(self, request: Request, seconds: float) -> Reply:
        """See `Wire`."""
        end = time.monotonic() + seconds
        while True:
            try:
                return read_reply(self._whole(self._chats(request, seconds), end, seconds))
            except _UnknownFieldError as error:
                self._do_without(error)

    def embed(self, model: str, texts: Sequence[str], seconds: float) -> Floats:
        """See `Wire`."""
        create: Any = self._opened().embeddings.with_streaming_response.create
        asked = create(model=model, input=list(texts), encoding_format="float", timeout=_timeout(seconds))
        return read_vectors(self._whole(asked, time.monotonic() + seconds, seconds), len(texts))

    def stream(self, request: Request, seconds: float) -> Iterator[Reply]:
        """See `Wire`."""
        end = time.monotonic() + seconds
        while True:
            try:
                yield from self._stream({**request, "stream": True}, end, seconds)
                return
            except _UnknownFieldError as error:
                self._do_without(error)

    def _stream(self, request: Request, end: float, seconds: float) -> Iterator[Reply]:
        lines = _lines(self._chats(request, seconds))
        is_whole = False
        try:
            while (some := self._waited(anext(lines, None), end, seconds)) is not None:
                for line in some:
                    data = line.removeprefix(b"data:").strip() if line.startswith(b"data:") else b""
                    if data == b"[DONE]":
                        return
                    if data:
                        piece = read_piece(data)
                        # What comes after the end is at most the count of tokens.
                        is_whole = is_whole or bool(piece.finish)
                        yield piece
        finally:
            self._waited(lines.aclose(), time.monotonic() + CONNECT_SECONDS, CONNECT_SECONDS)
        if not is_whole:
            raise AnswerError(f"The endpoint {self._url} answered no stream, or one that ended in the middle.")

    def _do_without(self, error: _UnknownFieldError) -> None:
        if error.field in self._refused:
            raise error
        self._refused.add(error.field)

    def _chats(self, request: Request, seconds: float) -> Any:
        said = {
            _OTHERWISE[name] if name in self._refused else name: value
            for name, value in request.items()
            if name not in self._refused or _OTHERWISE[name]
        }
        create: Any = self._opened().chat.completions.with_streaming_response.create
        return create(**said, timeout=_timeout(seconds))

    def _whole(self, asked: Any, end: float, seconds: float) -> bytes:
        async def read() -> bytes:
            async with asked as response:
                return b"".join([chunk async for chunk in response.iter_bytes()])

        return cast(bytes, self._waited(read(), end, seconds))

    def _waited(self, work: Awaitable[Any], end: float, seconds: float) -> Any:
        async def told() -> Any:
            return await work

        # A stream whose next piece is always there would never be waited for.
        left = end - time.monotonic()
        try:
            if left <= 0:
                raise TimeoutError
            return wait(told(), left)
        except TimeoutError:
            raise DownError(
                f"The endpoint {self._url} had not answered in whole after {seconds:g} s.", may_cost=True
            ) from None
        except (openai.OpenAIError, httpx2.HTTPError, TooLongError, OSError) as error:
            raise self._said(error) from None

    def _said(self, error: Exception) -> LanguageError:
        where = f"The endpoint {self._url}"
        if isinstance(error, TooLongError) or isinstance(error.__cause__, TooLongError):
            return AnswerError(f"{where} answered more than {MOST_BYTES:,} bytes, or compressed ones.")
        if isinstance(error, openai.APIStatusError):
            return _of_status(where, error)
        if isinstance(error, openai.APITimeoutError):
            return DownError(f"{where} could not be reached in time.", may_cost=_was_reached(error))
        cause = error.__cause__ or error
        return DownError(
            f"{where} cannot be reached: {str(cause) or type(cause).__name__}.", may_cost=_was_reached(error)
        )

    def _opened(self) -> openai.AsyncOpenAI:
        if self._client is None:
            # A redirect would carry the prompt to a host that nobody named.
            client = _Client(follow_redirects=False, headers={"Accept-Encoding": "identity"})
            self._client = openai.AsyncOpenAI(
                base_url=self._url, api_key=self._key or "none", max_retries=0, http_client=client
            )
        return self._client


def _was_reached(error: Exception) -> bool:
    """Whether the endpoint may have read the request before the call failed."""
    return not isinstance(error.__cause__ or error, httpx2.ConnectError | httpx2.ConnectTimeout)


def _timeout(seconds: float) -> httpx2.Timeout:
    return httpx2.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS))


async def _lines(asked: Any) -> AsyncGenerator[list[bytes], None]:
    """The lines of an answer, as many at once as have come."""
    rest = b""
    async with asked as response:
        async for chunk in response.iter_bytes():
            *lines, rest = (rest + chunk).split(b"\n")
            yield lines
    yield [rest]


def _of_status(where: str, error: openai.APIStatusError) -> LanguageError:
    status = error.status_code
    said = "".join(sign if sign.isprintable() else " " for sign in str(error.message)[:300])
    answered = f"{where} answered {status}: {said}"
    if status in _LATER or status >= 500:
        return DownError(answered, _wait_seconds(error.response.headers))
    if status in (400, 422):
        for field in _OTHERWISE:
            if error.param == field or field in said:
                return _UnknownFieldError(answered, field)
    hint = {
        401: " Is REGULARS_LANGUAGE_KEY in the environment the right key?",
        403: " Is REGULARS_LANGUAGE_KEY in the environment the right key?",
        404: " Are [language] url and model right?",
    }.get(status, "")
    return AnswerError(answered + hint, may_cost=False)


def _wait_seconds(headers: Any) -> float:
    try:
        return min(max(float(headers.get("retry-after", "")), 0.0), 3600.0)
    except ValueError:
        return 0.0
