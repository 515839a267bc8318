"""The process that reads files: it answers one request after the other, and may die of any.

Requests come as lines of JSON, answers go out as frames (`wire`). It is started by `sandbox.process`.
"""

from __future__ import annotations

import json
import os
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa

from regulars.errors import RegularsError
from regulars.events.readers import Chunk, Source, archive, open_source
from regulars.events.sandbox import wire
from regulars.events.sandbox.limits import renew_seconds, set_limits

PARSERS = min(max((os.cpu_count() or 1) // 2, 1), 4)
"""Pieces parsed side by side. Whoever waits for them has more to do with each, on as many cores."""

CELL = 1000
"""Characters of a cell that a sample shows."""

Parts = list[bytes | pa.Buffer]


class Reading:
    """What one file after the other is asked for."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._opened: tuple[object, Source] | None = None

    def answers(self, request: dict[str, Any]) -> Iterator[Parts]:
        """The answers to a request, the last of them without "rows"."""
        if request["folder"]:
            os.chdir(request["folder"])
        path = Path(request["path"])
        match request["ask"]:
            case "members":
                yield wire.frame({"members": archive.members(path)})
            case "open":
                source = self._open(path)
                yield wire.frame({"headers": source.headers, "encoding": source.encoding})
            case "sample":
                rows = self._open(path).sample(request["rows"])
                yield wire.frame({"sample": [[cell and cell[:CELL] for cell in row] for row in rows]})
            case "chunks":
                yield from self._chunks(self._open(path), request["columns"])
                self._opened = None
                pa.default_memory_pool().release_unused()
                yield wire.frame({})

    def _open(self, path: Path) -> Source:
        """Opened once for all that is asked of it in turn: some kinds are read whole to be opened."""
        try:
            found = archive.split(path)[0].stat()
            key = (str(path), found.st_ino, found.st_size, found.st_mtime_ns)
        except OSError:
            return open_source(path)  # which says what is wrong
        if self._opened is None or self._opened[0] != key:
            self._opened = None
            self._opened = (key, open_source(path))
        return self._opened[1]

    def _chunks(self, source: Source, columns: list[str]) -> Iterator[Parts]:
        """Pieces in their order; some are parsed while the one before them is on its way."""
        waiting: deque[Future[Parts]] = deque()
        with ThreadPoolExecutor(PARSERS) as pool:
            for chunk in source.chunks(columns):
                waiting.append(pool.submit(_packed, chunk, source.share_read))
                renew_seconds(self._seconds)
                if len(waiting) > PARSERS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()


def _packed(chunk: Chunk, share_read: float) -> Parts:
    return wire.pack(chunk(), share_read)


def main(memory_bytes: int, seconds: int) -> None:
    """Answer until nobody asks any more."""
    # Answers have a pipe of their own: what a library prints must not end up among them.
    answers = os.dup(1)
    os.dup2(2, 1)
    sys.dont_write_bytecode = True  # it cannot
    set_limits(memory_bytes)
    reading = Reading(seconds)
    for line in sys.stdin.buffer:
        renew_seconds(seconds)
        try:
            for parts in reading.answers(json.loads(line)):
                wire.send(answers, parts)
        except BrokenPipeError:
            return
        except RegularsError as error:
            wire.send(answers, wire.frame({"error": type(error).__name__, "message": str(error)}))
        except MemoryError:
            wire.send(answers, wire.frame({"limit": "memory"}))
            return
        except Exception as error:
            # Whatever a library makes of a broken file; readers name what they know of.
            why = f"{type(error).__name__}: {error}"[:300]
            wire.send(answers, wire.frame({"failed": why}))
