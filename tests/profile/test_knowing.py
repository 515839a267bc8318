"""What is known beside features, and why what is not known is not."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from regulars.profile import verify
from regulars.profile.features import FEATURES
from regulars.profile.needs import MEASURES, NEEDS
from regulars.profile.telling import Known, Teller
from regulars.profile.wording import WORDS, Words

PROTECTED = re.compile(
    r"(?<![a-z])(gender|sex|age|race|ethnic|relig|politic|health|disab|pregnan|marital|married|national|birth|child|"
    r"income|orientation|genetic)"
)

Get = Callable[[str], Any]


def test_a_customer_without_habits_has_no_preference(lamp_parts: Get) -> None:
    random = lamp_parts("r03")
    assert {habit: found.name for habit, found in random.known.habits.items()} == dict.fromkeys(
        ("hour", "weekday", "channel")
    )
    said = {sentence.about for sentence in random.told("en")}
    assert not said & {"hour", "weekday", "channel", "category", "brand", "style"}


def test_what_cannot_be_predicted_is_absent_with_its_reason(lamp_parts: Get) -> None:
    single = lamp_parts("single")
    assert single.untold["next_order"] == "needs 2 days with an order; has 1"
    assert single.untold["price_level"] == "needs 2 orders of products with a category and a price; has 1"
    assert single.untold["price_sensitivity"] == "needs the price level or the discount affinity"
    assert single.known.next_order is None
    assert single.known.interests == {}
    assert set(single.untold) <= {*NEEDS, "price_sensitivity"}


def test_orders_all_at_one_time_tell_no_pause(lamp_parts: Get) -> None:
    gina = lamp_parts("gina")
    teller = Teller(Words("en", "EUR"), gina.norms, gina.own, "UTC")
    features = {"orders": 2.0, "tenure_days": 20.0, "recency_days": 20.0, "spend": 9.0, "overdue": 20.0}
    said = teller.features({**features, "gap_mean_days": 0.0}, "new")
    assert [sentence.about for sentence in said] == ["stage", "orders", "spend"]
    assert [sentence.about for sentence in teller.features({**features, "gap_mean_days": 1.0}, "new")][-1] == "overdue"


def test_nothing_and_what_is_no_number_are_not_told(lamp_parts: Get) -> None:
    gina = lamp_parts("gina")
    teller = Teller(Words("en", "EUR"), gina.norms, gina.own, "UTC")
    assert [sentence.text for sentence in teller.features({}, "prospect")] == ["This customer has not ordered yet."]
    assert teller.known(Known()) == []


def test_who_stays_away_too_long_has_no_next_date(lamp_parts: Get) -> None:
    gone = lamp_parts("gone")
    assert gone.known.next_order is None
    assert "nineteen in twenty" in gone.untold["next_order"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_told_says_only_its_own_facts(lamp_parts: Get, language: str) -> None:
    said = lamp_parts("gina").told(language)
    assert [sentence.about for sentence in said] == [
        "next_order", "category", "brand", "next_category", "pays_less", "below_list", "hour", "channel",
    ]  # fmt: skip
    for sentence in said:
        assert verify(sentence.text, sentence.facts) == (), sentence.text
        assert sentence.evidence is not None


def test_nothing_protected_is_ever_told_by_name() -> None:
    """A household shows as behaviour alone: pieces an order, devices."""
    names = [*NEEDS, *MEASURES, *WORDS["en"], *Known.__dataclass_fields__]
    names += [text for feature in FEATURES for text in (feature.name, feature.meaning)]
    assert [name for name in names if PROTECTED.search(name)] == []


def test_both_languages_say_the_same_things() -> None:
    assert set(WORDS["en"]) == set(WORDS["zh"])
    assert all(measure.english and measure.chinese for measure in MEASURES.values())
    assert {name for needs in NEEDS.values() for name in needs} == set(MEASURES)
