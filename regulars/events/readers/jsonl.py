"""JSON lines: one object a line; a field inside another is a column with a dotted name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from regulars.errors import InputError
from regulars.events.readers.encoding import Transcoder, detect
from regulars.events.readers.rows import Chunk, RawRows, Reject

SAMPLE_BYTES = 1 << 20
CHUNK_BYTES = 8 << 20
SHOWN = 200


class JsonLinesSource:
    """A file with a JSON object on each line; headers are the fields of its first thousand lines.

    Raises
    ------
    InputError
        If the file is empty or its first lines hold no object.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.share_read = 0.0
        with pa.input_stream(str(path)) as stream:
            sample = stream.read(SAMPLE_BYTES)
        if not sample.strip():
            raise InputError(f"{path}: the file is empty.")
        self.encoding = detect(sample)
        text = sample.decode("utf-8-sig" if self.encoding == "utf-8" else self.encoding, errors="replace")
        self._objects = [found for line in text.splitlines()[:1000] if (found := _object(line)) is not None]
        if not self._objects:
            raise InputError(
                f"{path}, line 1: no JSON object on any of the first lines. One object a line is expected, "
                'as in {"type": "order_completed", "time": "2024-05-01T10:00:00Z"}.'
            )
        self.headers = tuple(dict.fromkeys(name for found in self._objects for name in flatten(found)))

    def sample(self, rows: int) -> list[list[str | None]]:
        """The first rows, as text, in the order of the headers."""
        flat = [flatten(found) for found in self._objects[:rows]]
        return [[row.get(header) for header in self.headers] for row in flat]

    def chunks(self, columns: Sequence[str]) -> Iterator[Chunk]:
        """The whole file in pieces of about 8 MiB, in its own order; only the fields asked for."""
        transcode = Transcoder(self.encoding, self.path)
        size = self.path.stat().st_size
        taken = 0
        line = 1
        rest = b""
        with pa.input_stream(str(self.path)) as stream:
            while True:
                block = stream.read(CHUNK_BYTES)
                taken += len(block)
                self.share_read = min(taken / size, 1.0)
                rest += transcode(block, final=not block)
                cut = len(rest) if not block else rest.rfind(b"\n") + 1
                if cut:
                    yield partial(_parse, rest[:cut], line, tuple(columns))
                    line += rest.count(b"\n", 0, cut)
                    rest = rest[cut:]
                if not block:
                    return


def _parse(data: bytes, first_line: int, columns: tuple[str, ...]) -> RawRows:
    # json.loads a line, not an Arrow JSON table: there a field that is a number on one line and
    # text on another refuses the whole piece, and names no line.
    flat: list[dict[str, str | None]] = []
    lines: list[int] = []
    rejects: list[Reject] = []
    for number, text in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), first_line):
        if not text.strip():
            continue
        try:
            found = json.loads(text)
            if not isinstance(found, dict):
                raise ValueError("not an object")
        except (ValueError, RecursionError) as error:
            shown = text.decode("utf-8", errors="replace")[:SHOWN]
            rejects.append(Reject(number, "", shown, f"not a JSON object: {error}"))
        else:
            flat.append(flatten(found))
            lines.append(number)
    table = pa.table({name: pa.array([row.get(name) for row in flat], pa.string()) for name in columns})
    return RawRows(table, np.array(lines, np.int64), rejects)


def _object(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def flatten(found: dict[str, Any], prefix: str = "") -> dict[str, str | None]:
    """An object as {dotted name: text}; a list stays one value, as JSON.

    >>> flatten({"type": "sign_in", "context": {"ip": "10.0.0.1"}, "tags": [1, 2], "ok": True})
    {'type': 'sign_in', 'context.ip': '10.0.0.1', 'tags': '[1, 2]', 'ok': 'true'}
    """
    flat: dict[str, str | None] = {}
    for key, value in found.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            flat |= flatten(value, f"{name}.")
        elif value is None or isinstance(value, str):
            flat[name] = value
        else:
            flat[name] = json.dumps(value, ensure_ascii=False)
    return flat
