"""Fast joins against plain ones, which make everything anew from the start after each join."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.customers.joining import (
    ALIAS,
    CUSTOMER_HELD_BACK,
    HELD_BACK,
    HOLDS,
    IDENTIFY,
    MERGE,
    NO_IDENTITY,
    PARTED,
    SHARED,
    TOO_MANY,
    UNMERGE,
    resolve,
)

Join = tuple[int, int, int]
"""kind, old id, new id."""

IDS = 7
NOBODY = 6
"""This id is none."""


class Plain:
    """Components as sets, made anew after each join from all joins that hold."""

    def __init__(self, most_customers: int, most_ids: int) -> None:
        self.most_customers, self.most_ids = most_customers, most_ids
        self.known: dict[int, int] = {}
        self.met: dict[int, list[int]] = {}
        self.held: set[int] = set()
        self.parted: list[set[int]] = []
        self.holding: list[tuple[int, Join]] = []
        self.start()

    def start(self) -> None:
        self.component = {k: frozenset({k}) for k in range(IDS)}
        self.customer = {k: k for k in range(IDS)}

    def join(self, number: int, said: Join) -> int:
        kind, old, new = said
        if self.component[old] == self.component[new]:
            return HOLDS
        if kind == IDENTIFY and self.known.get(self.customer[old], number) < number:
            return SHARED
        both = self.component[old] | self.component[new]
        if len(both) > self.most_ids:
            return TOO_MANY
        if any(pair <= both for pair in self.parted):
            return PARTED
        customer = self.customer[new]
        for member in both:
            self.component[member], self.customer[member] = both, customer
        return HOLDS

    def make_anew(self) -> None:
        earlier, self.holding = self.holding, []
        self.start()
        for number, said in earlier:
            if not self.held & set(said[1:]) and self.join(number, said) == HOLDS:
                self.holding.append((number, said))

    def met_too_many(self, old: int, new: int) -> bool:
        met = self.met.setdefault(old, [])
        if all(self.component[other] != self.component[new] for other in met):
            met.append(new)
        return len(met) > self.most_customers

    def take(self, number: int, said: Join) -> int:
        kind, old, new = said
        if old == new:
            return HOLDS
        if kind == UNMERGE:
            self.parted.append({old, new})
            self.make_anew()
            return HOLDS
        if NOBODY in (old, new):
            return NO_IDENTITY
        self.known.setdefault(new, number)
        if kind == MERGE:
            self.known.setdefault(old, number)
            self.parted = [pair for pair in self.parted if pair != {old, new}]
        elif old not in self.held and self.met_too_many(old, new):
            self.held.add(old)
            self.make_anew()
        if old in self.held:
            return HELD_BACK
        if new in self.held:
            return CUSTOMER_HELD_BACK
        verdict = self.join(number, said)
        if verdict == HOLDS:
            self.holding.append((number, said))
        return verdict


def fast(joins: list[Join], most_customers: int = 5, most_ids: int = 100) -> tuple[list[int], list[list[int]]]:
    """Verdicts, and the customer of each id after each join."""
    kinds, old, new = (np.array(column) for column in zip(*joins, strict=True))
    may_join = np.arange(IDS) != NOBODY
    found = resolve(
        kinds.astype(np.int8), old.astype(np.int32), new.astype(np.int32), may_join, most_customers, most_ids
    )
    customers, states = list(range(IDS)), []
    for number in range(len(joins)):
        for k in np.flatnonzero(found.at == number):
            assert customers[found.ids[k]] != found.customers[k], "a change that changes nothing"
            customers[found.ids[k]] = int(found.customers[k])
        states.append(list(customers))
    return found.verdicts.tolist(), states


def plain(joins: list[Join], most_customers: int, most_ids: int) -> tuple[list[int], list[list[int]]]:
    state, verdicts, states = Plain(most_customers, most_ids), [], []
    for number, said in enumerate(joins):
        verdicts.append(state.take(number, said))
        states.append([state.customer[k] for k in range(IDS)])
    return verdicts, states


ids = st.integers(0, IDS - 1)
kinds = st.sampled_from([IDENTIFY, IDENTIFY, ALIAS, MERGE, UNMERGE])
some_joins = st.lists(st.tuples(kinds, ids, ids), min_size=1, max_size=25)


@settings(max_examples=1000, deadline=None)
@given(joins=some_joins, most_customers=st.integers(1, 4), most_ids=st.integers(2, 6))
def test_fast_joins_are_the_plain_ones(joins: list[Join], most_customers: int, most_ids: int) -> None:
    assert fast(joins, most_customers, most_ids) == plain(joins, most_customers, most_ids)


@settings(max_examples=500, deadline=None)
@given(joins=some_joins, one=st.integers(0, 5), other=st.integers(0, 5))
def test_what_is_merged_and_parted_again_is_as_before(joins: list[Join], one: int, other: int) -> None:
    # With room for all: an id that was held back, or refused for the sake of a limit, is another matter.
    _, before = fast(joins)
    if before[-1][one] == before[-1][other]:
        return
    verdicts, after = fast([*joins, (MERGE, one, other), (UNMERGE, one, other)])
    assert after[-1] == before[-1]
    assert verdicts[-2] in (HOLDS, PARTED, HELD_BACK, CUSTOMER_HELD_BACK)


@settings(max_examples=500, deadline=None)
@given(joins=some_joins, one=st.integers(0, 5), other=st.integers(0, 5), later=some_joins)
def test_who_was_parted_stays_apart_until_a_person_merges_them(
    joins: list[Join], one: int, other: int, later: list[Join]
) -> None:
    if one == other:
        return
    later = [said for said in later if said[0] != MERGE]
    _, states = fast([*joins, (UNMERGE, one, other), *later])
    assert all(state[one] != state[other] for state in states[len(joins) :])


@settings(max_examples=300, deadline=None)
@given(joins=some_joins)
def test_every_customer_is_its_own_customer(joins: list[Join]) -> None:
    for state in fast(joins)[1]:
        assert all(state[customer] == customer for customer in state)


@pytest.mark.parametrize(
    ("joins", "verdicts", "customers"),
    [
        # Two visitors' ids of one customer.
        ([(IDENTIFY, 0, 2), (IDENTIFY, 1, 2)], [HOLDS, HOLDS], [2, 2, 2]),
        # A shared tablet: the first customer on it has it.
        ([(IDENTIFY, 0, 1), (IDENTIFY, 0, 2), (IDENTIFY, 0, 1)], [HOLDS, SHARED, HOLDS], [1, 1, 2]),
        # An alias joins known ones too; the newer id is the customer.
        ([(IDENTIFY, 0, 1), (ALIAS, 1, 2)], [HOLDS, HOLDS], [2, 2, 2]),
        # Parted by a person, an identify repeated on every page does not join again; a merge does.
        ([(IDENTIFY, 0, 1), (UNMERGE, 0, 1), (IDENTIFY, 0, 1)], [HOLDS, HOLDS, PARTED], [0, 1, 2]),
        (
            [(IDENTIFY, 0, 1), (UNMERGE, 0, 1), (MERGE, 0, 1), (IDENTIFY, 0, 1)],
            [HOLDS, HOLDS, HOLDS, HOLDS],
            [1, 1, 2],
        ),
        # Joined through a third: parting keeps the older join.
        ([(IDENTIFY, 0, 1), (ALIAS, 0, 2), (UNMERGE, 1, 2)], [HOLDS, HOLDS, HOLDS], [1, 1, 2]),
        # A known customer's component is not swallowed by an identify.
        ([(IDENTIFY, 0, 1), (IDENTIFY, 1, 2)], [HOLDS, SHARED], [1, 1, 2]),
    ],
)
def test_joins(joins: list[Join], verdicts: list[int], customers: list[int]) -> None:
    found, states = fast(joins)
    assert found == verdicts
    assert states[-1][:3] == customers


def test_an_id_that_meets_too_many_customers_is_set_free_and_joins_none() -> None:
    joins = [(IDENTIFY, 0, 1), (IDENTIFY, 0, 2), (IDENTIFY, 0, 3), (IDENTIFY, 0, 1), (ALIAS, 4, 0), (MERGE, 0, 1)]
    verdicts, states = fast(joins, most_customers=2)
    assert verdicts == [HOLDS, SHARED, HELD_BACK, HELD_BACK, CUSTOMER_HELD_BACK, HELD_BACK]
    assert [state[0] for state in states] == [1, 1, 0, 0, 0, 0]


def test_a_customer_of_as_many_ids_as_may_be_takes_no_more() -> None:
    joins = [(ALIAS, 0, 3), (ALIAS, 1, 3), (ALIAS, 2, 3)]
    verdicts, states = fast(joins, most_ids=3)
    assert verdicts == [HOLDS, HOLDS, TOO_MANY]
    assert states[-1][:4] == [3, 3, 2, 3]
