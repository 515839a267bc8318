"""Guardrails at their very edge, by figures that fit in the head: what random prices seldom hit."""

from __future__ import annotations

import numpy as np

from regulars.pricing.guard import UNKNOWN, Rules, list_prices, personal_prices, wrong_personal_prices


def test_the_nearest_of_two_endings_is_taken_and_in_the_middle_the_lower():
    found = list_prices(Rules(endings=(0, 50), max_change=1.0), [1000] * 3, [1] * 3)
    assert found.nearest([1020, 1025, 1040]).tolist() == [1000, 1000, 1050]


def test_where_one_price_alone_is_admissible_it_is_asked():
    found = personal_prices(Rules(min_margin=0.0, max_discount=0.5), [1000], [1000])
    assert (found.low.tolist(), found.high.tolist(), found.is_empty.tolist()) == ([1000], [1000], [False])
    assert found.nearest([900]).tolist() == [1000]


def test_the_checker_finds_a_personal_price_that_leaves_too_little():
    rules = Rules(min_margin=0.1, max_discount=0.5)
    asked = np.array([888, 889])  # 800 and a tenth of the price: 888.9 at least
    unknown = np.full(2, UNKNOWN)
    wrong = wrong_personal_prices(
        rules, asked, np.array([1000, 1000]), np.array([800, 800]), brand_minimum=unknown, shown=unknown
    )
    assert wrong["cost and margin"].tolist() == [True, False]
