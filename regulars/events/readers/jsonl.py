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
from regulars.events.readers.encoding import LONGEST_ROW, is_utf8, read_blocks, read_sample
from regulars.events.readers.rows import SHOWN, WHOLE, Chunk, RawRows, Reject, refuse_unknown

CHUNK_BYTES = 8 << 20
WHOLE_CHUNK_BYTES = 16 << 20
"""Of lines that are not taken apart here: an event in the log is a tenth of what it is in JSON."""


class JsonLinesSource:
    """A file with a JSON object on each line; headers are the fields of its first thousand lines.

    Raises
    ------
    InputError
        If the file is empty or its first lines hold no object.
    """

    gives_whole = True

    def __init__(self, path: Path) -> None:
        self.path = path
        self.share_read = 0.0
        self.encoding, text = read_sample(path)
        self._objects = [found for line in text.split("\n")[:1000] if (found := _object(line)) is not None]
        if not self._objects:
            hint = " This is a JSON array: jq -c '.[]' makes lines of it." if text.lstrip()[:1] == "[" else ""
            raise InputError(
                f"{path}, line 1: no JSON object on any of the first lines.{hint} One object a line is "
                'expected, as in {"type": "order_completed", "time": "2024-05-01T10:00:00Z"}.'
            )
        self.headers = tuple(dict.fromkeys(name for found in self._objects for name in flatten(found)))

    def sample(self, rows: int) -> list[list[str | None]]:
        """The first rows, as text, in the order of the headers."""
        flat = [flatten(found) for found in self._objects[:rows]]
        return [[row.get(header) for header in self.headers] for row in flat]

    def chunks(self, columns: Sequence[str]) -> Iterator[Chunk]:
        """The whole file in pieces of about 8 MiB, in its own order; only the fields asked for.

        InputError if one of them stands on none of its lines. Of `WHOLE` alone, the lines as they stand, of
        which any may be no JSON.
        """
        wanted = tuple(dict.fromkeys(columns))
        parse, size = (_lines, WHOLE_CHUNK_BYTES) if wanted == (WHOLE,) else (_parse, CHUNK_BYTES)
        unseen = {
            name: json.dumps(name.rpartition(".")[2]).encode() for name in wanted if name not in (*self.headers, WHOLE)
        }
        rest, line = b"", 1
        is_too_long = False
        for block in read_blocks(self.path, self.encoding, size):
            self.share_read = block.share_read
            text = block.text
            if is_too_long:
                newline = text.find(b"\n")
                if newline < 0:
                    continue
                text, line, is_too_long = text[newline + 1 :], line + 1, False
            text = rest + text
            cut = len(text) if block.is_last else text.rfind(b"\n") + 1
            if cut:
                unseen = {name: key for name, key in unseen.items() if key not in text}
                yield partial(parse, text[:cut], line, wanted)
                line += text.count(b"\n", 0, cut)
            rest = text[cut:]
            if len(rest) > LONGEST_ROW:
                yield partial(_too_long, rest[: 4 * SHOWN], line, wanted)
                rest, is_too_long = b"", True
        refuse_unknown(self.path, list(unseen), self.headers)


def _parse(data: bytes, first_line: int, columns: tuple[str, ...]) -> RawRows:
    # json.loads a line, not an Arrow JSON table: there a field that is a number on one line and
    # text on another refuses the whole piece, and names no line.
    flat: list[dict[str, str | None]] = []
    lines: list[int] = []
    rejects: list[Reject] = []
    for number, text in enumerate(data.split(b"\n"), first_line):
        if not text.strip():
            continue
        try:
            found = json.loads(text.decode())
            if not isinstance(found, dict):
                raise ValueError("not an object")
            row = flatten(found)
            if b"\\u" in text:
                # Half of a surrogate pair may be written in JSON, but is no text.
                "".join([*row, *(value for value in row.values() if value)]).encode()
        except (ValueError, RecursionError) as error:
            rejects.append(_reject(text, number, f"not a JSON object: {error}"))
        else:
            flat.append(row)
            lines.append(number)
    table = pa.table({name: pa.array([row.get(name) for row in flat], pa.string()) for name in columns})
    return RawRows(table, np.array(lines, np.int64), rejects)


def _lines(data: bytes, first_line: int, columns: tuple[str, ...]) -> RawRows:
    """The lines that are not blank, each a text."""
    rejects: list[Reject] = []
    if not is_utf8(data):
        texts = data.split(b"\n")
        wrong = [number for number, text in enumerate(texts) if not is_utf8(text)]
        rejects = [_reject(texts[number], first_line + number, "holds bytes that are not UTF-8") for number in wrong]
        for number in wrong:
            texts[number] = b""
        data = b"\n".join(texts)
    codes = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(codes == ord("\n")) + 1
    if not data.endswith(b"\n"):
        ends = np.append(ends, len(data))
    starts = np.concatenate(([0], ends[:-1]))
    # Each with its newline, which JSON allows: so that the texts lie in the data as they are.
    offsets = np.concatenate(([0], ends)).astype(np.int32)
    texts = pa.StringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(data))
    blank = [row for row in np.flatnonzero(codes[starts] <= ord(" ")) if not data[starts[row] : ends[row]].strip()]
    rows = np.delete(np.arange(len(ends)), blank)
    if blank:
        texts = texts.take(pa.array(rows))
    return RawRows(pa.table({columns[0]: texts}), rows + first_line, rejects)


def _too_long(text: bytes, line: int, columns: tuple[str, ...]) -> RawRows:
    empty = _parse(b"", line, columns)
    return RawRows(empty.table, empty.lines, [_reject(text, line, f"a row longer than {LONGEST_ROW >> 20} MiB")])


def _reject(text: bytes, line: int, reason: str) -> Reject:
    return Reject(line, "", text.decode("utf-8", errors="replace").strip()[:SHOWN], reason)


def _object(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
        if isinstance(found, dict):
            "".join(flatten(found)).encode()  # half of a surrogate pair is no name of a column
            return found
    except (ValueError, RecursionError):
        pass
    return None


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
