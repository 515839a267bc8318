"""Which product of the shop is it that a competitor sells? By identifier, else by title, for a person to approve."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

LEAST = 0.5
"""Titles less alike than this are no proposal."""


class Proposal(NamedTuple):
    """A product that may be the same, and how alike the titles are, 0 to 1."""

    product_id: str
    similarity: float


def by_title(titles: Sequence[str], products: Sequence[str], known: Sequence[str | None]) -> list[Proposal | None]:
    """For each title the product whose own is most alike; None where none is alike enough.

    Titles are compared by runs of three to five letters, weighed by how rare they are. Where their numbers differ
    (250 g and 500 g, a pack of 2 and of 3) they are different products, however alike the words.

    Parameters
    ----------
    titles : of what competitors sell.
    products, known : ids of the shop's products, and their titles; None where there is none.

    Examples
    --------
    >>> by_title(["Green tea Sencha 250g"], ["a", "b"], ["Sencha green tea 500 g", "SENCHA Green Tea, 250 g"])
    [Proposal(product_id='b', similarity=...)]
    """
    places = [place for place, title in enumerate(known) if title and _plain(title)]
    wanted = [_plain(title) for title in titles]
    if not places or not any(wanted):
        return [None] * len(titles)
    own = [_plain(known[place] or "") for place in places]
    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)
    ours = vectors.fit_transform(own)
    numbers = [_numbers(title) for title in own]
    found: list[Proposal | None] = []
    for title, alike in zip(wanted, vectors.transform(wanted) @ ours.T, strict=True):
        row = np.asarray(alike.todense()).ravel()
        theirs = _numbers(title)
        best = None
        for place in np.argsort(-row, kind="stable")[:20]:
            if row[place] < LEAST:
                break
            if numbers[place] == theirs:
                best = Proposal(products[places[place]], round(float(row[place]), 4))
                break
        found.append(best)
    return found


def _plain(title: str) -> str:
    text = unicodedata.normalize("NFKC", title).casefold()
    # 250g and 250 g are alike: a unit is parted from its number.
    return re.sub(r"(?<=\d)(?=[^\W\d])", " ", re.sub(r"[^\w.,]+", " ", text)).strip(" .,")


def _numbers(title: str) -> tuple[str, ...]:
    # 2.50 is 2.5, but 250 is not 25.
    found = (number.replace(",", ".") for number in re.findall(r"\d+(?:[.,]\d+)?", title))
    return tuple(sorted(number.rstrip("0").rstrip(".") if "." in number else number for number in found))
