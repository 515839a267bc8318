"""The same features for one live attempt: a state that every row updates, and that answers within a millisecond."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.fraud.features.batch import large, rows_of
from regulars.fraud.features.declared import LARGE, LONGEST, MOST_ROWS, Measure
from regulars.fraud.stream import DEAREST, KIND, Ints, Stream

SECOND = 1_000_000
OF_CUSTOMER = "customer_"
"""Before the name of an entity that is a pair."""
ATTEMPT, FRAUD, HONEST = "attempt", "fraud", "honest"


class Row(NamedTuple):
    """One row of the stream, live.

    Attributes
    ----------
    time : microseconds since 1970, UTC: when it became known.
    kind : of `stream.KINDS`.
    amount : NaN where unknown.
    values : {entity: value}, of those that it names; pairs among them.
    tried : of a label, when its attempt was; else its own time.
    is_large : of a label, whether its attempt was large for its customer, as `State.add` said.
    """

    time: int
    kind: str
    amount: float
    values: Mapping[str, str]
    tried: int = 0
    is_large: bool = False


class _Past:
    """Rows of some kinds with one value of an entity, in order of time."""

    __slots__ = ("before", "count", "fading", "first", "length", "of", "run_since", "time", "total")

    def __init__(self) -> None:
        self.time = array("q")
        self.before = array("d")
        """Cents of all rows before each."""
        self.of: dict[str, list[str | None]] = {}
        self.first = 0
        self.count = 0
        self.total = 0.0
        self.fading: dict[int, tuple[float, int]] = {}
        self.length = 0
        self.run_since = 0

    def forget(self, before: int) -> None:
        """Rows that no window reaches any more, but for the newest of them; half at once, so that it costs little."""
        gone = bisect_left(self.time, before) - 1
        if gone * 2 > len(self.time) > 64:
            del self.time[:gone], self.before[:gone]
            for values in self.of.values():
                del values[:gone]


class _Group(NamedTuple):
    """Rows of one kind by the values of one entity, and what is counted of them beside their number."""

    entity: str
    kept: dict[str, _Past]
    of: tuple[str, ...]
    half_lives: tuple[int, ...]


class State:
    """What is known at a moment of every entity, for the measures of a model.

    Rows come in order of time; one that is late by a clock's error counts from where the state already is.

    Examples
    --------
    >>> state = State([Measure("device", "attempt", "count", 3600)])
    >>> state.add(Row(0, "attempt", 5.0, {"device": "d1"}))
    False
    >>> state.ask(1_000_000, {"device": "d1"}), state.ask(2 * 3600 * 1_000_000, {"device": "d1"})
    ({'device_attempts_1h': 1.0}, {'device_attempts_1h': 0.0})
    """

    def __init__(self, measures: Sequence[Measure]) -> None:
        self._measures = {measure.name: measure for measure in measures}
        self._groups: dict[tuple[str, str], list[Measure]] = defaultdict(list)
        mean = [Measure("customer", ATTEMPT, how, LONGEST) for how in ("count", "sum")]
        for measure in (*self._measures.values(), *mean):
            self._groups[measure.entity, measure.rows].append(measure)
        self._kept: dict[tuple[str, str], dict[str, _Past]] = {group: {} for group in self._groups}
        self._by_kind: dict[str, list[_Group]] = defaultdict(list)
        for (entity, kind), asked in self._groups.items():
            of = tuple(dict.fromkeys(measure.of for measure in asked if measure.of))
            half = tuple(dict.fromkeys(measure.seconds for measure in asked if measure.how == "decayed"))
            self._by_kind[kind].append(_Group(entity, self._kept[entity, kind], of, half))
        self.now = 0

    @classmethod
    def of(cls, stream: Stream, measures: Sequence[Measure]) -> State:
        """As a stream left it: the same as if its rows had been added one by one."""
        state = cls(measures)
        is_large = large(stream)
        for kind, groups in state._by_kind.items():
            for group in groups:
                if group.entity in stream.codes:
                    group.kept.update(_pasts(stream, kind, group, is_large))
        state.now = int(stream.time[-1]) if len(stream) else 0
        return state

    def add(self, row: Row) -> bool:
        """Let a row be known; whether it is an attempt that is large for its customer."""
        self.now = max(self.now, row.time)
        is_large = row.is_large
        kinds = [row.kind]
        if row.kind == ATTEMPT:
            is_large = self._is_large(row)
            kinds += ["large"] if is_large else []
        elif row.kind == FRAUD:
            size = "large" if is_large else "usual"
            kinds += ["label", f"{size}_fraud"] + ([] if is_large else ["usual_label"])
        elif row.kind == HONEST:
            kinds += ["label", "usual_label"]
        for kind in kinds:
            for group in self._by_kind.get(kind, ()):
                value = row.values.get(group.entity)
                if value is not None:
                    past = group.kept.get(value)
                    if past is None:
                        past = group.kept[value] = _Past()
                    _note(past, row, group)
        return is_large and row.kind == ATTEMPT

    def ask(self, time: int, values: Mapping[str, str]) -> dict[str, float]:
        """The measures of an attempt at a time, which is not added by this; NaN where an entity is not named."""
        found: dict[str, float] = {}
        for name, measure in self._measures.items():
            value = values.get(measure.entity)
            if value is None:
                found[name] = math.nan
                continue
            past = self._kept[measure.entity, measure.rows].get(value)
            found[name] = _nothing(measure) if past is None else _answer(measure, past, time)
        return found

    def _is_large(self, row: Row) -> bool:
        value = row.values.get("customer")
        past = None if value is None else self._kept["customer", ATTEMPT].get(value)
        if past is None:
            return False
        low = bisect_left(past.time, row.time - LONGEST * SECOND)
        high = bisect_left(past.time, row.time)
        if high == low or math.isnan(row.amount):
            return False
        total = np.float32(_summed(past, low, high)) / np.float32(100)
        return bool(np.float32(row.amount) > np.float32(LARGE) * (total / np.float32(high - low)))


def joined(one: str, other: str) -> str:
    """The value of a pair."""
    return f"{one}\x1f{other}"


def _texts(stream: Stream, entity: str, rows: Ints) -> list[str | None]:
    """(rows,) the value that each row names, as a live row does."""
    names = stream.names.get(entity)
    codes = stream.codes[entity][rows]
    if names is not None:
        texts: list[str | None] = names.take(pa.array(codes, mask=codes < 0)).to_pylist()
        return texts
    if entity.startswith(OF_CUSTOMER):
        other = entity.removeprefix(OF_CUSTOMER)
        pair = zip(_texts(stream, "customer", rows), _texts(stream, other, rows), strict=True)
        return [None if one is None or other is None else joined(one, other) for one, other in pair]
    return [None if code < 0 else str(code) for code in codes.tolist()]


def _pasts(stream: Stream, kind: str, group: _Group, is_large: npt.NDArray[np.bool_]) -> Iterator[tuple[str, _Past]]:
    """Every value of a group with its past, all at once: what `_note` would have made of the rows in turn."""
    codes = stream.codes[group.entity]
    rows = rows_of(stream, codes, int(codes.max(initial=-1)) + 1, kind, is_large, standing=True)
    if not len(rows.order):
        return
    some = np.flatnonzero(np.diff(rows.starts))
    starts, ends = rows.starts[some], rows.starts[some + 1]
    cents = stream.cents[rows.order]
    last = rows.time[ends - 1]
    of_value = np.repeat(np.arange(len(some)), ends - starts)
    before = np.cumsum(cents) - cents
    before -= before[starts][of_value]
    total = np.add.reduceat(cents, starts)
    faded = {
        seconds: np.add.reduceat(np.exp2((rows.time - last[of_value]) / (seconds * SECOND)), starts)
        for seconds in group.half_lives
    }
    # The run of frauds begins after the last honest one.
    number = np.arange(len(rows.order))
    honest = np.where(stream.kind[rows.order] == KIND[HONEST], number, -1)
    begin = np.maximum(np.maximum.reduceat(honest, starts) + 1, starts)
    length = np.where(stream.kind[rows.order[ends - 1]] == KIND[FRAUD], ends - begin, 0)
    since = stream.time[stream.about[rows.order[np.minimum(begin, len(number) - 1)]]]
    of = {entity: _texts(stream, entity, rows.order) for entity in group.of if entity in stream.codes}
    # Rows that no window reaches are only counted, but for the newest of them: the last before rows of one moment.
    low = starts + np.add.reduceat((rows.time < (last - LONGEST * SECOND)[of_value]).astype(np.int64), starts)
    low = np.maximum(low - 1, starts)
    for value, text in enumerate(_texts(stream, group.entity, rows.order[starts])):
        past = _Past()
        kept = slice(int(low[value]), int(ends[value]))
        past.time.frombytes(rows.time[kept].tobytes())
        past.before.frombytes(before[kept].tobytes())
        past.of = {entity: texts[kept] for entity, texts in of.items()}
        past.first, past.count = int(rows.time[starts[value]]), int(ends[value] - starts[value])
        past.total = float(total[value])
        past.fading = {seconds: (float(faded[seconds][value]), int(last[value])) for seconds in group.half_lives}
        past.length, past.run_since = int(length[value]), int(since[value]) if length[value] else 0
        yield str(text), past


def _note(past: _Past, row: Row, group: _Group) -> None:
    time = max(row.time, past.time[-1]) if past.time else row.time
    if not past.count:
        past.first = time
    past.count += 1
    past.time.append(time)
    past.before.append(past.total)
    if row.amount > 0:  # and known
        past.total += float(round(min(row.amount, DEAREST) * 100))
    for entity in group.of:
        past.of.setdefault(entity, []).append(row.values.get(entity))
    for seconds in group.half_lives:
        value, last = past.fading.get(seconds, (0.0, time))
        past.fading[seconds] = (value * math.exp(-math.log(2) / (seconds * SECOND) * (time - last)) + 1.0, time)
    if row.kind == FRAUD:
        past.run_since = row.tried if past.length == 0 else past.run_since
        past.length += 1
    elif row.kind == HONEST:
        past.length = 0
    past.forget(time - LONGEST * SECOND)


def _summed(past: _Past, low: int, high: int) -> float:
    """Cents of rows from low to before high."""
    after = past.before[high] if high < len(past.before) else past.total
    return after - past.before[low] if low < high else 0.0


def _nothing(measure: Measure) -> float:
    """What is said of an entity that was never seen: nothing happened, and nothing is so long ago."""
    return math.nan if measure.how in ("first", "last", "run_since") else 0.0


def _answer(measure: Measure, past: _Past, time: int) -> float:  # noqa: PLR0911 one for each kind
    high = bisect_left(past.time, time)
    low = bisect_left(past.time, time - measure.seconds * SECOND) if measure.seconds else 0
    match measure.how:
        case "count":
            return float(high - low) if measure.seconds else float(past.count - len(past.time) + high)
        case "sum":
            return _summed(past, low, high) / 100
        case "distinct":
            values = past.of[measure.of][max(low, high - MOST_ROWS) : high]
            return float(len({value for value in values if value is not None}))
        case "decayed":
            value, last = past.fading[measure.seconds]
            return value * math.exp(-math.log(2) / (measure.seconds * SECOND) * (time - last))
        case "first":
            return (time - past.first) / SECOND if past.first < time else math.nan
        case "last":
            return (time - past.time[high - 1]) / SECOND if high else math.nan
        case "run":
            return float(past.length)
        case "run_since":
            return (time - past.run_since) / SECOND if past.length else math.nan
