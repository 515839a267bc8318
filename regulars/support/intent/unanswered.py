"""What a shop should learn to answer: which questions are worth a label, and which strangers ask for the same thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.cluster import AgglomerativeClustering

from regulars.support.intent.features import meaning, plain
from regulars.support.intent.model import Intents

APART = 0.45
"""Questions whose meanings are further apart than this (1 less their cosine, in the mean) ask for different things."""
MOST = 5_000
"""Questions that are compared at once: the memory is their square. The newest tell what is missing now."""


@dataclass(frozen=True)
class Cluster:
    """Questions that ask for one thing.

    Attributes
    ----------
    example : the one most like all others.
    texts : all, in their order.
    """

    example: str
    texts: tuple[str, ...]


def clusters(texts: Sequence[str], least: int = 3) -> list[Cluster]:
    """Which things do several of these questions ask for? The most asked first.

    Parameters
    ----------
    texts : questions that nobody could answer, the newest last; in any language.
    least : questions of a cluster.

    Examples
    --------
    >>> asked = ["do I pay customs duty?", "who pays the customs fee", "customs charges?", "do you sell kayaks"]
    >>> [(len(one.texts), one.example in asked[:3]) for one in clusters(asked)]
    [(3, True)]
    """
    texts = list(texts)[-MOST:]
    if len(texts) < max(least, 2):
        return []
    # By the encoder of all languages alone: by the other, English questions are nearer to each other than to the rest.
    vectors = meaning([plain(text) for text in texts], with_english=False)
    near = vectors @ vectors.T
    which = AgglomerativeClustering(
        n_clusters=None, distance_threshold=APART, metric="precomputed", linkage="average"
    ).fit_predict(np.clip(1 - near, 0, None))
    found = []
    for number in range(which.max() + 1):
        places = np.flatnonzero(which == number)
        if len(places) >= least:
            example = places[near[np.ix_(places, places)].sum(axis=1).argmax()]
            found.append(Cluster(texts[example], tuple(texts[place] for place in places)))
    return sorted(found, key=lambda one: -len(one.texts))


def worth_labelling(intents: Intents, texts: Sequence[str], most: int = 20) -> list[str]:
    """Which questions would teach the most if somebody labelled them? The first the most.

    Those of which the model is least sure, each as unlike the ones before it as can be: ten spellings of one question
    teach no more than one.

    Parameters
    ----------
    texts : questions that have no label.
    most : labels that there is time for.

    Examples
    --------
    >>> worth_labelling(Intents.starter("en"), ["where is my parcel", "my voucher was eaten by the website"], 1)
    ['my voucher was eaten by the website']
    """
    distinct = list(dict.fromkeys(texts))
    if not distinct:
        return []
    doubt = 1 - intents.probabilities(distinct)[0].max(axis=1)
    vectors = meaning([plain(text) for text in distinct], intents.scorer.with_english)
    unlike = np.ones(len(distinct), np.float32)
    chosen = list[int]()
    for _ in range(min(most, len(distinct))):
        worth = doubt * unlike
        worth[chosen] = -1
        chosen.append(int(worth.argmax()))
        unlike = np.minimum(unlike, 1 - vectors @ vectors[chosen[-1]])
    return [distinct[place] for place in chosen]
