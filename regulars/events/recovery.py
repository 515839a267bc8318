"""Going on without what is damaged: a new version that leaves it out, and says what is lost and how to get it back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from regulars import storage
from regulars.errors import CorruptLogError
from regulars.events import commit as commits
from regulars.events.commit import Commit, DataFile
from regulars.events.integrity import WORKERS, damage
from regulars.events.log import EventLog


@dataclass(frozen=True)
class Recovered:
    """What was left out of the log.

    Attributes
    ----------
    version : of the log afterwards.
    files : data files that were left out, relative to the log's folder.
    rows : {table: rows that are lost}.
    sources : {file from outside: rows of it that are lost}. Importing these files again brings back exactly those.
    versions : whose commit could not be read, and with them all before them: they are gone.
    since : where the newest of those was lost, the time of the version that the log went back to ("" for the empty
        log): every file that was imported later has to be imported again. None where none was lost.
    """

    version: int
    files: tuple[str, ...]
    rows: Mapping[str, int]
    sources: Mapping[str, int]
    versions: tuple[int, ...]
    since: str | None


def drop_damaged(log: EventLog) -> Recovered:
    """Write a version without the data files that are missing or are not what was committed.

    A commit that cannot be read is given up together with all versions before it; if it is the newest, the log
    goes back to the newest that can be read. Where nothing is damaged, nothing changes. The damaged data files stay
    where they are until `regulars vacuum` removes them, so that a disk can still be searched for them.
    """
    unreadable: list[int] = []
    base = commits.read(log.folder, 0)

    def newest_readable() -> Commit:
        nonlocal base
        living = commits.versions(log.folder)
        for version in range(living[-1] if living else 0, living[0] - 1 if living else 0, -1):
            try:
                found = commits.read(log.folder, version)
            except CorruptLogError:
                unreadable.append(version)
                continue
            base = found if base.version == 0 else base
        # Numbers are never used twice: readers may have seen a version that cannot be read now.
        return replace(base, version=log.version)

    with log.transaction("recovery without damaged files", base=newest_readable) as transaction:
        transaction.forget()
        lost: dict[str, list[DataFile]] = {}
        for name, files in base.tables.items():
            with ThreadPoolExecutor(WORKERS) as pool:
                faults = list(pool.map(lambda file: damage(log.folder, file), files))
            lost[name] = [file for file, fault in zip(files, faults, strict=True) if fault is not None]
            if lost[name]:
                transaction.replace(name, {file.path for file in lost[name]})
        is_back = base.version < log.version
        if is_back:
            transaction.replace("events", ())
        version = transaction.commit()
        given_up = [number for number in commits.versions(log.folder) if number <= max(unreadable, default=0)]
        for number in given_up:
            storage.remove(commits.commit_path(log.folder, number))
        if given_up:
            storage.sync_folder(log.folder / "commits")
    sources: Counter[str] = Counter()
    for file in (file for files in lost.values() for file in files):
        sources.update(file.sources)
    return Recovered(
        version,
        tuple(file.path for files in lost.values() for file in files),
        {name: sum(file.rows for file in files) for name, files in lost.items() if files},
        dict(sources),
        tuple(given_up),
        (base.time.isoformat() if base.version else "") if is_back else None,
    )
