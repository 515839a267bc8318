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
from regulars.recommend.layout import Caps, arranged, lifted
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
    lift : (products + 1,) by how many places each stands further up than the ranker says.
    """

    table: pa.Table
    allowed: Allowed
    to_adults: Allowed
    adults: frozenset[str]
    again: Allowed
    pinned: Ints
    lift: Ints
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

    @classmethod
    def of(
        cls, shop: Shop, products: Sequence[str], as_of: datetime, settings: RecommendSettings | None = None
    ) -> Shelf:
        """From the catalogue before a moment and the merchant's rules.

        Parameters
        ----------
        settings : the rules; default: [recommend] in shop.toml.

        Raises
        ------
        ConfigError
            If a rule cannot be read, or a pinned product is not known.
        """
        settings = settings or shop.config.recommend
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
        return cls(table, allowed, to_adults, adults, again, pinned, _lift(table, settings.boost), settings)

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
        products = lifted(products, self.lift)
        pinned = self.pinned[allowed[self.pinned]]
        if len(pinned):
            rest = np.where(np.isin(products, pinned), 0, products)
            rest = np.take_along_axis(rest, np.argsort(rest == 0, axis=1, kind="stable"), 1)
            products = np.hstack([np.tile(pinned, (len(rest), 1)), rest])
        diversity, fresh = self.settings.diversity, self.settings.fresh
        if not len(self.caps.most) and not diversity and not fresh:
            return products[:, :k]
        return arranged(products, k, vectors, self.caps, diversity, pinned=len(pinned), is_new=is_new, fresh=fresh)

    def _meant(self, text: str) -> Allowed:
        if text not in self._filters:
            if len(self._filters) >= KEPT_FILTERS:
                self._filters.clear()
            self._filters[text] = np.append(False, Rule.of(text, self.table.schema).mask(self.table))
        return self._filters[text]

    @cached_property
    def caps(self) -> Caps:
        """How many of a category and of a brand a list may hold."""
        settings = self.settings
        caps = [
            (Categories.of(self.table[column]).code, most)
            for column, most in (("category", settings.most_per_category), ("brand", settings.most_per_brand))
            if most
        ]
        return Caps.of(caps)


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


def _lift(table: pa.Table, boosts: Sequence[str]) -> Ints:
    """(products + 1,) the most places of the boosts that mean a product; 0 where none does."""
    lift = np.zeros(table.num_rows + 1, np.int64)
    for at, text in enumerate(boosts):
        places, _, rule = text.partition(":")
        means = _rule(table, rule.strip(), f"boost[{at}]").mask(table)
        lift[1:] = np.maximum(lift[1:], int(places) * means)
    return lift


def _rule(table: pa.Table, text: str, where: str) -> Rule:
    try:
        return Rule.of(text, table.schema)
    except RuleError as error:
        raise ConfigError(f"shop.toml, [recommend] {where}: {error}") from None
