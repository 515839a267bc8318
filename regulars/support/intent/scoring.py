"""Scores of intents for a question in any language: English ones by two encoders, others by that of all languages.

The fewer questions were learned from, the more tells what the English encoder says of them. But it says nothing of one
in another language, which would then be far from all that is English. So those have a kernel of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from regulars.language.search.fusion import is_english
from regulars.support.intent.features import in_every_language, meaning
from regulars.support.intent.kernel import Kernel, best_mix, numbers_of
from regulars.support.intent.known import Known, nearest_others

Floats = npt.NDArray[np.float32]

_ELSEWHERE = "elsewhere."


@dataclass(frozen=True)
class Scorer:
    """Learned: scores of intents for any question.

    Attributes
    ----------
    kernel : of what `meaning` says.
    elsewhere : of the encoder of all languages alone, for questions that are not English; None where nothing is read
        by the English encoder.
    """

    kernel: Kernel
    elsewhere: Kernel | None

    @property
    def with_english(self) -> bool:
        """Whether English is read by the English encoder too."""
        return self.elsewhere is not None

    @classmethod
    def fit(
        cls, texts: Sequence[str], words: sparse.csr_matrix, targets: Floats, with_english: bool
    ) -> tuple[Scorer, Floats, Floats, Known]:
        """Learn from plain texts; the rest as of `Kernel.fit`.

        Returns
        -------
        scorer
        scores : (n, k) of each question by all the others.
        near : (n,) how near the ten nearest of them are.
        known : tells whether a question is of any intent.
        """
        vectors = meaning(texts, with_english)
        mix = best_mix(vectors, words, targets)
        kernel, scores = Kernel.fit(vectors, words, targets, mix)
        near, known = nearest_others(vectors), Known.fit(vectors, words, targets, mix)
        if not with_english:
            return cls(kernel, None), scores, near, known
        vectors = in_every_language(vectors)
        elsewhere, others = Kernel.fit(vectors, words, targets, best_mix(vectors, words, targets))
        rows = _not_english(texts)
        if rows.size:
            scores[rows], near[rows] = others[rows], nearest_others(vectors)[rows]
        return cls(kernel, elsewhere), scores, near, known

    def __call__(self, texts: Sequence[str], words: sparse.csr_matrix) -> tuple[Floats, Floats]:
        """Of plain texts: scores (n, k), about 1 for the right intent; (n,) how near the ten nearest questions are."""
        vectors = meaning(texts, self.with_english)
        scores, near = self.kernel(vectors, words)
        rows = _not_english(texts)
        if self.elsewhere is not None and rows.size:
            scores[rows], near[rows] = self.elsewhere(in_every_language(vectors[rows]), words[rows])
        return scores, near

    def to_numbers(self) -> dict[str, Floats]:
        """Named tables; the vectors of `elsewhere` are a part of the others."""
        return numbers_of(self.kernel) | {
            f"{_ELSEWHERE}{name}": part
            for name, part in (numbers_of(self.elsewhere) if self.elsewhere else {}).items()
            if name != "vectors"
        }

    @classmethod
    def from_numbers(cls, numbers: Mapping[str, Floats]) -> Scorer:
        """From what `to_numbers` gave."""
        kernel = Kernel(**{name: numbers[name] for name in ("vectors", "weights", "terms")})
        if f"{_ELSEWHERE}weights" not in numbers:
            return cls(kernel, None)
        return cls(
            kernel,
            Kernel(in_every_language(kernel.vectors), numbers[f"{_ELSEWHERE}weights"], numbers[f"{_ELSEWHERE}terms"]),
        )


def _not_english(texts: Sequence[str]) -> npt.NDArray[np.int64]:
    """Places."""
    return np.flatnonzero([not is_english(text) for text in texts])
