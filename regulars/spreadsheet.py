"""Tables as CSV that is safe to open in a spreadsheet."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

FORMULA = r"^[=+\-@\t\r＝＋－＠]"
"""A text that begins so would be run as a formula by Excel and its like."""


def to_csv(table: pa.Table, *, header: bool = True) -> bytes:
    """A table as CSV (RFC 4180, UTF-8); a text that a spreadsheet would run as a formula gets a ' before it.

    >>> to_csv(pa.table({"name": ["Ada", "=1+1"], "orders": [2, -1]})).decode().split()
    ['"name","orders"', '"Ada",2', '"\\'=1+1",-1']
    """
    columns = {}
    for name in table.column_names:
        column = table[name]
        if pa.types.is_string(column.type):
            column = pc.if_else(
                pc.match_substring_regex(column, FORMULA),
                pc.binary_join_element_wise("'", column, ""),
                column,
            )
        columns[name] = column
    sink = pa.BufferOutputStream()
    pacsv.write_csv(pa.table(columns), sink, pacsv.WriteOptions(include_header=header))
    return bytes(sink.getvalue())
