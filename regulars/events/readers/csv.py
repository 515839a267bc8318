"""CSV and TSV: rows with the line each begins on, in pieces, whatever the quoting has come to."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pacsv

from regulars.errors import InputError
from regulars.events.readers.encoding import LONGEST_ROW, is_utf8, read_blocks, read_sample
from regulars.events.readers.rows import SHOWN, Chunk, Lines, RawRows, Reject, refuse_unknown, refuse_wide
from regulars.events.readers.unpacked import Unpacked

if TYPE_CHECKING:
    import _csv

SMALLEST_CHUNK, LARGEST_CHUNK = 4 << 20, 16 << 20
TEXT = pa.dictionary(pa.int32(), pa.string())
DELIMITERS = (",", "\t", ";", "|")


class Records(NamedTuple):
    """Where each row of some text begins and ends (its newline left out)."""

    starts: Lines
    ends: Lines
    is_open: npt.NDArray[np.bool_]
    """Whether a quote opens in it that closes nowhere."""


class CsvSource:
    """A text file of separated values, opened: encoding, delimiter, quoting and headers are known.

    Quoting is that of RFC 4180. Where a file breaks its rules, a quote inside a cell is a character
    like any other, and a quote that opens a cell and never closes spoils its own line only.

    Raises
    ------
    InputError
        If the file is empty, has only a header, or has a header twice.
    """

    gives_whole = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.share_read = 0.0
        self.encoding, self._text = read_sample(path)
        self.delimiter = _delimiter(self._text)
        self.quoting = _is_quoted(self._text, self.delimiter)
        self._record = _record_pattern(self.delimiter)
        first, self._header_lines = self._header()
        self.headers = tuple(cell.strip() for cell in first)
        refuse_wide(path, self.headers)
        _refuse_bad_headers(path, self.headers)
        after = self._text.split("\n", self._header_lines)[self._header_lines :]
        if not "".join(after).strip():
            raise InputError(f"{path}: has a header ({', '.join(self.headers)}) and no rows after it.")

    def _header(self) -> tuple[list[str], int]:
        """The cells of the header and how many lines it takes, blank lines before it included."""
        reader = _reader(self._text, self.delimiter, quoting=self.quoting)
        try:
            row = next(row for row in reader if any(cell.strip() for cell in row))
        except csv.Error as error:
            raise InputError(
                f"{self.path}, line 1: the header cannot be read ({error}). Is a quote opened in it and never closed?"
            ) from None
        return row, reader.line_num

    def sample(self, rows: int) -> list[list[str | None]]:
        """The first rows, as text, in the order of the headers."""
        found: list[list[str | None]] = []
        reader = _reader(self._text, self.delimiter, quoting=self.quoting)
        try:
            for row in reader:
                if reader.line_num > self._header_lines and len(row) == len(self.headers):
                    found.append([cell.strip() or None for cell in row])
                if len(found) == rows:
                    break
        except csv.Error:
            pass  # an unclosed quote: the rows before it are sample enough, the import names the line
        return found

    def chunks(self, columns: Sequence[str]) -> Iterator[Chunk]:
        """The whole file in pieces of 4 to 16 MiB, in its own order; only the columns asked for."""
        refuse_unknown(self.path, columns, self.headers)
        wanted = tuple(dict.fromkeys(columns))
        # Pieces of equal size, a whole number for every two workers, so that none waits at the end.
        with Unpacked(self.path) as stream:
            whole = stream.size
        pieces = max(round(whole / LARGEST_CHUNK / 2) * 2, 4)
        size = whole // pieces + 4096
        size = min(max(size, SMALLEST_CHUNK), LARGEST_CHUNK)
        rest, line, skip = b"", 1, self._header_lines
        is_too_long = False
        for block in read_blocks(self.path, self.encoding, size):
            self.share_read = block.share_read
            text = rest + block.text if rest else block.text
            start = 0
            while skip and (newline := text.find(b"\n", start)) >= 0:
                start = newline + 1
                line, skip = line + 1, skip - 1
            if skip:
                rest = text[start:]
                continue
            while start < len(text):
                if is_too_long:
                    start = text.find(b"\n", start) + 1 or len(text)
                    is_too_long = text[start - 1] != ord("\n")
                    line += not is_too_long
                    continue
                end, is_whole = self._cut(text, start, is_last=block.is_last)
                if end == start:
                    if len(text) - start < LONGEST_ROW:
                        break  # its end may be in the next block
                    # A quote opens in it and closes nowhere near, or it has no end: its line alone.
                    end = text.find(b"\n", start) + 1
                    is_whole = False
                    if not end:
                        reason = f"a row longer than {LONGEST_ROW >> 20} MiB"
                        yield partial(_refused, [(text[start : start + 4 * SHOWN], line, reason)], wanted)
                        is_too_long = True
                        break
                newlines = text.count(b"\n", start, end)
                yield partial(self.parse, text, start, end, line, wanted, newlines, is_whole=is_whole)
                line += newlines
                start = end
            rest = b"" if is_too_long else text[start:]

    def _cut(self, text: bytes, start: int, *, is_last: bool) -> tuple[int, bool]:
        """Where the last whole row after start ends (start, if none does), and whether quotes pair up."""
        end = len(text) if is_last else text.rfind(b"\n", start) + 1 or start
        if not self.quoting or end == start or text.count(b'"', start, end) % 2 == 0:
            return end, True
        if is_last:
            return end, False
        records = self._records(text[start:end])
        # What opens a quote may be closed by the next block: it is kept for that.
        count = int(np.argmax(records.is_open)) if records.is_open.any() else len(records.starts)
        return start + (int(records.ends[count - 1]) + 1 if count else 0), False

    def parse(
        self,
        text: bytes,
        start: int,
        end: int,
        first_line: int,
        columns: tuple[str, ...],
        newlines: int,
        *,
        is_whole: bool,
    ) -> RawRows:
        """The rows of text[start:end], which begins and ends between rows.

        Every column is dictionary-encoded text: what follows reads each distinct value once.

        newlines : how many there are in it.
        is_whole : whether its quotes pair up.
        """
        if is_whole and is_utf8(text):
            table, invalid = self._parse(memoryview(text)[start:end], columns)
            if not invalid and table.num_rows == newlines + (text[end - 1] != ord("\n")):
                return RawRows(table, np.arange(first_line, first_line + table.num_rows, dtype=np.int64))
        return self._parse_by_record(text[start:end], first_line, columns)

    def _parse(self, data: bytes | memoryview, columns: tuple[str, ...]) -> tuple[pa.Table, list[pacsv.InvalidRow]]:
        """The rows with as many cells as the header, and those with more or fewer."""
        invalid: list[pacsv.InvalidRow] = []

        def refuse(row: pacsv.InvalidRow) -> str:
            invalid.append(row)
            return "skip"

        table = pacsv.read_csv(
            pa.py_buffer(data),
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
                include_columns=columns,
                column_types=dict.fromkeys(columns, TEXT),
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                null_values=[""],
                check_utf8=False,  # it has been checked
            ),
        )
        return table, invalid

    def _parse_by_record(self, data: bytes, first_line: int, columns: tuple[str, ...]) -> RawRows:
        """Rows each told from the next: where one is spoiled, or takes several lines, or none."""
        starts, ends, is_open = self._records(data)
        newlines = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))
        lines = first_line + np.searchsorted(newlines, starts)
        is_ascii = data.isascii()
        rows: list[bytes] = []
        places: list[int] = []
        spoiled: list[tuple[bytes, int, str]] = []
        for start, end, line, opens in zip(
            starts.tolist(), ends.tolist(), lines.tolist(), is_open.tolist(), strict=True
        ):
            row = data[start:end]
            if not row.strip(b" \r"):
                continue
            if opens:
                spoiled.append((row, line, "a quoted field opens here and is never closed"))
            elif not is_ascii and not is_utf8(row):
                encoding = self.encoding.upper()
                spoiled.append((row, line, f"holds bytes that are not {encoding}"))
            else:
                rows.append(row)
                places.append(line)
        table, invalid = self._parse(b"\n".join([*rows, b""]) or b"\n", columns)
        pieces = []
        for row in invalid:
            number = row.number - 1
            head, _, tail = rows[number].partition(b"\n")
            reason = f"{row.actual_columns} cells where the header has {row.expected_columns}"
            if tail:
                # Over several lines: a quote that only a later row's closed. What it swallowed
                # may be whole rows.
                reason = "a quoted field opens here and is never closed"
                pieces.append(self._parse_by_record(tail, places[number] + 1, columns))
            spoiled.append((head, places[number], reason))
        kept = np.delete(np.array(places, np.int64), [row.number - 1 for row in invalid])
        return _join([RawRows(table, kept), *pieces, _refused(spoiled, columns)])

    def _records(self, data: bytes) -> Records:
        """Tell the rows apart: by the newlines outside of quotes."""
        codes = np.frombuffer(data, np.uint8)
        ends = np.flatnonzero(codes == ord("\n"))
        if self.quoting:
            quotes = np.flatnonzero(codes == ord('"'))
            if not self._pair_up(codes, quotes):
                return self._records_by_pattern(data)
            ends = ends[np.searchsorted(quotes, ends) % 2 == 0]
        if len(data) and not data.endswith(b"\n"):
            ends = np.append(ends, len(data))
        starts = np.concatenate(([0], ends[:-1] + 1))[: len(ends)]
        return Records(starts, ends, np.zeros(len(ends), bool))

    def _pair_up(self, codes: npt.NDArray[np.uint8], quotes: Lines) -> bool:
        """Whether each quote opens or closes a cell, or is doubled inside of one."""
        if len(quotes) % 2:
            return False
        around = np.concatenate(([ord("\n")], codes, [ord("\n")]))
        neighbours = [ord(sign) for sign in (self.delimiter, "\n", "\r", '"')]
        opens, closes = around[quotes[::2]], around[quotes[1::2] + 2]
        return bool(np.isin(opens, neighbours).all() and np.isin(closes, neighbours).all())

    def _records_by_pattern(self, data: bytes) -> Records:
        found = [match for match in self._record.finditer(data) if match.start() < len(data)]
        ends = np.array([match.end() for match in found], np.int64)
        return Records(
            np.array([match.start() for match in found], np.int64),
            ends - (np.frombuffer(data, np.uint8)[ends - 1] == ord("\n")),
            np.array([match["open"] is not None or match["open_later"] is not None for match in found], bool),
        )


def _record_pattern(delimiter: str) -> re.Pattern[bytes]:
    """A row in a file whose quotes do not pair up, and whether one opens in it for good.

    Never looks back (the `+` after a repeat), so that it takes time in proportion to the text.
    """
    d = re.escape(delimiter)
    inside = '"[^"]*+(?:""[^"]*+)*+"'
    quoted = rf"{inside}(?={d}|\r?\n|\r?\Z)"
    closed_in_its_line = inside.replace('[^"]', r'[^"\n]') + rf"[^{d}\n]*+"
    bare = rf'(?!")[^{d}\n]*+'
    opened = rf'(?P<open>")[^{d}\n]*+'
    cell = f"(?:{quoted}|{closed_in_its_line}|{bare}|{opened})"
    later = cell.replace("<open>", "<open_later>")
    return re.compile(rf"{cell}(?:{d}{later})*+\r?(?:\n|\Z)".encode())


def _refused(rows: Sequence[tuple[bytes, int, str]], columns: tuple[str, ...]) -> RawRows:
    """No rows, and rejects of (text, line, reason)."""
    empty = pa.table({name: pa.array([], TEXT) for name in columns})
    rejects = [
        Reject(line, "", text.decode("utf-8", errors="replace").strip()[:SHOWN], reason) for text, line, reason in rows
    ]
    return RawRows(empty, np.empty(0, np.int64), rejects)


def _join(pieces: Sequence[RawRows]) -> RawRows:
    return RawRows(
        pa.concat_tables([piece.table for piece in pieces]).unify_dictionaries(),
        np.concatenate([piece.lines for piece in pieces]),
        [reject for piece in pieces for reject in piece.rejects],
    )


def _reader(text: str, delimiter: str, *, quoting: bool) -> _csv.Reader:
    return csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        quoting=csv.QUOTE_MINIMAL if quoting else csv.QUOTE_NONE,
    )


def _delimiter(text: str) -> str:
    """The delimiter that cuts the first lines into the same number of cells, and most of them."""

    def fitness(delimiter: str) -> tuple[float, int]:
        try:
            reader = _reader(text, delimiter, quoting=True)
            widths = [len(row) for row, _ in zip(reader, range(50), strict=False) if row]
        except csv.Error:
            return (0.0, 0)
        width = widths[0]
        return (widths.count(width) / len(widths) if width > 1 else 0.0, width)

    return max(DELIMITERS, key=fitness)


def _is_quoted(text: str, delimiter: str) -> bool:
    """Whether quotes enclose cells: no, if there are quotes and none stands where a cell begins."""
    return '"' not in text or text.startswith('"') or f'{delimiter}"' in text or '\n"' in text


def _refuse_bad_headers(path: Path, headers: tuple[str, ...]) -> None:
    seen: dict[str, int] = {}
    for number, header in enumerate(headers, 1):
        first = seen.setdefault(header, number)
        if header and first < number:
            raise InputError(
                f'{path}, line 1: the header "{header}" stands twice, in columns {first} and {number}. '
                "Rename one of them and import again."
            )
