"""The words of a text, as search compares them: English by stems, Chinese and its like by signs and pairs of them."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache

LONGEST = 20_000
"""Characters of a text that are read."""

# Scripts that write no spaces between words: Han, kana, Thai, Lao, Khmer; and Hangul, whose endings change.
_DENSE = (
    "\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_RUNS = re.compile(rf"[{_DENSE}]+|[^\W_{_DENSE}]+")
DENSE = re.compile(rf"[{_DENSE}]")

_COMMON_WORDS = """
a an the and or but if of to in on at by for from with as is are was be been it its this that these those i me my you
your u we our he she they them their do does did can could will would should have has had what when where who how why
which there here not no so than then too very just also please
的 了 吗 么 呢 吧 啊 是 我 你 您 们 在 有 和 就 都 也 这 那 个 能 可 以 要 会 怎 什
"""
_COMMON = frozenset(_COMMON_WORDS.split())
"""Words that nearly every text has; they tell nothing of it."""


def words(text: str) -> list[str]:
    """The words of a text, in their order.

    >>> words("My parcels haven't arrived!")
    ['parcel', 'haven', 't', 'arriv']
    >>> words("怎么退款 refunds")
    ['退', '款', '怎么', '么退', '退款', 'refund']
    """
    found: list[str] = []
    for run in _RUNS.findall(unicodedata.normalize("NFKC", text[:LONGEST]).casefold()):
        if DENSE.match(run):
            found += [sign for sign in run if sign not in _COMMON]
            found += [run[place : place + 2] for place in range(len(run) - 1)]
        elif run not in _COMMON:
            found.append(stem(run[:40]))
    return found


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """An English word without its ending, so that returns, returned and returning are one.

    >>> [stem(word) for word in ("returns", "returned", "policies", "shipping", "glass", "iphone15")]
    ['return', 'return', 'polici', 'ship', 'glass', 'iphone15']
    """
    if not word.isascii() or not word.isalpha() or len(word) < 4:
        return word
    if word.endswith("ies"):
        word = word[:-3] + "y"
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed", "ly", "ment"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz":
                word = word[:-1]
            break
    if word.endswith("e") and len(word) > 3:
        word = word[:-1]
    return word[:-1] + "i" if word.endswith("y") and len(word) > 3 else word


@lru_cache(maxsize=1_000_000)
def number(word: str) -> int:
    """A number for a word, the same in every process: 64 bits, so that no two words of a shop share one."""
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest(), "little")
