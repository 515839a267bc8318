"""Metrics of amounts: against their definitions, weights as repeated rows, and what is undefined."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from regulars.evaluation import UndefinedMetricError, correlation_score, gini_score, rmse_error, total_bias_error

METRICS = (rmse_error, correlation_score, total_bias_error, gini_score)


@pytest.mark.parametrize("metric", METRICS)
@given(data=st.data())
def test_a_weight_is_so_many_rows(metric: Callable[..., float], data: st.DataObject) -> None:
    amounts = st.integers(0, 9).map(float)
    y, p = (data.draw(arrays(float, 8, elements=amounts)) for _ in range(2))
    weight = data.draw(arrays(int, 8, elements=st.integers(0, 3)))
    if len(set(np.repeat(y, weight))) < 2:
        return
    whole = metric(np.repeat(y, weight), np.repeat(p, weight))
    assert metric(y, p, weight) == pytest.approx(whole, abs=1e-9)


def test_as_numpy_has_them() -> None:
    rng = np.random.default_rng(0)
    y, p = rng.poisson(1.0, 200), rng.random(200)
    assert correlation_score(y, p) == pytest.approx(np.corrcoef(y, p)[0, 1])
    assert rmse_error(y, p) == pytest.approx(np.sqrt(np.mean((y - p) ** 2)))
    assert total_bias_error(y, p) == pytest.approx(abs(p.sum() / y.sum() - 1))


def test_the_best_order_has_gini_one_chance_none_and_only_order_counts() -> None:
    rng = np.random.default_rng(0)
    y = rng.lognormal(0, 1, 2000)
    assert gini_score(y, y**3) == pytest.approx(1)
    assert gini_score(y, np.zeros(2000)) == pytest.approx(0, abs=1e-9)
    assert gini_score(y, rng.random(2000)) == pytest.approx(0, abs=0.08)


@pytest.mark.parametrize("metric", METRICS)
def test_no_row_is_no_figure(metric: Callable[..., float]) -> None:
    with pytest.raises(UndefinedMetricError):
        metric([], [])


def test_where_nothing_differs_there_is_no_order() -> None:
    for metric in (correlation_score, gini_score):
        with pytest.raises(UndefinedMetricError):
            metric([2, 2], [1, 3])
    with pytest.raises(UndefinedMetricError):
        total_bias_error([0, 0], [1, 1])
