"""A folder of the shop's texts: read when they change, searched with who asks, and when, in mind."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from logging import getLogger
from pathlib import Path
from threading import Lock, Thread

from regulars.errors import InputError, RegularsError
from regulars.language.errors import LanguageError
from regulars.language.search import Index
from regulars.support.knowledge.apart import read_all
from regulars.support.knowledge.files import KINDS
from regulars.support.knowledge.kept import Read, keep, kept
from regulars.support.knowledge.searched import Searched
from regulars.support.knowledge.text import texts_of

LOG = getLogger("regulars.support")
LOOK_SECONDS = 5.0
"""A folder is looked at no more often: that costs a millisecond for a hundred files."""


@dataclass(frozen=True)
class Refreshed:
    """What a look at the folder found.

    Attributes
    ----------
    read : files that were new or had changed.
    removed : files that are gone.
    faults : file -> why it cannot be read, and what it said before stays in use; or what of it is not read.
    """

    read: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    faults: dict[str, str] = field(default_factory=dict)


class Knowledge(Searched):
    """The shop's texts in a folder: Markdown, HTML, PDF, DOCX, and tables (CSV) of questions and answers.

    Parameters
    ----------
    folder : with those in it. Links out of it are not followed.
    index : what searches; by default one without the English encoder. Its cache keeps the vectors that compare
        what it found, too.
    cache : folder where what was read is kept, so that the next start reads what has changed since, and no more.

    Raises
    ------
    InputError
        If the folder is not there.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "returns.md").write_text("# Return period\\nYou may send back unused goods within thirty days.")
    >>> knowledge = Knowledge(folder)
    >>> knowledge.find("how long can I bring it back?")[0].text.citation
    'returns.md, Return period'
    """

    def __init__(self, folder: Path, index: Index | None = None, cache: Path | None = None) -> None:
        super().__init__(index if index is not None else Index())
        self.folder = folder
        self._seen: dict[str, tuple[int, int]] = {}
        self._faults: dict[str, str] = {}
        self._turn = Lock()
        """One looks at the folder at a time."""
        self._looked = time.monotonic()
        self._aside: Thread | None = None
        self._cache = cache
        before = None if cache is None else kept(cache, self._index)
        if before is not None:
            self._index, (self._texts, self._rows, self._seen, self._faults) = before
        self.refresh()

    @property
    def faults(self) -> dict[str, str]:
        """Files that cannot be read, or not whole -> why."""
        return dict(self._faults)

    def refresh(self) -> Refreshed:
        """Read what is new or has changed, and forget what is gone.

        Raises
        ------
        InputError
            If the folder is not there any more; what was read stays.
        """
        with self._turn:
            self._looked = time.monotonic()
            there = self._files()
            changed = [name for name, mark in there.items() if self._seen.get(name) != mark]
            removed = [name for name in self._seen if name not in there]
            for name in removed:
                self.put(name, [])
                self._faults.pop(name, None)
            for path, sections in read_all(self.folder / name for name in changed):
                name = path.relative_to(self.folder).as_posix()
                self._faults.pop(name, None)
                try:
                    if isinstance(sections, InputError):
                        raise sections
                    self.put(name, texts_of(name, sections))
                    if scans := [section.headings[-1] for section in sections if not section.text and section.headings]:
                        self._faults[name] = (
                            f"{path}: {', '.join(scans)}: only pictures, a scan. The other pages are read. "
                            "Run text recognition (OCR) over it."
                        )
                except InputError as error:
                    self._faults[name] = str(error)
                except LanguageError as error:
                    # Whoever makes the vectors is away, for the other files too: they are read at the next look.
                    late = changed[changed.index(name) :]
                    self._faults |= dict.fromkeys(late, f"{error} It is tried again.")
                    there = {one: mark for one, mark in there.items() if one not in late}
                    there |= {one: self._seen[one] for one in late if one in self._seen}
                    break
            self._seen = there
            if self._cache is not None and (changed or removed):
                try:
                    keep(self._cache, self._index, Read(self._texts, self._rows, self._seen, self._faults))
                except (RegularsError, OSError) as error:
                    LOG.warning("The shop's texts are read, and not kept for the next start: %s", error)
            return Refreshed(tuple(changed), tuple(removed), dict(self._faults))

    def _files(self) -> dict[str, tuple[int, int]]:
        if not self.folder.is_dir():
            raise InputError(f"{self.folder} is no folder. Put the shop's texts there: Markdown, HTML, PDF, DOCX, CSV.")
        found: dict[str, tuple[int, int]] = {}
        for folder, folders, names in os.walk(self.folder):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for path in (Path(folder) / name for name in sorted(names)):
                if path.suffix.lower() in KINDS and not path.name.startswith((".", "~$")) and not path.is_symlink():
                    try:
                        about = path.stat()
                    except FileNotFoundError:
                        continue  # deleted since the folder was listed
                    found[path.relative_to(self.folder).as_posix()] = (about.st_mtime_ns, about.st_size)
        return found

    def look(self) -> None:
        """Look at the folder where it is time to, aside: who asks is answered from what was read before."""
        is_due = time.monotonic() - self._looked > LOOK_SECONDS
        if is_due and (self._aside is None or not self._aside.is_alive()):
            self._aside = Thread(target=self._refresh_aside, name="knowledge", daemon=True)
            self._aside.start()

    def _refresh_aside(self) -> None:
        try:
            self.refresh()
        except (RegularsError, OSError) as error:
            LOG.warning("The shop's texts are those that were read before: %s", error)
