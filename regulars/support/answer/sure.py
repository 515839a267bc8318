"""How sure is it that the nearest text answers? From how near it is, and how much nearer than the next ones.

The weights and the bar are learned from questions that a shop's texts answer and from others that they do not
(`python -m benchmarks.support_learn` learns them anew; `benchmarks.support_answers` judges them by other ones).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from typing import NamedTuple


class Learned(NamedTuple):
    """Of texts that were found in one way.

    Attributes
    ----------
    score, lead, constant : weights of how near the best is, and of its lead before the mean of the next three.
    bar : the probability from which on an answer is given: 95 of 100 questions that no text answers are below it.
    """

    score: float
    lead: float
    constant: float
    bar: float


BY_TEXT = Learned(score=6.85, lead=9.73, constant=-4.58, bar=0.558)
BY_QUESTION = Learned(score=7.80, lead=9.05, constant=-6.24, bar=0.536)
"""Found by a question that the shop has noted beside it: questions are nearer to each other than to texts."""
OTHERS = 0.22
"""What the next texts count at least: as near as they are where there are hundreds. A shop of few texts has no other
text near anything, and the lead would say nothing."""


def probability(scores: Sequence[float], learned: Learned = BY_TEXT) -> float:
    """That the first text is the right one.

    Parameters
    ----------
    scores : of the texts found, the best first.

    Examples
    --------
    >>> probability([0.6, 0.3, 0.2, 0.2]) > 0.9 > 0.5 > probability([0.3, 0.3, 0.3, 0.3])
    True
    """
    if not scores:
        return 0.0
    lead, best = features(scores)
    return 1 / (1 + exp(-(learned.score * best + learned.lead * lead + learned.constant)))


def features(scores: Sequence[float]) -> tuple[float, float]:
    """The lead of the best before the mean of the next three, and its score.

    >>> lead, best = features([0.9, 0.5])
    >>> round(lead, 3), best
    (0.587, 0.9)
    """
    after = [max(score, OTHERS) for score in (*scores[1:4], *(OTHERS,) * 3)][:3]
    return scores[0] - sum(after) / 3, scores[0]
