from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from regulars.fraud.graph.components import groups
from regulars.fraud.graph.links import links
from tests.fraud.graph.conftest import stream


def joined(*rows: dict[str, object]) -> list[int]:
    """Groups numbered in the order in which their first customer is seen."""
    of = groups(links(stream(*rows))).of_customer
    _, first, group = np.unique(of, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[group].tolist()


def test_a_chain_of_shared_things_is_one_group() -> None:
    rows = (
        {"customer": "a", "device": "d"}, {"customer": "b", "device": "d", "payment": "p"},
        {"customer": "c", "payment": "p", "address": "x"}, {"customer": "d", "address": "x"}, {"customer": "e"},
    )  # fmt: skip
    assert joined(*rows) == [0, 0, 0, 0, 1]


def test_an_ip_alone_joins_no_households() -> None:
    assert joined(
        {"customer": "a", "device": "d1", "ip": "1", "at": 48}, {"customer": "b", "device": "d1", "ip": "1", "at": 60},
        {"customer": "c", "device": "d2", "ip": "1", "at": 72}, {"customer": "d", "device": "d2", "ip": "1", "at": 84},
    ) == [0, 0, 1, 1]  # fmt: skip


def test_accounts_opened_from_one_ip_within_an_hour_are_joined() -> None:
    begins = {"customer": "first", "at": 0}
    assert joined(begins, {"customer": "a", "ip": "1", "at": 48}, {"customer": "b", "ip": "1", "at": 48.5}) == [0, 1, 1]
    assert joined(begins, {"customer": "a", "ip": "1", "at": 48}, {"customer": "b", "ip": "1", "at": 49.5}) == [0, 1, 2]


def test_who_is_seen_when_the_log_begins_opened_no_account_then() -> None:
    assert joined({"customer": "a", "ip": "1", "at": 0}, {"customer": "b", "ip": "1", "at": 0.5}) == [0, 1]


def test_the_victim_of_a_ring_is_not_in_it() -> None:
    rows = (
        {"customer": "a", "device": "farm"}, {"customer": "b", "device": "farm"}, {"customer": "victim", "device": "own"},
        {"customer": "victim", "device": "farm", "kind": "sign_in_failed"},
        {"customer": "victim", "device": "farm", "kind": "attempt"},
    )  # fmt: skip
    assert joined(*rows) == [0, 0, 1]
    found = links(stream(*rows))
    together = groups(found)
    # What is done from the ring's device is its deed.
    assert together.of_rows(stream(*rows), found).tolist() == [
        *together.of_customer[[0, 0, 2]],
        *together.of_customer[[0, 0]],
    ]


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), min_size=1, max_size=25), st.randoms())
def test_the_order_of_rows_does_not_matter(pairs: list[tuple[int, int]], random: object) -> None:
    def together(rows: list[tuple[int, int]]) -> set[frozenset[str]]:
        made = stream(*({"customer": f"c{c}", "device": f"d{d}"} for c, d in rows))
        of = groups(links(made)).of_customer
        names = np.array(made.names["customer"].to_pylist())
        return {frozenset(names[of == group].tolist()) for group in np.unique(of)}

    shuffled = pairs.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert together(pairs) == together(shuffled)
