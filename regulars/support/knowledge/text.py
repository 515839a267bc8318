"""A text of the shop, and what it is: where it stands, for whom, in which language, from when to when."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath
from typing import NamedTuple

from regulars.errors import InputError
from regulars.support.dialogue.languages import language_of

EVERYONE = "everyone"
LONGEST = 900
"""Characters of a text: about what answers one question. A longer section becomes several."""
SHOWN = 2
"""Headings that are searched with a text: those above them are of a whole book."""


class Section(NamedTuple):
    """A part of a file, as its reader found it.

    Attributes
    ----------
    headings : above it, the outermost first.
    about : language, audience, valid_from, valid_to, where the file tells them.
    questions : in which words customers ask for it.
    """

    headings: tuple[str, ...]
    text: str
    about: Mapping[str, str] = {}
    questions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Text:
    """A text that may answer a customer.

    Attributes
    ----------
    id : the file and a number.
    source : the file, in the folder.
    section : its headings.
    language : as in `language_of`.
    audience : who may be told it: "everyone", or a group that the shop names.
    valid_from, valid_to : the first and last day on which it holds; None for no end.
    questions : how customers ask for it, as the shop has noted.
    """

    id: str
    text: str
    source: str
    section: tuple[str, ...] = ()
    language: str = "en"
    audience: str = EVERYONE
    valid_from: date | None = None
    valid_to: date | None = None
    questions: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What it is about."""
        return ": ".join(self.section[-SHOWN:]) or PurePosixPath(self.source).stem

    @property
    def citation(self) -> str:
        """Where a reader finds it.

        >>> Text("1", "…", "returns.md", ("Returns", "Return period")).citation
        'returns.md, Return period'
        """
        return ", ".join((self.source, *self.section[-1:]))

    def is_for(self, audiences: frozenset[str], on: date) -> bool:
        """Whether it may be told to someone of these audiences, on a day."""
        holds = (self.valid_from is None or self.valid_from <= on) and (self.valid_to is None or on <= self.valid_to)
        return holds and (self.audience == EVERYONE or self.audience in audiences)


def texts_of(source: str, sections: list[Section]) -> list[Text]:
    """The texts of a file.

    Raises
    ------
    InputError
        If a day in it is none; the message names it.

    Examples
    --------
    >>> made = texts_of("returns.md", [Section(("Returns",), "Within thirty days.", {"valid_from": "2024-05-01"})])
    >>> made[0].id, made[0].language, made[0].valid_from
    ('returns.md#1', 'en', datetime.date(2024, 5, 1))
    """
    found: list[Text] = []
    for section in sections:
        about = section.about
        for piece in pieces(section.text):
            found.append(
                Text(
                    f"{source}#{len(found) + 1}", piece, source, section.headings,
                    about.get("language") or language_of(piece),
                    about.get("audience") or EVERYONE,
                    _day(source, about, "valid_from"),
                    _day(source, about, "valid_to"),
                    section.questions,
                )
            )  # fmt: skip
    return found


def _day(source: str, about: Mapping[str, str], name: str) -> date | None:
    said = about.get(name, "").strip()
    if not said:
        return None
    try:
        return date.fromisoformat(said)
    except ValueError:
        raise InputError(f'{source}: {name} is "{said[:40]}"; a day such as 2024-05-01 is expected.') from None


def pieces(text: str) -> Iterator[str]:
    """A section in parts of at most `LONGEST` characters, cut between paragraphs, else sentences, else words.

    >>> [len(piece) for piece in pieces("A sentence of many. " * 90)]
    [899, 899]
    """
    piece = ""
    for part in _parts(text.strip()):
        if piece and len(piece) + len(part) > LONGEST:
            yield piece.strip()
            piece = ""
        piece += part
    if piece.strip():
        yield piece.strip()


_ENDS = re.compile(r"(?<=\n\n)|(?<=[.!?]\s)|(?<=[。！？；])")


def _parts(text: str) -> Iterator[str]:
    for part in _ENDS.split(text):
        for start in range(0, len(part), LONGEST):
            yield part[start : start + LONGEST]
