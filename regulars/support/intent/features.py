"""A question in numbers: what it means, by one or two encoders, and which words and pieces of words it has."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from regulars.language.embedding import DIMENSIONS, embed
from regulars.language.english import English, is_installed
from regulars.language.search.fusion import is_english
from regulars.support.entities import cleaned

Floats = npt.NDArray[np.float32]
LONGEST = 1_000
"""Characters of a question that are read."""
ENGLISH = 0.8
"""The share of the English encoder in what an English question means. Chosen of .5 to .9 by questions of the train part
of banking77, ten of each intent: the fewer there are, the more it tells."""

TOKEN = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+")
_KINDS: dict[str, dict[str, Any]] = {
    "pieces": {"analyzer": "char_wb", "ngram_range": (1, 5)},
    "words": {"tokenizer": TOKEN.findall, "token_pattern": None, "ngram_range": (1, 2)},
}
"""Pieces of words stand what typos do to a word. Each Chinese sign is a word, and so is each pair of them."""


def plain(text: str) -> str:
    """A question as it is compared: letters of one width and case.

    >>> plain("  Where’s my ＯＲＤＥＲ?")
    "where's my order?"
    """
    return cleaned(text)[:LONGEST].casefold()


def meaning(texts: Sequence[str], with_english: bool) -> Floats:
    """(n, D) vectors of what plain texts mean, of length 1; 0 for an empty one.

    Parameters
    ----------
    with_english : whether the first part of a vector is of the English encoder. Of a text that is not English that part
        is 0, and the other has the whole length: so texts of all languages stay in one space.
    """
    every = embed(texts)  # (n, 512)
    if not with_english:
        return every
    found = np.zeros((len(texts), English.dimensions), np.float32)  # (n, 384)
    places = [place for place, text in enumerate(texts) if is_english(text)]
    if places:
        found[places] = English().encode([texts[place] for place in places])
        every[places] *= np.float32(np.sqrt(1 - ENGLISH))
        found[places] *= np.float32(np.sqrt(ENGLISH))
    return np.hstack([found, every])


def in_every_language(vectors: Floats) -> Floats:
    """(n, 512) the part of vectors of `meaning` that is of the encoder of all languages, of length 1.

    >>> vectors = meaning(["where is it?", "东西在哪里"], with_english=False)
    >>> bool(np.allclose(in_every_language(vectors), vectors, atol=1e-3))
    True
    """
    part = vectors[:, -DIMENSIONS:]
    found: Floats = part / np.maximum(np.linalg.norm(part, axis=1, keepdims=True), 1e-9)
    return found


def has_english() -> bool:
    """Whether the English encoder is there."""
    return is_installed()


@dataclass(frozen=True)
class Terms:
    """Words and pieces of words, each weighted by how rare it is among the questions learned from (TF-IDF).

    Examples
    --------
    >>> terms = Terms.fit(["where is my parcel", "where is my refund"])
    >>> both = terms(["my parcle", "refund"])
    >>> bool((both @ terms(["my parcel"]).T).toarray().argmax() == 0)
    True
    """

    vectorizers: Mapping[str, TfidfVectorizer]

    @classmethod
    def fit(cls, texts: Sequence[str]) -> Terms:
        """Of plain texts."""
        made = {}
        for kind, how in _KINDS.items():
            # A term of one question tells nothing of the next, and is most of the vocabulary.
            counts = _vectorizer(how).fit(texts).vocabulary_
            often = _vectorizer(how, vocabulary=counts).fit(texts)
            seen = np.asarray((often.transform(texts) > 0).sum(axis=0)).ravel()
            least = 2 if len(texts) > 100 else 1
            kept = sorted(term for term, place in counts.items() if seen[place] >= least)
            made[kind] = _vectorizer(how, vocabulary=kept).fit(texts)
        return cls(made)

    def __call__(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """(n, V) of length 1 at most: half of it words, half pieces."""
        return sparse.hstack([each.transform(texts) for each in self.vectorizers.values()], format="csr") * np.float32(
            np.sqrt(0.5)
        )

    @cached_property
    def rarity(self) -> dict[str, float]:
        """Of each single word among the terms."""
        words = self.vectorizers["words"]
        return {word: float(words.idf_[place]) for word, place in words.vocabulary_.items() if " " not in word}

    def to_json(self) -> dict[str, Any]:
        """The terms in their order, and the rarity of each."""
        return {
            kind: {
                "terms": sorted(each.vocabulary_, key=lambda term, of=each.vocabulary_: of[term]),  # type: ignore[misc]
                "rarity": [round(float(weight), 4) for weight in each.idf_],
            }
            for kind, each in self.vectorizers.items()
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Terms:
        """From what `to_json` gave."""
        made = {}
        for kind, how in _KINDS.items():
            made[kind] = _vectorizer(how, vocabulary=said[kind]["terms"])
            made[kind].idf_ = np.array(said[kind]["rarity"], np.float32)
        return cls(made)


def _vectorizer(how: Mapping[str, Any], vocabulary: Any = None) -> TfidfVectorizer:
    return TfidfVectorizer(**how, vocabulary=vocabulary, lowercase=False, sublinear_tf=True, dtype=np.float32)
