"""Slips of the fingers in English words: two letters that changed places, or one that is missing.

Other slips are left to pieces of words: a letter too many or another letter makes one right word of another too often
("stole" is no "store").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import ascii_lowercase

LEAST = 4
"""Letters of a word that is looked at."""
_WORD = re.compile(rf"[a-z]{{{LEAST},20}}")


def corrected(text: str, known: Mapping[str, float]) -> str:
    """A text with its slips mended, where that gives a word that is known; known words stay as they are.

    Parameters
    ----------
    text : as of `plain`.
    known : word -> how rare it is; of several the least rare is taken.

    Examples
    --------
    >>> corrected("cancle my oder, 谢谢", {"cancel": 3.0, "order": 1.0})
    'cancel my order, 谢谢'
    """
    return _WORD.sub(lambda found: _mended(found[0], known), text)


def _mended(word: str, known: Mapping[str, float]) -> str:
    if word in known:
        return word
    swapped = [word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1)]
    # The first letter is hardly ever the one that is missing.
    filled = [word[:at] + letter + word[at:] for at in range(1, len(word) + 1) for letter in ascii_lowercase]
    for found in (swapped, filled):
        there = [one for one in found if one in known]
        if there:
            return min(there, key=lambda one: known[one])
    return word
