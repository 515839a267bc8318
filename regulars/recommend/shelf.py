"""What may be shown at all, and how a list is laid out: the merchant's rules over whatever the ranker likes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.customers import of_age
from regulars.errors import ConfigError
from regulars.events.schema import CATALOGUE
from regulars.recommend.candidates import Floats, Ints
from regulars.recommend.favourites import Categories
from regulars.recommend.past import Past
from regulars.rules import Rule, RuleError

if TYPE_CHECKING:
    from regulars.config import RecommendSettings
    from regulars.shop import Shop

Allowed = npt.NDArray[np.bool_]

COLUMNS = tuple(field.name for field in CATALOGUE if field.name != "valid_from")
KEPT_FILTERS = 256
"""So many filters are kept, once they were asked."""
SEEN = 100
"""So many of the best are looked at when a list is laid out."""


@dataclass(frozen=True)
class Shelf:
    """The products of a shop as of a moment, and the merchant's rules.

    Attributes
    ----------
    table : one row a product, in the order of their numbers: the columns of the catalogue that are of a product.
    allowed : (products + 1,) which may be shown to anybody.
    to_adults : (products + 1,) those, and what is for adults only.
    adults : the customers who are known to be of age; asked for only if there is something for adults only.
    again : (products + 1,) which may be shown to who had them before.
    pinned : numbers of the products that stand first in every list.
    """

    table: pa.Table
    allowed: Allowed
    to_adults: Allowed
    adults: frozenset[str]
    again: Allowed
    pinned: Ints
    settings: RecommendSettings
    _filters: dict[str, Allowed] = field(default_factory=dict, repr=False)

    @cached_property
    def titles(self) -> list[str | None]:
        """(products + 1,) None where a product has none."""
        return [None, *self.table["title"].to_pylist()]

    @cached_property
    def categories(self) -> Categories:
        """Of which category each product is."""
        return Categories.of(self.table["category"])

    @cached_property
    def _brands(self) -> Ints:
        return Categories.of(self.table["brand"]).code

    @classmethod
    def of(cls, shop: Shop, products: Sequence[str], as_of: datetime) -> Shelf:
        """From the catalogue before a moment and [recommend] in shop.toml.

        Raises
        ------
        ConfigError
            If a rule there cannot be read, or a pinned product is not known.
        """
        settings = shop.config.recommend
        table = catalogue_of(shop, products, as_of)
        allowed = np.ones(len(products) + 1, bool)
        allowed[0] = False
        for place, text in enumerate(settings.exclude):
            allowed[1:] &= ~_rule(table, text, f"exclude[{place}]").mask(table)
        to_adults, adults = allowed.copy(), frozenset[str]()
        if settings.adults_only:
            allowed[1:] &= ~_rule(table, settings.adults_only, "adults_only").mask(table)
            adults = frozenset(of_age(shop, as_of).to_pylist())
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
        return cls(table, allowed, to_adults, adults, again, pinned, settings)

    def shown_to(self, customer: str | None, where: str = "") -> Allowed:
        """(products + 1,) which may be shown to a customer (None: to whoever comes), of those that a filter means.

        Raises
        ------
        RuleError
            If the filter cannot be read; the message shows the place and the columns there are.
        """
        allowed = self.to_adults if customer in self.adults else self.allowed
        return allowed & self._meant(where) if where else allowed

    def barred(self, past: Past) -> Ints:
        """Pairs, customer x (products + 1) + product, that may not be shown: not again, or sent back; ascending."""
        found = past.had[~self.again[past.had % (past.products + 1)]]
        return found if self.settings.returned else np.union1d(found, past.returned)

    def laid_out(self, products: Ints, k: int, vectors: Floats, is_new: Allowed, allowed: Allowed) -> Ints:
        """Lists of k out of more products in the ranker's order: what is pinned, then by caps and for diversity.

        Parameters
        ----------
        products : (n, m) the best first, 0 where there is none.
        vectors : (products + 1, d) of length 1 or 0, by which two products are alike.
        is_new, allowed : (products + 1,)
        """
        found = self._by_rules(products, k, vectors)
        if self.settings.fresh:
            found = with_new(found, products, is_new, self.settings.fresh)
        pinned = self.pinned[allowed[self.pinned]]
        if not len(pinned):
            return found
        rest = np.where(np.isin(found, pinned), 0, found)
        rest = np.take_along_axis(rest, np.argsort(rest == 0, axis=1, kind="stable"), 1)
        return np.hstack([np.tile(pinned, (len(found), 1)), rest])[:, :k]

    def _meant(self, text: str) -> Allowed:
        if text not in self._filters:
            if len(self._filters) >= KEPT_FILTERS:
                self._filters.clear()
            self._filters[text] = np.append(False, Rule.of(text, self.table.schema).mask(self.table))
        return self._filters[text]

    def _by_rules(self, products: Ints, k: int, vectors: Floats) -> Ints:
        caps = []
        if self.settings.most_per_category:
            caps.append((self.categories.code, self.settings.most_per_category))
        if self.settings.most_per_brand:
            caps.append((self._brands, self.settings.most_per_brand))
        if not caps and not self.settings.diversity:
            return products[:, :k]
        return arranged(products, k, vectors, caps, self.settings.diversity)


def with_new(found: Ints, wide: Ints, is_new: Allowed, places: int) -> Ints:
    """Lists in which so many places, the last ones, are of new products, as far as there are any.

    Parameters
    ----------
    found, wide : (n, k), (n, m) the lists, and more products in their order; 0 where there is none.
    is_new : (products + 1,)

    Examples
    --------
    >>> is_new = np.array([False, False, False, False, True, True])
    >>> with_new(np.array([[1, 2, 3], [4, 1, 2]]), np.array([[1, 2, 3, 4, 5], [4, 1, 2, 5, 3]]), is_new, 1).tolist()
    [[1, 2, 4], [4, 1, 2]]
    """
    width = len(is_new)
    row = np.arange(len(found))[:, None] * width
    others = np.where(is_new[wide] & (wide > 0) & ~np.isin(row + wide, row + found), wide, 0)
    others = np.take_along_axis(others, np.argsort(others == 0, axis=1, kind="stable"), 1)[:, :places]
    lacking = np.minimum(places - np.minimum(is_new[found].sum(axis=1), places), (others > 0).sum(axis=1))
    # The last products that are not new give way, the very last to the least likely of the new ones.
    gives_way = ~is_new[found]
    from_end = np.cumsum(gives_way[:, ::-1], axis=1)[:, ::-1]
    is_given = gives_way & (from_end <= lacking[:, None])
    which = np.maximum(np.cumsum(is_given, axis=1) - 1, 0)
    given = np.take_along_axis(others, np.minimum(which, others.shape[1] - 1), 1) if others.shape[1] else found
    return np.where(is_given, given, found)


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


def catalogue_of(shop: Shop, products: Sequence[str], as_of: datetime) -> pa.Table:
    """The catalogue before a moment, one row for each of some products, in their order; null where nothing is known."""
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
