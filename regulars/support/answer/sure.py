"""How sure is it that the nearest text answers? From how near it is, and how much nearer than the next ones.

The weights and the bar are learned from questions that a shop's texts answer and from others that they do not
(`python -m benchmarks.support_learn` learns them anew; `benchmarks.support_answers` judges them by other ones).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from typing import NamedTuple

from regulars.language.retrieval import is_installed
from regulars.support.knowledge import Found


class Learned(NamedTuple):
    """Of texts that were found in one way.

    Attributes
    ----------
    weights : of the `features`.
    constant : what is added.
    bar : probability from which on an answer is given: of questions that no text answers, half of them close to one
        that does and half of no shop's business, 95 of 100 are below it.
    offered : probability from which on a text is named, though not said, as one that may answer: of questions of no
        shop's business 80 of 100 are below it.
    """

    weights: tuple[float, ...]
    constant: float
    bar: float
    offered: float


BY_TEXT = Learned((8.95, -0.42, 2.29, 0.78, 0.75), -1.49, 0.591, 0.231)
BY_QUESTION = Learned((6.95, -0.21, 4.38, -0.46, 2.5), -2.21, 0.463, 0.194)
"""Found by a question that the shop has noted beside it: questions are nearer to each other than to texts."""
TEXT_WITHOUT_E5 = Learned((8.21, 0.93, 1.19, 0.0, 0.16), -1.7, 0.57, 0.248)
QUESTION_WITHOUT_E5 = Learned((7.68, 0.44, 4.1, 0.0, 0.1), -2.65, 0.488, 0.186)
"""The same, where the encoder of questions and answers is not installed."""
OTHERS = (0.29, 0.21, 0.2)
"""What the next texts count at least, of each measure: as near as they are where there are hundreds. A shop of few
texts has no other text near anything, and the lead would say nothing."""


def learned(found: Sequence[Found]) -> Learned:
    """What tells how sure the first of these texts is."""
    by_question = bool(found) and found[0].by_question
    if is_installed():
        return BY_QUESTION if by_question else BY_TEXT
    return QUESTION_WITHOUT_E5 if by_question else TEXT_WITHOUT_E5


def probability(found: Sequence[Found]) -> float:
    """That the first text is the right one.

    Parameters
    ----------
    found : what `Knowledge.find` found, the best first.
    """
    if not found:
        return 0.0
    of = learned(found)
    signs = zip(of.weights, features(found), strict=True)
    return 1 / (1 + exp(-sum((weight * sign for weight, sign in signs), of.constant)))


def features(found: Sequence[Found]) -> tuple[float, ...]:
    """(5,) the lead of the first text's score; its meaning with its lead; what it answers with its lead.

    A lead is before the mean of the three next by the same measure. Words in common are part of the score alone: a
    question close to a text that does not answer it has as many.
    """
    first, *next_ones = ((one.score, one.meaning, one.answers) for one in found)
    leads = []
    for place, (own, least) in enumerate(zip(first, OTHERS, strict=True)):
        after = sorted((*(max(one[place], least) for one in next_ones), *(least,) * 3), reverse=True)[:3]
        leads.append(own - sum(after) / 3)
    return leads[0], first[1], leads[1], first[2], leads[2]
