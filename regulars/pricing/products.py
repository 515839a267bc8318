"""The products of a shop as of a moment: what they cost, what is asked, and what was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.errors import ConfigError, InputError
from regulars.events.readers import Source
from regulars.events.sandbox import open_source
from regulars.pricing.guard import UNKNOWN, Admissible, Ints, Rules, held_within, list_prices
from regulars.pricing.money import digits, to_coins

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]

DAY = 86_400_000_000
"""Microseconds."""
WEEK, CORRIDOR, PRIOR = 7, 90, 30
"""Days: of the largest change; before which the price lies that the corridor is around; of the earlier price."""
MINIMUMS = "pricing/minimum.csv"
"""In the shop's folder: product or brand, and the least that the brand lets it be sold for."""


@dataclass(frozen=True)
class Products:
    """The products with a price, (n,) each; amounts in the smallest coin of the shop's currency, -1 for none.

    Attributes
    ----------
    price : what everyone pays: the list price, and where the catalogue has none what was paid last.
    cost : of one, rounded up.
    reference : what was asked ninety days ago, or at first: the corridor is around it.
    week_low, week_high : within the last seven days. lowest : within the last thirty.
    before : the lowest of the thirty days before the present price began, while that was in the last thirty days.
    brand_minimum : by the shop's own `pricing/minimum.csv`.
    currency : of the shop.
    """

    ids: list[str]
    titles: list[str | None]
    categories: list[str | None]
    brands: list[str | None]
    price: Ints
    cost: Ints
    reference: Ints
    week_low: Ints
    week_high: Ints
    lowest: Ints
    before: Ints
    brand_minimum: Ints
    currency: str

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def place(self) -> Mapping[str, int]:
        """The place of each id."""
        return {product: place for place, product in enumerate(self.ids)}

    @property
    def amounts(self) -> Floats:
        """(n,) what everyone pays, in the shop's currency."""
        found: Floats = self.price.astype(np.float64) / 10 ** digits(self.currency)
        return found

    def price_of(self, product_id: str) -> int:
        """What everyone pays for a product, or -1 where there is none."""
        return int(self.price[self.place[product_id]]) if product_id in self.place else UNKNOWN

    def bounds(self, rules: Rules) -> Admissible:
        """Which list prices may be asked."""
        return list_prices(
            rules, self.price, self.cost, reference=self.reference, week_low=self.week_low, week_high=self.week_high,
            brand_minimum=self.brand_minimum,
        )  # fmt: skip

    @cached_property
    def group(self) -> Ints:
        """(n,) number of each product's category; those without one are of one."""
        names = [name or "" for name in self.categories]
        number = {name: place for place, name in enumerate(sorted(set(names)))}
        return np.array([number[name] for name in names], np.int64)

    @classmethod
    def of(cls, shop: Shop, as_of: datetime) -> Products:
        """The products that had a price before a moment, by id."""
        return cls.at(PriceLog.read(shop, as_of), as_of)

    @classmethod
    def at(cls, log: PriceLog, as_of: datetime) -> Products:
        """The same, of what was read of the log: prices that it holds from the moment on are not asked yet."""
        moment = int(as_of.timestamp() * 1_000_000)
        history = log.history.filter(pa.array(log.history["since"].cast(pa.int64()).to_numpy() < moment))
        ids = sorted(set(history["product_id"].to_pylist()))
        number = {product: place for place, product in enumerate(ids)}
        who = np.array([number[product] for product in history["product_id"].to_pylist()], np.int64)
        coins = history["coins"].to_numpy()
        since = history["since"].cast(pa.int64()).to_numpy()
        every = np.arange(len(ids))
        order = np.lexsort((since, who))
        last = np.searchsorted(who[order], every, side="right") - 1
        first = np.searchsorted(who[order], every)
        price = coins[order][last] if ids else np.zeros(0, np.int64)
        was = {days: held_within(who, since, coins, every, np.full(len(ids), moment), days) for days in (WEEK, PRIOR)}
        # What was set again at the same price has not begun anew.
        others = np.append(-1, np.flatnonzero(coins[order] != price[who[order]]))
        begin = np.maximum(others[np.searchsorted(others, last, side="right") - 1] + 1, first)
        began = since[order][begin] if ids else np.zeros(0, np.int64)
        before, _ = held_within(who, since, coins, every, began, PRIOR)
        is_recent = began >= moment - PRIOR * DAY
        then = np.full(len(ids), int((as_of - timedelta(days=CORRIDOR)).timestamp() * 1_000_000))
        old, _ = held_within(who, since, coins, every, then, 1)
        said = [log.said.get(product, {}) for product in ids]
        cost = to_coins([each.get("unit_cost") for each in said], log.currency, "up")
        brands = [each.get("brand") for each in said]
        return cls(
            ids=ids,
            titles=[each.get("title") for each in said],
            categories=[each.get("category") for each in said],
            brands=brands,
            price=price,
            cost=cost,
            reference=np.where(old > UNKNOWN, old, coins[order][first] if ids else price),
            week_low=was[WEEK][0],
            week_high=was[WEEK][1],
            lowest=was[PRIOR][0],
            before=np.where(is_recent, before, UNKNOWN),
            brand_minimum=log.minimums(ids, brands),
            currency=log.currency,
        )


@dataclass(frozen=True)
class PriceLog:
    """What the log and the shop's files say of products before a moment, and of prices until then or later.

    Attributes
    ----------
    history : of `price_history`, by product. said : the newest of the catalogue by product.
    by_product, by_brand : the least that a brand lets a product be sold for, in the smallest coin.
    """

    history: pa.Table
    said: Mapping[str, dict[str, Any]]
    by_product: Mapping[str, int]
    by_brand: Mapping[str, int]
    currency: str

    @classmethod
    def read(cls, shop: Shop, as_of: datetime, ahead: timedelta = timedelta()) -> PriceLog:
        """What there is before a moment, and the prices that are to be asked so long after it."""
        currency, path = shop.config.shop.currency, shop.folder / MINIMUMS
        minimums = _read_minimums(open_source(path), currency) if path.is_file() else ({}, {})
        return cls(price_history(shop, as_of + ahead), _newest(shop, as_of), *minimums, currency)

    def only(self, product_id: str) -> PriceLog:
        """The same of one product."""
        start, count = self._spans.get(product_id, (0, 0))
        return replace(self, history=self.history.slice(start, count))

    @cached_property
    def _spans(self) -> Mapping[str, tuple[int, int]]:
        """Where each product's prices lie in the history, and how many there are."""
        ids = self.history["product_id"].combine_chunks().dictionary_encode()
        codes = ids.indices.to_numpy()
        start = np.flatnonzero(np.append(True, codes[1:] != codes[:-1])[: len(codes)])
        count = np.diff(np.append(start, len(codes)))
        names = ids.dictionary.take(pa.array(codes[start])).to_pylist()
        return dict(zip(names, zip(start.tolist(), count.tolist(), strict=True), strict=True))

    def minimums(self, ids: Sequence[str], brands: Sequence[str | None]) -> Ints:
        """(n,) the least that each may be sold for, -1 for no such."""
        pairs = zip(ids, brands, strict=True)
        each = [max(self.by_product.get(one, UNKNOWN), self.by_brand.get(brand or "", UNKNOWN)) for one, brand in pairs]
        return np.array(each, np.int64)


def price_history(shop: Shop, as_of: datetime) -> pa.Table:
    """Since when which price was asked of everyone: product_id, since, coins, is_set (by the shop); before a moment.

    By the catalogue's list prices, and those that the shop set (`price_set`). Of a product that has neither, the middle
    of what was paid on each day. A price of 0, as of what was given away, is none.
    """
    catalogue = shop.catalogue
    moment = ibis.literal(as_of)
    listed = catalogue.filter(catalogue.valid_from < moment, catalogue.list_price > 0)
    listed = listed.select("product_id", since="valid_from", amount="list_price")
    chosen = shop.events.filter(ibis._.type == "price_set", ibis._.time < moment, ibis._.unit_price > 0)
    chosen = chosen.select("product_id", since="time", amount="unit_price")
    lines = shop.events.filter(
        ibis._.type == "order_completed", ibis._.time < moment, ibis._.unit_price > 0, ibis._.product_id.notnull()
    )
    lines = lines.anti_join(listed, "product_id").anti_join(chosen, "product_id")
    days = lines.group_by("product_id", since=lines.time.truncate("D")).agg(
        amount=lines.unit_price.cast("float64").median()
    )
    said = [shop.engine.to_arrow(each) for each in (listed, chosen, days)]
    currency = shop.config.shop.currency
    parts = [
        pa.table(
            {
                "product_id": each["product_id"],
                "since": each["since"].cast(pa.timestamp("us", "UTC")),
                "coins": to_coins(each["amount"], currency),
                "is_set": pa.repeat(is_set, len(each)),
            }
        )
        for each, is_set in zip(said, (False, True, False), strict=True)
    ]
    table = pa.concat_tables(parts).sort_by([(name, "ascending") for name in ("product_id", "since", "coins")])
    return table.filter(pa.array(table["coins"].to_numpy() > 0))


def price_changes(shop: Shop, as_of: datetime) -> pa.Table:
    """The rows of `price_history` that end the price before them: all that were set, and what else is another price.

    A catalogue that repeats the price which the shop set does not end it."""
    history = price_history(shop, as_of)
    product, coins = history["product_id"].combine_chunks(), history["coins"].to_numpy()
    is_other = np.append(True, np.asarray(pc.not_equal(product[1:], product[:-1])) | (coins[1:] != coins[:-1]))
    return history.filter(pa.array(is_other[: len(coins)] | np.asarray(history["is_set"])))


def _newest(shop: Shop, as_of: datetime) -> dict[str, dict[str, Any]]:
    """What the catalogue knew last of each product before a moment; each field by itself."""
    catalogue = shop.catalogue
    known = catalogue.filter(catalogue.valid_from < ibis.literal(as_of))
    fields = ("title", "category", "brand", "unit_cost")
    newest = known.group_by("product_id").agg(
        **{name: known[name].argmax(known.valid_from, where=known[name].notnull()) for name in fields}
    )
    return {row.pop("product_id"): row for row in shop.engine.to_arrow(newest).to_pylist()}


def _read_minimums(source: Source, currency: str) -> tuple[dict[str, int], dict[str, int]]:
    if "minimum" not in source.headers or not {"product", "brand"} & set(source.headers):
        raise ConfigError(
            f"{source.path}: the columns minimum and product, or brand, are expected. Found: "
            f"{', '.join(source.headers)}."
        )
    by: dict[str, dict[str, int]] = {"product": {}, "brand": {}}
    for chunk in source.chunks([name for name in ("product", "brand", "minimum") if name in source.headers]):
        piece = chunk()
        for line, row in zip(piece.lines.tolist(), piece.table.to_pylist(), strict=True):
            try:
                (coins,) = to_coins([str(row["minimum"] or "")], currency, "up").tolist()
            except (ArithmeticError, ValueError):
                raise InputError(
                    f"{source.path}, line {line}: minimum = {row['minimum']!r} is no amount. Write it as 12.50."
                ) from None
            for kind, names in by.items():
                if row.get(kind):
                    names[str(row[kind])] = max(coins, names.get(str(row[kind]), UNKNOWN))
    return by["product"], by["brand"]
