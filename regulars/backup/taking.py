"""Taking a backup, beside whatever the shop does meanwhile."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from regulars import clock, storage
from regulars.backup.content import Part, outside, parts
from regulars.backup.place import Backup, Place
from regulars.errors import CorruptLogError, ShopError
from regulars.privacy.erase import LOCK, resume
from regulars.storage import Written

if TYPE_CHECKING:
    from regulars.shop import Shop

TRIES = 5
"""So often a copy is begun anew because a file went meanwhile (a vacuum, say)."""


class Taken(NamedTuple):
    """What a backup did.

    Attributes
    ----------
    number : of the backup.
    files : in it.
    bytes : of them.
    added_files, added_bytes : that no earlier backup had.
    removed : numbers of backups that were older than is kept.
    outside : what of the shop is not in it.
    """

    number: int
    files: int
    bytes: int
    added_files: int
    added_bytes: int
    removed: tuple[int, ...]
    outside: tuple[str, ...]


class _Changed(Exception):
    """A file is not what it was when it was looked at."""


def take(shop: Shop, folder: Path, keep_days: int | None = None) -> Taken:
    """Back a shop up; servers, imports and learning may go on, erasures wait.

    Parameters
    ----------
    folder : of the backups, made if missing; not within the shop's. A disk of its own is best.
    keep_days : backups that another followed more than so many days ago are removed; default: none is.

    Raises
    ------
    CorruptLogError
        If a file of the log is damaged: a copy of it would be no backup. Backups of before stay as they are.
    ShopError
        If the folder lies in the shop's, or holds backups of another shop.
    """
    if folder.resolve().is_relative_to(shop.folder.resolve()):
        raise ShopError(f"{folder} lies in the shop's own folder. Name a folder outside of it, best on another disk.")
    resume(shop)
    place = Place(storage.make_folder(folder))
    for made in (place.lists, place.bytes):
        storage.make_folder(made)
    with storage.lock(folder / "lock", "backup"), storage.lock(shop.folder / LOCK, "backup"):
        numbers = place.numbers()
        last = place.read(numbers[-1]) if numbers else None
        if last is not None and last.shop != shop.config.shop.name:
            raise ShopError(f'{folder} holds backups of "{last.shop}". Name a folder of its own for each shop.')
        began = clock.now()
        files, version, added = _copied(shop, place)
        before = hashlib.sha256(place.list_of(last.number).read_bytes()).hexdigest() if last else ""
        number = last.number + 1 if last else 1
        made_now = Backup(number, began, shop.config.shop.name, version, before, outside(shop), files)
        storage.create_exclusive(place.list_of(number), made_now.to_json())
        removed = () if keep_days is None else _prune(place, began - timedelta(days=keep_days))
    size = sum(kept.size for kept in files.values())
    return Taken(number, len(files), size, len(added), sum(kept.size for kept in added), removed, made_now.outside)


def _copied(shop: Shop, place: Place) -> tuple[dict[str, Written], int, set[Written]]:
    """Keep all files: which, the newest version of the log among them, and what was not there before."""
    added: set[Written] = set()
    for _ in range(TRIES):
        files: dict[str, Written] = {}
        try:
            for part in parts(shop):
                files[part.name] = _keep(place, part, added)
        except (FileNotFoundError, _Changed) as error:
            gone = error
            continue
        commits = [name for name in files if name.startswith(f"{shop.log.folder.name}/commits/")]
        return files, max((int(Path(name).stem) for name in commits), default=0), added
    raise CorruptLogError(f"{gone}: files went or changed {TRIES} times while they were copied. See: regulars check")


def _keep(place: Place, part: Part, added: set[Written]) -> Written:
    if isinstance(part.source, bytes):
        kept = Written(len(part.source), hashlib.sha256(part.source).hexdigest())
    elif part.expected is not None:
        kept = part.expected
    else:
        with part.source.open("rb") as opened:
            kept = Written(part.source.stat().st_size, hashlib.file_digest(opened, "sha256").hexdigest())
    if place.has(kept):
        return kept
    target = place.bytes_of(kept.sha256)
    storage.make_folder(target.parent)
    if isinstance(part.source, bytes):
        storage.replace(target, part.source)
    elif storage.copy(part.source, target) != kept:
        storage.remove(target)
        if part.expected is None:
            raise _Changed(part.name)
        raise CorruptLogError(
            f"{part.source} is not what was committed, so there is nothing to back up. Put it back from an earlier "
            "backup (regulars restore), or go on without it: regulars check --drop-damaged"
        )
    added.add(kept)
    return kept


def _prune(place: Place, limit: datetime) -> tuple[int, ...]:
    """Remove backups that another followed before a moment, and bytes that no other has."""
    living = [place.read(number) for number in place.numbers()]
    young = [at for at, after in enumerate(living[1:]) if after.time >= limit]
    gone = living[: young[0] if young else len(living) - 1]
    # Lists first, the oldest before the others: cut short anywhere, each that is left is whole.
    for each in gone:
        storage.remove(place.list_of(each.number))
    storage.sync_folder(place.lists)
    needed = {kept.sha256 for each in living[len(gone) :] for kept in each.files.values()}
    for path in place.bytes.glob("*/*"):
        if path.name not in needed:
            storage.remove(path)
    return tuple(each.number for each in gone)
