"""Which intent a question is of, by how near it is to every question learned from: kernel ridge regression.

One system of equations gives the weights, and at once what each question's score would be had it not been learned from.
So the bars are set on questions that are new to the model, without learning it several times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.linalg import blas, lapack

Floats = npt.NDArray[np.float32]

SHARPNESS = 2.0
"""How fast nearness of meaning falls with the angle. Chosen of 2 and 4 by 5,000 questions of the train part of
banking77, each told by the others."""


class Mix(NamedTuple):
    """How questions are weighed: the share of meaning beside words, and how little each question is trusted."""

    share: float
    ridge: float


MIXES = tuple(Mix(share, ridge) for ridge in (0.3, 0.1) for share in (0.45, 0.6, 0.75, 0.9, 0.97))
"""Among which one is chosen: the more questions, the more words tell, and the less each is trusted."""


class Between(NamedTuple):
    """How near questions are to each other, made once for all mixes.

    Attributes
    ----------
    meaning : (n, n) as of `nearness`.
    words : (n, n) what words and pieces of words they share.
    """

    meaning: Floats
    words: Floats

    @classmethod
    def of(cls, vectors: Floats, words: sparse.csr_matrix) -> Between:
        """Of meanings (n, D) and words (n, V)."""
        return cls(nearness(vectors, vectors), (words @ words.T).toarray())

    def among(self, rows: npt.NDArray[np.bool_]) -> Between:
        """Of some of the questions."""
        return Between(self.meaning[rows][:, rows], self.words[rows][:, rows])


def nearness(left: Floats, right: Floats) -> Floats:
    """(n, m) of meanings: 1 for the same one, less the further apart.

    >>> nearness(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32)).round(2)
    array([[1.  , 0.14],
           [0.14, 1.  ]], dtype=float32)
    """
    found: Floats = np.exp(np.float32(SHARPNESS) * (left @ right.T - 1))
    return found


@dataclass(frozen=True)
class Kernel:
    """Learned: scores of intents for any question.

    Attributes
    ----------
    vectors : (n, D) meanings of the questions learned from.
    weights : (n, k) what each says of each intent.
    terms : (V, k) what each word and piece of a word says.
    """

    vectors: Floats
    weights: Floats
    terms: Floats

    @classmethod
    def fit(
        cls, vectors: Floats, words: sparse.csr_matrix, targets: Floats, mix: Mix, between: Between | None = None
    ) -> tuple[Kernel, Floats]:
        """Learn from questions.

        Parameters
        ----------
        vectors : (n, D)
        words : (n, V)
        targets : (n, k), 1 for the intent of each; a row of 0 for a question that is of none.
        between : of them, where it is at hand.

        Returns
        -------
        kernel
        scores : (n, k) of each question by all the others.

        Source
        ------
        Leave-one-out in closed form: Rasmussen and Williams (2006), Gaussian Processes for Machine Learning, 5.4.2.
        """
        share = np.float32(mix.share)
        meaning, shared = between or Between.of(vectors, words)
        near = share * meaning + (1 - share) * shared
        del meaning, shared  # of ten thousand questions each is 400 MB
        near[np.diag_indices_from(near)] += np.float32(mix.ridge)
        # In the order of Fortran and in place, for the same reason.
        lower, failed = lapack.spotrf(near.T, lower=1, overwrite_a=1, clean=0)
        inverse, failed_too = lapack.spotri(lower, lower=1, overwrite_c=1)
        if failed or failed_too:
            raise ArithmeticError("A table of nearness had no inverse: a vector that is not a number?")
        diagonal = np.diag(inverse).copy()
        weights = _times_symmetric(inverse, targets)
        scores = (targets - weights / diagonal[:, None]).astype(np.float32)
        kernel = cls(vectors, share * weights, (1 - share) * (words.T @ weights))
        return kernel, scores

    def __call__(self, vectors: Floats, words: sparse.csr_matrix) -> tuple[Floats, Floats]:
        """Scores (n, k), about 1 for the right intent; and (n,) how near the ten nearest questions are."""
        near = nearness(vectors, self.vectors)
        scores: Floats = near @ self.weights + words @ self.terms
        return scores, nearest(near)


def numbers_of(kernel: Kernel) -> dict[str, Floats]:
    """Its tables by their names."""
    return {"vectors": kernel.vectors, "weights": kernel.weights, "terms": kernel.terms}


def nearest(near: Floats, most: int = 10) -> Floats:
    """(n,) the mean nearness of the nearest questions.

    >>> nearest(np.array([[0.5, 0.9, 0.1]], np.float32), 2)
    array([0.7], dtype=float32)
    """
    most = min(most, near.shape[1])
    found: Floats = -np.partition(-near, most - 1, axis=1)[:, :most].mean(axis=1)
    return found


def best_mix(vectors: Floats, words: sparse.csr_matrix, targets: Floats, most: int = 2_000) -> Mix:
    """The mix with which most questions are told right by the others, of so many drawn from them."""
    rows = np.sort(np.random.default_rng(0).permutation(len(vectors))[:most])
    vectors, words, targets = vectors[rows], words[rows], targets[rows]
    is_known = targets.any(axis=1)
    between = Between.of(vectors, words)
    right = []
    for mix in MIXES:
        scores = Kernel.fit(vectors, words, targets, mix, between)[1]
        right.append((scores.argmax(axis=1) == targets.argmax(axis=1))[is_known].mean())
    return MIXES[int(np.argmax(right))]


def _times_symmetric(lower: Floats, right: Floats) -> Floats:
    """A symmetric table, of which only the lower half is filled, times another."""
    found: Floats = blas.ssymm(1.0, lower, np.asfortranarray(right, np.float32), lower=1)
    return found
