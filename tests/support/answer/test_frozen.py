"""Questions that were written once and are not changed: half of them may be looked at, half of them judges alone."""

from __future__ import annotations

import json

import pytest

from benchmarks.support_answers import HERE, frozen, shop
from regulars.language import retrieval
from regulars.support.answer import Answers, sure
from regulars.support.knowledge import rank


def test_both_halves_have_questions_of_both_kinds_and_none_is_in_both():
    halves = [frozen(half) for half in ("development", "judging")]
    for answerable, none in halves:
        assert min(len(answerable), len(none)) >= 50
        assert {each["language"] for each in answerable} == {each["language"] for each in none} == {"en", "zh"}
    first, second = ({each["question"] for kind in half for each in kind} for half in halves)
    assert not first & second


@pytest.mark.parametrize("with_e5", [True, False])
def test_few_texts_answer_their_questions_and_no_others(monkeypatch, with_e5):
    """Every third text of the development half, as a small shop has them."""
    if with_e5 and not retrieval.is_installed():
        pytest.skip("the encoder of questions and answers is not installed")
    monkeypatch.setattr(rank, "is_installed", lambda: with_e5)
    monkeypatch.setattr(sure, "is_installed", lambda: with_e5)
    told = json.loads((HERE / "support_faq.json").read_text("utf-8"))
    asked, none = frozen("development")
    asked, none = asked[::3], none[1::4]
    there = {each["passage"] for each in asked}
    small = {**told, "passages": [each for each in told["passages"] if each["id"] in there]}
    answers = Answers(shop(small))
    texts = {each["id"]: each["text"] for each in small["passages"]}
    right = [texts[each["passage"]] == answers.knowledge.find(each["question"])[0].text.text for each in asked]
    said = [answers.answer(each["question"], None, each["language"]).is_sure for each in none]
    assert sum(right) >= 0.8 * len(asked)
    assert sum(said) <= 0.15 * len(none)
