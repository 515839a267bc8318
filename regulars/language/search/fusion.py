"""Meaning and words in one score.

The weights were learned from the questions of `benchmarks/support_faq.json` (`python -m benchmarks.language_search`
learns them anew, and judges each fold by those of the others). Ranks are not fused: of a question in another language
than its passage, words in common are chance, and a rank of them would count as much as any.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from regulars.language.search.words import DENSE

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

SAME_SCRIPT = (0.79, 0.16, 0.026)
"""Weights of meaning and of words, and a constant, where question and passage are of one script: then even texts that
mean different things are near each other, and the cosine tells less."""
BOTH_ENGLISH = (0.45, 0.44, 0.08, 0.0)
"""Weights of meaning, of meaning by the English encoder and of words, and a constant."""

_SCRIPTS = ((0x250, "latin"), (0x400, "greek"), (0x530, "cyrillic"), (0x600, "hebrew"), (0x780, "arabic"))


def fused(by_meaning: Floats, by_words: Floats, is_same: Flags, by_english: Floats | None = None) -> Floats:
    """How well passages answer a question.

    Parameters
    ----------
    by_meaning : (n,) cosines of vectors of all languages.
    by_words : (n,) the share of the question's words.
    is_same : (n,) whether the passage is of the question's script.
    by_english : (n,) cosines of vectors of English, nan where question or passage is none.

    Returns
    -------
    (n,) mostly from 0 to 1.

    Examples
    --------
    >>> one, half = np.ones(1, np.float32), np.full(1, 0.5, np.float32)
    >>> [round(float(fused(half, one, np.array([is_same]))[0]), 3) for is_same in (True, False)]
    [0.581, 0.5]
    """
    meaning, words, constant = (np.float32(weight) for weight in SAME_SCRIPT)
    found: Floats = np.where(is_same, meaning * by_meaning + words * by_words + constant, by_meaning)
    if by_english is not None:
        meaning, english, words, constant = (np.float32(weight) for weight in BOTH_ENGLISH)
        both = meaning * by_meaning + english * by_english + words * by_words + constant
        found = np.where(np.isnan(by_english), found, both)
    return found


def script(text: str) -> str:
    """The script of a text's first letters: latin, dense (Chinese and what else writes no spaces), …; "" for none.

    >>> script("Sony 蓝牙耳机"), script("Returns 退货 period"), script("возврат"), script("1 + 1")
    ('dense', 'latin', 'cyrillic', '')
    """
    counts: dict[str, int] = {}
    for sign in text[:100]:
        if sign.isalpha():
            name = "dense" if DENSE.match(sign) else next((n for end, n in _SCRIPTS if ord(sign) < end), "other")
            # A Chinese sign is about a word of two letters or more.
            counts[name] = counts.get(name, 0) + (2 if name == "dense" else 1)
    return max(counts, key=lambda name: counts[name]) if counts else ""


def is_english(text: str) -> bool:
    """Whether all letters of a text are those of English, and there are some.

    >>> is_english("Where is it?"), is_english("où est-il ?"), is_english("42")
    (True, False, False)
    """
    letters = [sign for sign in text[:500] if sign.isalpha()]
    return bool(letters) and all(sign.isascii() for sign in letters)
