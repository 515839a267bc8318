"""What may be shown at all, and how a list is laid out: the merchant's rules over whatever the ranker likes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.errors import ConfigError
from regulars.events.schema import CATALOGUE
from regulars.recommend.candidates import Floats, Ints
from regulars.rules import Rule, RuleError

if TYPE_CHECKING:
    from regulars.config import RecommendSettings
    from regulars.shop import Shop

Allowed = npt.NDArray[np.bool_]

COLUMNS = tuple(field.name for field in CATALOGUE if field.name != "valid_from")
SEEN = 100
"""So many of the best are looked at when a list is laid out."""


@dataclass(frozen=True)
class Shelf:
    """The products of a shop as of a moment, and the merchant's rules.

    Attributes
    ----------
    table : one row a product, in the order of their numbers: the columns of the catalogue that are of a product.
    allowed : (products + 1,) which may be shown to anybody.
    again : (products + 1,) which may be shown to who had them before.
    pinned : numbers of the products that stand first in every list.
    """

    table: pa.Table
    allowed: Allowed
    again: Allowed
    pinned: Ints
    settings: RecommendSettings

    @classmethod
    def of(cls, shop: Shop, products: Sequence[str], as_of: datetime) -> Shelf:
        """From the catalogue before a moment and [recommend] in shop.toml.

        Raises
        ------
        ConfigError
            If a rule there cannot be read, or a pinned product is not known.
        """
        settings = shop.config.recommend
        table = _catalogue(shop, products, as_of)
        allowed = np.ones(len(products) + 1, bool)
        allowed[0] = False
        for place, text in enumerate(settings.exclude):
            allowed[1:] &= ~_rule(table, text, f"exclude[{place}]").mask(table)
        again = np.ones(len(products) + 1, bool)
        if settings.again:
            again[1:] = _rule(table, settings.again, "again").mask(table)
        number = {name: at for at, name in enumerate(products, 1)}
        unknown = [name for name in settings.pin if name not in number]
        if unknown:
            raise ConfigError(
                f"shop.toml, [recommend] pin: the recommender knows no product {unknown[0]!r}. If it is "
                "new, learn again: regulars learn recommend"
            )
        pinned = np.array([number[name] for name in dict.fromkeys(settings.pin)], np.int64)
        return cls(table, allowed, again, pinned, settings)

    def where(self, text: str) -> Allowed:
        """(products + 1,) those of the allowed products that a filter means.

        Raises
        ------
        RuleError
            If the filter cannot be read; the message shows the place and the columns there are.
        """
        found = self.allowed.copy()
        found[1:] &= Rule.of(text, self.table.schema).mask(self.table)
        return found

    def laid_out(self, products: Ints, k: int, vectors: Floats) -> Ints:
        """Lists of k out of more products in the ranker's order: what is pinned, then by caps and for diversity.

        Parameters
        ----------
        products : (n, m) the best first, 0 where there is none.
        vectors : (products + 1, d) of length 1 or 0, by which two products are alike.
        """
        found = self._by_rules(products, k, vectors)
        pinned = self.pinned[self.allowed[self.pinned]]
        if not len(pinned):
            return found
        rest = np.where(np.isin(found, pinned), 0, found)
        rest = np.take_along_axis(rest, np.argsort(rest == 0, axis=1, kind="stable"), 1)
        return np.hstack([np.tile(pinned, (len(found), 1)), rest])[:, :k]

    def _by_rules(self, products: Ints, k: int, vectors: Floats) -> Ints:
        caps = [
            (_codes(self.table[name]), most)
            for name, most in (("category", self.settings.most_per_category), ("brand", self.settings.most_per_brand))
            if most
        ]
        if not caps and not self.settings.diversity:
            return products[:, :k]
        return arranged(products, k, vectors, caps, self.settings.diversity)


def arranged(
    products: Ints, k: int, vectors: Floats, caps: Sequence[tuple[Ints, int]] = (), diversity: float = 0.0
) -> Ints:
    """The k best of more products: relevant, unlike each other, and no group too often.

    Parameters
    ----------
    products : (n, m) the best first, 0 where there is none; no product twice in a row.
    vectors : (products + 1, d) of length 1 or 0.
    caps : the group of each product, (products + 1,), -1 for none, and how many of a group a list may hold.
    diversity : 0 goes by relevance alone, 1 by unlikeness alone.

    Source
    ------
    Carbonell and Goldstein (1998), The Use of MMR: each next product is the one with the most of
    (1 - diversity) relevance - diversity (likeness to the most alike of those chosen). Relevance is that of a place,
    1 / log2(place + 1).

    Examples
    --------
    Products 1 and 2 are alike; of one group there may be one:

    >>> vectors = np.array([[0, 0], [1, 0], [1, 0], [0, 1]], np.float32)
    >>> arranged(np.array([[1, 2, 3]]), 2, vectors, diversity=0.5).tolist()
    [[1, 3]]
    >>> arranged(np.array([[1, 2, 3]]), 3, vectors, [(np.array([-1, 7, 7, 8]), 1)]).tolist()
    [[1, 3, 0]]
    """
    count, width = products.shape
    every = np.arange(count)
    relevance = np.where(products > 0, 1 / np.log2(np.arange(2, width + 2)), -np.inf)
    alike = np.zeros((count, width), np.float32)
    candidates = vectors[products] if diversity else None
    is_free = products > 0
    used = [np.zeros((count, width), np.int64) for _ in caps]
    found = np.zeros((count, k), np.int64)
    for place in range(min(k, width)):
        value = np.where(is_free, (1 - diversity) * relevance - diversity * alike, -np.inf)
        best = value.argmax(axis=1)
        is_some = value[every, best] > -np.inf
        chosen = np.where(is_some, products[every, best], 0)
        found[:, place] = chosen
        is_free[every, best] = False
        if candidates is not None:
            likeness = np.einsum("nmd,nd->nm", candidates, vectors[chosen])
            alike = likeness if place == 0 else np.maximum(alike, likeness)
        for number, (group, most) in enumerate(caps):
            same = (group[products] == group[chosen][:, None]) & (group[products] >= 0) & is_some[:, None]
            used[number] += same
            is_free &= ~(same & (used[number] >= most))
    return found


def _catalogue(shop: Shop, products: Sequence[str], as_of: datetime) -> pa.Table:
    catalogue = shop.catalogue
    known = catalogue.filter(catalogue.valid_from < ibis.literal(as_of, "timestamp('UTC')"))
    newest = known.group_by("product_id").agg(
        **{name: known[name].argmax(known.valid_from) for name in COLUMNS if name != "product_id"}
    )
    ids = pa.table({"product_id": pa.array(list(products), pa.string()), "row": np.arange(len(products))})
    asked = shop.engine.table(ids)
    found = shop.engine.to_arrow(asked.left_join(newest, "product_id").order_by("row"))
    return found.select(COLUMNS)


def _rule(table: pa.Table, text: str, where: str) -> Rule:
    try:
        return Rule.of(text, table.schema)
    except RuleError as error:
        raise ConfigError(f"shop.toml, [recommend] {where}: {error}") from None


def _codes(values: pa.ChunkedArray) -> Ints:
    """(products + 1,) a number for each distinct value, -1 for none and for no product."""
    codes = pc.fill_null(values.combine_chunks().dictionary_encode().indices, -1)
    found: Ints = np.concatenate([[-1], codes.to_numpy(zero_copy_only=False)]).astype(np.int64)
    return found
