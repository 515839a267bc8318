"""The behaviour model one event at a time: what it has to keep of a customer, and what one more event makes of it.

Shapes: L layers, H heads, D dimensions, C events of context, m slots that are filled.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import log_softmax, softmax

from regulars.behavior.fields import event_fields, question_fields
from regulars.behavior.model import BehaviorModel
from regulars.behavior.numpy_layer import Layer, array, linear, normed, time_bucket_edges
from regulars.behavior.sequences import FIELDS, Sequences
from regulars.behavior.transformer import Block
from regulars.clock import micros, moment_of
from regulars.errors import CorruptLogError

Floats = npt.NDArray[np.float32]
Halves = npt.NDArray[np.float16]
Ints = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.int32]

FORMAT = 1
"""Of the bytes of a state; those of another are refused."""
MAGIC = b"RGCS"
HEADER = struct.Struct("<4sH16sQ")
"""Magic, format, fingerprint of the model, count of events."""
CHECKSUM = struct.Struct("<I")


class Event(NamedTuple):
    """One thing that a customer did, as the log has it; what is not known is None."""

    type: str
    time: datetime
    product_id: str | None = None
    unit_price: float | None = None
    quantity: float | None = None
    channel: str | None = None


@dataclass
class CustomerState:
    """What the model keeps of one customer. Only the model that made it can read it.

    The event at place n (the customer's first has place 0) stands in slot n modulo C; where C are filled, the next
    event takes the slot of the one that is too far back to be looked at.

    Attributes
    ----------
    fingerprint : of the model.
    count : how many events there have been.
    times : (C,) microseconds since 1970; 0 where only the order of events is known.
    cache : (L, 2, H, C, D/H) float16, the keys and the values of each layer.
    vector : (D,) the state after the last event; 0 before the first.
    """

    fingerprint: bytes
    count: int
    times: Ints
    cache: Halves
    vector: Floats

    @property
    def last_time(self) -> int | None:
        """When the last event was, in microseconds since 1970; None before the first."""
        return int(self.times[(self.count - 1) % len(self.times)]) if self.count else None

    def to_bytes(self) -> bytes:
        """To store and to move; as long as what is filled. `IncrementalModel.from_bytes` reads it."""
        m = min(self.count, len(self.times))
        parts = (self.vector.astype("<f4"), self.times[:m].astype("<i8"), self.cache[..., :m, :].astype("<f2"))
        body = HEADER.pack(MAGIC, FORMAT, self.fingerprint, self.count) + b"".join(part.tobytes() for part in parts)
        return body + CHECKSUM.pack(zlib.crc32(body))


class IncrementalModel:
    """A behaviour model that takes the events of customers as they come, on one core.

    It answers as `BehaviorModel` does of whole histories, but for the rounding of keys and values to float16. It is a
    copy: what the model learns afterwards it does not know. It holds no state of its own, so threads may share it.

    Parameters
    ----------
    model : on whichever device.

    Examples
    --------
    >>> from datetime import UTC
    >>> from regulars.behavior.sizes import Settings, size_named
    >>> from regulars.behavior.vocabulary import Content, Vocabulary
    >>> known = Vocabulary(["cup", "tea"], ["bought"], [], [], np.array([0, 9, 9]), np.full(3, np.nan))
    >>> model = IncrementalModel(BehaviorModel.new(known, Content.none(2), Settings(size_named("tiny")), until=0))
    >>> ada = model.begin()
    >>> vector = model.add(ada, Event("bought", datetime(2024, 5, 1, 12, tzinfo=UTC), "tea"))
    >>> ada.count, vector.shape
    (1, (64,))
    >>> a_day_later = model.as_of(ada, datetime(2024, 5, 2, 12, tzinfo=UTC))
    >>> sorted(product for product, _ in model.next_products(a_day_later))
    ['cup', 'tea']
    >>> model.from_bytes(ada.to_bytes()).count
    1
    """

    def __init__(self, model: BehaviorModel) -> None:
        network, size = model.network.eval(), model.settings.size
        self.size, self.vocabulary = size, model.vocabulary
        self.fingerprint = fingerprint(model)
        with torch.inference_mode():
            self.products = array(network.products())  # n + 1, D
        self._tables = [
            (FIELDS.index(name.removeprefix("of_")), array(cast(torch.nn.Embedding, table).weight))
            for name, table in network.fields.items()
        ]
        self._layers = [Layer.of(cast(Block, block)) for block in network.blocks]
        self._norm = array(network.norm.weight)
        self._type_head = linear(network.type_head)
        self._product_of_type = None if network.product_of_type is None else array(network.product_of_type.weight)
        self._types = {name: number for number, name in enumerate(model.vocabulary.types, 1)}
        self._channels = {name: number for number, name in enumerate(model.vocabulary.channels, 1)}
        self._edges = time_bucket_edges()

    def begin(self) -> CustomerState:
        """The state of a customer who has done nothing yet."""
        size = self.size
        shape = (size.layers, 2, size.heads, size.context, size.dimensions // size.heads)
        times, vector = np.zeros(size.context, np.int64), np.zeros(size.dimensions, np.float32)
        return CustomerState(self.fingerprint, 0, times, np.zeros(shape, np.float16), vector)

    def add(self, state: CustomerState, event: Event) -> Floats:
        """Take in an event.

        Parameters
        ----------
        event : at the time of the last one or after it. What the model has no number for counts as unknown. Where it
            knows events by their order alone, their time has no meaning.

        Returns
        -------
        (D,) the state after it, as of no later moment; `state` is brought forward.

        Raises
        ------
        ValueError
            If the event is older than the last one, or the state is of another model; the state is as it was.
        """
        time = micros(event.time) if self.vocabulary.is_timed else 0
        last = self._checked(state).last_time
        if last is not None and time < last:
            raise ValueError(
                f"an event at {event.time} comes after one at {moment_of(last)}: events are taken in by time. Make the "
                "state anew from the whole history: state_of"
            )
        fields, _ = self._described([event], last)
        return self._add(state, fields[0].tolist(), time)

    def as_of(self, state: CustomerState, moment: datetime) -> Floats:
        """Who the customer is as of a moment, by the events in the state; the state stays as it is.

        Parameters
        ----------
        moment : after the last event; without meaning where only the order of events is known.

        Returns
        -------
        (D,) as `BehaviorModel.states` gives it.

        Raises
        ------
        ValueError
            If an event of the state is not before the moment, or the state is of another model.
        """
        last = self._checked(state).last_time
        if not self.vocabulary.is_timed:
            return state.vector.copy()
        time = micros(moment)
        if last is not None and time <= last:
            raise ValueError(f"as of {moment}: the state holds an event at {moment_of(last)}, which is not before that")
        gap = -1 if last is None else time - last
        asked = question_fields(self.vocabulary, np.array([time]), np.array([gap]))[0]
        vector, _ = self._pass(state, asked.tolist(), time)
        return vector

    def state_of(self, sequences: Sequences, customer: int, since: Sequence[Event] = ()) -> CustomerState:
        """The state after all events of a customer, by its number in `sequences` (-1 for one without), and those since.

        What is further back than all layers together look is not read: the time that it takes does not grow with the
        history beyond (L + 1) C events.
        """
        first, end = sequences.starts[customer : customer + 2].tolist() if customer >= 0 else (0, 0)
        context = self.size.context
        # Whole rounds of slots are passed over, so that each event stands in the slot of its place.
        skipped = max(end - first - self.size.layers * context, 0) // context * context
        known = slice(first + skipped, end)
        rows = np.column_stack([sequences.fields[name][known] for name in FIELDS])
        added, times = self._described(since, int(sequences.time[end - 1]) if end > first else None)
        rows, times = np.concatenate([rows, added]), np.concatenate([sequences.time[known], times])
        return self._state_of(rows, times, end - first + len(since))

    def _described(self, events: Sequence[Event], last: int | None) -> tuple[Numbers, Ints]:
        """The numbers (n, f) that describe events, in the order of FIELDS, and their times (n,).

        Parameters
        ----------
        last : when the event before them was; None if there was none.
        """
        known = self.vocabulary
        time = np.array([micros(each.time) if known.is_timed else 0 for each in events], np.int64)
        gap = np.diff(time, prepend=0 if last is None else last)
        if last is None:
            gap[:1] = -1
        fields = event_fields(
            known,
            product=known.numbers([each.product_id for each in events]),
            type=np.array([self._types.get(each.type, 0) for each in events], np.int32),
            channel=np.array([self._channels.get(each.channel or "", 0) for each in events], np.int32),
            time=time,
            gap=gap,
            price=np.array([np.nan if each.unit_price is None else each.unit_price for each in events], np.float64),
            quantity=np.array([np.nan if each.quantity is None else each.quantity for each in events], np.float64),
        )
        return np.column_stack([fields[name] for name in FIELDS]), time

    def _state_of(self, fields: Numbers, times: Ints, count: int) -> CustomerState:
        """The state after the last of `count` events, of which those are given that matter, in one pass.

        Parameters
        ----------
        fields : (n, f) of the last n events, in the order of FIELDS; times : (n,)
        """
        state, context, n = self.begin(), self.size.context, len(times)
        if not n:
            return state
        x = self.products[fields[:, 0]]  # n, D
        for place, table in self._tables:
            x = x + table[fields[:, place]]
        kept = np.arange(max(n - context, 0), n)
        slots = (count - n + kept) % context
        for number, layer in enumerate(self._layers):
            x, own = layer.several(x, times, self._edges, context)
            state.cache[number][:, :, slots] = own[:, :, kept]
        state.times[slots], state.vector, state.count = times[kept], normed(x[-1], self._norm), count
        return state

    def from_bytes(self, data: bytes) -> CustomerState:
        """What `CustomerState.to_bytes` gave.

        Raises
        ------
        CorruptLogError
            If bytes are missing or changed, or the state is of another format or another model.
        """
        mend = "Make the state anew from the customer's events: state_of"
        if len(data) < HEADER.size or data[: len(MAGIC)] != MAGIC:
            raise CorruptLogError(f"These {len(data)} bytes are no customer's state. {mend}")
        _, version, of_model, count = HEADER.unpack_from(data)
        if version != FORMAT:
            raise CorruptLogError(
                f"This customer's state is of format {version}; this version of Regulars reads format {FORMAT}. {mend}"
            )
        if of_model != self.fingerprint:
            raise CorruptLogError(
                f"This customer's state was made by model {of_model.hex()}; this is model {self.fingerprint.hex()}. "
                f"{mend}"
            )
        state = self.begin()
        state.count, m = count, min(count, self.size.context)
        filled = (state.vector, state.times[:m], state.cache[..., :m, :])
        expected = HEADER.size + sum(part.nbytes for part in filled) + CHECKSUM.size
        if len(data) != expected:
            raise CorruptLogError(f"A customer's state has {len(data)} bytes; {expected} are expected. {mend}")
        if zlib.crc32(data[: -CHECKSUM.size]) != CHECKSUM.unpack(data[-CHECKSUM.size :])[0]:
            raise CorruptLogError(f"A customer's state is not as it was written: its checksum differs. {mend}")
        at = HEADER.size
        for part in filled:
            read = np.frombuffer(data, part.dtype.newbyteorder("<"), part.size, at)
            part[...] = read.reshape(part.shape)
            at += part.nbytes
        return state

    def scores(self, vector: Floats, kind: str | None = None) -> Floats:
        """(n_products + 1,) as `BehaviorModel.scores` of the one vector (D,)."""
        query = vector
        if self._product_of_type is not None:
            if kind is None:
                weight, bias = self._type_head
                query = vector + softmax(weight @ vector + bias) @ self._product_of_type
            else:
                query = vector + self._product_of_type[self._types.get(kind, 0)]
        found: Floats = self.products @ query
        found[0] = -np.inf
        return found

    def next_products(
        self, vector: Floats, k: int = 10, kind: str | None = "order_completed"
    ) -> list[tuple[str, float]]:
        """The products that are likeliest next, the first first, each with its probability among all products.

        Parameters
        ----------
        vector : (D,) of `as_of`.
        k : how many, >= 1.
        kind : in which type of event; None for whichever.
        """
        if k < 1:
            raise ValueError(f"k is {k}; at least 1 is expected")
        chances = np.exp(log_softmax(self.scores(vector, kind)))
        k = min(k, len(self.vocabulary.products))
        best = np.argpartition(-chances, k - 1)[:k]
        best = best[np.argsort(-chances[best], kind="stable")]
        return [(self.vocabulary.products[number - 1], float(chances[number])) for number in best]

    def _checked(self, state: CustomerState) -> CustomerState:
        if state.fingerprint != self.fingerprint:
            raise ValueError(
                f"the state was made by model {state.fingerprint.hex()}; this is model {self.fingerprint.hex()}. Make "
                "it anew from the customer's events: state_of"
            )
        return state

    def _add(self, state: CustomerState, fields: Sequence[int], time: int) -> Floats:
        vector, cache = self._pass(state, fields, time)
        # Only now is the state touched: what fails above leaves it as it was.
        slot = state.count % self.size.context
        state.cache[..., slot, :], state.times[slot], state.vector = cache, time, vector
        state.count += 1
        return vector.copy()

    def _pass(self, state: CustomerState, fields: Sequence[int], time: int) -> tuple[Floats, Floats]:
        """A token after all events of a state: its own state (D,), and its keys and values (L, 2, H, D/H)."""
        heads, context = self.size.heads, self.size.context
        slot, m = state.count % context, min(state.count + 1, context)
        back = (state.count - np.arange(m)) % context
        ago = time - state.times[:m]
        ago[slot] = 0
        bucket = np.searchsorted(self._edges, ago, side="right")
        x = self.products[fields[0]].copy()
        for place, table in self._tables:
            x += table[fields[place]]
        own = np.empty((len(self._layers), 2, heads, len(x) // heads), np.float32)
        for number, layer in enumerate(self._layers):
            keys, values = state.cache[number, :, :, :m].astype(np.float32)  # H, m, D/H
            x, own[number] = layer(x, keys, values, slot, back, bucket)
        return normed(x, self._norm), own


def fingerprint(model: BehaviorModel) -> bytes:
    """16 bytes that no other weights, settings or vocabulary have."""
    digest = hashlib.sha256()
    for data in model.to_files().values():
        digest.update(data)
    return digest.digest()[:16]
