"""JSON lines: one object a line; a field inside another is a column with a dotted name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.engine.json import Field, extract, kinds
from regulars.errors import InputError
from regulars.events.readers.encoding import LONGEST_ROW, is_utf8, read_blocks, read_sample
from regulars.events.readers.rows import SHOWN, WHOLE, Chunk, RawRows, Reject, refuse_unknown

CHUNK_BYTES = 16 << 20
"""An event in the log is a tenth of what it is in JSON."""


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
        self._fields: dict[str, dict[Field, None]] = {}  # of each header
        for field in dict.fromkeys(field for found in self._objects for field in _fields(found)):
            self._fields.setdefault(".".join(field), {})[field] = None
        self.headers = tuple(self._fields)

    def sample(self, rows: int) -> list[list[str | None]]:
        """The first rows, as text, in the order of the headers."""
        flat = [{".".join(field): value for field, value in _fields(found).items()} for found in self._objects[:rows]]
        return [[row.get(header) for header in self.headers] for row in flat]

    def _meant(self, name: str) -> tuple[Field, ...]:
        """What a dotted name may mean: fields of the first lines, one inside of objects, one with dots in its name."""
        inside = tuple(name.split("."))
        return tuple(dict.fromkeys([*self._fields.get(name, ()), *([inside] if all(inside) else []), (name,)]))

    def chunks(self, columns: Sequence[str]) -> Iterator[Chunk]:
        """The whole file in pieces of about 16 MiB, in its own order; only the fields asked for.

        InputError if one of them stands on none of its lines. Of `WHOLE` alone, the lines as they stand, of
        which any may be no JSON.
        """
        wanted = tuple(dict.fromkeys(columns))
        parse = _lines if wanted == (WHOLE,) else partial(_parse, {name: self._meant(name) for name in wanted})
        unseen = {
            name: json.dumps(name.rpartition(".")[2]).encode() for name in wanted if name not in (*self.headers, WHOLE)
        }
        rest, line = b"", 1
        is_too_long = False
        for block in read_blocks(self.path, self.encoding, CHUNK_BYTES):
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
                yield partial(parse, text[:cut], line)
                line += text.count(b"\n", 0, cut)
            rest = text[cut:]
            if len(rest) > LONGEST_ROW:
                yield partial(_too_long, wanted, rest[: 4 * SHOWN], line)
                rest, is_too_long = b"", True
        refuse_unknown(self.path, list(unseen), self.headers)


def _parse(meant: Mapping[str, Sequence[Field]], data: bytes, first_line: int) -> RawRows:
    """The columns: of the fields that each may mean, the first that a line has."""
    raw = _lines(data, first_line)
    texts = raw.table[WHOLE].combine_chunks()
    fields = tuple(dict.fromkeys(field for of_column in meant.values() for field in of_column))
    objects = tuple(dict.fromkeys(field[:depth] for field in fields for depth in range(len(field))))
    read = extract(texts, fields, objects)
    values = {field: _plain(texts, field, column) for field, column in zip(fields, read.columns, strict=True)}
    table = pa.table({name: pc.coalesce(*map(values.__getitem__, of_column)) for name, of_column in meant.items()})
    if not read.problems:
        return RawRows(table, raw.lines, raw.rejects)
    rejects = [
        _reject((texts[row].as_py() or "").encode(), int(raw.lines[row]), reason)
        for row, reason in read.problems.items()
    ]
    good = np.delete(np.arange(len(texts)), list(read.problems))
    return RawRows(table.take(pa.array(good)), raw.lines[good], [*raw.rejects, *rejects])


def _plain(texts: pa.Array, field: Field, values: pa.Array) -> pa.Array:
    """A column without the objects among its values: their own fields are columns."""
    rows = np.flatnonzero(np.asarray(pc.fill_null(pc.starts_with(values, "{"), False)))
    if not len(rows):
        return values
    is_object = np.zeros(len(values), bool)
    is_object[rows] = np.asarray(pc.equal(kinds(texts.take(pa.array(rows)), field), "OBJECT"))
    return pc.if_else(pa.array(is_object), None, values)


def _lines(data: bytes, first_line: int) -> RawRows:
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
    return RawRows(pa.table({WHOLE: texts}), rows + first_line, rejects)


def _too_long(columns: tuple[str, ...], text: bytes, line: int) -> RawRows:
    nothing = pa.table({name: pa.nulls(0, pa.string()) for name in columns})
    reason = f"a row longer than {LONGEST_ROW >> 20} MiB"
    return RawRows(nothing, np.empty(0, np.int64), [_reject(text, line, reason)])


def _reject(text: bytes, line: int, reason: str) -> Reject:
    return Reject(line, "", text.decode("utf-8", errors="replace").strip()[:SHOWN], reason)


def _object(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
        if isinstance(found, dict):
            "".join(map("".join, _fields(found))).encode()  # half of a surrogate pair is no name of a column
            return found
    except (ValueError, RecursionError):
        pass
    return None


def _fields(found: dict[str, Any]) -> dict[Field, str | None]:
    """The fields of an object and of the objects in it, as text; a list stays one value, as JSON.

    Those whose names are empty, or hold a zero byte, are no columns.

    >>> _fields({"type": "sign_in", "context": {"ip": "10.0.0.1"}, "tags": [1, 2], "ok": True})
    {('type',): 'sign_in', ('context', 'ip'): '10.0.0.1', ('tags',): '[1,2]', ('ok',): 'true'}
    """
    fields: dict[Field, str | None] = {}
    for key, value in found.items():
        if not key or "\0" in key:
            continue
        if isinstance(value, dict):
            fields |= {(key, *field): inside for field, inside in _fields(value).items()}
        elif value is None or isinstance(value, str):
            fields[key,] = value
        else:
            fields[key,] = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return fields
