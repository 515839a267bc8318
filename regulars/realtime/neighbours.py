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


VISIT = np.dtype([("asked", "i8"), ("number", "i8"), ("alike", "f8"), ("newest", "i8")], align=True)
PRODUCT = np.dtype([("asked", "i8"), ("score", "f8"), ("best", "f8"), ("because", "i8"), ("votes", "i8")], align=True)
"""What is written of one visit, or one product, stands together: of millions each place is far from the last one, and
to go there is what takes the time."""


class Scratch(NamedTuple):
    """What one question at a time writes on; nothing of it means anything to the next one.

    `asked` counts questions: a place whose mark is another count is fresh, so nothing has to be cleaned.

    Attributes
    ----------
    visits : (V,) of `VISIT`.
    products : (P,) of `PRODUCT`.
    asked : (1,)
    """

    visits: npt.NDArray[np.void]
    products: npt.NDArray[np.void]
    asked: Ints

    @classmethod
    def of(cls, tables: Tables) -> Scratch:
        """As large as the tables are."""
        return cls(np.zeros(len(tables.visit), VISIT), np.zeros(len(tables.had), PRODUCT), np.zeros(1, np.int64))

    def fits(self, tables: Tables) -> bool:
        """Whether it is large enough for the tables."""
        return len(self.visits) >= len(tables.visit) and len(self.products) >= len(tables.had)


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
    oldest = tables.clock[VISITS] - visits  # of which the slot is not yet of a newer one
    met = np.empty(length * RECENT, np.int64)
    count = 0
    for place in range(length - 1, -1, -1):  # the last clicked first, so that the first to meet a visit is the newest
        product = items[place]
        worth = (place + 1) / length
        begin, size, total = tables.postings[product], tables.posting_size[product], tables.posting_count[product]
        for back in range(min(total, size)):
            visit = tables.pool[begin + (total - 1 - back) % size]
            if visit == own or visit < oldest:
                continue
            slot = visit % visits
            one = scratch.visits[slot]
            if one.asked != asked:
                one.asked, one.number, one.alike, one.newest = asked, visit, 0.0, place
                met[count] = slot
                count += 1
            one.alike += worth
    nearest = _nearest(scratch, met[:count])
    return _voted(tables, scratch, items, nearest, asked)


@numba.njit(cache=True)
def _nearest(scratch: Scratch, met: Ints) -> Ints:
    """The slots of the visits most alike, kept in a heap whose head is the least of them."""
    heap = np.empty(min(NEAREST, len(met)), np.int64)
    filled = 0
    for slot in met:
        if filled < len(heap):
            at = filled
            filled += 1
            while at > 0 and _less(scratch, slot, heap[(at - 1) // 2]):
                heap[at] = heap[(at - 1) // 2]
                at = (at - 1) // 2
            heap[at] = slot
        elif _less(scratch, heap[0], slot):
            at = 0
            while True:
                child = 2 * at + 1
                if child >= filled:
                    break
                if child + 1 < filled and _less(scratch, heap[child + 1], heap[child]):
                    child += 1
                if not _less(scratch, heap[child], slot):
                    break
                heap[at] = heap[child]
                at = child
            heap[at] = slot
    return heap


@numba.njit(cache=True)
def _less(scratch: Scratch, one: int, other: int) -> bool:
    first, second = scratch.visits[one], scratch.visits[other]
    if first.alike != second.alike:
        return bool(first.alike < second.alike)
    return bool(first.number < second.number)


@numba.njit(cache=True)
def _voted(
    tables: Tables, scratch: Scratch, items: Ints, nearest: Ints, asked: int
) -> tuple[Ints, Floats, Ints, npt.NDArray[np.int64]]:
    room = 0
    number = np.empty(len(nearest), np.int64)
    for k in range(len(nearest)):
        room += tables.item_count[nearest[k]]
        number[k] = scratch.visits[nearest[k]].number
    product = np.empty(room, np.int64)
    count = 0
    # In the order of visits, so that sums are the same whatever the order of the heap.
    for slot in nearest[np.argsort(number)]:
        visit = scratch.visits[slot]
        place = visit.newest
        fading = 1.0 - 0.1 * (len(items) - 1 - place)
        if len(items) - 1 - place >= STEPS:
            continue
        vote = visit.alike * fading
        start = tables.items[slot]
        for j in range(tables.item_count[slot]):
            one = scratch.products[tables.pool[start + j]]
            if one.asked != asked:
                one.asked, one.score, one.best, one.votes = asked, 0.0, -1.0, 0
                product[count] = tables.pool[start + j]
                count += 1
            one.score += vote
            one.votes += 1
            if vote > one.best:
                one.best, one.because = vote, items[place]
    product = product[:count]
    score, because = np.empty(count), np.empty(count, np.int64)
    votes = np.empty(count, np.int64)
    for k in range(count):
        one = scratch.products[product[k]]
        rarity = np.log(max(tables.clock[VISITS], 2) / tables.had[product[k]])
        score[k] = one.score * max(rarity, 1e-3)
        because[k] = one.because
        votes[k] = one.votes
    return product, score, because, votes
