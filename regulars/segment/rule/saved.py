"""Segments by name: a rule in numbered versions, none of which ever changes."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from regulars import clock
from regulars.errors import CorruptLogError, NotFoundError
from regulars.rules import Rule, Vocabulary
from regulars.rules.saved import Record, Saved, Version

if TYPE_CHECKING:
    from regulars.shop import Shop


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
    >>> from pathlib import Path
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
        self._saved = Saved(shop.folder / "segments", "segment", "regulars segment add {name} RULE")

    def names(self) -> list[str]:
        """The names there are, in order."""
        return self._saved.names()

    def rules(self) -> dict[str, str]:
        """The newest rule of each name that has one that can be read."""
        found = {}
        for name in self.names():
            with suppress(CorruptLogError, NotFoundError):
                found[name] = self.get(name).rule
        return found

    def get(self, name: str, version: int | None = None) -> Segment:
        """A version (default: the newest).

        Raises
        ------
        NotFoundError
            Naming those that there are.
        CorruptLogError
            If the file is not what was saved.
        """
        return self._segment(self._saved.get(name, version))

    def history(self, name: str) -> list[Segment]:
        """All versions, the newest first; NotFoundError if there is none."""
        return [self._segment(version) for version in self._saved.history(name)]

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
        name = self._saved.check(name)
        Rule.of(rule, vocabulary, name=name)

        def make(before: Record | None) -> Record:
            said = (before["note"] if before else "") if note is None else note
            if before and (before["rule"], before["note"]) == (rule, said):
                return before
            return {"rule": rule, "note": said, "created": str(clock.now())}

        return self._segment(self._saved.save(name, make))

    def _segment(self, version: Version) -> Segment:
        record = version.record
        try:
            created = datetime.fromisoformat(record["created"])
            return Segment(version.name, record["rule"], record["note"], version.number, created)
        except (ValueError, KeyError) as error:
            raise self._saved.damaged(version.name, version.number, error) from None
