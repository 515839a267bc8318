"""A file of the shop's texts as sections, by the end of its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from regulars.errors import InputError
from regulars.events.readers.encoding import detect
from regulars.support.knowledge.documents import docx, pdf
from regulars.support.knowledge.page import page
from regulars.support.knowledge.plain import faq, markdown
from regulars.support.knowledge.text import Section

LARGEST = 50_000_000
"""Bytes of a file."""
LARGEST_TEXT = 5_000_000
"""Of one that is plain text: a book has one."""


def read(path: Path) -> list[Section]:
    """The sections of a file, by the end of its name.

    Raises
    ------
    InputError
        If it cannot be read; the message says why.
    """
    kind = path.suffix.lower()
    size = path.stat().st_size
    most = LARGEST_TEXT if kind in _PLAIN else LARGEST
    if size > most:
        raise InputError(f"{path}: has {size:,} bytes; {most:,} are read at most. Cut it in parts.")
    return list(_PLAIN[kind](path, _text(path)) if kind in _PLAIN else _PACKED[kind](path))


def _text(path: Path) -> str:
    content = path.read_bytes()
    return content.decode(detect(content), "replace").replace("\r\n", "\n").replace("\x00", "")


_PLAIN: dict[str, Callable[[Path, str], Iterator[Section]]] = {
    ".md": markdown, ".markdown": markdown, ".txt": markdown, ".html": page, ".htm": page, ".csv": faq,
}  # fmt: skip
_PACKED: dict[str, Callable[[Path], Iterator[Section]]] = {".pdf": pdf, ".docx": docx}
KINDS = frozenset((*_PLAIN, *_PACKED))
"""Ends of names of files that are read."""
APART = frozenset((".html", ".htm", *_PACKED))
"""Of those that a library parses: it is not ours to say what they may do to it, so they are read in another process."""
