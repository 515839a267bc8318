"""One pass over histories of any length: the state after each event and each question, in flat memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from regulars.behavior.network import Cache, Network
from regulars.behavior.sequences import FIELDS
from regulars.behavior.tokens import Tokens
from regulars.behavior.transformer import Where

Ints = npt.NDArray[np.int64]

CHUNK = 64
"""Tokens of a customer that are advanced at once; of longer histories, the keys and values of the last are kept."""
TOKENS = 8192
"""Tokens of all customers of a batch in one advance."""


class Encoded(NamedTuple):
    """States of some tokens.

    Attributes
    ----------
    token : (k,) numbers of tokens.
    state : (k, D)
    """

    token: Ints
    state: Tensor


def encode(network: Network, tokens: Tokens, wanted: npt.NDArray[np.bool_]) -> Iterator[Encoded]:
    """The states after tokens, as the network has them in training, whatever the length of a history.

    Customers of like length go together, so that there is hardly any padding; a history is read in chunks, each
    looking at the keys and values of those before it. The cost grows with the number of tokens, memory does not.

    Parameters
    ----------
    wanted : (t,) of which tokens.

    Yields
    ------
    Encoded, in no order of customers, each wanted token once.
    """
    network.eval()
    device = network.norm.weight.device
    with torch.inference_mode():
        # Of few events only the products that they are of.
        places: npt.NDArray[np.integer[Any]] = tokens.fields[:, FIELDS.index("product")]
        met, place = np.unique(places, return_inverse=True)
        is_few = 2 * len(met) < network.products.count
        if is_few:
            places = place
        vectors = network.products(torch.from_numpy(met).to(device).long() if is_few else None)
        lengths = np.diff(tokens.starts)
        for members in _batches(lengths):
            yield from _advanced(network, vectors, places, tokens, members, wanted, device)


def _batches(lengths: Ints) -> Iterator[Ints]:
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] > 0]
    first = 0
    while first < len(order):
        # The longest of the batch decides; as many fit as keep the whole under the budget.
        last = first + 1
        while last < len(order) and (last + 1 - first) * min(lengths[order[last]], CHUNK) <= TOKENS:
            last += max(1, (TOKENS // min(lengths[order[last]], CHUNK) - (last - first)) // 8)
        last = min(last, len(order))
        yield order[first:last]
        first = last


def _advanced(
    network: Network,
    vectors: Tensor,
    places: npt.NDArray[np.integer[Any]],
    tokens: Tokens,
    members: Ints,
    wanted: npt.NDArray[np.bool_],
    device: torch.device,
) -> Iterator[Encoded]:
    starts, lengths = tokens.starts[members], np.diff(tokens.starts)[members]
    cache: Cache = []
    before: Where | None = None
    for low in range(0, int(lengths.max()), CHUNK):
        still = lengths > low
        if not still.all():
            # Sorted by length: who has ended stands in front.
            rows = torch.from_numpy(np.flatnonzero(still)).to(device)
            starts, lengths = starts[still], lengths[still]
            cache = [(k[rows], v[rows]) for k, v in cache]
            before = None if before is None else before.rows(rows)
        width = int(min(CHUNK, lengths.max() - low))
        at = starts[:, None] + low + np.arange(width)  # B, T
        is_there = at < (starts + lengths)[:, None]
        at = np.where(is_there, at, starts[:, None])
        where = Where(
            torch.from_numpy(np.where(is_there, 0, -1)).to(device),
            torch.from_numpy(tokens.place[at]).to(device),
            torch.from_numpy(tokens.time[at]).to(device),
            torch.from_numpy(tokens.is_now[at] | ~is_there).to(device),
        )
        x = network.embed(
            torch.from_numpy(tokens.fields[at]).to(device).long(), vectors, torch.from_numpy(places[at]).to(device)
        )
        asked = is_there & wanted[at]
        only = _places(asked)  # B, N
        states, own = network.advance(x, where, before, cache, torch.from_numpy(only).to(device))
        is_asked = np.take_along_axis(asked, only, 1)
        # Where a row has fewer than the others, it is filled with tokens that nobody asked for, or one twice.
        is_asked[:, 1:] &= only[:, 1:] != only[:, :-1]
        if is_asked.any():
            yield Encoded(np.take_along_axis(at, only, 1)[is_asked], states[torch.from_numpy(is_asked).to(device)])
        if low + CHUNK < lengths.max():
            cache, before = _kept(network, cache, own, before, where)


def _kept(network: Network, cache: Cache, own: Cache, before: Where | None, where: Where) -> tuple[Cache, Where]:
    """Keys and values of the last tokens, as many as can still be looked at, with questions among them."""
    room = 2 * network.size.context
    joined = own if not cache else [
        (torch.cat([old[0], new[0]], 2), torch.cat([old[1], new[1]], 2)) for old, new in zip(cache, own, strict=True)
    ]  # fmt: skip
    whole = where if before is None else before.before(where)
    if whole.place.shape[1] <= room:
        return joined, whole
    # Questions take places of their own, so more tokens than `context` may have to stay: those near enough do.
    nearest = whole.place[:, -1:] - whole.place < network.size.context
    room = int(nearest.sum(1).max())
    cut = [(k[:, :, -room:], v[:, :, -room:]) for k, v in joined]
    return cut, whole.each(lambda values: values[:, -room:])


def _places(asked: npt.NDArray[np.bool_]) -> Ints:
    """(B, N) places of what is asked for in each row, ascending; the last one again where a row has fewer.

    >>> _places(np.array([[True, False, True], [False, True, False]])).tolist()
    [[0, 2], [1, 1]]
    """
    count = asked.sum(1)
    most = max(int(count.max()), 1)
    order = np.argsort(~asked, axis=1, kind="stable")[:, :most]
    filled = np.minimum(np.arange(most), np.maximum(count - 1, 0)[:, None])
    return np.take_along_axis(order, filled, 1)
