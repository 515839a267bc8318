"""The merchant's rules over lists that are made now: `[recommend]` over the catalogue, and what each has had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import compress
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import numpy.typing as npt

from regulars.events.convert import AHEAD
from regulars.recommend.shelf import Shelf
from regulars.serve.live.reading import Row

if TYPE_CHECKING:
    from regulars.shop import Shop

Ints = npt.NDArray[np.int64]

NEW = timedelta(days=30)
ENDED = {"order_completed": True, "order_refunded": False}


@dataclass
class Rules:
    """What may be shown to whom.

    Attributes
    ----------
    shelf : rules over the catalogue; number : of each product in it.
    is_new : (products + 1,) first met within `NEW`.
    """

    shelf: Shelf
    number: dict[str, int]
    is_new: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, shop: Shop, now: datetime) -> Rules:
        """As the catalogue and the log are.

        Raises
        ------
        ConfigError
            If a rule of `[recommend]` cannot be read.
        """
        since = shop.catalogue.group_by("product_id").agg(since=ibis._.valid_from.min()).order_by("product_id")
        known = shop.engine.to_arrow(since)
        products = known["product_id"].to_pylist()
        shelf = Shelf.of(shop, products, now + AHEAD)
        is_new = np.zeros(len(products) + 1, bool)
        begun = known["since"].to_numpy()
        is_new[1:] = begun >= np.datetime64((now - NEW).replace(tzinfo=None))
        return cls(shelf, {name: at for at, name in enumerate(products, 1)}, is_new)

    @property
    def has_layout(self) -> bool:
        """Whether a list is more than the first k."""
        said = self.shelf.settings
        return bool(said.pin or said.most_per_category or said.most_per_brand or said.fresh or said.boost)

    def allowed(self, products: Sequence[str], customer: str, had: Mapping[str, bool], where: str = "") -> list[str]:
        """Those products that may be shown to a customer, in their order. Of what the catalogue does not have, only a
        filter says no.

        Parameters
        ----------
        had : what the customer has had: whether it was kept, or sent back.

        Raises
        ------
        RuleError
            If the filter cannot be read.
        """
        may = self.shelf.shown_to(customer, where)
        number = self.number
        found = []
        for product in products:
            at = number.get(product)
            if (not where if at is None else may[at]) and not (product in had and self._is_barred(at, had[product])):
                found.append(product)
        return found

    def laid_out(self, products: Sequence[str], k: int, customer: str) -> list[str]:
        """The first k, by what is pinned, by caps, and with places for new products."""
        if not self.has_layout:
            return list(products[:k])
        known = np.array([[self.number[product] for product in products if product in self.number]], np.int64)
        ids = self.shelf.table["product_id"]
        vectors = np.zeros((len(self.number) + 1, 1), np.float32)
        found = self.shelf.laid_out(known, k, vectors, self.is_new, self.shelf.shown_to(customer))
        return [ids[number - 1].as_py() for number in found[0].tolist() if number]

    def beside(self, shown: Sequence[str], products: Sequence[str]) -> list[str]:
        """Those products that caps let stand in a list beside those shown; what the catalogue does not have may."""
        caps = self.shelf.caps
        if not len(caps.most):
            return list(products)
        chosen, asked = (
            np.array([[self.number.get(each, 0) for each in some]], np.int64) for some in (shown, products)
        )
        return list(compress(products, caps.room(chosen, asked)[0]))

    def about(self, product: str) -> dict[str, Any]:
        """What a list says of a product."""
        at = self.number.get(product)
        return {"title": None if at is None else self.shelf.titles[at]}

    def _is_barred(self, at: int | None, was_kept: bool) -> bool:
        if not was_kept:
            return not self.shelf.settings.returned
        return at is not None and not self.shelf.again[at]


class Had:
    """What each customer has had, where a rule asks for it: whether it was kept, or sent back."""

    def __init__(self, shop: Shop, now: datetime) -> None:
        settings = shop.config.recommend
        self._asks_kept, self._is_asked = bool(settings.again), bool(settings.again) or not settings.returned
        self._of: dict[str, dict[str, bool]] = {}
        if self._is_asked:
            self._read(shop, now)

    def of(self, customer: str) -> Mapping[str, bool]:
        """Of one customer."""
        return self._of.get(customer, {})

    def hear(self, rows: Sequence[Row], aliases: Mapping[str, str]) -> None:
        """Rows of events, and whose the ids of visitors are."""
        if not self._is_asked:
            return
        for row in rows:
            who, product = row.get("customer_id") or row.get("anonymous_id"), row.get("product_id")
            if row["type"] in ENDED and product and who:
                self._of.setdefault(aliases.get(who, who), {})[product] = ENDED[row["type"]]

    def _read(self, shop: Shop, now: datetime) -> None:
        events = shop.events
        rows = events.filter(
            events.type.isin(list(ENDED)), events.product_id.notnull(), events.time < ibis.literal(now + AHEAD)
        )
        named = shop.identities.named(rows.select("customer_id", "anonymous_id", "product_id", "type", "time"), now)
        if not self._asks_kept:
            back = named.filter(named.type == "order_refunded").select("customer_id", "product_id").distinct()
            named = named.semi_join(back, ["customer_id", "product_id"])
        last = named.group_by("customer_id", "product_id").agg(type=named.type.argmax(named.time))
        table = shop.engine.to_arrow(last.filter(last.customer_id.notnull()))
        for customer, product, kind in zip(*(table[name].to_pylist() for name in table.column_names), strict=True):
            self._of.setdefault(customer, {})[product] = ENDED[kind]
