"""Which text answers: by what question and texts are about, whatever their words and language."""

from __future__ import annotations

import numpy as np
import pytest

from regulars.language.search import Index, Passage
from regulars.support.knowledge import rank
from regulars.support.knowledge.rank import features, rows, scores
from regulars.support.knowledge.topics import Topics

PASSAGES = [
    Passage("back", "You have 21 days from receipt to send goods back.", "Sending back"),
    Passage("post", "满五十九元包邮，港澳台除外。", "邮费"),
    Passage("wash", "Wash by hand, dry flat.", "Silk"),
]


@pytest.mark.parametrize(
    ("asked", "right"),
    [("退货期限是多久", "back"), ("how much must I spend so postage is free", "post"), ("真丝可以机洗吗", "wash")],
)
def test_the_text_of_the_same_topic_comes_first_in_either_language(asked: str, right: str) -> None:
    index = Index()
    index.update(PASSAGES)
    hits = index.find(asked)
    compared = dict(zip((one.id for one in PASSAGES), rows(PASSAGES), strict=True))
    scored = scores(features(asked, hits, [compared[hit.passage.id] for hit in hits]))
    assert hits[int(scored.argmax())].passage.id == right


def test_without_the_encoder_of_questions_and_answers_the_rest_finds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rank, "is_installed", lambda: False)
    index = Index()
    index.update(PASSAGES)
    hits = index.find("退货期限是多久")
    compared = dict(zip((one.id for one in PASSAGES), rows(PASSAGES), strict=True))
    table = features("退货期限是多久", hits, [compared[hit.passage.id] for hit in hits])
    assert not table[:, 3].any()
    assert hits[int(scores(table).argmax())].passage.id == "back"


@pytest.mark.parametrize("text", ["\0", "🙂🙂", "\u200b", "где мой заказ", "x" * 100_000, ""])
def test_any_text_has_finite_rows(text: str) -> None:
    assert all(np.isfinite(rows_of).all() for rows_of in Topics.learned()([text]))


def test_no_passages_have_no_rows() -> None:
    assert rows([]) == []
