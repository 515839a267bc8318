"""What is kept under a name in numbered versions, none of which ever changes: segments, fraud rules."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from regulars import storage
from regulars.errors import CorruptLogError, InputError, NotFoundError
from regulars.rules.vocabulary import instead
from regulars.seal import sealed, unsealed

LONGEST_NAME = 60
_NAME = re.compile(r"\w(?:[\w ]*\w)?")

Record = Mapping[str, Any]


class Version(NamedTuple):
    """One version: its name, its number from 1, and what was saved, in values of JSON."""

    name: str
    number: int
    record: Record


class Saved:
    """A folder for each name, in it a sealed file for each version.

    Parameters
    ----------
    folder : made when something is saved.
    what : what is kept, as messages call it: "segment".
    command : what makes one, with {name} where its name stands.

    Examples
    --------
    >>> import tempfile
    >>> saved = Saved(Path(tempfile.mkdtemp()) / "notes", "note", "note add {name}")
    >>> saved.save("tea", lambda before: {"text": "green"}).number
    1
    >>> saved.save("tea", lambda before: {"text": before["text"] + " tea"}).number
    2
    >>> saved.get("tea").record, saved.get("tea", 1).record, saved.names()
    ({'text': 'green tea'}, {'text': 'green'}, ['tea'])
    """

    def __init__(self, folder: Path, what: str, command: str) -> None:
        self.folder = folder
        self._what, self._command = what, command

    def names(self) -> list[str]:
        """The names there are, in order."""
        return sorted(path.name for path in self.folder.glob("*") if self._numbers(path.name))

    def numbers(self, name: str) -> list[int]:
        """The versions of a name, the first first; NotFoundError naming what there is, if there are none."""
        name = unicodedata.normalize("NFC", name)
        numbers = self._numbers(name) if _NAME.fullmatch(name) else []
        if not numbers:
            raise NotFoundError(
                f'There is no {self._what} "{name}".{instead(name, self.names())}. '
                f"Make one: {self._command.format(name='NAME')}"
            )
        return numbers

    def get(self, name: str, number: int | None = None) -> Version:
        """A version (default: the newest).

        Raises
        ------
        NotFoundError
            Naming those that there are.
        CorruptLogError
            If the file is not what was saved.
        """
        name = unicodedata.normalize("NFC", name)
        numbers = self.numbers(name)
        number = numbers[-1] if number is None else number
        if number not in numbers:
            there = ", ".join(map(str, numbers))
            raise NotFoundError(f'There is no version {number} of {self._what} "{name}". There are: {there}.')
        path = self._path(name, number)
        try:
            return Version(name, number, unsealed(path.read_bytes()))
        except ValueError as error:
            raise self.damaged(name, number, error) from None

    def damaged(self, name: str, number: int, error: Exception) -> CorruptLogError:
        """What to say of a version that cannot be read."""
        again = self._command.format(name=repr(name))
        return CorruptLogError(f"{self._path(name, number)} is damaged: {error}. Write it again: {again}")

    def history(self, name: str) -> list[Version]:
        """All versions, the newest first; NotFoundError if there is none."""
        return [self.get(name, number) for number in reversed(self.numbers(name))]

    def save(self, name: str, make: Callable[[Record | None], Record]) -> Version:
        """Keep something under a name, as a new version if the name is taken; the same again is no new version.

        Parameters
        ----------
        make : what to keep, from what the newest version is (None if there is none that can be read). Asked while
            nobody else can save under the name.

        Raises
        ------
        InputError
            If the name cannot be one.
        """
        name = self.check(name)
        home = storage.make_folder(self.folder / name)
        with storage.lock(home / "lock", f"saving of {self._what} {name}"):
            before = self._newest(name)
            record = make(before.record if before else None)
            if before and dict(before.record) == dict(record):
                return before
            made = Version(name, max(self._numbers(name), default=0) + 1, record)
            text = json.dumps(record, ensure_ascii=False, indent=2)
            storage.create_exclusive(self._path(name, made.number), sealed(text))
        return made

    def check(self, name: str) -> str:
        """A name as it is kept; InputError if it cannot be one, or on some disks would be the file of another."""
        name = unicodedata.normalize("NFC", name)
        if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
            raise InputError(
                f'"{name}" cannot be the name of a {self._what}: letters of any script, digits, "_", and spaces '
                f"between words, {LONGEST_NAME} characters at most."
            )
        like = [other for other in self.names() if other.casefold() == name.casefold() and other != name]
        if like:
            raise InputError(f'There is a {self._what} "{like[0]}" already. Write its name so, or choose another.')
        return name

    def _newest(self, name: str) -> Version | None:
        with suppress(CorruptLogError, NotFoundError):
            return self.get(name)
        return None

    def _path(self, name: str, number: int) -> Path:
        return self.folder / name / f"{number:04d}.json"

    def _numbers(self, name: str) -> list[int]:
        return sorted(int(path.stem) for path in (self.folder / name).glob("[0-9]*.json") if path.stem.isdecimal())
