"""Segments by name: a rule in numbered versions, none of which ever changes."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from regulars import clock, storage
from regulars.errors import CorruptLogError, InputError, NotFoundError
from regulars.rules import Rule, Vocabulary
from regulars.rules.vocabulary import instead
from regulars.seal import sealed, unsealed

if TYPE_CHECKING:
    from regulars.shop import Shop

LONGEST_NAME = 60
_NAME = re.compile(r"\w(?:[\w ]*\w)?")


@dataclass(frozen=True)
class Segment:
    """One version of a segment.

    Attributes
    ----------
    rule : as it was written.
    note : what it is for, in words of whoever wrote it; may be empty.
    version : from 1.
    created : when this version was.
    """

    name: str
    rule: str
    note: str
    version: int
    created: datetime


class Segments:
    """The segments of a shop: a folder for each name, in it a file for each version.

    Examples
    --------
    >>> import tempfile
    >>> from regulars import Shop
    >>> from regulars.rules.tree import Kind
    >>> segments = Segments(Shop.create(Path(tempfile.mkdtemp()) / "teashop"))
    >>> names = Vocabulary.of({"orders": Kind.NUMBER})
    >>> segments.save("loyal", "orders >= 2", names).version, segments.save("loyal", "orders >= 3", names).version
    (1, 2)
    >>> segments.get("loyal").rule, [segment.rule for segment in segments.history("loyal")]
    ('orders >= 3', ['orders >= 3', 'orders >= 2'])
    """

    def __init__(self, shop: Shop) -> None:
        self.folder = shop.folder / "segments"

    def names(self) -> list[str]:
        """The names there are, in order."""
        return sorted(path.name for path in self.folder.glob("*") if self._versions(path.name))

    def rules(self) -> dict[str, str]:
        """The newest rule of each name that has one that can be read."""
        found = {name: self._newest(name) for name in self.names()}
        return {name: segment.rule for name, segment in found.items() if segment}

    def _newest(self, name: str) -> Segment | None:
        with suppress(CorruptLogError, NotFoundError):
            return self.get(name)
        return None

    def get(self, name: str, version: int | None = None) -> Segment:
        """A version (default: the newest).

        Raises
        ------
        NotFoundError
            Naming those that there are.
        CorruptLogError
            If the file is not what was saved.
        """
        name = unicodedata.normalize("NFC", name)
        versions = self._versions(name) if _NAME.fullmatch(name) else []
        if not versions:
            raise NotFoundError(
                f'There is no segment "{name}".{instead(name, self.names())}. Make one: regulars segment add NAME RULE'
            )
        number = versions[-1] if version is None else version
        if number not in versions:
            there = ", ".join(map(str, versions))
            raise NotFoundError(f'There is no version {number} of segment "{name}". There are: {there}.')
        path = self._path(name, number)
        try:
            found: Mapping[str, str] = unsealed(path.read_bytes())
            return Segment(name, found["rule"], found["note"], number, datetime.fromisoformat(found["created"]))
        except (ValueError, KeyError) as error:
            raise CorruptLogError(
                f"{path} is damaged: {error}. Write the rule again: regulars segment add {name!r} RULE"
            ) from None

    def history(self, name: str) -> list[Segment]:
        """All versions, the newest first; NotFoundError if there is none."""
        self.get(name)
        name = unicodedata.normalize("NFC", name)
        return [self.get(name, version) for version in reversed(self._versions(name))]

    def save(self, name: str, rule: str, vocabulary: Vocabulary, note: str | None = None) -> Segment:
        """Keep a rule under a name, as a new version if the name is taken; the same rule again is no new version.

        Parameters
        ----------
        note : None for that of the version before.

        Raises
        ------
        InputError
            If the name cannot be one.
        RuleError
            If the rule cannot be read, or the segment would be made of itself.
        """
        name = unicodedata.normalize("NFC", name)
        self._check(name)
        Rule.of(rule, vocabulary, name=name)
        home = storage.make_folder(self.folder / name)
        with storage.lock(home / "lock", f"saving of segment {name}"):
            before = self._newest(name)
            note = (before.note if before else "") if note is None else note
            if before and (before.rule, before.note) == (rule, note):
                return before
            made = Segment(name, rule, note, max(self._versions(name), default=0) + 1, clock.now())
            text = json.dumps(asdict(made), default=str, ensure_ascii=False, indent=2)
            storage.create_exclusive(self._path(name, made.version), sealed(text))
        return made

    def _check(self, name: str) -> None:
        if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
            raise InputError(
                f'"{name}" cannot be the name of a segment: letters of any script, digits, "_", and spaces between '
                f"words, {LONGEST_NAME} characters at most."
            )
        like = [other for other in self.names() if other.casefold() == name.casefold() and other != name]
        if like:
            raise InputError(f'There is a segment "{like[0]}" already. Write its name so, or choose another.')

    def _path(self, name: str, version: int) -> Path:
        return self.folder / name / f"{version:04d}.json"

    def _versions(self, name: str) -> list[int]:
        return sorted(int(path.stem) for path in (self.folder / name).glob("[0-9]*.json") if path.stem.isdecimal())
