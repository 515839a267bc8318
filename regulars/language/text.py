"""Texts on their way to and from a model: without signs that hide, and how many tokens they are."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 20_000
"""Characters of one text that are sent; what comes after is cut off."""

_KEPT = "\n\t"
# Letters outside the scripts of which a word is about one token: each is a token or more.
_DENSE = re.compile(
    r"[\u0e00-\u0eff\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00010000-\U0010ffff]"
)


def clean(text: str, longest: int = LONGEST) -> str:
    """A text without signs that nobody sees and a model reads: controls, zero-width signs, tags, half characters.

    Parameters
    ----------
    longest : so many characters at most; the rest is cut off.

    Examples
    --------
    >>> clean("te\\u200ba \\x00for\\U000e0041 two\\r\\n")
    'tea for two\\n'
    """
    # Twice as much is looked at as may be kept: a text of nothing but hidden signs must not cost its whole length.
    seen = text[: 2 * longest]
    kept = "".join(sign for sign in seen if sign in _KEPT or unicodedata.category(sign)[0] != "C")
    return kept[:longest]


def tokens(text: str) -> int:
    """About how many tokens a text is: one for four letters, one for each Chinese sign.

    >>> tokens("a pot of tea"), tokens("一壶茶"), tokens("")
    (3, 4, 0)
    """
    dense = len(_DENSE.findall(text))
    return dense + -(-(len(text) - dense) // 4) + bool(dense) if text else 0
