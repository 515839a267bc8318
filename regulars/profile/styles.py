"""The styles of products: words of their titles that cut across categories ("pink", "vintage", "复古")."""

from __future__ import annotations

from typing import Any

import ibis

from regulars.profile.levels import Source, known_of

LEAST_PRODUCTS = 5
"""So many products share a style; a rarer word names a product."""
MOST_SHARE = 0.5
"""A word that more products have says nothing of any."""
MOST_IN_ONE = 0.7
"""A word that is so much of one category's products is a kind of product, not a style."""
LEAST_LETTERS = 3
NO_STYLES = ("and", "for", "from", "mit", "the", "und", "with")
"""Words that only hold others together."""


def styles(source: Source) -> ibis.Table:
    """Which styles each product has, as the catalogue stood at each moment: product_id, as_of, name; each once.

    Chinese has no spaces between its words, most of which are of two characters: it is cut into twos.
    """
    titles = known_of(source, "title")
    categories = known_of(source, "category")
    found = titles.left_join(categories, ["product_id", "as_of"])
    # Each run of Chinese stands apart from the letters around it, then each two of its characters from the next.
    text = found.title.lower().re_replace(r"(\p{Han}+)", r" \1 ").re_replace(r"(\p{Han}\p{Han})", r"\1 ")
    words: Any = text.re_replace(r"[^\p{L}]+", " ").strip().split(" ").unnest()
    found = found.select("product_id", "as_of", "category", name=words).distinct()
    is_chinese = found.name.re_search(r"^\p{Han}{2}$")
    is_long = ~found.name.re_search(r"\p{Han}") & (found.name.length() >= LEAST_LETTERS)
    found = found.filter(is_chinese | (is_long & found.name.notin(NO_STYLES)))
    shared = found.group_by("name", "as_of").agg(products=found.count(), described=found.category.count())
    of_one = found.filter(found.category.notnull())
    in_one = of_one.group_by("name", "as_of", "category").agg(products=of_one.count())
    in_one = in_one.group_by("name", "as_of").agg(in_one=in_one.products.max())
    every = titles.group_by("as_of").agg(every=titles.count())
    shared = shared.left_join(in_one, ["name", "as_of"]).drop("name_right", "as_of_right")
    shared = shared.inner_join(every, "as_of")
    shared = shared.filter(
        shared.products >= LEAST_PRODUCTS,
        shared.products <= MOST_SHARE * shared.every,
        shared.in_one.fill_null(0) <= MOST_IN_ONE * shared.products,
    )
    return found.semi_join(shared, ["name", "as_of"]).select("product_id", "as_of", "name")
