"""Which mapping a file is read by: one that is known already, or a guess under a name of its own."""

from __future__ import annotations

from collections.abc import Mapping as Named
from collections.abc import Sequence
from itertools import chain, count

from regulars.events import formats
from regulars.events.guess import guess
from regulars.events.guess_products import tells_products
from regulars.events.mapping import Mapping
from regulars.events.readers import Source
from regulars.events.undated import IMPORT

SAMPLE = 1000
"""Rows that a guess looks at."""


def fitting(source: Source, known: Named[str, Mapping], currency: str) -> Mapping:
    """The known mapping whose columns are all in the file and are the most; else a guess.

    A file of a ready-made format takes a mapping of that format only: one that happens to fit its columns would miss
    what the format unfolds. A guess is named after its file, the mapping of a format after that, by a name that no
    other mapping has.

    Parameters
    ----------
    known : name -> mapping.
    currency : of the shop, for prices whose currency the file does not tell.
    """
    form = formats.recognise(source)
    headers = formats.unfolded(source, form.name).headers if form else source.headers
    fit = [
        mapping
        for mapping in known.values()
        if mapping.format == (form.name if form else "")
        and set(mapping.columns.values()) <= set(headers)
        and _is_of_this_kind(mapping, source.headers)
    ]
    if fit:
        return max(fit, key=lambda mapping: len(mapping.columns))
    stem = form.name if form else source.path.name.split(".")[0].lower()
    stem = "".join(letter if letter.isalnum() else "_" for letter in stem)
    # Never that of another kind of file, whose mapping may have been written by hand.
    names = chain([stem], (f"{stem}_{number}" for number in count(2)))
    name = next(name for name in names if name not in known)
    if form:
        return formats.preset(form, headers, name)
    return guess(source.headers, source.sample(SAMPLE), name=name, currency=currency).mapping


def _is_of_this_kind(mapping: Mapping, headers: Sequence[str]) -> bool:
    """Orders name customers and products too: a file about those has nothing of events besides."""
    if mapping.is_about_products:
        return tells_products(headers)
    return mapping.constants.get("time") != IMPORT or set(mapping.columns.values()) == set(headers)
