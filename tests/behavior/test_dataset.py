"""From a log and a catalogue to what the model reads: words of titles, and who is who."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from regulars import Shop
from regulars.behavior.dataset import WORD, sequences_of
from regulars.behavior.vocabulary import Vocabulary

MAY = datetime(2024, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def test_chinese_characters_are_told_apart_beside_numbers_and_latin_words() -> None:
    assert WORD.findall("2024新款T恤 iPhone15手机壳") == [
        *("2024", "新", "款", "T", "恤"),
        *("iPhone15", "手", "机", "壳"),
    ]
    assert WORD.findall("Café tee_pot, 2 l") == ["Café", "tee", "pot", "2", "l"]


def test_who_is_who_can_be_asked_as_of_a_moment_before_the_last_event(shop: Shop, record) -> None:
    record(
        shop,
        {"type": "product_viewed", "anonymous_id": "a7", "time": (MAY - DAY).isoformat(), "product_id": "tea"},
        {"type": "product_viewed", "customer_id": "ada", "time": (MAY - DAY).isoformat(), "product_id": "tea"},
        {"type": "customer_identified", "anonymous_id": "a7", "customer_id": "ada", "time": (MAY + DAY).isoformat()},
    )
    known = Vocabulary(["tea"], ["product_viewed"], [], [], np.array([0, 9]), np.full(2, np.nan))
    end = MAY + 2 * DAY
    assert sequences_of(shop, known, end).customers == ["ada"]
    assert sequences_of(shop, known, MAY).customers == ["a7", "ada"]
    assert sequences_of(shop, known, end, named_as_of=MAY).customers == ["a7", "ada"]
