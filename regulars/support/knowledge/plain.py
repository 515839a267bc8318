"""Markdown and tables of questions, as sections."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from regulars.errors import InputError
from regulars.support.knowledge.text import Section

ABOUT = ("language", "audience", "valid_from", "valid_to")
_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*\s*$")
_FRONT = re.compile(r"\A---\s*\n(.*?)\n---\s*(?:\n|\Z)", re.DOTALL)
_LINK = re.compile(r"!?\[([^\]\n]{0,300})\]\([^)\n]{0,500}\)")
_MARKS = re.compile(r"(?<!\w)(\*\*|__|\*|_|`)(?=\S)([^\n]{1,300}?)(?<=\S)\1(?!\w)")


def markdown(path: Path, text: str) -> Iterator[Section]:
    """A section for each heading. Lines `audience: business` between two `---` at the top say what the file is.

    >>> told = "# Returns\\nIn **30** days.\\n## Sale\\nToo."
    >>> [(found.headings, found.text) for found in markdown(Path("a.md"), told)]
    [(('Returns',), 'In 30 days.'), (('Returns', 'Sale'), 'Too.')]
    """
    about: dict[str, str] = {}
    if front := _FRONT.match(text):
        pairs = (line.partition(":") for line in front[1].splitlines())
        about = {name.strip(): value.strip().strip("\"'") for name, _, value in pairs if name.strip() in ABOUT}
        text = text[front.end() :]
    headings: list[str] = []
    lines: list[str] = []
    is_code = False
    for line in text.splitlines():
        if line.lstrip().startswith(("```", "~~~")):
            is_code = not is_code
        elif not is_code and (heading := _HEADING.match(line)):
            yield from _section(headings, lines, about)
            headings = [*headings[: len(heading[1]) - 1], _plain(heading[2])]
            lines = []
        else:
            lines.append(line if is_code else _plain(line))
    yield from _section(headings, lines, about)


def _section(headings: list[str], lines: list[str], about: dict[str, str]) -> Iterator[Section]:
    if text := "\n".join(lines).strip():
        yield Section(tuple(headings), text, about)


def _plain(line: str) -> str:
    line = re.sub(r"^\s*(?:[-*+]|>)\s+", "", line[:20_000])
    return _MARKS.sub(r"\2", _LINK.sub(r"\1", line))


def faq(path: Path, text: str) -> Iterator[Section]:
    """A section for each row: columns `question` and `answer`; where there are, `title`, `questions` (more of them,
    parted by |), language, audience, valid_from, valid_to.

    >>> [found.questions for found in faq(Path("a.csv"), "question,answer\\nhow long?,Thirty days.")]
    [('how long?',)]
    """
    rows = csv.DictReader(io.StringIO(text.lstrip("\ufeff")))
    try:
        names = {name.strip().casefold(): name for name in rows.fieldnames or () if name}
        if "answer" not in names or not {"question", "title"} & set(names):
            raise InputError(
                f'{path}, line 1: columns "question" and "answer" are expected. Found: {", ".join(names) or "none"}.'
            )
        for row in rows:
            cells = {name: (row[own] or "").strip() for name, own in names.items()}
            asked = [cells.get("question", ""), *cells.get("questions", "").split("|")]
            heading = cells.get("title") or cells.get("question", "")
            if cells["answer"]:
                questions = tuple(one.strip() for one in asked if one.strip())
                about = {name: cells[name] for name in ABOUT if cells.get(name)}
                yield Section((heading,), cells["answer"], about, questions)
    except csv.Error as error:
        raise InputError(f"{path}, line {rows.line_num}: {error}. Save it as CSV anew.") from None
