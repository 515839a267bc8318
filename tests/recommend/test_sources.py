"""Each source names what it should, to whom it should, of what it may, and is the same once kept."""

from __future__ import annotations

import numpy as np
import pytest

from regulars.recommend.past import Past
from regulars.recommend.sources import SOURCES, Covisitation, Factors, Nearest, Own, Popular, Source

from .conftest import past_of

EVERY = np.arange(8) > 0


@pytest.fixture
def past() -> Past:
    """Products 1 and 2 go together, and 3 and 4; 5 was popular long ago, 6 is of late, nobody had 7."""
    pairs = [[(1, 40.0), (2, 30.0)]] * 20 + [[(3, 40.0), (4, 30.0)]] * 20
    others = [[(5, 400.0)]] * 60 + [[(6, 2.0)]] * 15
    asked: list[list[tuple[int, float]]] = [[(1, 5.0)], [(3, 5.0)], [(3, 90.0), (1, 1.0)], []]
    return past_of(asked + pairs + others, 7, attributes=[0, 1, 2, 3, 4, 5, 2])


def asked(past: Past) -> Past:
    return past.of(np.arange(4))


def test_own_names_what_the_customer_had_the_latest_first(past: Past) -> None:
    found = Own.fit(past).top(asked(past), 3, EVERY)
    assert found.products.tolist() == [[1, 0, 0], [3, 0, 0], [1, 3, 0], [0, 0, 0]]


def test_covisitation_names_what_goes_with_the_past(past: Past) -> None:
    found = Covisitation.fit(past).top(asked(past), 2, EVERY)
    assert found.products[:2, 0].tolist() == [2, 4]
    # Of two in the past the newer says more.
    assert found.products[2].tolist() == [2, 4]
    assert found.products[3].tolist() == [0, 0]


def test_factors_rank_what_goes_with_the_past_above_the_rest(past: Past) -> None:
    found = Factors.fit(past).top(asked(past), 7, EVERY)
    for row, near, far in ((0, 2, 4), (1, 4, 2)):
        places = found.products[row].tolist()
        assert places.index(near) < places.index(far)
    assert not found.products[3].any()


def test_content_names_a_product_that_nobody_ever_had(past: Past) -> None:
    found = Nearest.fit(past).top(asked(past), 2, EVERY)
    assert set(found.products[1].tolist()) == {3, 7}


def test_popular_goes_by_what_many_had_of_late(past: Past) -> None:
    found = Popular.fit(past).top(asked(past), 7, EVERY)
    assert found.products[0, 0] == 6
    assert 7 not in found.products
    assert (found.products == found.products[0]).all()


@pytest.mark.parametrize("source", SOURCES)
def test_nothing_is_named_that_may_not_be(past: Past, source: type[Source]) -> None:
    allowed = EVERY & (np.arange(8) != 2) & (np.arange(8) != 1)
    found = source.fit(past).top(asked(past), 7, allowed)
    assert not np.isin(found.products, [1, 2]).any()
    assert (found.scores[found.products == 0] == -np.inf).all()
    assert (found.scores[:, 1:] <= found.scores[:, :-1]).all()


@pytest.mark.parametrize("source", SOURCES)
def test_kept_as_arrays_it_is_the_same(past: Past, source: type[Source]) -> None:
    fitted = source.fit(past)
    again = source.from_arrays(fitted.to_arrays())
    one, other = fitted.top(asked(past), 5, EVERY), again.top(asked(past), 5, EVERY)
    assert np.array_equal(one.products, other.products)
    assert np.array_equal(one.scores, other.scores)


@pytest.mark.parametrize("source", SOURCES)
def test_a_past_of_nothing_known_names_no_stranger_a_taste(source: type[Source]) -> None:
    past = past_of([[(1, 3.0)], []], 1)
    found = source.fit(past).top(past.of(np.array([1])), 3, np.array([False, True]))
    if source is not Popular:
        assert not found.products.any()
