"""Scores and cells: every customer in exactly one, by edges that hold for who comes later."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.segment.rfm import CELLS, GRID, NAMES, Rfm, cells


def profiles(recency: list[float], orders: list[float], spend: list[float]) -> pa.Table:
    return pa.table({"recency_days": recency, "orders": orders, "spend": spend})


values = st.lists(st.floats(0, 1000, allow_nan=False), min_size=1, max_size=40)


@settings(deadline=None, max_examples=60)
@given(values)
def test_more_never_scores_less_and_the_same_scores_the_same(drawn: list[float]) -> None:
    table = profiles([1.0] * len(drawn), drawn, drawn)
    scores = Rfm.of(table).scores(table)
    assert scores.min() >= 1
    assert scores.max() <= 5
    order = np.argsort(drawn, kind="stable")
    assert (np.diff(scores[order, 1]) >= 0).all()
    for value in set(drawn):
        assert len(set(scores[np.array(drawn) == value, 1].tolist())) == 1


def test_each_pair_of_scores_has_one_of_eleven_cells_and_every_cell_is_someones() -> None:
    assert set(GRID.ravel().tolist()) == set(range(11))
    assert len(NAMES) == len(set(CELLS.values())) == 11
    grid = np.array(np.meshgrid(*[range(1, 6)] * 3)).reshape(3, -1).T
    assert len(cells(grid)) == 125


def test_quintiles_of_distinct_values_are_of_equal_size() -> None:
    spend = [float(value) for value in range(100)]
    table = profiles(spend[::-1], spend, spend)
    scores = Rfm.of(table).scores(table)
    assert np.bincount(scores[:, 2]).tolist() == [0, 20, 20, 20, 20, 20]
    assert (scores[-1] == 5).all()


def test_a_column_that_says_nothing_puts_all_into_the_middle() -> None:
    table = profiles([5.0] * 9, [1.0] * 9, [3.0] * 9)
    assert (Rfm.of(table).scores(table) == 3).all()


def test_one_customer_is_in_the_middle() -> None:
    table = profiles([5.0], [1.0], [3.0])
    found = Rfm.of(table)
    assert [NAMES[cell] for cell in found.cells(table)] == ["Need attention"]


def test_a_new_customer_is_scored_as_the_fit_scored_the_same_one() -> None:
    rng = np.random.default_rng(0)
    table = profiles(*(rng.lognormal(2, 1, 200).tolist() for _ in range(3)))
    found = Rfm.from_json(Rfm.of(table).to_json())
    whole = Rfm.of(table).scores(table)
    assert all((found.scores(table.slice(k, 1)) == whole[k]).all() for k in range(0, 200, 17))


def test_constant_edges_go_round_as_json() -> None:
    found = Rfm.of(profiles([5.0] * 3, [1.0, 2.0, 3.0], [3.0] * 3))
    assert np.array_equal(Rfm.from_json(found.to_json()).edges, found.edges)


def test_who_has_no_order_scores_least() -> None:
    table = profiles([1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 2.0, 3.0, 4.0, 5.0])
    stranger = pa.table({"recency_days": [None], "orders": [0.0], "spend": [None]}, schema=table.schema)
    assert Rfm.of(table).scores(stranger).tolist() == [[1, 1, 1]]


def test_what_was_given_back_is_taken_off() -> None:
    spend = [10.0, 20.0, 30.0, 40.0, 50.0]
    table = profiles([1.0] * 5, [1.0] * 5, spend).append_column("refunded", pa.array([0.0, 0.0, 0.0, 0.0, 45.0]))
    assert Rfm.of(table).scores(table)[4, 2] == pytest.approx(1)
