"""Text files as blocks of UTF-8, whatever they are encoded in."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from regulars.errors import InputError
from regulars.events.readers.unpacked import Unpacked

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
SAMPLE_BYTES = 1 << 20
LONGEST_ROW = 64 << 20
"""In bytes. No real row is longer: it is refused, and read over without being kept in memory."""


class Block(NamedTuple):
    """Some text of a file, in UTF-8.

    Attributes
    ----------
    text : every line ends in "\\n" or "\\r\\n".
    share_read : of the file, up to here; 0 to 1.
    is_last : the file ends here.
    """

    text: bytes
    share_read: float
    is_last: bool


def detect(sample: bytes) -> str:
    """The encoding of a file from its first bytes: utf-8, utf-16, gb18030 or cp1252.

    GB18030 accepts almost any bytes, Latin text with accents among them; what tells them apart is
    that Chinese characters are pairs of high bytes, while accented letters stand alone among ASCII.

    >>> detect("客户,数量".encode()), detect("客户,数量".encode("gb18030")), detect("Bénédicte,é".encode("cp1252"))
    ('utf-8', 'gb18030', 'cp1252')
    """
    for bom, name in BOMS:
        if sample.startswith(bom):
            return name
    if _decodes(sample, "utf-8"):
        return "utf-8"
    high = np.frombuffer(sample, np.uint8) >= 0x80
    beside = np.zeros_like(high)
    beside[1:] |= high[:-1]
    beside[:-1] |= high[1:]
    paired = (high & beside).sum() / max(high.sum(), 1)
    # One wrong byte does not make a UTF-8 file another encoding: its other characters still decode.
    broken = sample.decode("utf-8", errors="replace").count("\ufffd")
    multi_byte = int(((np.frombuffer(sample, np.uint8) >> 6) == 0b11).sum())
    if broken * 10 <= multi_byte:
        return "utf-8"
    if paired > 0.8 and _decodes(sample, "gb18030"):
        return "gb18030"
    return "cp1252"


def _decodes(sample: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeDecodeError:
        return False
    return True


def read_sample(path: Path) -> tuple[str, str]:
    """The encoding of a file and its first mebibyte as text, or first row if that is longer; InputError if empty."""
    with Unpacked(path) as stream:
        sample = more = stream.read(SAMPLE_BYTES)
        while more and len(sample) < LONGEST_ROW and not (b"\n" in more or b"\r" in more):
            more = stream.read(SAMPLE_BYTES)
            sample += more
    if not sample.strip(b" \t\r\n\xef\xbb\xbf\xff\xfe\x00"):
        raise InputError(f"{path}: the file is empty. Export it again; a header and rows are expected.")
    encoding = detect(sample)
    text = sample.decode("utf-8-sig" if encoding == "utf-8" else encoding, errors="replace")
    return encoding, text.replace("\r\n", "\n").replace("\r", "\n")


def read_blocks(path: Path, encoding: str, size: int) -> Iterator[Block]:
    """The whole file in blocks of about so many bytes.

    Bytes that are none of the encoding's stay as they are: they are not UTF-8 either, so that
    the row which holds them can be refused, and that row alone. A carriage return by itself becomes
    a line end, as in files from old Macs.
    """
    # The decoders of utf-16 cannot hand a wrong byte on: a file with one is refused whole.
    errors = "strict" if encoding == "utf-16" else "surrogateescape"
    decoder = None if encoding == "utf-8" else codecs.getincrementaldecoder(encoding)(errors)
    is_first = True
    held = b""
    try:
        with Unpacked(path) as stream:
            while True:
                block = stream.read(size)
                is_last = not block
                if is_first:
                    block, is_first = block.removeprefix(codecs.BOM_UTF8), False
                if decoder is not None:
                    block = decoder.decode(block, is_last).encode("utf-8", errors)
                if held:
                    block, held = held + block, b""
                if block.endswith(b"\r") and not is_last:
                    block, held = block[:-1], b"\r"  # its "\n" may begin the next block
                if b"\r" in block and block.count(b"\r") != block.count(b"\r\n"):
                    block = re.sub(rb"\r(?!\n)", b"\n", block)
                yield Block(block, stream.share_read, is_last)
                if is_last:
                    return
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: begins as {encoding}, but has bytes that are not "
            f"({error.object[error.start : error.start + 4]!r}). Save it as UTF-8 and import it again."
        ) from None


def is_utf8(text: bytes) -> bool:
    """Whether bytes are UTF-8.

    >>> is_utf8("茶".encode()), is_utf8("茶".encode("gb18030"))
    (True, False)
    """
    if text.isascii():
        return True
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
