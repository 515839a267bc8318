"""Commits: numbered files, each the whole list of what one version of the log is made of.

After the Delta protocol (delta-io/delta, PROTOCOL.md): data files are written first and are nothing
until a commit lists them; the commit is one file, `commits/00000000000000000007.json`, made so that it
cannot replace another. Whoever makes number 7 first has made version 7. Readers take their files from
the newest commit and never from a look into the folder, so they see whole versions only. A commit is sealed:
a bit of it that was changed on the disk is an error and never another list of files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from regulars import storage
from regulars.errors import CorruptLogError, NotFoundError
from regulars.seal import sealed, unsealed

FORMAT = 1
"""Version of the layout on disk; a program refuses a shop whose number is higher than its own."""


@dataclass(frozen=True)
class DataFile:
    """One Parquet file of a version: `path` is relative to the log's folder."""

    path: str
    rows: int
    size: int
    sha256: str
    first: str | None = None
    """ISO time of the first and last event in it, so that a reader of one day skips the rest."""
    last: str | None = None
    sources: Mapping[str, int] = field(default_factory=dict)
    """The files from outside that its rows came from, and how many from each."""
    currencies: tuple[str, ...] | None = None
    """Of the prices in it, so that a log with one currency needs no rates."""


@dataclass(frozen=True)
class Commit:
    """One version: the files of each table, and what made it."""

    version: int
    time: datetime
    operation: str
    tables: Mapping[str, tuple[DataFile, ...]]
    details: Mapping[str, Any] = field(default_factory=dict)
    imported: Mapping[str, int] = field(default_factory=dict)
    """Files that are whole in it, by fingerprint (`imported.Fingerprint`), and how many rows each has."""
    folded: Mapping[str, int] = field(default_factory=dict)
    """Up to which number it has the events of each inbox, by the inbox's identity."""

    def known_before(self, moment: datetime) -> tuple[str, ...]:
        """Hashes of the files that tell what was before a moment: while they are the same, nothing as of it changes.

        Decisions made as of a moment add none to them. A copy of the log has the same.
        """
        return tuple(
            f"{table} {file.sha256}"
            for table, files in sorted(self.tables.items())
            for file in files
            if table != "events" or file.first is None or datetime.fromisoformat(file.first) < moment
        )

    def rows(self, table: str) -> int:
        """How many rows the table has in this version."""
        return sum(file.rows for file in self.tables.get(table, ()))

    @property
    def currencies(self) -> frozenset[str]:
        """Of the prices in this version."""
        return frozenset(code for file in self.tables.get("events", ()) for code in file.currencies or ())

    def to_json(self) -> bytes:
        """As it stands on disk, one data file a line so that two versions can be compared by eye."""
        tables = []
        for name, files in self.tables.items():
            lines = [json.dumps({k: v for k, v in asdict(file).items() if v}, ensure_ascii=False) for file in files]
            tables.append(f"{json.dumps(name)}: [\n" + ",\n".join(lines) + "]")
        head = {
            "format": FORMAT,
            "version": self.version,
            "time": self.time.isoformat(),
            "operation": self.operation,
            "details": dict(self.details),
            "imported": dict(self.imported),
            "folded": dict(self.folded),
        }
        opening = json.dumps(head, ensure_ascii=False).removesuffix("}")
        return sealed(opening + ', "tables": {\n' + ",\n".join(tables) + "}}")

    @classmethod
    def from_json(cls, data: bytes, path: Path) -> Commit:
        """Read a commit file; CorruptLogError, naming the file, if it is not one, or not as it was written."""
        try:
            raw = unsealed(data)
            if raw["format"] > FORMAT:
                raise CorruptLogError(
                    f"{path} was written by a newer Regulars (layout {raw['format']}, this one reads up to "
                    f"{FORMAT}). Upgrade: pip install -U regulars"
                )
            if raw["version"] != int(path.stem):
                raise ValueError(f"it is version {raw['version']}")
            tables = {name: tuple(map(_data_file, files)) for name, files in raw["tables"].items()}
            time = datetime.fromisoformat(raw["time"])
            folded = raw.get("folded", {})  # versions of before the inbox have none
            return cls(raw["version"], time, raw["operation"], tables, raw["details"], raw["imported"], folded)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CorruptLogError(
                f"{path} is not a commit file, or is damaged ({error}). Restore it from a backup; without one: "
                "regulars check --drop-damaged"
            ) from None


def _data_file(raw: dict[str, Any]) -> DataFile:
    currencies = raw.pop("currencies", None)
    return DataFile(**raw, currencies=None if currencies is None else tuple(currencies))


def commit_path(folder: Path, version: int) -> Path:
    """Where version N is: commits/ and twenty digits."""
    return folder / "commits" / f"{version:020d}.json"


def versions(folder: Path) -> list[int]:
    """The numbers of all versions that live, ascending.

    Raises
    ------
    CorruptLogError
        If the folder of the commits is missing or may not be read: that is no empty log.
    """
    home = folder / "commits"
    try:
        # Unlike `glob`, which takes a folder that it may not read for an empty one.
        paths = list(home.iterdir())
    except OSError as error:
        raise CorruptLogError(
            f"{home} cannot be read: {error.strerror}. Without its commits a log is lost: restore the folder from "
            "a backup, or give yourself the right to read it."
        ) from None
    return sorted(int(path.stem) for path in paths if path.suffix == ".json" and path.stem.isdecimal())


def newest_version(folder: Path) -> int:
    """The highest version there is, 0 if none."""
    return max(versions(folder), default=0)


def read(folder: Path, version: int) -> Commit:
    """One version; version 0 is the empty log.

    Raises
    ------
    NotFoundError
        If there is no such version, not yet or no more.
    CorruptLogError
        If its file is damaged, or is missing though versions before and after it are there.
    """
    if version == 0:
        return Commit(0, datetime.fromisoformat("1970-01-01T00:00:00+00:00"), "create", {})
    path = commit_path(folder, version)
    try:
        return Commit.from_json(path.read_bytes(), path)
    except FileNotFoundError:
        living = versions(folder)
    if not living or version > living[-1]:
        raise NotFoundError(
            f"There is no version {version} of the log in {folder}; the newest is {living[-1] if living else 0}."
        )
    if version < living[0]:
        raise NotFoundError(
            f"Version {version} of the log in {folder} is no longer kept: regulars vacuum removed it. The oldest that "
            f"can be read is {living[0]}, the newest {living[-1]}."
        )
    raise CorruptLogError(f"{path} is missing. Restore it from a backup; without one: regulars check --drop-damaged")


def write(folder: Path, commit: Commit) -> None:
    """Make a version. FileExistsError if another process made that number first."""
    storage.create_exclusive(commit_path(folder, commit.version), commit.to_json())
