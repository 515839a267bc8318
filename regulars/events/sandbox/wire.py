"""What the two processes say to each other: a head in JSON, and for rows a body in Arrow's own format.

A frame is the length of its head (4 bytes) and of its body (8), then both.
"""

from __future__ import annotations

import json
import os
import struct
from typing import Any

import numpy as np
import pyarrow as pa

from regulars.events.readers import RawRows, Reject

LENGTHS = struct.Struct("<IQ")

REJECTS = pa.schema([("line", pa.int64()), *((name, pa.string()) for name in Reject._fields[1:])])


def frame(head: dict[str, Any], *body: pa.Buffer) -> list[bytes | pa.Buffer]:
    """A frame, in the parts that are to be written one after the other."""
    # In ASCII: names of files may hold bytes that are no UTF-8.
    said = json.dumps(head).encode("ascii")
    return [LENGTHS.pack(len(said), sum(part.size for part in body)) + said, *body]


def send(pipe: int, parts: list[bytes | pa.Buffer]) -> None:
    """Write all of a frame to a pipe."""
    for part in parts:
        view = memoryview(part)
        while view:
            view = view[os.write(pipe, view) :]


def pack(rows: RawRows, share_read: float) -> list[bytes | pa.Buffer]:
    """Rows as a frame: their columns, their lines as one column more, and the rows that were refused."""
    columns = [*rows.table.columns, pa.array(rows.lines)]
    names = [*rows.table.column_names, "line"]
    accepted = _stream(pa.Table.from_arrays(columns, names))
    if not rows.rejects:
        return frame({"rows": accepted.size, "share": share_read}, accepted)
    fields = zip(zip(*rows.rejects, strict=True), REJECTS, strict=True)
    refused = pa.Table.from_arrays([pa.array(cells, field.type) for cells, field in fields], schema=REJECTS)
    return frame({"rows": accepted.size, "share": share_read}, accepted, _stream(refused))


def _stream(table: pa.Table) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def unpack(head: dict[str, Any], body: pa.Buffer) -> RawRows:
    """Rows from a frame's head and body; pyarrow's errors if it is not what `pack` makes."""
    table = _table(body.slice(0, head["rows"]))
    lines = table.column(table.num_columns - 1)
    rejects: list[Reject] = []
    if body.size > head["rows"]:
        refused = _table(body.slice(head["rows"]))
        rejects = [Reject(*row) for row in zip(*(column.to_pylist() for column in refused.columns), strict=True)]
    return RawRows(table.remove_column(table.num_columns - 1), np.asarray(lines, np.int64), rejects)


def _table(stream: pa.Buffer) -> pa.Table:
    table = pa.ipc.open_stream(stream).read_all()
    # What is read here was made by a process that a file may have led astray.
    table.validate(full=True)
    return table
