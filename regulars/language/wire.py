"""What goes over the wire to an OpenAI-compatible endpoint, and what may come back, checked by its form."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from regulars.language.errors import AnswerError

Floats = npt.NDArray[np.float32]
M = TypeVar("M", bound=BaseModel)
Request = Mapping[str, Any]
"""The body of a call, as the OpenAI specification names its fields."""

MOST_BYTES = 5_000_000
"""Of one answer; more is not read."""


@dataclass(frozen=True)
class Call:
    """A tool that a model wants used: its name, and the arguments as JSON text. Nothing of it is checked yet."""

    name: str
    arguments: str


@dataclass(frozen=True)
class Reply:
    """What an endpoint answered.

    Attributes
    ----------
    text : "" where only tools are called.
    tokens_in, tokens_out : as the endpoint counts them; None where it does not say.
    finish : why it stopped: "stop", "length", "tool_calls", "content_filter", or "".
    """

    text: str
    calls: tuple[Call, ...] = ()
    tokens_in: int | None = None
    tokens_out: int | None = None
    finish: str = ""


class Wire(Protocol):
    """An endpoint, as far as it is needed here: the real one, a recording, or one of a test's own.

    All raise `DownError` or `AnswerError`, and nothing else that an endpoint could cause.
    """

    def chat(self, request: Request, seconds: float) -> Reply:
        """The whole answer, after so many seconds at most."""

    def stream(self, request: Request, seconds: float) -> Iterator[Reply]:
        """The answer in pieces of text, as they come; the last says why it ended, and the tokens."""

    def embed(self, model: str, texts: Sequence[str], seconds: float) -> Floats:
        """(n, dimensions) the vectors of n texts."""


class _Lax(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Function(_Lax):
    name: Annotated[str, Field(max_length=200)]
    arguments: str | dict[str, Any] = ""


class _Tool(_Lax):
    function: _Function


class _Message(_Lax):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_Tool] | None = None


class _Choice(_Lax):
    message: _Message | None = None
    delta: _Message | None = None
    finish_reason: str | None = None


class _Usage(_Lax):
    # A count that cannot be is as good as none: it must not fill or empty a day's cap.
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Completion(_Lax):
    choices: list[_Choice]
    usage: _Usage | None = None


class _Vector(_Lax):
    index: int
    embedding: list[float]


class _Vectors(_Lax):
    data: list[_Vector]


def _counted(number: int | None) -> int | None:
    return number if number is not None and 0 <= number <= 10_000_000 else None


def read_reply(body: bytes) -> Reply:
    """An answer from its bytes; AnswerError where they are none.

    >>> read_reply(b'{"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}').text
    'Hello'
    >>> read_reply(b"<html>Gateway</html>")
    Traceback (most recent call last):
    regulars.language.errors.AnswerError: The endpoint answered something that is no chat completion: "<html>Gateway...
    """
    found = _checked(_Completion, body, "chat completion")
    message = found.choices[0].message if found.choices else None
    if message is None:
        raise AnswerError(f"The endpoint answered a chat completion without a message: {_shown(body)}")
    if message.refusal:
        raise AnswerError(f"The language model refused: {_shown(message.refusal.encode())}")
    return _reply(found, message)


def read_piece(body: bytes) -> Reply:
    """A piece of a stream from its bytes."""
    found = _checked(_Completion, body, "piece of a chat completion")
    delta = found.choices[0].delta if found.choices else None
    return _reply(found, delta or _Message())


def _reply(found: _Completion, message: _Message) -> Reply:
    usage = found.usage or _Usage()
    calls = tuple(Call(tool.function.name, _as_text(tool.function.arguments)) for tool in message.tool_calls or ())
    finish = (found.choices[0].finish_reason if found.choices else None) or ""
    return Reply(message.content or "", calls, _counted(usage.prompt_tokens), _counted(usage.completion_tokens), finish)


def _as_text(arguments: str | dict[str, Any]) -> str:
    # Some endpoints give them as an object.
    return arguments if isinstance(arguments, str) else json.dumps(arguments)


def read_vectors(body: bytes, count: int) -> Floats:
    """Vectors of length 1 from the bytes of an answer; AnswerError if they are not `count` finite ones of one size."""
    found = sorted(_checked(_Vectors, body, "list of embeddings").data, key=lambda each: each.index)
    sizes = {len(each.embedding) for each in found}
    if [each.index for each in found] != list(range(count)) or len(sizes) != 1 or not 1 <= min(sizes) <= 10_000:
        raise AnswerError(f"The endpoint answered {len(found)} embeddings of {count} texts, or of unequal size.")
    vectors = np.array([each.embedding for each in found], np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not lengths.all():
        raise AnswerError("The endpoint answered embeddings that are no directions: zero, or not finite.")
    made: Floats = vectors / lengths
    return made


def _checked(kind: type[M], body: bytes, what: str) -> M:
    try:
        return kind.model_validate_json(body)
    except ValidationError:
        raise AnswerError(f"The endpoint answered something that is no {what}: {_shown(body)}") from None


def _shown(body: bytes) -> str:
    """The beginning of an answer, on one line, safe to print."""
    text = body[:200].decode(errors="replace")
    return '"' + "".join(sign if sign.isprintable() else " " for sign in text)[:80].strip() + '"'
