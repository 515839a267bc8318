"""Which attempts meet an entry of a list, at their own moment: for all of a log at once, or for one live attempt."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.fraud.rule.entries import LISTED, LISTS, Entry, normal
from regulars.fraud.stream import Ints, Stream

Bools = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

NEVER = np.iinfo(np.int64).max
_MAPPED = b"\0" * 10 + b"\xff\xff"
"""Before an IPv4 address written as an IPv6 one: so one search finds ranges of both."""
_MAPPED_BITS = 96


class Listed(NamedTuple):
    """What lists say of attempts, (n,) each: by list whether anything of it is on that; and which entries it meets."""

    on: Mapping[str, Bools]
    reason: pa.Array


@dataclass(frozen=True)
class Index:
    """Entries of lists, ready to be asked.

    Attributes
    ----------
    entries : by their number; those that expired or were removed too, for an attempt of the past may have met them.

    Examples
    --------
    >>> from datetime import UTC
    >>> may = datetime(2024, 5, 1, tzinfo=UTC)
    >>> index = Index((Entry(1, "block", "ip", "192.0.2.0/24", "bots", "ada", may, may),))
    >>> index.of_row({"ip": "192.0.2.7"}, datetime(2024, 5, 2, tzinfo=UTC))["listed_reason"]
    'block list: ip 192.0.2.0/24 (bots)'
    >>> index.of_row({"ip": "192.0.2.7"}, may)["listed_block"]
    False
    """

    entries: tuple[Entry, ...]

    def of_stream(self, stream: Stream, asked: Ints) -> Listed:
        """What they say of attempts.

        Parameters
        ----------
        asked : (n,) rows of the stream.
        """
        rows, numbers = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for entity in LISTED:
            if self._of_entity[entity] and entity in stream.codes:
                found = self._met(entity, stream.names[entity])
                for row, number in _joined(stream.codes[entity][asked], *found):
                    rows.append(row)
                    numbers.append(number)
        row, number = np.concatenate(rows), np.concatenate(numbers)
        moment = stream.time[asked[row]]
        counts = (self._since[number] < moment) & (moment < self._until[number])
        row, number = row[counts], number[counts]
        return self._said(row, number, len(asked))

    def of_row(self, values: Mapping[str, str | None], moment: datetime) -> dict[str, bool | str | None]:
        """The same of one attempt, as the columns that rules ask for.

        Parameters
        ----------
        values : {entity: value}, as the attempt has it.
        """
        normalised = {
            entity: normal(entity, value)
            for entity, value in values.items()
            if value is not None and self._of_entity.get(entity)
        }
        known = {entity: value for entity, value in normalised.items() if value is not None}
        met: set[int] = set()
        for entity in LISTED:
            if entity in known:
                met.update(self._by_value[entity].get(known[entity], ()))
        if "ip" in known and (packed := _packed(known["ip"])) is not None:
            whole = int.from_bytes(packed, "big")
            for bits, by_start in self._by_start.items():
                met.update(by_start.get(whole >> (128 - bits), ()))
        found = sorted(number for number in met if self.entries[number].counts_at(moment))
        on: dict[str, bool | str | None] = {
            f"listed_{name}": any(self.entries[number].list == name for number in found) for name in LISTS
        }
        return on | {"listed_reason": SEPARATOR.join(self.entries[number].said for number in found) or None}

    def _met(self, entity: str, names: pa.Array) -> tuple[Ints, Ints]:
        """(m,) each: code of a value, and place of an entry that it meets, whenever."""
        places = np.array(self._of_entity[entity], np.int64)
        code = pc.fill_null(pc.index_in(self._values.take(pa.array(places)), names), -1).to_numpy(zero_copy_only=False)
        is_there = code >= 0
        codes, numbers = [code[is_there].astype(np.int64)], [places[is_there]]
        if entity == "ip" and self._ranges:
            at, packed = _all_packed(names)
            for bits, (starts, of_start) in self._ranges.items():
                masked = _masked(packed, bits)
                first = np.searchsorted(starts, masked, "left")
                last = np.searchsorted(starts, masked, "right")
                # Several entries may name the same range: each is met.
                for step in range(int((last - first).max(initial=0))):
                    has = first + step < last
                    codes.append(at[has])
                    numbers.append(of_start[(first + step)[has]])
        return np.concatenate(codes), np.concatenate(numbers)

    def _said(self, row: Ints, number: Ints, count: int) -> Listed:
        order = np.lexsort((number, row))
        row, number = row[order], number[order]
        on = {}
        for name in LISTS:
            is_on = np.zeros(count, bool)
            is_on[row[self._list[number] == LISTS.index(name)]] = True
            on[name] = is_on
        offsets = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=count))]).astype(np.int32)
        said = pa.ListArray.from_arrays(pa.array(offsets), self._texts.take(pa.array(number)))
        joined = pc.binary_join(said, SEPARATOR)
        return Listed(on, pc.if_else(pc.equal(joined, ""), pa.scalar(None, pa.string()), joined))

    @cached_property
    def _of_entity(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {entity: [] for entity in LISTED}
        for place, entry in enumerate(self.entries):
            found[entry.entity].append(place)
        return found

    @cached_property
    def _by_value(self) -> dict[str, dict[str, list[int]]]:
        found: dict[str, dict[str, list[int]]] = {entity: {} for entity in LISTED}
        for place, entry in enumerate(self.entries):
            found[entry.entity].setdefault(entry.value, []).append(place)
        return found

    @cached_property
    def _ranges(self) -> dict[int, tuple[npt.NDArray[np.bytes_], Ints]]:
        """By how many bits a range has: where ranges start, in order, and the places of their entries."""
        found: dict[int, list[tuple[bytes, int]]] = {}
        for place in self._of_entity["ip"]:
            start, slash, own_bits = self.entries[place].value.partition("/")
            packed = _packed(start)
            if slash and packed is not None:
                bits = int(own_bits) + (0 if ":" in start else _MAPPED_BITS)
                found.setdefault(bits, []).append((packed, place))
        return {
            bits: (np.array([start for start, _ in pairs], "S16"), np.array([place for _, place in pairs]))
            for bits, pairs in ((bits, sorted(pairs)) for bits, pairs in found.items())
        }

    @cached_property
    def _by_start(self) -> dict[int, dict[int, list[int]]]:
        """By how many bits a range has: {these bits: places of entries}."""
        found: dict[int, dict[int, list[int]]] = {}
        for bits, (starts, places) in self._ranges.items():
            by_start = found.setdefault(bits, {})
            for start, place in zip(starts.tolist(), places.tolist(), strict=True):
                whole = int.from_bytes(start.ljust(16, b"\0"), "big")
                by_start.setdefault(whole >> (128 - bits), []).append(place)
        return found

    @cached_property
    def _values(self) -> pa.Array:
        return pa.array([entry.value for entry in self.entries], pa.string())

    @cached_property
    def _texts(self) -> pa.Array:
        return pa.array([entry.said for entry in self.entries], pa.string())

    @cached_property
    def _list(self) -> npt.NDArray[np.int8]:
        return np.array([LISTS.index(entry.list) for entry in self.entries], np.int8)

    @cached_property
    def _since(self) -> Ints:
        return _moments(entry.since for entry in self.entries)

    @cached_property
    def _until(self) -> Ints:
        """From when on each counts no more. A removal is not yet known at its own moment; an end is."""
        expires = _moments(entry.expires for entry in self.entries)
        removed = _moments(entry.removed for entry in self.entries)
        found: Ints = np.minimum(expires, np.where(removed < NEVER, removed + 1, NEVER))
        return found


SEPARATOR = "; "


def _joined(codes: npt.NDArray[np.int32], code: Ints, number: Ints) -> list[tuple[Ints, Ints]]:
    """Pairs of row and entry: each row with all entries that its code meets."""
    order = np.argsort(code, kind="stable")
    code, number = code[order], number[order]
    if not len(code):
        return []
    # Most rows meet nothing: those of listed codes alone are searched.
    is_met = np.zeros(int(max(codes.max(initial=-1), code.max())) + 2, bool)
    is_met[code] = True
    rows = np.flatnonzero(is_met[codes])
    first, last = (np.searchsorted(code, codes[rows], side) for side in ("left", "right"))
    found = []
    for step in range(int((last - first).max(initial=0))):
        has = first + step < last
        found.append((rows[has], number[(first + step)[has]]))
    return found


def _moments(times: Iterable[datetime | None]) -> Ints:
    found = pa.array(list(times), pa.timestamp("us", "UTC")).cast(pa.int64())
    moments: Ints = pc.fill_null(found, NEVER).to_numpy(zero_copy_only=False)
    return moments


def _packed(text: str) -> bytes | None:
    """The 16 bytes of an address; None if it is none."""
    try:
        if ":" in text:
            return socket.inet_pton(socket.AF_INET6, text)
        return _MAPPED + socket.inet_pton(socket.AF_INET, text)
    except (OSError, ValueError):
        return None


def _all_packed(names: pa.Array) -> tuple[Ints, Bytes]:
    """(m,) which names are addresses, and (m, 16) their bytes."""
    found: Sequence[bytes | None] = [_packed(name) for name in names.to_pylist()]
    at = np.array([place for place, packed in enumerate(found) if packed is not None], np.int64)
    joined = b"".join(packed for packed in found if packed is not None)
    return at, np.frombuffer(joined, np.uint8).reshape(-1, 16)


def _masked(packed: Bytes, bits: int) -> npt.NDArray[np.bytes_]:
    """(m,) the first bits of addresses, the rest being 0."""
    mask = np.frombuffer((((1 << bits) - 1) << (128 - bits)).to_bytes(16, "big"), np.uint8)
    found: npt.NDArray[np.bytes_] = np.ascontiguousarray(packed & mask).reshape(-1).view("S16")
    return found
