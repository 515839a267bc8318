"""The lists of a shop: kept in one sealed file, in which nothing is ever struck out, so that the past can be asked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from regulars import clock, storage
from regulars.errors import CorruptLogError, InputError, NotFoundError
from regulars.events.sandbox import open_source
from regulars.fraud.rule.entries import LISTS, LONGEST, Entry, listable, normals
from regulars.fraud.rule.matching import Index
from regulars.rules.vocabulary import instead
from regulars.seal import sealed, unsealed

if TYPE_CHECKING:
    from regulars.shop import Shop

COLUMNS = ("list", "entity", "value", "note", "by", "since", "expires")
"""Of a file of entries; the first three are needed."""
_NEEDED = COLUMNS[:3]
_TIMES = ("added", "since", "expires", "removed")


@dataclass(frozen=True)
class Asked:
    """An entry to be added, as it was typed; see `Entry`."""

    list: str
    entity: str
    value: str
    note: str = ""
    by: str = ""
    since: datetime | None = None
    expires: datetime | None = None


class Imported(NamedTuple):
    """What came of a file of entries: how many were added, how many were there already, what was refused and why."""

    added: int
    known: int
    refused: tuple[str, ...]


class Lists:
    """The allow, block and watch list of a shop.

    Examples
    --------
    >>> import tempfile
    >>> from regulars import Shop
    >>> lists = Lists(Shop.create(Path(tempfile.mkdtemp()) / "teashop"))
    >>> lists.add(Asked("block", "ip", "192.0.2.0/24", "bots")).number
    1
    >>> [entry.said for entry in lists.in_force(clock.now())]
    ['block list: ip 192.0.2.0/24 (bots)']
    >>> lists.remove("block", "ip", "192.0.2.0/24").removed is None, lists.in_force(clock.now())
    (False, [])
    """

    def __init__(self, shop: Shop) -> None:
        self.path = shop.folder / "fraud" / "lists.json"

    def entries(self) -> list[Entry]:
        """All that ever stood on a list, in the order in which it was added.

        Raises
        ------
        CorruptLogError
            If the file is not what was written.
        """
        try:
            found = unsealed(self.path.read_bytes())
            return _as_compared([_entry(record) for record in found["entries"]])
        except FileNotFoundError:
            return []
        except (ValueError, KeyError, TypeError) as error:
            raise CorruptLogError(
                f"{self.path} is damaged: {error}. Take it from a copy of the shop; else move it away and import the "
                "lists again: regulars fraud list import FILE"
            ) from None

    def index(self) -> Index:
        """The entries, ready to be asked of attempts."""
        return Index(tuple(self.entries()))

    def in_force(self, moment: datetime) -> list[Entry]:
        """What counts at a moment."""
        return [entry for entry in self.entries() if entry.counts_at(moment)]

    def add(self, asked: Asked) -> Entry:
        """Put a value on a list. If it stands there already with another note or end, the new one takes its place.

        Raises
        ------
        InputError
            If there is no such list or entity, or the value cannot be one.
        """
        return self._add([_checked(asked)])[0]

    def remove(self, name: str, entity: str, value: str) -> Entry:
        """Take a value off a list; it goes on counting for attempts of before.

        Raises
        ------
        NotFoundError
            If it does not stand there.
        """
        wanted = (name, entity, listable(entity, value))
        with self._lock():
            entries = self.entries()
            now = clock.now()
            places = [place for place, entry in enumerate(entries) if _key(entry) == wanted and _is_kept(entry, now)]
            if not places:
                raise NotFoundError(f"{entity} {value} is not on the {name} list. What is: regulars fraud list show")
            for place in places:
                entries[place] = replace(entries[place], removed=now)
            self._write(entries)
        return entries[places[-1]]

    def import_(self, path: Path) -> Imported:
        """Add the entries of a file: CSV, or what else `regulars import` reads, in `COLUMNS`.

        Each counts from its own `since`, else from now on: a file cannot say that something was known before it came.

        Raises
        ------
        InputError
            If the file cannot be read, or a column is missing.
        """
        source = open_source(path)
        missing = [name for name in _NEEDED if name not in source.headers]
        if missing:
            raise InputError(
                f"{path}: no column {', '.join(missing)}. Found: {', '.join(source.headers)}. A file of entries has "
                f"the columns {', '.join(COLUMNS)}; the first three are needed."
            )
        asked, refused = [], []
        for chunk in source.chunks([name for name in COLUMNS if name in source.headers]):
            rows = chunk()
            refused += [f"{path}, line {reject.line}: {reject.reason}" for reject in rows.rejects]
            for line, row in zip(rows.lines.tolist(), rows.table.to_pylist(), strict=True):
                try:
                    asked.append(_checked(_asked(row)))
                except InputError as error:
                    refused.append(f"{path}, line {line}: {error}")
        before = len(self.entries())
        made = self._add(asked) if asked else []
        added = sum(entry.number > before for entry in set(made))
        return Imported(added, len(made) - added, tuple(refused))

    def table(self, moment: datetime) -> pa.Table:
        """What counts at a moment, in `COLUMNS` and when it was added: as it can be imported elsewhere."""
        entries = self.in_force(moment)
        columns: dict[str, Any] = {name: [getattr(entry, name) for entry in entries] for name in (*COLUMNS, "added")}
        for name in ("since", "expires", "added"):
            columns[name] = [_written(time) for time in columns[name]]
        return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})

    def _add(self, asked: Sequence[Asked]) -> list[Entry]:
        """The entries for what was asked, in its order."""
        with self._lock():
            entries, now = self.entries(), clock.now()
            place_of = {_key(entry): place for place, entry in enumerate(entries) if _is_kept(entry, now)}
            places = []
            for one in asked:
                key = (one.list, one.entity, one.value)
                place = place_of.get(key)
                before = entries[place] if place is not None else None
                if place is not None and before is not None:
                    same = (before.note, before.expires) == (one.note, one.expires)
                    if same and one.since in (None, before.since):
                        places.append(place)
                        continue
                    entries[place] = replace(before, removed=now)
                since = one.since or now
                entry = Entry(
                    len(entries) + 1, one.list, one.entity, one.value, one.note, one.by, now, since, one.expires
                )
                place_of[key] = len(entries)
                places.append(len(entries))
                entries.append(entry)
            self._write(entries)
        return [entries[place] for place in places]

    def _lock(self) -> Any:
        return storage.lock(storage.make_folder(self.path.parent) / "lists.lock", "change of the lists of fraud")

    def _write(self, entries: Sequence[Entry]) -> None:
        lines = ",\n".join(json.dumps(asdict(entry), default=_written, ensure_ascii=False) for entry in entries)
        storage.replace(self.path, sealed(f'{{"entries": [\n{lines}\n]}}'))


def _as_compared(entries: list[Entry]) -> list[Entry]:
    """The same, with what an earlier version wrote down as attempts are compared now."""
    for entity in ("address", "phone", "email"):
        places = [place for place, entry in enumerate(entries) if entry.entity == entity]
        values = normals(entity, pa.array([entries[place].value for place in places], pa.string()))
        for place, value in zip(places, values.to_pylist(), strict=True):
            if value not in (None, entries[place].value):
                entries[place] = replace(entries[place], value=value)
    return entries


def _key(entry: Entry) -> tuple[str, str, str]:
    return entry.list, entry.entity, entry.value


def _is_kept(entry: Entry, now: datetime) -> bool:
    return entry.removed is None and (entry.expires is None or entry.expires > now)


def _checked(asked: Asked) -> Asked:
    if asked.list not in LISTS:
        raise InputError(f'There is no list "{asked.list}".{instead(asked.list, LISTS)}.')
    if max(len(asked.note), len(asked.by)) > LONGEST:
        raise InputError(f"A note, or the name of who adds, has {LONGEST} characters at most.")
    if asked.expires is not None and asked.expires <= (asked.since or clock.now()):
        raise InputError(f"An entry that ends at {asked.expires:%Y-%m-%d %H:%M} would never count: it begins later.")
    return replace(asked, value=listable(asked.entity, asked.value))


def _asked(row: Mapping[str, Any]) -> Asked:
    said = {name: str(value).strip() for name, value in row.items() if value is not None}
    times = {name: _moment(said.pop(name, "")) for name in ("since", "expires")}
    return Asked(**{name: said.get(name, "") for name in COLUMNS[:5]}, **times)  # type: ignore[arg-type]


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f'"{text}" is no time. Write it as 2024-05-01 or 2024-05-01T10:30.') from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _written(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _entry(record: Mapping[str, Any]) -> Entry:
    known = {field.name: record[field.name] for field in fields(Entry)}
    return Entry(**known | {name: datetime.fromisoformat(known[name]) for name in _TIMES if known[name]})
