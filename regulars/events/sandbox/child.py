"""The process that reads files: it answers one request after the other, and may die of any.

Requests come as lines of JSON, answers go out as frames (`wire`). It is started by `sandbox.process`.
"""

from __future__ import annotations

import csv
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
from regulars.events import formats
from regulars.events.readers import Chunk, Source, archive
from regulars.events.readers.encoding import LONGEST_ROW
from regulars.events.sandbox.limits import renew_seconds, set_limits
from regulars.events.sandbox.wire import Frame, pack, send

PARSERS = min(os.cpu_count() or 1, 4)
"""Pieces parsed side by side: where parsing is most of the work (JSON), it takes the cores that nobody else wants."""

CELL = 1000
"""Characters of a cell that a sample shows."""


class Reading:
    """What one file after the other is asked for."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._opened: tuple[object, Source] | None = None

    def answers(self, request: dict[str, Any]) -> Iterator[Frame]:
        """The answers to a request, the last of them without "rows"."""
        if request["folder"]:
            os.chdir(request["folder"])
        path = Path(request["path"])
        match request["ask"]:
            case "members":
                yield Frame({"members": archive.members(path)})
            case "open":
                source = self._open(path, request["form"])
                about = {"encoding": source.encoding, "gives_whole": source.gives_whole}
                yield Frame({"headers": source.headers, **about})
            case "sample":
                rows = self._open(path, request["form"]).sample(request["rows"])
                yield Frame({"sample": [[cell and cell[:CELL] for cell in row] for row in rows]})
            case "chunks":
                yield from self._chunks(self._open(path, request["form"]), request["columns"])
                self._opened = None
                pa.default_memory_pool().release_unused()
                yield Frame({})

    def _open(self, path: Path, form: str) -> Source:
        """Opened once for all that is asked of it in turn: some kinds are read whole to be opened."""
        try:
            found = archive.split(path)[0].stat()
            key = (str(path), form, found.st_ino, found.st_size, found.st_mtime_ns)
        except OSError:
            return formats.open_source(path)  # which says what is wrong
        if self._opened is None or self._opened[0] != key:
            self._opened = None
            self._opened = (key, formats.unfolded(formats.open_source(path), form))
        return self._opened[1]

    def _chunks(self, source: Source, columns: list[str]) -> Iterator[Frame]:
        """Pieces in their order; some are parsed while the one before them is on its way."""
        waiting: deque[Future[Frame]] = deque()
        with ThreadPoolExecutor(PARSERS) as pool:
            for chunk in source.chunks(columns):
                waiting.append(pool.submit(_packed, chunk, source.share_read))
                renew_seconds(self._seconds)
                if len(waiting) > PARSERS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()


def _packed(chunk: Chunk, share_read: float) -> Frame:
    return pack(chunk(), share_read)


def main(memory_bytes: int, seconds: int) -> None:
    """Answer until nobody asks any more."""
    # Answers have a pipe of their own: what a library prints must not end up among them.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.dont_write_bytecode = True  # it cannot
    set_limits(memory_bytes)
    csv.field_size_limit(LONGEST_ROW)  # Python's own, of an eighth of a million characters, would hide the first rows
    reading = Reading(seconds)
    for line in sys.stdin.buffer:
        renew_seconds(seconds)
        try:
            for answer in reading.answers(json.loads(line)):
                send(answers, answer)
        except BrokenPipeError:
            return
        except RegularsError as error:
            send(answers, Frame({"error": type(error).__name__, "message": str(error)}))
        except MemoryError:
            send(answers, Frame({"limit": "memory"}))
            return
        except Exception as error:
            # Whatever a library makes of a broken file; readers name what they know of.
            why = f"{type(error).__name__}: {error}"[:300]
            send(answers, Frame({"failed": why}))
