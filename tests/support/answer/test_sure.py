"""How sure an answer is: by how near the first text is, and how far the next ones are behind."""

from __future__ import annotations

import pytest

from regulars.support.answer.sure import features, learned, probability
from regulars.support.knowledge import Found, Text


def found(*scores: float) -> list[Found]:
    return [Found(Text("a", "A text.", "a.md"), score, meaning=score, answers=score) for score in scores]


def test_who_is_far_ahead_is_surer_than_who_is_one_of_many() -> None:
    ahead, among = found(0.9, 0.3, 0.2, 0.2), found(0.4, 0.4, 0.4, 0.4)
    assert probability(ahead) > learned(ahead).bar > probability(among)
    assert learned(ahead).bar > learned(ahead).offered


def test_a_lead_is_before_the_mean_of_the_next_three_each_at_least_as_near_as_in_a_large_shop() -> None:
    lead, meaning, *_ = features(found(0.9, 0.5))
    assert lead == pytest.approx(0.9 - (0.5 + 0.29 + 0.29) / 3)
    assert meaning == 0.9


def test_nothing_found_is_nothing_sure() -> None:
    assert probability([]) == 0
