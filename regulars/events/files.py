"""Which files an import is to read: those named, those in folders, and those in zip archives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from regulars.errors import InputError
from regulars.events import sandbox
from regulars.events.readers import ARCHIVE, KINDS, kind_of

SETTINGS_OF_A_SHOP = "shop.toml"
"""A folder with this file is a shop: its own log must not be read as if it came from outside."""

TakesWhole = Callable[[Path, Sequence[str]], bool]
"""Asked of each folder and archive, with the names of the files in it: whether it is one source as a whole."""


@dataclass(frozen=True)
class Found:
    """A file to import, or one that is passed over.

    Attributes
    ----------
    path : of the file; `orders.zip!/a.csv` inside of an archive.
    skipped : why it is not to be read; "" if it is.
    """

    path: Path
    skipped: str = ""


def find(paths: Sequence[Path], takes_whole: TakesWhole = lambda path, names: False) -> Iterator[Found]:
    """The files to import, in the order of the paths, and within folders and archives sorted by name.

    A file that is named is always to be read. In folders and archives hidden files and those of an
    unknown kind are passed over. What cannot be opened stands among the rest: opening it says why.

    Parameters
    ----------
    takes_whole : asked first of each folder and archive; where it says yes, that is found and nothing inside it.
    """
    for path in paths:
        if path.is_dir():
            yield from _in_folder(path, takes_whole)
        elif kind_of(path) == ARCHIVE and path.is_file():
            yield from _in_archive(path, takes_whole)
        else:
            yield Found(path)


def _in_folder(folder: Path, takes_whole: TakesWhole) -> Iterator[Found]:
    try:
        entries = sorted(folder.iterdir())
    except PermissionError:
        yield Found(folder)
        return
    names = [entry.name for entry in entries]
    if SETTINGS_OF_A_SHOP in names:
        yield Found(folder, "a shop")
        return
    if takes_whole(folder, names):
        yield Found(folder)
        return
    for entry in entries:
        if entry.is_dir() and entry.is_symlink():
            yield Found(entry, "a link to a folder")  # which may lead back here
        elif entry.is_dir() and not _is_hidden(entry.name):
            yield from _in_folder(entry, takes_whole)
        elif reason := _passed_over(entry.name):
            yield Found(entry, reason)
        else:
            yield from find([entry], takes_whole)


def _in_archive(archive: Path, takes_whole: TakesWhole) -> Iterator[Found]:
    try:
        names = sandbox.members(archive)
    except InputError:
        yield Found(archive)
        return
    if takes_whole(archive, names):
        yield Found(archive)
        return
    for name in names:
        hidden = next((part for part in PurePosixPath(name).parts if _is_hidden(part)), None)
        yield Found(Path(f"{archive}!/{name}"), _passed_over(hidden or name))


def _passed_over(name: str) -> str:
    if _is_hidden(name):
        return "hidden"
    kind = kind_of(Path(name))
    return "" if kind in KINDS or kind == ARCHIVE else "not a kind of file that is known"


def _is_hidden(name: str) -> bool:
    # And what macOS packs beside each file, and Excel lays beside a workbook that is open.
    return name.startswith((".", "~$")) or name == "__MACOSX"
