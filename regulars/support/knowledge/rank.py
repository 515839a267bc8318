"""Which of the texts that were found answers? They are compared once more, by what they are about.

Where the encoder of questions and answers is not installed, by all the rest.

The weights were learned from the questions of `benchmarks/support_development.json` (`python -m
benchmarks.support_learn` learns them anew); `benchmarks/support_faq.json`, which was not learned from, judges them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from regulars.language.embedding import embed
from regulars.language.retrieval import PASSAGES, QUESTIONS, is_installed
from regulars.language.search import Hit, Passage
from regulars.language.search.fusion import script
from regulars.support.knowledge.topics import About, Topics, unit

Floats = npt.NDArray[np.float32]


class Weights(NamedTuple):
    """What a score is made of.

    Attributes
    ----------
    meaning, intents, topics : of the cosines of what question and text are about; see `About`.
    answers : of the cosine of the question with what it may be answered by; see `regulars.language.retrieval`.
    words, same : where both are of one script besides: of the share of the question's words, and a constant.
    """

    meaning: float
    intents: float
    topics: float
    answers: float
    words: float
    same: float


WEIGHTS = Weights(meaning=0.196, intents=0.165, topics=0.289, answers=0.350, words=0.1, same=0.0)
WITHOUT_E5 = Weights(meaning=0.466, intents=0.181, topics=0.349, answers=0.0, words=0.1, same=0.004)
"""Where the encoder of questions and answers is not installed."""


class Row(NamedTuple):
    """A text, as it is compared: what it is about, what it may answer (nothing without the encoder), and its script."""

    about: About
    answers: Floats
    script: str


def rows(passages: Sequence[Passage], cache: Path | None = None) -> list[Row]:
    """What is compared of texts: they, their titles and both together count the same.

    Parameters
    ----------
    cache : file of vectors that were made before.

    Examples
    --------
    >>> [row.script for row in rows([Passage("1", "Silk is washed by hand.", "Silk"), Passage("2", "满额包邮")])]
    ['latin', 'dense']
    """
    if not passages:
        return []
    topics = Topics.learned(cache)
    views = [[one.title or one.text for one in passages], [one.text for one in passages], list(map(_whole, passages))]
    seen = [topics(view, cache) for view in views]
    about = (unit(np.sum(each, axis=0)) for each in zip(*seen, strict=True))
    made = [About(*each) for each in zip(*about, strict=True)]
    scripts = [script(one.text) for one in passages]
    return [Row(*each) for each in zip(made, _answers(passages, cache), scripts, strict=True)]


def _answers(passages: Sequence[Passage], cache: Path | None) -> list[Floats]:
    """By the encoder of texts that answer, and of questions for those that are noted beside them."""
    if not is_installed():
        return [np.zeros(PASSAGES.dimensions, np.float32)] * len(passages)
    found: dict[str, Floats] = {}
    for encoder, is_question in ((PASSAGES, False), (QUESTIONS, True)):
        some = [one for one in passages if (one.kind == "question") == is_question]
        beside = cache and cache.with_suffix(f".{encoder.kind}s.parquet")
        found |= zip([one.id for one in some], embed(list(map(_whole, some)), beside, encoder), strict=True)
    return [found[one.id] for one in passages]


def _whole(passage: Passage) -> str:
    return f"{passage.title}. {passage.text}" if passage.title else passage.text


def features(question: str, hits: Sequence[Hit], compared: Sequence[Row]) -> Floats:
    """(n, 6) what the weights are of, in their order.

    Parameters
    ----------
    hits : (n,) what `Index.find` found, one at least.
    compared : (n,) `rows` of them.
    """
    asked, own = Topics.learned()([question]), script(question)
    about = zip(zip(*(row.about for row in compared), strict=True), asked, strict=True)
    cosines = [np.array(texts, np.float32) @ vectors[0] for texts, vectors in about]
    answers = np.zeros(len(hits), np.float32)
    if is_installed():
        answers = np.array([row.answers for row in compared], np.float32) @ embed([question], None, QUESTIONS)[0]
    is_same = np.array([row.script == own for row in compared], np.float32)
    words = np.array([hit.by_words for hit in hits], np.float32)
    return np.stack([*cosines, answers, is_same * words, is_same], axis=1)


def scores(features: Floats) -> Floats:
    """(n,) how well texts answer a question: mostly from 0 to 1, comparable from question to question."""
    found: Floats = features @ np.array(WEIGHTS if is_installed() else WITHOUT_E5, np.float32)
    return found
