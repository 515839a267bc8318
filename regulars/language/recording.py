"""Calls of a language model, kept in a file and played again: for tests, and to see what was said."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from regulars import storage
from regulars.errors import InputError
from regulars.language.errors import DownError
from regulars.language.wire import Call, Floats, Reply, Request, Wire


class Recorded:
    """Another wire, whose chats are written down: a line each, with what was asked and what was answered.

    Names and numbers are pseudonyms in it, as they were on the wire.

    Parameters
    ----------
    file : JSON lines; added to.
    """

    def __init__(self, wire: Wire, file: Path) -> None:
        self._wire, self._file = wire, file

    def chat(self, request: Request, seconds: float) -> Reply:
        """See `Wire`."""
        reply = self._wire.chat(request, seconds)
        self._write(request, reply)
        return reply

    def stream(self, request: Request, seconds: float) -> Iterator[Reply]:
        """See `Wire`."""
        text, last = "", Reply("")
        for piece in self._wire.stream(request, seconds):
            text, last = text + piece.text, piece
            yield piece
        self._write(request, Reply(text, last.calls, last.tokens_in, last.tokens_out, last.finish))

    def embed(self, model: str, texts: Sequence[str], seconds: float) -> Floats:
        """See `Wire`; vectors are kept in the cache of `embed`, and not here."""
        return self._wire.embed(model, texts, seconds)

    def _write(self, request: Request, reply: Reply) -> None:
        line = {"key": _key(request), "request": dict(request), "reply": asdict(reply)}
        storage.make_folder(self._file.parent)
        storage.append(self._file, json.dumps(line, ensure_ascii=False).encode() + b"\n")


class Replayed:
    """What was recorded, played again: the same request has the same answer, and no other has any.

    Raises
    ------
    InputError
        If the file is none of recorded calls.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._replies: dict[str, Reply] = {}
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
            try:
                found = json.loads(line)
                reply = found["reply"]
                calls = tuple(Call(**call) for call in reply.pop("calls"))
                self._replies[found["key"]] = Reply(calls=calls, **reply)
            except (ValueError, TypeError, KeyError, AttributeError):
                raise InputError(f"{file}, line {number}: no recorded call. Record them again.") from None

    def chat(self, request: Request, seconds: float) -> Reply:
        """See `Wire`."""
        if (reply := self._replies.get(_key(request))) is None:
            raise DownError(f"{self._file} holds no answer to this request. Record it again.")
        return reply

    def stream(self, request: Request, seconds: float) -> Iterator[Reply]:
        """See `Wire`; in one piece."""
        yield self.chat(request, seconds)

    def embed(self, model: str, texts: Sequence[str], seconds: float) -> Floats:
        """See `Wire`."""
        raise DownError("Recorded calls hold no vectors.")


class Scripted:
    """Answers in the order in which they stand, whatever is asked: for tests and examples.

    Attributes
    ----------
    requests : what was asked so far.
    """

    def __init__(self, replies: Sequence[str | Reply]) -> None:
        self._replies = [reply if isinstance(reply, Reply) else Reply(reply, finish="stop") for reply in replies]
        self.requests: list[Request] = []

    def chat(self, request: Request, seconds: float) -> Reply:
        """See `Wire`."""
        self.requests.append(request)
        if not self._replies:
            raise DownError("The script has no answer left.")
        return self._replies.pop(0)

    def stream(self, request: Request, seconds: float) -> Iterator[Reply]:
        """See `Wire`; a sign at a time."""
        reply = self.chat(request, seconds)
        for sign in reply.text:
            yield Reply(sign)
        yield Reply("", (), reply.tokens_in, reply.tokens_out, reply.finish)

    def embed(self, model: str, texts: Sequence[str], seconds: float) -> Floats:
        """See `Wire`."""
        raise DownError("A script holds no vectors.")


def _key(request: Request) -> str:
    said: Any = {key: value for key, value in request.items() if key != "stream_options"}
    return hashlib.blake2b(json.dumps(said, sort_keys=True, ensure_ascii=False).encode(), digest_size=16).hexdigest()
