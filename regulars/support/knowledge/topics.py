"""What a text of a shop is about: learned from what customers ask, and from how they and shops put each topic."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from regulars.language.embedding import DIMENSIONS, embed
from regulars.language.search.fusion import script
from regulars.support.intent import starter
from regulars.support.intent.features import Terms, plain
from regulars.support.intent.kernel import Kernel, Mix

Floats = npt.NDArray[np.float32]

TOPICS = Path(__file__).parent / "topics.txt"
"""A line a topic: phrases of customers and of shops, in English and Chinese. Written for this package."""
MIX = Mix(0.75, 0.3)
"""Of meaning beside words, as `Intents` has it for so many phrases."""


class Learned(NamedTuple):
    """Scores of labels, for any text."""

    terms: Terms
    kernel: Kernel

    @classmethod
    def fit(cls, texts: Sequence[str], labels: Sequence[str | None], cache: Path | None) -> Learned:
        """Of phrases; those without a label are of none."""
        names = {label: place for place, label in enumerate(sorted({label for label in labels if label is not None}))}
        targets = np.zeros((len(texts), len(names)), np.float32)
        for row, label in enumerate(labels):
            if label is not None:
                targets[row, names[label]] = 1
        read = [plain(text) for text in texts]
        terms = Terms.fit(read)
        kernel, _ = Kernel.fit(embed(read, cache), terms(read), targets, MIX)
        return cls(terms, kernel)


class About(NamedTuple):
    """What texts, or one of them, are about: rows of length 1.

    Attributes
    ----------
    meaning : (n, 512) vectors of the encoder of all languages, without what all texts of a script have in common.
    intents : (n, 32) how much each is of what customers want.
    topics : (n, 119) and of what shops write about.
    """

    meaning: Floats
    intents: Floats
    topics: Floats


class Topics:
    """What texts are about.

    Examples
    --------
    >>> topics = Topics.learned()
    >>> asked, wanted, other = topics(["has my money been sent back", "多久退款到账", "门店几点开门"]).topics
    >>> bool(asked @ wanted > 0.5 > asked @ other)
    True
    """

    def __init__(self, intents: Learned, topics: Learned, middles: dict[str, Floats]) -> None:
        self._intents, self._topics, self._middles = intents, topics, middles

    @classmethod
    def learned(cls, cache: Path | None = None) -> Topics:
        """Learned once in a process: in three seconds, or one where the vectors of its phrases are in a cache."""
        global _made  # noqa: PLW0603 whoever comes first has the cache, and all others its work
        with _lock:
            if _made is None:
                _made = _learned(cache)
            return _made

    def __call__(self, texts: Sequence[str], cache: Path | None = None) -> About:
        """Rows of length 1; 0 for an empty text."""
        read = [plain(text) for text in texts]
        vectors = embed(read, cache)
        scores = (each.kernel(vectors, each.terms(read))[0] for each in (self._intents, self._topics))
        middle = np.array([self._middles.get(script(text), self._middles[""]) for text in read], np.float32)
        return About(unit(vectors - middle.reshape(vectors.shape)), *map(unit, scores))


def unit(rows: Floats) -> Floats:
    """Rows of length 1.

    >>> unit(np.array([[0.0, 4.0], [0.0, 0.0]], np.float32)).tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """
    found: Floats = (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)).astype(np.float32)
    return found


_made: Topics | None = None
_lock = Lock()


def _learned(cache: Path | None) -> Topics:
    texts, labels = starter()
    lines = [line.split(" | ") for line in TOPICS.read_text("utf-8").splitlines() if not line.startswith("#")]
    phrases = [phrase for line in lines for phrase in line]
    numbers = [str(number) for number, line in enumerate(lines) for _ in line]
    vectors = embed([plain(text) for text in texts], cache)
    scripts = np.array([script(text) for text in texts])
    middles = {name: vectors[scripts == name].mean(axis=0) for name in ("latin", "dense")}
    middles[""] = np.mean(list(middles.values()), axis=0).reshape(DIMENSIONS)
    return Topics(Learned.fit(texts, labels, cache), Learned.fit(phrases, numbers, cache), middles)
