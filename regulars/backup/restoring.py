"""A shop from its backups, as it was at a moment; who was erased since does not come back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from regulars import storage
from regulars.backup.checking import commits_of
from regulars.backup.content import log_files
from regulars.backup.place import Backup, Place
from regulars.errors import CorruptBackupError, NotFoundError, ShopError
from regulars.events.erased import FILE as ERASED
from regulars.privacy.erase import erase_again, resume
from regulars.shop import Shop
from regulars.storage import Written


class Restored(NamedTuple):
    """What was put back.

    Attributes
    ----------
    number, time : of the backup.
    log_version, log_time : the newest version of the log that was put back, and when it was made.
    files, bytes : that were put back.
    erased : ids that were erased after the backup, and now again.
    outside : what of the shop has to be put back elsewhere.
    """

    number: int
    time: datetime
    log_version: int
    log_time: datetime
    files: int
    bytes: int
    erased: tuple[str, ...]
    outside: tuple[str, ...]


def restore(folder: Path, target: Path, at: datetime | None = None, erased: Path | None = None) -> Restored:
    """Make a shop of the newest backup, or as it was at a moment.

    As of a moment, the log is what it was then, to the commit; state and models are those of the last backup before it.

    Parameters
    ----------
    folder : of the backups.
    target : of the shop; must not be there, or be empty. It appears whole or not at all.
    at : default: the newest backup.
    erased : `log/erased.json` of the shop as it was last, if it is newer than the newest backup's.

    Raises
    ------
    CorruptBackupError
        If anything that is needed is missing or damaged; nothing is made then.
    NotFoundError
        If there is no backup of before that moment.
    """
    target = target.resolve()  # "." has no name to put beside it what is not finished yet
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ShopError(f"{target} is there already, and not empty. Name a folder that is not there.")
    place = Place(folder)
    chosen, files = _as_of(place, at) if at else (place.newest(), place.newest().files)
    home = storage.make_folder(target.parent) / f".{target.name}.restoring"
    storage.remove(home)
    storage.make_folder(home)
    try:
        _write(place, home, {**files, **_tombstones(place)})
        shop = Shop.open(home)
        snapshot = shop.log.snapshot()
        # State in PostgreSQL was not put back here: who has an account there now may be a new customer.
        again = [resume(shop), erase_again(shop, erased, None if shop.config.state.url else chosen.time)]
        if "state" in vars(shop):
            shop.state.close()
        storage.remove(target)
        storage.move_folder(home, target)
    finally:
        storage.remove(home)
    return Restored(
        chosen.number, chosen.time, snapshot.version, snapshot.time, len(files), sum(k.size for k in files.values()),
        tuple(sorted({id_ for done in again if done for id_ in done.ids})), chosen.outside,
    )  # fmt: skip


def _as_of(place: Place, at: datetime) -> tuple[Backup, Mapping[str, Written]]:
    """The last backup before a moment, and its files; those of the log as of the moment, from the next one."""
    chosen: Backup | None = None
    after: Backup | None = None
    for number in reversed(place.numbers()):  # no further back than is needed: what is damaged there does no harm
        after, chosen = chosen, place.read(number)
        if chosen.time <= at:
            break
    if chosen is None or chosen.time > at:
        first = f"the first was made at {chosen.time:%Y-%m-%d %H:%M:%S}" if chosen else "there is none"
        raise NotFoundError(f"{place.folder} holds no backup of before {at:%Y-%m-%d %H:%M:%S}: {first}.")
    if after is None:
        return chosen, chosen.files
    _require(place, {name: kept for name, kept in after.files.items() if name.startswith("log/commits/")})
    commits = {version: found for version, found in commits_of(place, after).items() if found[1].time <= at}
    if max(commits, default=0) <= chosen.log_version:
        return chosen, chosen.files
    names = [name for name, _ in commits.values()]
    names += [f"log/{file}" for _, commit in commits.values() for file in log_files(commit)]
    others = {name: kept for name, kept in chosen.files.items() if not name.startswith(("log/commits/", "log/data/"))}
    return chosen, {**others, **{name: after.files[name] for name in names}}


def _tombstones(place: Place) -> dict[str, Written]:
    """Who was erased, as the newest backup knows it."""
    name = f"log/{ERASED}"
    newest = place.newest().files
    return {name: newest[name]} if name in newest else {}


def _write(place: Place, home: Path, files: Mapping[str, Written]) -> None:
    for name, kept in files.items():
        path = home / name
        if not path.resolve().is_relative_to(home.resolve()):
            raise CorruptBackupError(f"{place.folder} names a file outside of the shop: {name}")
        storage.make_folder(path.parent)
        source = place.bytes_of(kept.sha256)
        try:
            written = storage.copy(source, path)
        except FileNotFoundError:
            raise CorruptBackupError(f"{name}: {source} is missing. {_WHOLE}") from None
        if written != kept:
            raise CorruptBackupError(f"{name}: {source} is not what was saved. {_WHOLE}")
    storage.make_folder(home / "log" / "commits")
    storage.make_folder(home / "log" / "data")


def _require(place: Place, files: Mapping[str, Written]) -> None:
    for name, kept in files.items():
        said = place.fault(kept)
        if said is not None:
            raise CorruptBackupError(f"{name} {said} ({place.bytes_of(kept.sha256)}). {_WHOLE}")


_WHOLE = "Which backups are whole, says: regulars restore PLACE --check"
