"""The live state on disk: one file of arrays with its checksum in a card beside it, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from regulars import storage
from regulars.errors import CorruptLogError
from regulars.realtime import arrays
from regulars.realtime.arrays import Arrays
from regulars.seal import sealed, unsealed

FORMAT = 2
KEPT = 2
TEXTS = "texts"


@dataclass(frozen=True)
class Snapshot:
    """The state at one moment: nothing that comes later changes it.

    Attributes
    ----------
    position : in the stream, of the last event that is in it.
    texts : names and the like, as JSON holds them.
    arrays : {part/name: array}.
    """

    position: int
    texts: dict[str, Any]
    arrays: Arrays

    @classmethod
    def of(cls, position: int, texts: dict[str, Any], parts: Mapping[str, Arrays]) -> Snapshot:
        """Of {part: {name: array}}."""
        return cls(
            position, texts, {f"{part}/{name}": each for part, own in parts.items() for name, each in own.items()}
        )

    def part(self, name: str) -> dict[str, npt.NDArray[Any]]:
        """The arrays of a part."""
        return {key.partition("/")[2]: each for key, each in self.arrays.items() if key.partition("/")[0] == name}


def write(folder: Path, made: Snapshot) -> Path:
    """Write a snapshot; only when all of it is on the disk does its card name it. The one before stays, older go."""
    storage.make_folder(folder)
    texts = np.frombuffer(json.dumps(made.texts).encode(), np.uint8)
    path = folder / f"{made.position:020d}.safetensors"
    written = storage.replace(path, arrays.pieces({**made.arrays, TEXTS: texts}))
    card = {"format": FORMAT, "position": made.position, "sha256_of_arrays": written.sha256}
    storage.replace(path.with_suffix(".json"), sealed(json.dumps(card)))
    for old in sorted(folder.glob("*.json"))[:-KEPT]:
        storage.remove(old)
        storage.remove(old.with_suffix(".safetensors"))
    return path


def newest(folder: Path) -> Snapshot | None:
    """The newest snapshot that a card names; None if there is none, or it is of another format.

    Raises
    ------
    CorruptLogError
        If its bytes are not those that were written.
    """
    cards = sorted(folder.glob("*.json"))
    if not cards:
        return None
    path = cards[-1].with_suffix(".safetensors")
    try:
        card = unsealed(cards[-1].read_bytes())
        if card["format"] != FORMAT:
            return None
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except (ValueError, OSError) as error:
        raise CorruptLogError(_mend(cards[-1], str(error))) from None
    if digest != card["sha256_of_arrays"]:
        raise CorruptLogError(_mend(path, "its bytes are not those that were written"))
    kept = arrays.read(path)
    texts = json.loads(kept.pop(TEXTS).tobytes())
    return Snapshot(card["position"], texts, kept)


def _mend(path: Path, error: str) -> str:
    return f"{path} is damaged: {error}. Remove {path.stem}.* there: the state is made from the one before or the log."
