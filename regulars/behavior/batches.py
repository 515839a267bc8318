"""From sequences to rows of tokens: packed without padding, with questions between the events, and their answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import torch

from regulars.behavior.buckets import survival_bins
from regulars.behavior.fields import question_fields
from regulars.behavior.sequences import DAY, FIELDS, Sequences
from regulars.behavior.transformer import Where
from regulars.behavior.vocabulary import Vocabulary

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

EVENTS_A_QUESTION = 8
"""One question for so many events, as far as there are gaps between them; and one after the last."""
LOOKED_AT = 32
"""A question's products are drawn among those of so many next events."""
ANSWERS = 8
ANSWER_WEIGHT = 0.25
"""So many of them, and how much each counts beside the very next product of an event."""
AHEAD = 3
AHEAD_WEIGHT = 0.15
"""An event foretells the products of so many next events; each counts this much of the one before it. What comes a
little later is no noise: with three, NDCG and recall of the very next product are higher."""
SPEND_DAYS = 30
"""Spend is what is spent in so many days after a question."""


@dataclass(frozen=True)
class Tokens:
    """Events, and questions ("now" tokens: how do things stand at this moment?) among them, of many customers.

    Attributes
    ----------
    starts : (c + 1,) where each customer's tokens begin.
    event : (t,) the event itself; of a question, the last event before it, -1 if there is none.
    is_now : (t,) whether it is a question.
    place : (t,) how many events of the customer lie before it: distances are counted in events.
    time : (t,) microseconds since 1970.
    fields : (t, f) numbers, in the order of FIELDS.
    """

    starts: Ints
    event: Ints
    is_now: npt.NDArray[np.bool_]
    place: Ints
    time: Ints
    fields: npt.NDArray[np.int32]

    @classmethod
    def of(cls, sequences: Sequences, vocabulary: Vocabulary, customer: Ints, before: Ints, time: Ints) -> Tokens:
        """All events of sequences, and questions among them.

        Parameters
        ----------
        customer, before, time : (q,) of each question: whose, after how many events, when.
        """
        n, q = len(sequences.time), len(customer)
        owner = np.concatenate([sequences.owner, customer])
        place = np.concatenate([np.arange(n) - sequences.starts[sequences.owner], before])
        is_now = np.concatenate([np.zeros(n, bool), np.ones(q, bool)])
        # A question comes before the event that has its place: it does not know it.
        order = np.lexsort((np.concatenate([np.zeros(n, np.int64), time]), ~is_now, place, owner))
        last = np.where(before > 0, sequences.starts[customer] + before - 1, -1)
        event = np.concatenate([np.arange(n), last])
        when = np.concatenate([sequences.time, time])
        gap = np.where(last >= 0, time - np.append(sequences.time, 0)[last], -1)
        asked = question_fields(vocabulary, time, gap)
        told = np.column_stack([sequences.fields[name] for name in FIELDS])
        fields = np.concatenate([told, asked]).astype(np.int32)
        counts = np.bincount(owner, minlength=len(sequences.customers))
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return cls(starts, event[order], is_now[order], place[order], when[order], fields[order])


@dataclass(frozen=True)
class Targets:
    """What came after each token, -1 or NaN where that is not known.

    Attributes
    ----------
    pair_starts : (t + 1,) the pairs of token k are those from pair_starts[k] to pair_starts[k + 1].
    pair_product, pair_type, pair_weight : (p,) a product met after the token, the type of the event it was met in,
        and how much it counts: of an event that of the next event, and a little those after it; of a question some of
        the next ones.
    next_type : (t,)
    bin : (t,) of `survival_bins`, in which the next event lies; of a token without one, the last whole bin for
        which it is known that there was none (-1 for not even the first).
    has_next : (t,) whether there is a next event.
    spend : (t,) money spent in the 30 days after a question.
    """

    pair_starts: Ints
    pair_product: Ints
    pair_type: Ints
    pair_weight: Floats
    next_type: Ints
    bin: Ints
    has_next: npt.NDArray[np.bool_]
    spend: Floats

    @classmethod
    def of(cls, tokens: Tokens, sequences: Sequences, until: int, rng: np.random.Generator) -> Targets:
        """Of all tokens; `until` is when the log ends, in microseconds."""
        count, n = len(tokens.event), len(sequences.time)
        per = np.diff(tokens.starts)
        first, ends = np.repeat(sequences.starts[:-1], per), np.repeat(sequences.starts[1:], per)
        following = np.where(tokens.event >= 0, tokens.event + 1, first)
        has_next = following < ends
        # One row more, of nothing, for what has no next event.
        products, types = (np.append(sequences.fields[name], 0).astype(np.int64) for name in ("product", "type"))
        times = np.append(sequences.time, until)
        at = np.where(has_next, following, n)
        next_type = np.where(has_next, types[at], -1)
        gap = np.maximum(times[at] - tokens.time, 0)
        # Of who has not come back a bin counts only if all of it has passed.
        bins = np.where(has_next, survival_bins(gap), survival_bins(gap) - 1)
        plain = np.flatnonzero(~tokens.is_now & has_next)
        nearest = following[plain, None] + np.arange(AHEAD)
        nearest = np.where(nearest < ends[plain, None], nearest, n)
        asked = np.flatnonzero(tokens.is_now & has_next)
        drawn = rng.integers(0, LOOKED_AT, (len(asked), ANSWERS))
        drawn[:, 0] = 0
        later = following[asked, None] + drawn
        later = np.where(later < ends[asked, None], later, n)
        now = np.flatnonzero(tokens.is_now)
        spend = np.full(count, np.nan, np.float32)
        horizon = tokens.time[now] + SPEND_DAYS * DAY
        spent = np.concatenate([[0.0], np.cumsum(sequences.spend, dtype=np.float64)])
        stop = _first_at(sequences.time, following[now], ends[now], horizon)
        spend[now] = np.where(horizon <= until, spent[stop] - spent[following[now]], np.nan)
        met = np.concatenate([nearest.ravel(), later.ravel()])
        token = np.concatenate([np.repeat(plain, AHEAD), np.repeat(asked, ANSWERS)])
        weight = np.concatenate(
            [np.tile(AHEAD_WEIGHT ** np.arange(AHEAD), len(plain)), np.full(later.size, ANSWER_WEIGHT)]
        )
        about = products[met] > 0
        met, token, weight = met[about], token[about], weight[about]
        order = np.argsort(token, kind="stable")
        pair_starts = np.concatenate([[0], np.cumsum(np.bincount(token, minlength=count))]).astype(np.int64)
        return cls(
            pair_starts,
            products[met][order],
            types[met][order],
            weight[order].astype(np.float32),
            next_type,
            bins,
            has_next,
            spend,
        )


def questions(sequences: Sequences, until: int, rng: np.random.Generator) -> tuple[Ints, Ints, Ints]:
    """Moments to ask about: at random between events, and one after the last of each customer.

    Returns
    -------
    customer, before (how many events lie before), time: (q,)
    """
    if not sequences.is_timed:
        nothing = np.zeros(0, np.int64)
        return nothing, nothing, nothing
    owner = sequences.owner
    # Between an event and the next there must be a moment; within one order there is none.
    gap = np.diff(sequences.time, append=0)
    gap[sequences.starts[1:][sequences.lengths > 0] - 1] = 0
    picked = np.flatnonzero(gap > 1_000_000)
    share = len(owner) / EVENTS_A_QUESTION / max(len(picked), 1)
    picked = picked[rng.random(len(picked)) < share]
    gap = gap[picked]
    # Evenly on the logarithm of time: soon after an event is as well known as long after it.
    shift = np.exp(rng.random(len(picked)) * np.log(gap.astype(np.float64))).astype(np.int64)
    some = np.flatnonzero(sequences.lengths > 0)
    last = sequences.starts[some + 1] - 1
    left = np.maximum(until - sequences.time[last], 1)
    end = sequences.time[last] + (rng.random(len(some)) * left).astype(np.int64)
    customer = np.concatenate([owner[picked], some])
    before = np.concatenate([picked + 1 - sequences.starts[owner[picked]], sequences.lengths[some]])
    return customer, before, np.concatenate([sequences.time[picked] + np.maximum(shift, 1), end])


def rows(starts: Ints, width: int, rng: np.random.Generator) -> Iterator[list[tuple[int, int]]]:
    """Rows of at most `width` tokens, filled with whole histories, or pieces of those that are longer.

    Yields
    ------
    [(from, to)] of tokens, of one row; who shares a row is drawn at random, and so is where long ones are cut.
    """
    pieces = _pieces(starts, width, rng.integers(0, width, len(starts) - 1))
    pieces = pieces[rng.permutation(len(pieces))]
    row_of = _packed(pieces[:, 1] - pieces[:, 0], width)
    if not len(pieces):
        return
    ends = np.flatnonzero(np.diff(row_of)) + 1
    for row in np.split(pieces, ends):
        yield [(int(low), int(high)) for low, high in row]


@dataclass(frozen=True)
class Batch:
    """Rows of tokens with their targets, as one step takes them. B rows of T tokens.

    Attributes
    ----------
    fields : (B, T, f); zeros where a row is not filled.
    customer : (B, T) which piece of its row a token is of, -1 where a row is not filled.
    place, time : (B, T)
    is_now : (B, T)
    at : (t,) places of tokens in the flattened rows; next_type, bin, has_next, spend : (t,) their targets.
    query_at, query_type : (u,) the place of a token, and a type that one of the next events has: what is asked for its
        products.
    pair_query, pair_slot, pair_product, pair_weight : (p,) which query, the number of the pair among those of its
        query, the product that came, and how much it counts.
    """

    fields: npt.NDArray[np.int32]
    customer: Ints
    place: Ints
    time: Ints
    is_now: npt.NDArray[np.bool_]
    at: Ints
    next_type: Ints
    bin: Ints
    has_next: npt.NDArray[np.bool_]
    spend: Floats
    query_at: Ints
    query_type: Ints
    pair_query: Ints
    pair_slot: Ints
    pair_product: Ints
    pair_weight: Floats

    @classmethod
    def of(cls, packed: Sequence[Sequence[tuple[int, int]]], width: int, tokens: Tokens, targets: Targets) -> Batch:
        """From rows of pieces (`rows`)."""
        pieces = np.array([piece for row in packed for piece in row], np.int64)
        counts = np.array([len(row) for row in packed])
        length = pieces[:, 1] - pieces[:, 0]
        row = np.repeat(np.arange(len(packed)), counts)
        filled = np.cumsum(length) - length
        offset = filled - np.repeat(filled[np.cumsum(counts) - counts], counts)
        token = _ranges(pieces[:, 0], length)
        at = np.repeat(row * width + offset, length) + _ranges(np.zeros_like(length), length)
        shape = (len(packed), width)

        def laid(values: npt.NDArray[Any], empty: int) -> npt.NDArray[Any]:
            whole = np.full((shape[0] * shape[1], *values.shape[1:]), empty, values.dtype)
            whole[at] = values
            return whole.reshape(*shape, *values.shape[1:])

        first, last = targets.pair_starts[token], targets.pair_starts[token + 1]
        pair = _ranges(first, last - first)
        kinds = int(targets.pair_type.max(initial=0)) + 1
        asked = np.repeat(at, last - first) * kinds + targets.pair_type[pair]
        query, pair_query = np.unique(asked, return_inverse=True)
        order = np.argsort(pair_query, kind="stable")
        begins = np.searchsorted(pair_query[order], np.arange(len(query)))
        slot = np.empty_like(order)
        slot[order] = np.arange(len(order)) - begins[pair_query[order]]
        return cls(
            fields=laid(tokens.fields[token], 0),
            customer=laid(np.repeat(np.arange(len(pieces)), length), -1),
            place=laid(tokens.place[token], 0),
            time=laid(tokens.time[token], 0),
            is_now=laid(tokens.is_now[token], 0),
            at=at,
            next_type=targets.next_type[token],
            bin=targets.bin[token],
            has_next=targets.has_next[token],
            spend=targets.spend[token],
            query_at=query // kinds,
            query_type=query % kinds,
            pair_query=pair_query,
            pair_slot=slot,
            pair_product=targets.pair_product[pair],
            pair_weight=targets.pair_weight[pair],
        )

    @property
    def tokens(self) -> int:
        """How many tokens there are, without padding."""
        return len(self.at)

    def where(self, device: torch.device) -> Where:
        """Where the tokens stand."""
        found = (torch.from_numpy(a).to(device) for a in (self.customer, self.place, self.time, self.is_now))
        return Where(*found)


def _ranges(first: Ints, count: Ints) -> Ints:
    """first[0], first[0] + 1, … (count[0] of them), first[1], …

    >>> _ranges(np.array([5, 0]), np.array([2, 3])).tolist()
    [5, 6, 0, 1, 2]
    """
    begun = np.cumsum(count) - count
    found: Ints = np.repeat(first - begun, count) + np.arange(count.sum())
    return found


@numba.njit(cache=True)
def _pieces(starts: Ints, width: int, shift: Ints) -> Ints:
    count = 0
    for k in range(len(starts) - 1):
        count += (starts[k + 1] - starts[k]) // width + 2
    found = np.empty((count, 2), np.int64)
    n = 0
    for k in range(len(starts) - 1):
        low, end = starts[k], starts[k + 1]
        high = end if end - low <= width else low + 1 + shift[k]
        while low < end:
            # A token alone has nothing to look back at and is followed by nothing of the piece: still it is learned.
            found[n, 0], found[n, 1] = low, min(high, end)
            n += 1
            low, high = min(high, end), min(high, end) + width
    return found[:n]


@numba.njit(cache=True)
def _packed(lengths: Ints, width: int) -> Ints:
    """The row of each piece: rows are filled in turn."""
    row = np.empty(len(lengths), np.int64)
    current, used = 0, 0
    for k in range(len(lengths)):
        if used + lengths[k] > width:
            current += 1
            used = 0
        row[k] = current
        used += lengths[k]
    return row


@numba.njit(cache=True)
def _first_at(times: Ints, low: Ints, high: Ints, moments: Ints) -> Ints:
    found = np.empty(len(low), np.int64)
    for k in range(len(low)):
        a, b = low[k], high[k]
        while a < b:
            middle = (a + b) // 2
            if times[middle] < moments[k]:
                a = middle + 1
            else:
                b = middle
        found[k] = a
    return found
