"""Is a question of any intent that was learned at all? Learned by taking intents away and asking for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from regulars.support.intent.kernel import Between, Kernel, Mix, nearest, nearness

Floats = npt.NDArray[np.float32]

GROUPS, MOST = 5, 2_000
"""Intents are taken away in so many groups, among so many questions at most: more change the weights little."""


def signs(scores: Floats, near: Floats) -> Floats:
    """(n, 3) by which a question that is of no intent is told: its best score, how far the next, what is nearest.

    >>> signs(np.array([[0.75, 0.25]], np.float32), np.array([0.5], np.float32)).tolist()
    [[0.75, 0.5, 0.5]]
    """
    ranked = np.sort(scores, axis=1)
    second = ranked[:, -2] if scores.shape[1] > 1 else np.zeros(len(scores), np.float32)
    return np.column_stack([ranked[:, -1], ranked[:, -1] - second, near]).astype(np.float32)


def nearest_others(vectors: Floats) -> Floats:
    """(n,) how near the ten nearest of the other questions are."""
    found = np.empty(len(vectors), np.float32)
    for first in range(0, len(vectors), 1_000):
        near = nearness(vectors[first : first + 1_000], vectors)
        near[np.arange(len(near)), np.arange(first, first + len(near))] = 0
        found[first : first + len(near)] = nearest(near)
    return found


@dataclass(frozen=True)
class Known:
    """A logistic model of whether a question is of any intent.

    Attributes
    ----------
    weights : (3,) of the signs; none is negative, for a better score never makes a question stranger.
    offset : what is added.
    """

    weights: tuple[float, ...]
    offset: float

    def __call__(self, of: Floats) -> Floats:
        """(n,) between 0 and 1, of signs (n, 3).

        >>> Known((2.0, 0.0, 0.0), -1.0)(np.array([[0.5, 0.5, 0.5]], np.float32)).tolist()
        [0.5]
        """
        found: Floats = 1 / (1 + np.exp(-(of @ np.array(self.weights, np.float32) + np.float32(self.offset))))
        return found

    @classmethod
    def fit(cls, vectors: Floats, words: sparse.csr_matrix, targets: Floats, mix: Mix, seed: int = 0) -> Known:
        """Learned by taking each group of intents away in turn.

        Parameters
        ----------
        vectors, words, targets, mix : as of `Kernel.fit`; rows of 0 are unknown in each turn.
        """
        random = np.random.default_rng(seed)
        rows = np.sort(random.permutation(len(vectors))[:MOST])
        vectors, words, targets = vectors[rows], words[rows], targets[rows]
        group_of = random.permutation(targets.shape[1]) % min(GROUPS, targets.shape[1])
        found, is_known = list[Floats](), list[npt.NDArray[np.bool_]]()
        between = Between.of(vectors, words)
        for group in range(group_of.max() + 1):
            is_away = np.asarray(targets[:, group_of == group].any(axis=1))
            there, kept = ~is_away, targets[:, group_of != group]
            if not is_away.any() or not kept.any():
                continue
            kernel, scores = Kernel.fit(vectors[there], words[there], kept[there], mix, between.among(there))
            found += [
                signs(scores, nearest_others(vectors[there])),
                signs(*kernel(vectors[is_away], words[is_away])),
            ]
            is_known += [np.asarray(kept[there].any(axis=1)), np.zeros(is_away.sum(), bool)]
        x, y = np.concatenate(found), np.concatenate(is_known)
        scale = x.std(axis=0) + 1e-6
        used = np.ones(x.shape[1], bool)
        while True:
            model = LogisticRegression(class_weight="balanced").fit(x[:, used] / scale[used], y)
            if (model.coef_[0] >= 0).all() or used.sum() == 1:
                break
            used[np.flatnonzero(used)[model.coef_[0].argmin()]] = False
        weights = np.zeros(x.shape[1])
        weights[used] = np.maximum(model.coef_[0], 0) / scale[used]
        return cls(tuple(float(weight) for weight in weights), float(model.intercept_[0]))
