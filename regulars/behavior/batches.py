"""From tokens to rows, and from rows to what one step of training takes: packed without padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
import torch

from regulars.behavior.tokens import Targets, Tokens
from regulars.behavior.transformer import Where

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


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
        query, the product that came, and how much it counts. No query has a product twice.
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
        counts = np.array([len(row) for row in packed], np.int64)
        length = pieces[:, 1] - pieces[:, 0]
        row = np.repeat(np.arange(len(packed)), counts)
        filled = np.cumsum(length) - length
        offset = filled - np.repeat(np.append(filled, 0)[np.cumsum(counts) - counts], counts)
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
        products = int(targets.pair_product.max(initial=0)) + 1
        asked = np.repeat(at, last - first) * kinds + targets.pair_type[pair]
        # A product that comes twice is one product, that counts for both: a softmax has each once.
        distinct, which = np.unique(asked * products + targets.pair_product[pair], return_inverse=True)
        query, pair_query = np.unique(distinct // products, return_inverse=True)
        slot = np.arange(len(distinct)) - np.searchsorted(pair_query, np.arange(len(query)))[pair_query]
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
            pair_product=distinct % products,
            pair_weight=np.bincount(which, targets.pair_weight[pair], len(distinct)).astype(np.float32),
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
