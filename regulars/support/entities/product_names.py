"""The products that a message names, of those that the customer bought."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

_HEADS = {"cleaner", "maker", "machine", "set", "kit", "device", "system"}
"""Words that say little: people drop them ("the vacuum" for a vacuum cleaner)."""
MOST = 100
"""Products that a message names, of those that are heeded: an attack may name thousands, and each is compared
with all."""
_CHINESE = re.compile(r"[\u3400-\u9fff]")


class ProductNamed(NamedTuple):
    """A product that a text names, and where; `names` are the products that it may be."""

    start: int
    end: int
    names: tuple[str, ...]


def products_named(text: str, names: Collection[str]) -> list[ProductNamed]:
    """Which products does a text name, in its order?

    A product is found by its whole name, or by the end of it ("lamp" for "Desk Lamp"), one or several, with or without
    spaces. Where that may be more than one, all of them are given; the longest words win.

    Parameters
    ----------
    text : a cleaned message.
    names : of products that it may be.

    Examples
    --------
    >>> [one.names for one in products_named("the desk lamp, both T-shirts and the kettle", ["Desk Lamp", "T-Shirt", "Tea Kettle", "Electric Kettle"])]
    [('Desk Lamp',), ('T-Shirt',), ('Electric Kettle', 'Tea Kettle')]
    """  # noqa: E501 one call
    by_words: dict[str, set[str]] = {}
    for name in names:
        for words in _spoken(name):
            by_words.setdefault(words, set()).add(name)
    found: list[ProductNamed] = []
    for words in sorted(by_words, key=lambda one: (-len(one), one)):
        for match in islice(_pattern(words).finditer(text), MOST - len(found)):
            if all(match.end() <= one.start or match.start() >= one.end for one in found):
                found.append(ProductNamed(match.start(), match.end(), tuple(sorted(by_words[words]))))
    return sorted(found)


@lru_cache(maxsize=4096)
def _spoken(name: str) -> tuple[str, ...]:
    """How people may call a product."""
    if _CHINESE.search(name):
        return tuple(name[start:] for start in range(max(len(name) - 1, 1)))
    words = name.casefold().split()
    spoken = {" ".join(words[start:]) for start in range(len(words))}
    if words[-1] in _HEADS:
        spoken.discard(words[-1])
        spoken.add(" ".join(words[:-1]) or name.casefold())
    return tuple(sorted(spoken))


@lru_cache(maxsize=4096)
def _pattern(words: str) -> re.Pattern[str]:
    if _CHINESE.search(words):
        return re.compile(re.escape(words))
    parts = [re.escape(part) for part in re.split(r"[\s-]+", words)]
    last = parts[-1]
    if last.endswith("s") and len(last) > 3:
        last = last[:-1] + "s?"
    elif last.endswith("y"):
        last = last[:-1] + "(?:y|ies)"
    elif last.endswith(("sh", "ch")):
        last += "(?:es)?"
    elif last.endswith("f"):
        last = last[:-1] + "(?:f|ves)"
    else:
        last += "s?"
    spelt = r"[\s-]*".join([*parts[:-1], last])
    # ASCII: a Chinese letter beside an English word does not belong to it.
    return re.compile(rf"(?<![\w#]){spelt}(?!\w)", re.IGNORECASE | re.ASCII)
