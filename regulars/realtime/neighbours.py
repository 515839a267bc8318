"""What comes next in a session, by the newest sessions like it: VMIS-kNN on tables that change with every event."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from regulars.realtime.sessions import RECENT, VISITS, Floats, Ints, Tables

NEAREST = 128
"""So many of the most alike visits vote."""
STEPS = 10
"""A neighbour that shares only what was clicked longer ago than this many products has no vote."""


class Scratch(NamedTuple):
    """What one question at a time writes on; nothing of it means anything to the next one.

    `asked` counts questions: a place whose mark is another count is fresh, so nothing has to be cleaned.

    Attributes
    ----------
    visit_mark, alike, newest : (V,) of visits.
    product_mark, score, best, because, votes : (P,) of products.
    asked : (1,)
    """

    visit_mark: Ints
    alike: Floats
    newest: npt.NDArray[np.int32]
    product_mark: Ints
    score: Floats
    best: Floats
    because: Ints
    votes: npt.NDArray[np.int32]
    asked: Ints

    @classmethod
    def of(cls, tables: Tables) -> Scratch:
        """As large as the tables are."""
        visits, products = len(tables.visit), len(tables.had)
        return cls(
            np.zeros(visits, np.int64), np.zeros(visits), np.zeros(visits, np.int32), np.zeros(products, np.int64),
            np.zeros(products), np.zeros(products), np.zeros(products, np.int64), np.zeros(products, np.int32),
            np.zeros(1, np.int64),
        )  # fmt: skip

    def fits(self, tables: Tables) -> bool:
        """Whether it is large enough for the tables."""
        return len(self.visit_mark) >= len(tables.visit) and len(self.product_mark) >= len(tables.had)


class Found(NamedTuple):
    """Products, in no order.

    Attributes
    ----------
    product : (n,) from 1.
    score : (n,) above 0, without a unit.
    because : (n,) the product of the session for which most is to be said that it led here.
    votes : (n,) in how many visits alike it stood.
    """

    product: Ints
    score: Floats
    because: Ints
    votes: Ints


def neighbours(tables: Tables, scratch: Scratch, items: Ints, own: int = -1) -> Found:
    """What stands in the visits most like this one.

    Of each product of the session its `RECENT` newest visits are looked at. A visit is alike by the sum, over the
    products that it shares, of how late they stand in the session (place / length); of those that are equally alike
    the newer is nearer. The `NEAREST` vote for all that stands in them: by how alike they are, less a tenth for each
    product clicked since the newest one shared, and by how rare a product is: log(visits / visits that had it).

    Parameters
    ----------
    items : (m,) products of the session, each once, the last clicked last.
    own : the session's own visit, which does not vote.

    Source
    ------
    Kersbergen, Sprangers and Schelter (2022), Serenade: Low-Latency Session-Based Recommendation in e-Commerce at
    Scale, algorithm 1.
    """
    return Found(*compiled_neighbours(tables, scratch, items, own))


@numba.njit(cache=True)
def compiled_neighbours(
    tables: Tables, scratch: Scratch, items: Ints, own: int
) -> tuple[Ints, Floats, Ints, npt.NDArray[np.int64]]:
    """As `neighbours`, for what is compiled itself."""
    scratch.asked[0] += 1
    asked = scratch.asked[0]
    length, visits = len(items), len(tables.visit)
    met = np.empty(length * RECENT, np.int64)
    count = 0
    for place in range(length - 1, -1, -1):  # the last clicked first, so that the first to meet a visit is the newest
        product = items[place]
        worth = (place + 1) / length
        begin, size, total = tables.postings[product], tables.posting_size[product], tables.posting_count[product]
        for back in range(min(total, size)):
            visit = tables.pool[begin + (total - 1 - back) % size]
            slot = visit % visits
            if visit == own or tables.visit[slot] != visit:
                continue
            if scratch.visit_mark[slot] != asked:
                scratch.visit_mark[slot] = asked
                scratch.alike[slot], scratch.newest[slot] = 0.0, place
                met[count] = slot
                count += 1
            scratch.alike[slot] += worth
    nearest = _nearest(tables, scratch, met[:count])
    return _voted(tables, scratch, items, nearest, asked)


@numba.njit(cache=True)
def _nearest(tables: Tables, scratch: Scratch, met: Ints) -> Ints:
    """The slots of the visits most alike, kept in a heap whose head is the least of them."""
    heap = np.empty(min(NEAREST, len(met)), np.int64)
    filled = 0
    for slot in met:
        if filled < len(heap):
            at = filled
            filled += 1
            while at > 0 and _less(tables, scratch, slot, heap[(at - 1) // 2]):
                heap[at] = heap[(at - 1) // 2]
                at = (at - 1) // 2
            heap[at] = slot
        elif _less(tables, scratch, heap[0], slot):
            at = 0
            while True:
                child = 2 * at + 1
                if child >= filled:
                    break
                if child + 1 < filled and _less(tables, scratch, heap[child + 1], heap[child]):
                    child += 1
                if not _less(tables, scratch, heap[child], slot):
                    break
                heap[at] = heap[child]
                at = child
            heap[at] = slot
    return heap


@numba.njit(cache=True)
def _less(tables: Tables, scratch: Scratch, one: int, other: int) -> bool:
    if scratch.alike[one] != scratch.alike[other]:
        return bool(scratch.alike[one] < scratch.alike[other])
    return bool(tables.visit[one] < tables.visit[other])


@numba.njit(cache=True)
def _voted(
    tables: Tables, scratch: Scratch, items: Ints, nearest: Ints, asked: int
) -> tuple[Ints, Floats, Ints, npt.NDArray[np.int64]]:
    room = 0
    for slot in nearest:
        room += tables.item_count[slot]
    product = np.empty(room, np.int64)
    count = 0
    # In the order of visits, so that sums are the same whatever the order of the heap.
    for slot in nearest[np.argsort(tables.visit[nearest])]:
        place = scratch.newest[slot]
        fading = 1.0 - 0.1 * (len(items) - 1 - place)
        if len(items) - 1 - place >= STEPS:
            continue
        vote = scratch.alike[slot] * fading
        start = tables.items[slot]
        for j in range(tables.item_count[slot]):
            one = tables.pool[start + j]
            if scratch.product_mark[one] != asked:
                scratch.product_mark[one] = asked
                scratch.score[one], scratch.best[one], scratch.votes[one] = 0.0, -1.0, 0
                product[count] = one
                count += 1
            scratch.score[one] += vote
            scratch.votes[one] += 1
            if vote > scratch.best[one]:
                scratch.best[one], scratch.because[one] = vote, items[place]
    product = product[:count]
    score, because = np.empty(count), np.empty(count, np.int64)
    votes = np.empty(count, np.int64)
    for k in range(count):
        one = product[k]
        rarity = np.log(max(tables.clock[VISITS], 2) / tables.had[one])
        score[k] = scratch.score[one] * max(rarity, 1e-3)
        because[k] = scratch.because[one]
        votes[k] = scratch.votes[one]
    return product, score, because, votes
