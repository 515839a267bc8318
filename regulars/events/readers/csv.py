"""CSV and TSV: rows with the line each begins on, in pieces, whatever the quoting has come to."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from regulars.errors import InputError
from regulars.events.readers.encoding import Transcoder, detect
from regulars.events.readers.rows import Chunk, Lines, RawRows, Reject

if TYPE_CHECKING:
    import _csv

SAMPLE_BYTES = 1 << 20
SMALLEST_CHUNK, LARGEST_CHUNK = 4 << 20, 32 << 20
TEXT = pa.dictionary(pa.int32(), pa.string())
DELIMITERS = (",", "\t", ";", "|")
SHOWN = 200
"""How much of a row that cannot be read is shown in the rejects, in characters."""


class CsvSource:
    """A text file of separated values, opened: encoding, delimiter, quoting and headers are known.

    Raises
    ------
    InputError
        If the file is empty, has only a header, or has a header twice.
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
        self.delimiter = _delimiter(text)
        self.quoting = _is_quoted(text, self.delimiter)
        first, self._header_lines = _first_record(text, self.delimiter, quoting=self.quoting)
        self.headers = tuple(cell.strip() for cell in first)
        _refuse_bad_headers(path, self.headers)
        self._text = text
        if not any(any(row) for row in self.sample(5)):
            raise InputError(f"{path}: has a header ({', '.join(self.headers)}) and no rows after it.")

    def sample(self, rows: int) -> list[list[str | None]]:
        """The first rows, as text, in the order of the headers."""
        width = len(self.headers)
        found: list[list[str | None]] = []
        reader = _reader(self._text, self.delimiter, quoting=self.quoting)
        try:
            next(reader)
            for row in reader:
                if len(row) == width:
                    found.append([cell.strip() or None for cell in row])
                if len(found) == rows:
                    break
        except csv.Error:
            pass  # an unclosed quote: the rows before it are sample enough, the import names the line
        return found

    def chunks(self, columns: Sequence[str]) -> Iterator[Chunk]:
        """The whole file in pieces of 4 to 32 MiB, in its own order; only the columns asked for."""
        size = self.path.stat().st_size
        block_size = min(max(size // 4 + 4096, SMALLEST_CHUNK), LARGEST_CHUNK)
        taken = 0
        transcode = Transcoder(self.encoding, self.path)
        line = 1
        rest = b""
        skip = self._header_lines
        with pa.input_stream(str(self.path)) as stream:
            while True:
                block = stream.read(block_size)
                taken += len(block)
                self.share_read = min(taken / size, 1.0)
                rest += transcode(block, final=not block)
                if line == 1:
                    rest = rest.removeprefix(b"\xef\xbb\xbf")
                if skip:
                    rest = rest.split(b"\n", skip)[-1]
                    line, skip = line + skip, 0
                while rest:
                    cut = self._cut(rest, at_end=not block)
                    if cut == 0:
                        if block and len(rest) < 2 * block_size:
                            break  # the first row may end in the next block
                        # A quote opens in it and closes nowhere. Read that line by itself (it will be
                        # refused, or the quote was only a sign for inches), and go on after it.
                        cut = rest.find(b"\n") + 1 or len(rest)
                    newlines = rest.count(b"\n", 0, cut)
                    yield partial(self.parse, rest[:cut], line, tuple(columns), newlines)
                    line += newlines
                    rest = rest[cut:]
                    if block and len(rest) < block_size // 2:
                        break
                if not block:
                    return

    def _cut(self, data: bytes, *, at_end: bool) -> int:
        """Where the last whole row in data ends, 0 if none does."""
        end = len(data) if at_end else data.rfind(b"\n") + 1
        is_open = self.quoting and data.count(b'"', 0, end) % 2
        while is_open and end:
            # Inside a quoted field: step back, line by line, to where no quote is open.
            before = data.rfind(b"\n", 0, end - 1) + 1
            is_open ^= data.count(b'"', before, end) % 2
            end = before
        return end

    def parse(
        self, data: bytes, first_line: int, columns: tuple[str, ...], newlines: int | None = None
    ) -> RawRows:
        """Rows of a piece that begins and ends between rows.

        newlines: how many there are in it, where that is known already.

        Every column is dictionary-encoded text: what follows reads each distinct value once.
        """
        invalid: list[pacsv.InvalidRow] = []

        def refuse(row: pacsv.InvalidRow) -> str:
            invalid.append(row)
            return "skip"

        try:
            table = self._parse(data, columns, refuse)
        except pa.ArrowInvalid as error:
            return self._parse_halves(data, first_line, columns, str(error))
        count = (data.count(b"\n") if newlines is None else newlines) + (not data.endswith(b"\n"))
        if table.num_rows == count:
            return RawRows(table, np.arange(first_line, first_line + count, dtype=np.int64))
        starts, ends = self._records(data)
        lines = first_line + np.concatenate(([0], np.cumsum(_newlines(data, starts, ends)[:-1]))).astype(np.int64)
        has_text = ends - starts > _blank_length(data, starts, ends)
        starts, ends, lines = starts[has_text], ends[has_text], lines[has_text]
        if not invalid:
            return RawRows(table, lines)
        return self._without_invalid(data, table, invalid, (starts, ends, lines), columns)

    def _parse(self, data: bytes, columns: tuple[str, ...], refuse: object) -> pa.Table:
        return pacsv.read_csv(
            pa.BufferReader(data),
            # One thread and one block: pieces are parsed side by side already, and row numbers
            # are only given when a piece is read by a single thread.
            pacsv.ReadOptions(column_names=self.headers, use_threads=False, block_size=len(data) + 1),
            pacsv.ParseOptions(
                delimiter=self.delimiter,
                quote_char='"' if self.quoting else False,
                newlines_in_values=self.quoting,
                invalid_row_handler=refuse,
            ),
            pacsv.ConvertOptions(
                include_columns=list(columns),
                column_types=dict.fromkeys(columns, TEXT),
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                null_values=[""],
            ),
        )

    def _parse_halves(self, data: bytes, first_line: int, columns: tuple[str, ...], why: str) -> RawRows:
        """A piece that cannot be parsed whole, halved until the row at fault stands alone."""
        starts, _ = self._records(data)
        if len(starts) == 1:
            reason = "holds bytes that are not UTF-8" if "UTF8" in why else why
            return _refused(data, first_line, columns, reason)
        cut = int(starts[len(starts) // 2])
        lower = self.parse(data[:cut], first_line, columns)
        upper = self.parse(data[cut:], first_line + data.count(b"\n", 0, cut), columns)
        return _join([lower, upper])

    def _records(self, data: bytes) -> tuple[Lines, Lines]:
        """Where each row starts and ends (its newline left out): newlines outside of quotes."""
        codes = np.frombuffer(data, np.uint8)
        ends = np.flatnonzero(codes == ord("\n"))
        if self.quoting:
            quotes = np.flatnonzero(codes == ord('"'))
            ends = ends[np.searchsorted(quotes, ends) % 2 == 0]
        if not len(ends) or ends[-1] != len(data) - 1:
            ends = np.append(ends, len(data))
        return np.concatenate(([0], ends[:-1] + 1)), ends

    def _without_invalid(
        self,
        data: bytes,
        table: pa.Table,
        invalid: Sequence[pacsv.InvalidRow],
        records: tuple[Lines, Lines, Lines],
        columns: tuple[str, ...],
    ) -> RawRows:
        """Tie each row that has too many or too few cells to its line; the others keep theirs."""
        starts, ends, lines = records
        is_good = np.ones(len(starts), bool)
        pieces = []
        at = 0
        for row in invalid:
            text = row.text.encode()
            while data[starts[at] : ends[at]].rstrip(b"\r") != text.rstrip(b"\r"):
                at += 1
            is_good[at] = False
            line = int(lines[at])
            head, _, tail = text.partition(b"\n")
            if tail:
                # Over several lines: a quote that only a later row's closed. Read line by line
                # what it swallowed, for these may be whole rows.
                pieces += [self.parse(head, line, columns), self.parse(tail, line + 1, columns)]
            elif self.quoting and head.count(b'"') % 2:
                pieces.append(_refused(text, line, columns, "a quoted field opens here and is never closed"))
            else:
                reason = f"{row.actual_columns} cells where the header has {row.expected_columns}"
                pieces.append(_refused(text, line, columns, reason))
            at += 1
        return _join([RawRows(table, lines[is_good]), *pieces])


def _refused(text: bytes, line: int, columns: tuple[str, ...], reason: str) -> RawRows:
    """No rows, and one reject."""
    empty = pa.table({name: pa.array([], TEXT) for name in columns})
    shown = text.decode("utf-8", errors="replace")[:SHOWN]
    return RawRows(empty, np.empty(0, np.int64), [Reject(line, "", shown, reason)])


def _join(pieces: Sequence[RawRows]) -> RawRows:
    return RawRows(
        pa.concat_tables([piece.table for piece in pieces]).unify_dictionaries(),
        np.concatenate([piece.lines for piece in pieces]),
        [reject for piece in pieces for reject in piece.rejects],
    )


def _newlines(data: bytes, starts: Lines, ends: Lines) -> Lines:
    """How many lines of the file each row takes."""
    positions = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))
    counted: Lines = np.searchsorted(positions, np.minimum(ends + 1, len(data))) - np.searchsorted(positions, starts)
    return counted


def _blank_length(data: bytes, starts: Lines, ends: Lines) -> Lines:
    """1 where a row ends in a carriage return, so that "\\r" alone counts as an empty line."""
    last = np.frombuffer(data, np.uint8)[np.maximum(ends - 1, 0)]
    return ((last == ord("\r")) & (ends > starts)).astype(np.int64)


def _reader(text: str, delimiter: str, *, quoting: bool) -> _csv.Reader:
    return csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        quoting=csv.QUOTE_MINIMAL if quoting else csv.QUOTE_NONE,
    )


def _first_record(text: str, delimiter: str, *, quoting: bool) -> tuple[list[str], int]:
    """The cells of the header and how many lines it takes, blank lines before it included."""
    reader = _reader(text, delimiter, quoting=quoting)
    row = next(row for row in reader if any(cell.strip() for cell in row))
    return row, reader.line_num


def _delimiter(text: str) -> str:
    """The delimiter that cuts the first lines into the same number of cells, and most of them."""

    def fitness(delimiter: str) -> tuple[float, int]:
        try:
            widths = [len(row) for row, _ in zip(_reader(text, delimiter, quoting=True), range(50), strict=False)]
        except csv.Error:
            return (0.0, 0)
        width = widths[0]
        return (widths.count(width) / len(widths) if width > 1 else 0.0, width)

    return max(DELIMITERS, key=fitness)


def _is_quoted(text: str, delimiter: str) -> bool:
    """Whether quotes enclose cells: no, if there are quotes and none stands where a cell begins."""
    return '"' not in text or text.startswith('"') or f'{delimiter}"' in text or '\n"' in text


def _refuse_bad_headers(path: Path, headers: tuple[str, ...]) -> None:
    for index, header in enumerate(headers):
        if header and header in headers[:index]:
            first = headers.index(header) + 1
            raise InputError(
                f'{path}, line 1: the header "{header}" stands twice, in columns {first} and {index + 1}. '
                "Rename one of them and import again."
            )
