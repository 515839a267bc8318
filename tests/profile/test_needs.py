"""What predictions need: told with what there is, and what the shop lacks before what the customer lacks."""

from __future__ import annotations

import pytest

from regulars.profile.needs import MEASURES, NEEDS, why_absent

ENOUGH = dict.fromkeys(MEASURES, 1000.0)


@pytest.mark.parametrize("prediction", NEEDS)
def test_what_has_all_that_it_needs_is_not_absent_and_one_less_is(prediction: str) -> None:
    least = {**ENOUGH, **NEEDS[prediction]}
    assert why_absent(prediction, least) is None
    for measure, count in NEEDS[prediction].items():
        for language, words in (("en", MEASURES[measure].english), ("zh", MEASURES[measure].chinese)):
            reason = why_absent(prediction, {**least, measure: count - 1}, language)
            assert reason is not None
            assert f"{count}" in reason
            assert words in reason
            assert f"{count - 1}" in reason


def test_what_the_shop_lacks_is_told_alone() -> None:
    reason = why_absent("next_order", {**ENOUGH, "order_days": 1, "shop_days": 12})
    assert reason == "the shop needs 90 days from its first order to its last; has 12"


@pytest.mark.parametrize("nothing", [{}, {"order_days": float("nan")}, {"order_days": -1}])
def test_nothing_and_what_is_no_number_are_too_little(nothing: dict[str, float]) -> None:
    shop = {name: 1000.0 for name, measure in MEASURES.items() if measure.is_of_shop}
    reason = why_absent("next_order", {**shop, **nothing})
    assert reason is not None
    assert reason.startswith("needs 2 days with an order; has ")
