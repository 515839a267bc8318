"""Which ids are one customer: joins in the order of time, over integer codes, compiled by Numba.

Pure functions of arrays. A component is a set of ids that are one customer. Besides the components, two
things are remembered: pairs that a person parted, which may never be in one component, and which joins
hold. From these, a component can be made anew when a person parts a pair in it, or when one of its
ids is held back: its ids are set free, and the joins between them that held are made again, in their
order. So what is parted leaves everything else as it was.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

IDENTIFY, ALIAS, MERGE, UNMERGE = range(4)
"""Kinds of join. Each names an old id and a new one; the new one is the customer."""

HOLDS, NO_IDENTITY, SHARED, HELD_BACK, CUSTOMER_HELD_BACK, TOO_MANY, PARTED = range(7)
"""What became of a join: it holds, or why not."""

Codes = npt.NDArray[np.int32]
Kinds = npt.NDArray[np.int8]


class Joined(NamedTuple):
    """What joins did.

    Attributes
    ----------
    verdicts : (joins,) int8, `HOLDS` or why not, as each join was met.
    at : (changes,) int32, which join; ascending.
    ids : (changes,) int32, whose customer changed by it.
    customers : (changes,) int32, to which customer.
    """

    verdicts: Kinds
    at: Codes
    ids: Codes
    customers: Codes


class _State(NamedTuple):
    root: Codes  # (n,) which component: one of its ids
    after: Codes  # (n,) the next id of the same component, in a ring
    size: Codes  # (n,) ids of the component, at its root
    customer: Codes  # (n,) the customer that the component is, at its root
    known_since: Codes  # (n,) the join that first named the id as a customer
    is_held: npt.NDArray[np.bool_]  # (n,) met too many customers
    newest: Codes  # (n,) the newest join that holds and has the id as its old one
    before: Codes  # (joins,) the one before that
    is_parted: npt.NDArray[np.bool_]  # (n,) whether the id is in a pair that was parted
    has_parted: npt.NDArray[np.bool_]  # (n,) whether an id of the component is, at its root
    left: Codes  # (pairs,) the pairs that were parted, -1 where they were merged again
    right: Codes


def _reaches(state, first, second):  # type: ignore[no-untyped-def]
    """Would joining two components put a parted pair into one?"""
    if not (state.has_parted[first] and state.has_parted[second]):
        return False
    for k in range(len(state.left)):
        if state.left[k] >= 0:
            one, other = state.root[state.left[k]], state.root[state.right[k]]
            if (one == first and other == second) or (one == second and other == first):
                return True
    return False


def _join(state, kinds, old, new, j, most_ids):  # type: ignore[no-untyped-def]
    """Make one join, if it may be made: the verdict. The old id's component becomes the new one's customer."""
    first, second = state.root[old[j]], state.root[new[j]]
    if first == second:
        # Said already: then it need not be remembered again, though it come with every page.
        k = state.newest[old[j]]
        while k >= 0:
            if new[k] == new[j] and kinds[k] == kinds[j]:
                return HOLDS
            k = state.before[k]
    else:
        if kinds[j] == IDENTIFY and state.known_since[state.customer[first]] < j:
            return SHARED
        if state.size[first] + state.size[second] > most_ids:
            return TOO_MANY
        if _reaches(state, first, second):
            return PARTED
        customer = state.customer[second]
        kept, gone = (first, second) if state.size[first] > state.size[second] else (second, first)
        member = gone
        for _ in range(state.size[gone]):
            state.root[member] = kept
            member = state.after[member]
        state.after[kept], state.after[gone] = state.after[gone], state.after[kept]
        state.size[kept] += state.size[gone]
        state.customer[kept] = customer
        state.has_parted[kept] |= state.has_parted[gone]
    state.before[j] = state.newest[old[j]]
    state.newest[old[j]] = j
    return HOLDS


def _members(state, root):  # type: ignore[no-untyped-def]
    found = np.empty(state.size[root], np.int32)
    member = root
    for k in range(len(found)):
        found[k] = member
        member = state.after[member]
    return found


def _make_anew(state, kinds, old, new, members, most_ids):  # type: ignore[no-untyped-def]
    """Set the ids of a component free, and make the joins that held between them again."""
    count = 0
    for member in members:
        k = state.newest[member]
        while k >= 0:
            count += 1
            k = state.before[k]
    held = np.empty(count, np.int32)
    count = 0
    for member in members:
        k = state.newest[member]
        while k >= 0:
            held[count] = k
            count += 1
            k = state.before[k]
        state.root[member] = state.after[member] = state.customer[member] = member
        state.size[member] = 1
        state.newest[member] = -1
        state.has_parted[member] = state.is_parted[member]
    held.sort()
    for k in held:
        if not (state.is_held[old[k]] or state.is_held[new[k]]):
            _join(state, kinds, old, new, k, most_ids)


def _resolve(kinds, old, new, is_identity, most_customers, most_ids):  # type: ignore[no-untyped-def]
    n, joins = len(is_identity), len(kinds)
    pairs = 0
    for kind in kinds:
        pairs += kind == UNMERGE
    state = _State(
        np.arange(n).astype(np.int32),
        np.arange(n).astype(np.int32),
        np.ones(n, np.int32),
        np.arange(n).astype(np.int32),
        np.full(n, joins, np.int32),
        np.zeros(n, np.bool_),
        np.full(n, -1, np.int32),
        np.full(joins, -1, np.int32),
        np.zeros(n, np.bool_),
        np.zeros(n, np.bool_),
        np.full(pairs, -1, np.int32),
        np.full(pairs, -1, np.int32),
    )
    # The customers that an old id has met, as a chain from the newest.
    met = np.full(n, -1, np.int32)
    met_before = np.full(joins, -1, np.int32)
    verdicts = np.zeros(joins, np.int8)
    room = max(2 * joins, 16)
    at, ids, customers = np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room, np.int32)
    changes, pair = 0, 0
    for j in range(joins):
        a, c = old[j], new[j]
        if a == c:
            continue
        if kinds[j] != UNMERGE and not (is_identity[a] and is_identity[c]):
            verdicts[j] = NO_IDENTITY
            continue
        must_part = False
        if kinds[j] == UNMERGE:
            state.left[pair], state.right[pair] = a, c
            pair += 1
            state.is_parted[a] = state.is_parted[c] = True
            state.has_parted[state.root[a]] = state.has_parted[state.root[c]] = True
            must_part = state.root[a] == state.root[c]
            if not must_part:
                continue
        else:
            state.known_since[c] = min(state.known_since[c], j)
            if kinds[j] == MERGE:
                state.known_since[a] = min(state.known_since[a], j)
                for k in range(pair):
                    if (state.left[k] == a and state.right[k] == c) or (state.left[k] == c and state.right[k] == a):
                        state.left[k] = -1
            elif not state.is_held[a]:
                count, k, is_met = 0, met[a], False
                while k >= 0 and not is_met:
                    is_met = state.root[new[k]] == state.root[c]
                    count += 1
                    k = met_before[k]
                if not is_met:
                    met_before[j] = met[a]
                    met[a] = j
                    must_part = state.is_held[a] = count >= most_customers
            if state.is_held[a] or state.is_held[c]:
                verdicts[j] = HELD_BACK if state.is_held[a] else CUSTOMER_HELD_BACK
                if not must_part:
                    continue
        if must_part:
            members = _members(state, state.root[a])
            earlier = np.full(len(members), state.customer[state.root[a]], np.int32)
            _make_anew(state, kinds, old, new, members, most_ids)
        else:
            first = state.root[a]
            members = _members(state, first) if first != state.root[c] else np.empty(0, np.int32)
            earlier = np.full(len(members), state.customer[first], np.int32)
            verdicts[j] = _join(state, kinds, old, new, j, most_ids)
        if changes + len(members) > room:
            room = 2 * (changes + len(members))
            at, ids, customers = _longer(at, room), _longer(ids, room), _longer(customers, room)
        for k in range(len(members)):
            customer = state.customer[state.root[members[k]]]
            if customer != earlier[k]:
                at[changes], ids[changes], customers[changes] = j, members[k], customer
                changes += 1
    return verdicts, at[:changes], ids[:changes], customers[:changes]


def _longer(values, room):  # type: ignore[no-untyped-def]
    longer = np.empty(room, values.dtype)
    longer[: len(values)] = values
    return longer


# Kept compiled beside this file, so that only the first run on a machine waits for the compiler.
_compiled = numba.njit(cache=True, nogil=True)
_reaches = _compiled(_reaches)
_join = _compiled(_join)
_members = _compiled(_members)
_make_anew = _compiled(_make_anew)
_longer = _compiled(_longer)
_resolve = _compiled(_resolve)


def resolve(
    kinds: Kinds, old: Codes, new: Codes, is_identity: npt.NDArray[np.bool_], most_customers: int, most_ids: int
) -> Joined:
    """Which ids become whose, join by join.

    Parameters
    ----------
    kinds : (joins,) int8, `IDENTIFY`, `ALIAS`, `MERGE` or `UNMERGE`, in the order of time.
    old, new : (joins,) int32 codes of ids, 0 to n - 1. The new one is the customer.
    is_identity : (n,) whether a code is of an id that may join.
    most_customers : an old id that meets more is held back: it joins none from then on.
    most_ids : a component has at most so many ids.

    Examples
    --------
    A visitor (0) is identified as a customer (1), then on the same device as another (2).

    >>> both = np.array([IDENTIFY, IDENTIFY], np.int8)
    >>> found = resolve(both, np.array([0, 0], np.int32), np.array([1, 2], np.int32), np.ones(3, bool), 5, 100)
    >>> found.verdicts.tolist() == [HOLDS, SHARED]
    True
    >>> found.at.tolist(), found.ids.tolist(), found.customers.tolist()
    ([0], [0], [1])
    """
    return Joined(*_resolve(kinds, old, new, is_identity, most_customers, most_ids))
