"""Files that were imported whole, each known by its bytes: importing one again is over before it begins."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

from regulars.events.convert import Conversion
from regulars.events.undated import IMPORT


class Fingerprint:
    """The bytes of a file and the way it is read, as a text; worked out while the file is being read.

    Only for files whose rows tell their own time: of others the same file may say something new, later.
    """

    def __init__(self, path: Path, conversion: Conversion) -> None:
        self._path = path
        mapping = conversion.mapping
        how = [mapping.name, mapping.to_dict(), conversion.currency, conversion.timezone, version("regulars")]
        self._how = json.dumps(how, sort_keys=True, ensure_ascii=False).encode(errors="replace")
        self._is_possible = path.is_file() and mapping.constants.get("time") != IMPORT
        self._before = self._stat() if self._is_possible else (0, 0)
        self._text: Future[str] | None = None

    def rows_among(self, imported: Mapping[str, int]) -> int | None:
        """How many rows the file has, if it is one of those that were imported whole."""
        # A file of another size is another: most are told apart without reading them.
        if self._is_possible and any(text.startswith(f"{self._before[0]}-") for text in imported):
            self.begin()
            return imported.get(self._text.result()) if self._text else None
        return None

    def begin(self) -> None:
        """Begin to read the file for it, beside whatever else is done."""
        if self._is_possible and self._text is None:
            pool = ThreadPoolExecutor(1)
            self._text = pool.submit(self._work_out)
            pool.shutdown(wait=False)

    def text(self) -> str | None:
        """The fingerprint; None if there is none, or if the file was changed since it was opened."""
        if self._text is None or self._stat() != self._before:
            return None
        return self._text.result()

    def _stat(self) -> tuple[int, int]:
        found = self._path.stat()
        return found.st_size, found.st_mtime_ns

    def _work_out(self) -> str:
        with self._path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
        digest.update(self._how)
        return f"{self._before[0]}-{digest.hexdigest()}"
