"""Which of the passages that were found answers? They are compared once more, by an encoder of questions and answers.

The weights were learned from the questions of `benchmarks/support_development.json` (`python -m
benchmarks.support_learn` learns them anew); `benchmarks/support_faq.json`, which was not learned from, judges them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from regulars.language.embedding import embed
from regulars.language.retrieval import QUESTIONS
from regulars.language.search.fusion import script
from regulars.language.search.index import Hit

Floats = npt.NDArray[np.float32]


class Weights(NamedTuple):
    """What a score is made of.

    Attributes
    ----------
    meaning : of the cosine of what both mean.
    answers : of the cosine of the question with what it may be answered by.
    same, same_meaning, words : where both are of one script besides: a constant, of the first cosine again, and of the
        share of the question's words.
    """

    meaning: float
    answers: float
    same: float
    same_meaning: float
    words: float


WEIGHTS = Weights(meaning=0.85, answers=0.572, same=0.069, same_meaning=-0.422, words=0.1)


def features(question: str, hits: Sequence[Hit], passages: Floats) -> Floats:
    """(n, 5) what the weights are of; see `scores`."""
    asked = embed([question], None, QUESTIONS)[0]
    own = script(question)
    is_same = np.array([script(hit.passage.text) == own for hit in hits], np.float32)
    meaning = np.array([hit.by_meaning for hit in hits], np.float32)
    words = np.array([hit.by_words for hit in hits], np.float32)
    return np.stack([meaning, passages @ asked, is_same, is_same * meaning, is_same * words], axis=1)


def scores(question: str, hits: Sequence[Hit], passages: Floats) -> Floats:
    """(n,) how well passages answer a question: mostly from 0 to 1, comparable from question to question.

    Parameters
    ----------
    hits : (n,) what `Index.find` found.
    passages : (n, 384) their vectors, of `regulars.language.retrieval`.
    """
    found: Floats = features(question, hits, passages) @ np.array(WEIGHTS, np.float32)
    return found
