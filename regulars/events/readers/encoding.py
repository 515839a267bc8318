"""Which encoding a text file is in, and its bytes as UTF-8."""

from __future__ import annotations

import codecs

import numpy as np

from regulars.errors import InputError

BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def detect(sample: bytes) -> str:
    """The encoding of a file from its first bytes: utf-8, utf-8-sig, utf-16, gb18030 or cp1252.

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
    broken = sample.decode("utf-8", errors="replace").count("�")
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


class Transcoder:
    """Bytes of one encoding in, bytes of UTF-8 out, block by block."""

    def __init__(self, encoding: str, path: object) -> None:
        self._path, self._encoding = path, encoding
        # utf-8 passes through: its errors are found row by row when the rows are parsed.
        self._decoder = None if encoding == "utf-8" else codecs.getincrementaldecoder(encoding)()

    def __call__(self, block: bytes, *, final: bool = False) -> bytes:
        """The next block, as UTF-8; InputError if its bytes are none of the encoding's."""
        if self._decoder is None:
            return block
        try:
            return self._decoder.decode(block, final).encode("utf-8", errors="replace")
        except UnicodeDecodeError as error:
            raise InputError(
                f"{self._path}: begins as {self._encoding}, but has bytes that are not "
                f"({error.object[error.start : error.start + 4]!r}). "
                "Save it as UTF-8 and import it again."
            ) from None
