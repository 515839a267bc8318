"""Which ids are one customer: joins in the order of time, over integer codes, compiled by Numba.

Pure functions of arrays. A component is a set of ids that are one customer. Besides the components, two
things are remembered: pairs that a person parted, which may never be in one component, and which joins
hold. From these, a component can be made anew when a person parts a pair in it, or when one of its
ids is held back: its ids are set free, and the joins between them that held are made again, in their
order. So what is parted leaves everything else as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

IDENTIFY, ALIAS, MERGE, UNMERGE = range(4)
"""Kinds of join. Each names an old id and a new one; the new one is the customer."""

HOLDS, NO_IDENTITY, SHARED, HELD_BACK, CUSTOMER_HELD_BACK, TOO_MANY, PARTED = range(7)
"""What became of a join: it holds, or why not."""

Codes = npt.NDArray[np.int32]
Kinds = npt.NDArray[np.int8]
Records = Any
"""Arrays of one of the records below; Numba reads their fields as attributes."""
Mask = npt.NDArray[np.bool_]
Function = TypeVar("Function", bound=Callable[..., Any])


def _compiled(function: Function) -> Function:
    # Kept beside this file, so that only the first run on a machine waits for the compiler.
    return cast(Function, numba.njit(cache=True, nogil=True)(function))


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


_ID = np.dtype(
    [
        ("root", np.int32),  # which component: one of its ids; at the root stands what is true of all of it
        ("after", np.int32),  # the next id of the same component, in a ring
        ("size", np.int32),  # at the root: ids of the component
        ("customer", np.int32),  # at the root: which customer it is
        ("known_since", np.int32),  # the join that first named the id as a customer
        ("met", np.int32),  # the newest join by which the id met a customer that was new to it
        ("newest", np.int32),  # the newest join that holds and has the id as its old one
        ("is_identity", np.bool_),
        ("is_held", np.bool_),  # it met too many customers
        ("is_parted", np.bool_),  # it was parted from another
        ("has_parted", np.bool_),  # at the root: one of its ids was
    ]
)
_JOIN = np.dtype(
    [
        ("kind", np.int32),
        ("old", np.int32),
        ("new", np.int32),
        ("met_before", np.int32),  # of the chain that `met` begins
        ("before", np.int32),  # of the chain that `newest` begins
    ]
)
_PAIR = np.dtype([("left", np.int32), ("right", np.int32)])
"""Ids that were parted; -1 where they were merged again."""


@_compiled
def _reaches(ids: Records, parted: Records, first: int, second: int) -> bool:
    """Would joining two components put a parted pair into one?"""
    if not (ids[first].has_parted and ids[second].has_parted):
        return False
    for k in range(len(parted)):
        if parted[k].left >= 0:
            one, other = ids[parted[k].left].root, ids[parted[k].right].root
            if (one == first and other == second) or (one == second and other == first):
                return True
    return False


@_compiled
def _unite(ids: Records, first: int, second: int) -> None:
    """Make one component of two, by the names of their roots; the customer is that of the second."""
    customer = ids[second].customer
    kept, gone = (first, second) if ids[first].size > ids[second].size else (second, first)
    member = gone
    for _ in range(ids[gone].size):
        ids[member].root = kept
        member = ids[member].after
    ids[kept].after, ids[gone].after = ids[gone].after, ids[kept].after
    ids[kept].size += ids[gone].size
    ids[kept].customer = customer
    ids[kept].has_parted |= ids[gone].has_parted


@_compiled
def _join(ids: Records, joins: Records, parted: Records, j: int, most_ids: int) -> int:
    """Make one join, if it may be made: the verdict."""
    first, second = ids[joins[j].old].root, ids[joins[j].new].root
    if first == second:
        # Said already: then it need not be remembered again, though it come with every page.
        k = ids[joins[j].old].newest
        while k >= 0:
            if joins[k].new == joins[j].new and joins[k].kind == joins[j].kind:
                return HOLDS
            k = joins[k].before
    else:
        if joins[j].kind == IDENTIFY and ids[ids[first].customer].known_since < j:
            return SHARED
        if ids[first].size + ids[second].size > most_ids:
            return TOO_MANY
        if _reaches(ids, parted, first, second):
            return PARTED
        _unite(ids, first, second)
    joins[j].before = ids[joins[j].old].newest
    ids[joins[j].old].newest = j
    return HOLDS


@_compiled
def _members(ids: Records, root: int) -> Codes:
    found = np.empty(ids[root].size, np.int32)
    member = root
    for k in range(len(found)):
        found[k] = member
        member = ids[member].after
    return found


@_compiled
def _make_anew(ids: Records, joins: Records, parted: Records, members: Codes, most_ids: int) -> None:
    """Set the ids of a component free, and make the joins that held between them again."""
    count = 0
    for member in members:
        k = ids[member].newest
        while k >= 0:
            count += 1
            k = joins[k].before
    held = np.empty(count, np.int32)
    count = 0
    for member in members:
        k = ids[member].newest
        while k >= 0:
            held[count] = k
            count += 1
            k = joins[k].before
        ids[member].root = ids[member].after = ids[member].customer = member
        ids[member].size = 1
        ids[member].newest = -1
        ids[member].has_parted = ids[member].is_parted
    held.sort()
    for k in held:
        if not (ids[joins[k].old].is_held or ids[joins[k].new].is_held):
            _join(ids, joins, parted, int(k), most_ids)


@_compiled
def _part(ids: Records, parted: Records, one: int, other: int) -> None:
    """Remember that two ids may not be in one component."""
    for k in range(len(parted)):
        if parted[k].left < 0:
            parted[k].left, parted[k].right = one, other
            break
    ids[one].is_parted = ids[other].is_parted = True
    ids[ids[one].root].has_parted = ids[ids[other].root].has_parted = True


@_compiled
def _allow(parted: Records, one: int, other: int) -> None:
    """Forget that two ids were parted."""
    for k in range(len(parted)):
        is_pair = parted[k].left == one and parted[k].right == other
        if is_pair or (parted[k].left == other and parted[k].right == one):
            parted[k].left = -1


@_compiled
def _meets_too_many(ids: Records, joins: Records, j: int, most_customers: int) -> bool:
    """Remember whom the old id meets; is it one too many?"""
    count, k = 0, ids[joins[j].old].met
    while k >= 0:
        if ids[joins[k].new].root == ids[joins[j].new].root:
            return False
        count += 1
        k = joins[k].met_before
    joins[j].met_before = ids[joins[j].old].met
    ids[joins[j].old].met = j
    return bool(count >= most_customers)


@_compiled
def _take(ids: Records, joins: Records, parted: Records, j: int, most_customers: int) -> tuple[int, bool]:
    """Before a join is made: why it may not be (else `HOLDS`), and whether the old id's component must be made anew."""
    a, c = joins[j].old, joins[j].new
    if joins[j].kind == UNMERGE:
        _part(ids, parted, a, c)
        return HOLDS, ids[a].root == ids[c].root
    if not (ids[a].is_identity and ids[c].is_identity):
        return NO_IDENTITY, False
    must_part = False
    ids[c].known_since = min(ids[c].known_since, j)
    if joins[j].kind == MERGE:
        ids[a].known_since = min(ids[a].known_since, j)
        _allow(parted, a, c)
    elif not ids[a].is_held:
        must_part = ids[a].is_held = _meets_too_many(ids, joins, j, most_customers)
    if ids[a].is_held:
        return HELD_BACK, must_part
    return CUSTOMER_HELD_BACK if ids[c].is_held else HOLDS, False


@_compiled
def _longer(values: Codes, room: int) -> Codes:
    longer = np.empty(room, np.int32)
    longer[: len(values)] = values
    return longer


@_compiled
def _resolve(ids: Records, joins: Records, parted: Records, most_customers: int, most_ids: int) -> Any:
    verdicts = np.zeros(len(joins), np.int8)
    room = 2 * len(joins) + most_ids
    at, whose, customers = np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room, np.int32)
    changes = 0
    for j in range(len(joins)):
        kind, old, new = joins[j].kind, joins[j].old, joins[j].new
        if old == new:
            continue
        verdicts[j], must_part = _take(ids, joins, parted, j, most_customers)
        if not must_part and (kind == UNMERGE or verdicts[j] != HOLDS):
            continue
        root = ids[old].root
        if not must_part and root == ids[new].root:
            _join(ids, joins, parted, j, most_ids)  # changes nobody's customer
            continue
        members, earlier = _members(ids, root), ids[root].customer
        if must_part:
            _make_anew(ids, joins, parted, members, most_ids)
        else:
            verdicts[j] = _join(ids, joins, parted, j, most_ids)
        if changes + len(members) > room:
            room *= 2
            at, whose, customers = _longer(at, room), _longer(whose, room), _longer(customers, room)
        for member in members:
            customer = ids[ids[member].root].customer
            if customer != earlier:
                at[changes], whose[changes], customers[changes] = j, member, customer
                changes += 1
    return verdicts, at[:changes], whose[:changes], customers[:changes]


def resolve(kinds: Kinds, old: Codes, new: Codes, is_identity: Mask, most_customers: int, most_ids: int) -> Joined:
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
    ids, joins = np.zeros(len(is_identity), _ID), np.empty(len(kinds), _JOIN)
    parted = np.full(int((kinds == UNMERGE).sum()), -1, _PAIR)
    ids["root"] = ids["after"] = ids["customer"] = np.arange(len(ids))
    ids["size"] = 1
    ids["known_since"] = len(joins)
    ids["met"] = ids["newest"] = joins["met_before"] = joins["before"] = -1
    ids["is_identity"] = is_identity
    joins["kind"], joins["old"], joins["new"] = kinds, old, new
    return Joined(*_resolve(ids, joins, parted, most_customers, most_ids))
