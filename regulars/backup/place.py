"""A folder of backups: the lists by number, and the bytes by hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from regulars.errors import CorruptBackupError, NotFoundError
from regulars.seal import sealed, unsealed
from regulars.storage import Written

FORMAT = 1
"""Version of the layout on disk."""


@dataclass(frozen=True)
class Backup:
    """One backup: the list of all files of a shop.

    Attributes
    ----------
    number : from 1 on, without a gap.
    time : when it was begun: what was acknowledged before is in it.
    shop : its name.
    log_version : the newest in it.
    before : SHA-256 of the list before it, "" of the first.
    outside : what of the shop lies elsewhere (PostgreSQL, Redis), and is not in it.
    files : by path relative to the shop's folder.
    """

    number: int
    time: datetime
    shop: str
    log_version: int
    before: str
    outside: tuple[str, ...]
    files: Mapping[str, Written]

    def to_json(self) -> bytes:
        """As it stands on disk, a file a line."""
        head = {
            "format": FORMAT, "number": self.number, "time": self.time.isoformat(), "shop": self.shop,
            "log_version": self.log_version, "before": self.before, "outside": list(self.outside),
        }  # fmt: skip
        opening = json.dumps(head, ensure_ascii=False).removesuffix("}")
        lines = (f"{json.dumps(path, ensure_ascii=False)}: {json.dumps(kept)}" for path, kept in self.files.items())
        return sealed(opening + ', "files": {\n' + ",\n".join(lines) + "}}")

    @classmethod
    def from_json(cls, data: bytes, path: Path) -> Self:
        """Read a list; CorruptBackupError, naming the file, if it is not what was written."""
        try:
            raw = unsealed(data)
            if raw["format"] > FORMAT:
                raise CorruptBackupError(f"{path} was written by a newer Regulars. Upgrade: pip install -U regulars")
            if raw["number"] != int(path.stem):
                raise ValueError(f"it is number {raw['number']}")
            return cls(
                raw["number"], datetime.fromisoformat(raw["time"]), raw["shop"], raw["log_version"], raw["before"],
                tuple(raw["outside"]), {name: Written(*kept) for name, kept in raw["files"].items()},
            )  # fmt: skip
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CorruptBackupError(f"{path} is no list of a backup, or is damaged ({error}).") from None


class Place:
    """A folder of backups.

    Parameters
    ----------
    folder : `lists/` and `bytes/` lie in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lists, self.bytes = folder / "lists", folder / "bytes"

    def numbers(self) -> list[int]:
        """Of all backups, ascending."""
        return sorted(int(path.stem) for path in self.lists.glob("*.json") if path.stem.isdecimal())

    def list_of(self, number: int) -> Path:
        """Where a backup's list is."""
        return self.lists / f"{number:010d}.json"

    def read(self, number: int) -> Backup:
        """A backup's list.

        Raises
        ------
        CorruptBackupError
            If it is missing, or not what was written.
        """
        path = self.list_of(number)
        try:
            return Backup.from_json(path.read_bytes(), path)
        except FileNotFoundError:
            raise CorruptBackupError(f"{path} is missing, though backups before and after it are there.") from None

    def newest(self) -> Backup:
        """The last one; NotFoundError if there is none."""
        numbers = self.numbers()
        if not numbers:
            raise NotFoundError(f"{self.folder} holds no backup. Make one: regulars backup {self.folder}")
        return self.read(numbers[-1])

    def bytes_of(self, sha256: str) -> Path:
        """Where bytes of that hash are."""
        return self.bytes / sha256[:2] / sha256

    def has(self, kept: Written) -> bool:
        """Whether a file of that hash and size is there; whether it is whole, `fault` tells."""
        try:
            return self.bytes_of(kept.sha256).stat().st_size == kept.size
        except FileNotFoundError:
            return False

    def fault(self, kept: Written) -> str | None:
        """What is wrong with kept bytes, all of which are read; None if nothing is."""
        path = self.bytes_of(kept.sha256)
        try:
            with path.open("rb") as opened:
                return None if hashlib.file_digest(opened, "sha256").hexdigest() == kept.sha256 else "is damaged"
        except FileNotFoundError:
            return "is missing"
        except OSError as error:
            return f"cannot be read ({error.strerror})"
