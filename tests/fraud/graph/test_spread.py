from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.fraud.graph import links, spread
from regulars.fraud.stream import KIND, Stream
from tests.fraud.graph.conftest import stream


def with_frauds(made: Stream, *rows: int) -> Stream:
    kinds = np.full(len(rows), KIND["fraud"], np.int8)
    return made.with_known(np.array(rows), np.full(len(rows), int(made.time.max()) + 1), kinds)


def test_risk_reaches_neighbours_and_falls_with_distance() -> None:
    chain = [{"customer": f"c{k}", "device": f"d{k}"} for k in range(4)]
    chain += [{"customer": f"c{k + 1}", "device": f"d{k}"} for k in range(3)] + [{"customer": "far", "device": "own"}]
    told = with_frauds(stream(*chain), 0)
    risk = spread(links(told), told)
    near = risk.customer[:4]
    assert (np.diff(near) < 0).all()
    assert near.min() > 0
    assert risk.customer[4] == 0
    assert risk.entity[0] > risk.entity[1] > risk.entity[2] > 0


def test_risk_does_not_pass_through_whom_the_shop_knows_well() -> None:
    rows = [{"customer": "bad", "device": "a"}, {"customer": "mid", "device": "a"}, {"customer": "mid", "device": "b"}]
    rows += [{"customer": "end", "device": "b"}]
    told = with_frauds(stream(*rows), 0)
    known = told.with_known(np.array([1, 2]), told.time[[3, 3]], np.full(2, KIND["honest"], np.int8))
    end = int(np.flatnonzero(np.array(told.names["customer"].to_pylist()) == "end")[0])
    assert spread(links(known), known).customer[end] < spread(links(told), told).customer[end]


def test_an_ip_carries_less_than_a_device() -> None:
    rows = [{"customer": "bad", "device": "a", "ip": "1"}, {"customer": "same device", "device": "a", "ip": "2"}]
    rows += [{"customer": "same ip", "device": "c", "ip": "1"}]
    told = with_frauds(stream(*rows), 0)
    risk = spread(links(told), told).customer
    assert risk[1] > 2 * risk[2] > 0


def test_without_a_label_there_is_no_risk() -> None:
    quiet = stream({"customer": "a", "device": "d"}, {"customer": "b", "device": "d"})
    risk = spread(links(quiet), quiet)
    assert risk.customer.tolist() == [0, 0]
    assert risk.usual == 0


def test_risk_is_the_same_in_a_shop_of_any_size() -> None:
    pair = [{"customer": "bad", "device": "d"}, {"customer": "friend", "device": "d"}]
    others = [{"customer": f"c{k}", "device": f"e{k}"} for k in range(200)]
    small, large = with_frauds(stream(*pair), 0), with_frauds(stream(*pair, *others), 0)
    assert spread(links(small), small).customer[:2] == pytest.approx(spread(links(large), large).customer[:2])


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 6)), min_size=1, max_size=40), st.data())
def test_risk_lies_between_0_and_1(pairs: list[tuple[int, int]], data: st.DataObject) -> None:
    made = stream(*({"customer": f"c{c}", "device": f"d{d}"} for c, d in pairs))
    told = with_frauds(made, *data.draw(st.sets(st.integers(0, len(pairs) - 1), min_size=1, max_size=4)))
    risk = spread(links(told), told)
    for found in (risk.customer, risk.entity):
        assert ((found >= 0) & (found <= 1)).all()
