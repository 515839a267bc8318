"""Learned things on disk: numbered versions, each with what it was learned from and how good it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regulars import storage
from regulars.errors import CorruptLogError, NotFoundError
from regulars.events.check import Fault
from regulars.seal import sealed, unsealed

POINTER = "in_use.json"
CARD = "card.json"


@dataclass(frozen=True)
class Model:
    """One version of what a capability learned.

    Attributes
    ----------
    card : what it was trained on, until when, by which code, with which result; `files` in it lists
        each file's size and SHA-256.
    """

    capability: str
    version: int
    folder: Path
    card: Mapping[str, Any]

    def read(self, name: str) -> bytes:
        """One of its files, checked against the card.

        Raises
        ------
        CorruptLogError
            If the bytes are not those that were saved.
        """
        expected = self.card["files"].get(name)
        if expected is None:
            raise NotFoundError(f"{self.folder} has no file {name}; it has {', '.join(self.card['files'])}.")
        path = self.folder / name
        data = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(data).hexdigest() != expected["sha256"]:
            raise CorruptLogError(
                f"{path} is not what was saved. Learn anew: regulars learn {self.capability}; "
                f"or go back: regulars rollback {self.capability} {max(self.version - 1, 1)}"
            )
        return data


class Models:
    """The models of a shop, a folder for each capability and in it one for each version.

    Parameters
    ----------
    folder : of all models; made when the first is saved.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, capability: str, files: Mapping[str, bytes], card: Mapping[str, Any]) -> Model:
        """Keep a new version. It is not in use before `use` says so."""
        home = storage.make_folder(self.folder / capability)
        with storage.lock(home / "lock", f"saving of {capability}"):
            version = max(self.versions(capability), default=0) + 1
            target = home / f"{version:04d}"
            temporary = home / f".{target.name}.tmp"
            storage.remove(temporary)
            storage.make_folder(temporary)
            kept = {}
            for name, data in files.items():
                written = storage.create(temporary / name, data)
                kept[name] = {"size": written.size, "sha256": written.sha256}
            whole = {**card, "capability": capability, "version": version, "files": kept}
            storage.create(temporary / CARD, sealed(json.dumps(whole, indent=2, ensure_ascii=False)))
            storage.move_folder(temporary, target)
        return Model(capability, version, target, whole)

    def versions(self, capability: str) -> list[int]:
        """The numbers there are, ascending."""
        return sorted(
            int(path.name)
            for path in (self.folder / capability).glob("[0-9]*")
            if path.name.isdecimal() and path.is_dir()
        )

    def get(self, capability: str, version: int) -> Model:
        """One version; NotFoundError, listing those there are, if it is none."""
        folder = self.folder / capability / f"{version:04d}"
        try:
            card = unsealed((folder / CARD).read_bytes())
        except FileNotFoundError:
            there = ", ".join(map(str, self.versions(capability))) or "none"
            raise NotFoundError(f"There is no version {version} of {capability}. There are: {there}.") from None
        except ValueError as error:
            raise CorruptLogError(
                f"{folder / CARD} is damaged: {error}. Learn anew: regulars learn {capability}; or go back: "
                f"regulars rollback {capability} {max(version - 1, 1)}"
            ) from None
        return Model(capability, version, folder, card)

    def history(self, capability: str) -> list[Model]:
        """All versions, the newest first."""
        return [self.get(capability, version) for version in reversed(self.versions(capability))]

    def faults(self) -> Iterator[Fault]:
        """Every file of every version that is not what was saved."""
        for home in sorted(path for path in self.folder.glob("*") if path.is_dir()):
            in_use = None
            try:
                in_use = self.version_in_use(home.name)
            except CorruptLogError as error:
                yield Fault(f"{self.folder.name}/{home.name}/{POINTER}", str(error), True)
            for version in self.versions(home.name):
                where = f"{self.folder.name}/{home.name}/{version:04d}"
                try:
                    model = self.get(home.name, version)
                except CorruptLogError as error:
                    yield Fault(f"{where}/{CARD}", str(error), version == in_use)
                    continue
                for name in model.card["files"]:
                    try:
                        model.read(name)
                    except CorruptLogError as error:
                        yield Fault(f"{where}/{name}", str(error), version == in_use)

    def use(self, capability: str, version: int) -> Model:
        """Put a version to use, in place of the one that was; at once and whole."""
        model = self.get(capability, version)
        storage.replace(self.folder / capability / POINTER, sealed(json.dumps({"version": version})))
        return model

    def version_in_use(self, capability: str) -> int | None:
        """The number of the version in use, None if there is none."""
        try:
            pointer = unsealed((self.folder / capability / POINTER).read_bytes())
            return int(pointer["version"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            raise CorruptLogError(
                f"{self.folder / capability / POINTER} cannot be read. Choose a version: "
                f"regulars rollback {capability} VERSION"
            ) from None

    def in_use(self, capability: str) -> Model:
        """The version in use.

        Raises
        ------
        NotFoundError
            If nothing was learned yet, or nothing that is better than its baseline.
        """
        version = self.version_in_use(capability)
        if version is not None:
            return self.get(capability, version)
        learned = self.history(capability)
        if not learned:
            raise NotFoundError(
                f"No {capability} model in {self.folder.parent}. Train one: regulars learn {capability}"
            )
        raise NotFoundError(
            f"No {capability} model is in use. The newest, version {learned[0].version}, was kept out: "
            f"{learned[0].card['report']['verdict']} To use it all the same: "
            f"regulars rollback {capability} {learned[0].version}"
        )
