"""PDF and DOCX as sections, by libraries that are installed with `regulars[documents]`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from regulars.errors import InputError
from regulars.events.readers.bombs import refuse_bomb
from regulars.support.knowledge.text import Section

PAGES = 2_000
_NEEDED = 'needs a library that is not installed: pip install "regulars[documents]"'
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")


def pdf(path: Path) -> Iterator[Section]:
    """A section for each page, an empty one for a picture without text; InputError for a PDF that is encrypted,
    damaged, or a scan."""
    try:
        from pypdf import PdfReader  # noqa: PLC0415 it is installed only where there are PDFs
        from pypdf.errors import PyPdfError  # noqa: PLC0415
    except ImportError:
        raise InputError(f"{path}: a PDF {_NEEDED}") from None
    try:
        reader = PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            raise InputError(f"{path}: is encrypted. Save it without a password.")
        if len(reader.pages) > PAGES:
            raise InputError(f"{path}: has {len(reader.pages):,} pages; {PAGES:,} are read at most. Cut it in parts.")
        found = [page.extract_text().strip() for page in reader.pages]
        scans = [number for number, page in enumerate(reader.pages, 1) if not found[number - 1] and page.images.keys()]
    except (PyPdfError, ValueError, KeyError, RecursionError) as error:
        raise InputError(f"{path}: is no PDF that can be read ({str(error)[:200]}). Export it again.") from None
    if not any(found):
        raise InputError(f"{path}: has no text, only pictures: a scan. Run text recognition (OCR) over it first.")
    for number, text in enumerate(found, 1):
        if text or number in scans:
            yield Section((f"page {number}",), text)


def docx(path: Path) -> Iterator[Section]:
    """A section for each heading, with its tables; InputError for one that is encrypted or damaged."""
    from zipfile import BadZipFile, ZipFile  # noqa: PLC0415

    with path.open("rb") as file:
        if file.read(8) == _OLE:
            raise InputError(f"{path}: is encrypted, or of an old Word. Save it as .docx without a password.")
    try:
        with ZipFile(path) as archive:
            refuse_bomb(path, path.stat().st_size, sum(one.file_size for one in archive.infolist()))
        from docx import Document  # noqa: PLC0415
        from docx.table import Table  # noqa: PLC0415

        headings: list[str] = []
        lines: list[str] = []
        for part in Document(str(path)).iter_inner_content():
            if isinstance(part, Table):
                lines += [" | ".join(cell.text.strip() for cell in row.cells) for row in part.rows]
                continue
            style = (part.style.name or "") if part.style is not None else ""
            if style.startswith("Heading ") and style[8:].isdigit():
                yield from _section(headings, lines)
                headings, lines = [*headings[: int(style[8:]) - 1], part.text.strip()], []
            elif part.text.strip():
                lines.append(part.text.strip())
        yield from _section(headings, lines)
    except ImportError:
        raise InputError(f"{path}: a DOCX {_NEEDED}") from None
    except (BadZipFile, KeyError, ValueError) as error:
        raise InputError(f"{path}: is no DOCX that can be read ({str(error)[:200]}). Save it again.") from None


def _section(headings: list[str], lines: list[str]) -> Iterator[Section]:
    if lines:
        yield Section(tuple(headings), "\n".join(lines))
