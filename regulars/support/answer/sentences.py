"""Texts as sentences, English and Chinese."""

from __future__ import annotations

import re

_END = re.compile(
    r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]?[A-Z0-9\u00c0-\u00de\u0400-\u042f\u3400-\u9fff])|(?<=[。！？；])|\n+"
)
_SHORT = re.compile(r"(?:\b(?:e\.g|i\.e|approx|incl|excl|max|min|no|nr|vs|mr|mrs|ms|dr|st)|\b[A-Z])\.$", re.IGNORECASE)


def sentences(text: str) -> list[str]:
    """The sentences of a text; lines end one too.

    >>> sentences("Postage is 4.90, e.g. for a lamp. From 50 it is free! 三天内到。请等待。")
    ['Postage is 4.90, e.g. for a lamp.', 'From 50 it is free!', '三天内到。', '请等待。']
    """
    found: list[str] = []
    for part in (part.strip() for part in _END.split(text)):
        if part and found and _SHORT.search(found[-1]):
            found[-1] += f" {part}"
        elif part:
            found.append(part)
    return found
