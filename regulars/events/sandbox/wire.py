"""What the two processes say to each other: a head in JSON, and for rows a body in Arrow's own format.

A frame is the length of its head (4 bytes) and of its body (8), then both.
"""

from __future__ import annotations

import json
import struct
from typing import IO, Any, NamedTuple

import numpy as np
import pyarrow as pa

from regulars.events.readers import RawRows, Reject

LENGTHS = struct.Struct("<IQ")

REJECTS = pa.schema([("line", pa.int64()), *((name, pa.string()) for name in Reject._fields[1:])])


class Frame(NamedTuple):
    """What is to be sent: a head, and tables one after the other, which take so many bytes each."""

    head: dict[str, Any]
    tables: tuple[pa.Table, ...] = ()
    sizes: tuple[int, ...] = ()


def pack(rows: RawRows, share_read: float) -> Frame:
    """Rows as a frame: their columns, their properties and lines as two columns more, and the rows refused."""
    properties = pa.nulls(len(rows.lines)) if rows.properties is None else rows.properties
    columns = [*rows.table.columns, properties, pa.array(rows.lines)]
    tables = [pa.Table.from_arrays(columns, [*rows.table.column_names, "properties", "line"])]
    if rows.rejects:
        fields = zip(zip(*rows.rejects, strict=True), REJECTS, strict=True)
        refused = [pa.array(cells, field.type) for cells, field in fields]
        tables.append(pa.Table.from_arrays(refused, schema=REJECTS))
    sizes = tuple(map(_size, tables))
    return Frame({"rows": sizes[0], "share": share_read}, tuple(tables), sizes)


def _size(table: pa.Table) -> int:
    counted = pa.MockOutputStream()
    _write(counted, table)
    return int(counted.size())


def _write(sink: pa.NativeFile, table: pa.Table) -> None:
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)


def send(pipe: IO[bytes], frame: Frame) -> None:
    """Write a frame to a pipe, each column from where it lies in memory."""
    # In ASCII: names of files may hold bytes that are no UTF-8.
    head = json.dumps(frame.head).encode("ascii")
    pipe.write(LENGTHS.pack(len(head), sum(frame.sizes)) + head)
    for table in frame.tables:
        _write(pa.PythonFile(pipe, "w"), table)
    pipe.flush()


def unpack(head: dict[str, Any], body: pa.Buffer) -> RawRows:
    """Rows from a frame's head and body; pyarrow's errors if it is not what `pack` makes."""
    table = _table(body.slice(0, head["rows"]))
    count = table.num_columns - 2
    properties, lines = table.column(count), table.column(count + 1)
    rejects: list[Reject] = []
    if body.size > head["rows"]:
        refused = _table(body.slice(head["rows"]))
        rejects = [Reject(*row) for row in zip(*(column.to_pylist() for column in refused.columns), strict=True)]
    return RawRows(
        table.select(range(count)),
        np.asarray(lines, np.int64),
        rejects,
        None if pa.types.is_null(properties.type) else properties.combine_chunks(),
    )


def _table(stream: pa.Buffer) -> pa.Table:
    table = pa.ipc.open_stream(stream).read_all()
    # What is read here was made by a process that a file may have led astray.
    table.validate(full=True)
    return table
