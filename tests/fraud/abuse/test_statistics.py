from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from regulars.fraud.abuse.statistics import at_least, false_share, shares, together

CHANCES = arrays(float, st.integers(1, 40), elements=st.floats(0, 1))


@given(CHANCES)
def test_false_shares_keep_the_order_of_the_chances_and_are_never_below_them(chances: np.ndarray) -> None:
    found = false_share(chances)
    assert (found >= chances - 1e-12).all()
    assert (found <= 1).all()
    assert (np.diff(found[np.argsort(chances, kind="stable")]) >= -1e-12).all()


def test_of_many_honest_tests_few_are_below_the_bar() -> None:
    chances = np.random.default_rng(0).random((200, 1000))
    assert np.mean([(false_share(row) < 0.05).any() for row in chances]) < 0.1


@given(CHANCES)
def test_signs_that_say_nothing_change_no_mind(chances: np.ndarray) -> None:
    assert (together(np.stack([chances, np.ones(len(chances))])) >= chances - 1e-9).all()


def test_at_least_none_is_certain() -> None:
    assert at_least(np.array([0, 0]), np.array([0, 5]), 0.3).tolist() == [1.0, 1.0]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 20)), min_size=1, max_size=30), st.floats(0.001, 0.9))
def test_shares_are_chances_and_their_intervals_hold_them(orders: list[tuple[float, int]], usual: float) -> None:
    whole = np.array([float(many) for _, many in orders])
    part = np.array([share for share, _ in orders]) * whole
    found = shares(part, whole, np.full(len(whole), usual))
    assert ((found.above >= 0) & (found.above <= 1 + 1e-9)).all()
    assert (found.low <= found.high).all()


def test_more_orders_make_the_same_share_surer() -> None:
    peers, orders = np.tile([0.0, 1.0], 200), np.full(400, 10.0)
    above = [
        shares(np.append(peers, many * 0.8), np.append(orders, many), np.full(401, 0.05)).above[-1]
        for many in (1, 2, 5)
    ]
    assert above[0] < above[1] < above[2]
