"""From sequences to tokens: the events, questions between them, and what came after each."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numba
import numpy as np
import numpy.typing as npt

from regulars.behavior.buckets import survival_bins
from regulars.behavior.fields import question_fields
from regulars.behavior.sequences import DAY, FIELDS, Sequences, place_before
from regulars.behavior.vocabulary import Vocabulary

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

EVENTS_A_QUESTION = 8
"""One question soon after so many events, as far as there are gaps between them."""
SOONEST, LATEST = 1_000_000, 30 * DAY
"""How soon after an event it is."""
ANY_TIME = 2
"""Questions of each customer besides, at any time."""
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

    def timed_from(self, tokens: Tokens, sequences: Sequences, since: int) -> Targets:
        """Without when the next event comes, and what is spent, of tokens whose last event was before a moment."""
        last = np.where(tokens.event >= 0, np.append(sequences.time, 0)[tokens.event], -1)
        is_new = last >= since
        return replace(
            self,
            bin=np.where(is_new, self.bin, -1),
            has_next=self.has_next & is_new,
            spend=np.where(is_new, self.spend, np.nan).astype(np.float32),
        )


def questions(sequences: Sequences, until: int, rng: np.random.Generator) -> tuple[Ints, Ints, Ints]:
    """Moments to ask about, by chances that nothing that comes after them has changed.

    Two of each customer lie anywhere between the first event and the end of the log: as often in a silence as it lasts,
    whether or not an event ended it. Others come soon after events, evenly on the logarithm of time, where nothing came
    before them. Were silences asked about that never ended, and few of the others, all who are silent would seem lost.

    Returns
    -------
    customer, before (how many events lie before), time: (q,)
    """
    if not sequences.is_timed:
        nothing = np.zeros(0, np.int64)
        return nothing, nothing, nothing
    some = np.repeat(np.flatnonzero(sequences.lengths > 0), ANY_TIME)
    first = sequences.time[sequences.starts[some]]
    moment = first + 1 + (rng.random(len(some)) * np.maximum(until - first - 1, 0)).astype(np.int64)
    gap = np.diff(sequences.time, append=0)
    last = sequences.starts[1:][sequences.lengths > 0] - 1
    gap[last] = until - sequences.time[last]
    # Between an event and the next there must be a moment; within one order there is none.
    picked = np.flatnonzero(gap > SOONEST)
    picked = picked[rng.random(len(picked)) < len(gap) / EVENTS_A_QUESTION / max(len(picked), 1)]
    shift = SOONEST * np.exp(rng.random(len(picked)) * np.log(LATEST / SOONEST))
    is_before = shift < gap[picked]
    picked, shift = picked[is_before], shift[is_before].astype(np.int64)
    owner = sequences.owner[picked]
    customer, time = np.concatenate([some, owner]), np.concatenate([moment, sequences.time[picked] + shift])
    before = np.concatenate([place_before(sequences, some, moment), picked + 1 - sequences.starts[owner]])
    return customer, before, time


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
