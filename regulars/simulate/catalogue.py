"""What is sold: products with titles in two languages, costs, prices, tastes, seasons, and what goes with what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.events.schema import CATALOGUE, TIME
from regulars.simulate.encode import money, product_ids
from regulars.simulate.params import Params
from regulars.simulate.randomness import generator

TASTES = 8
"""Dimensions of taste: what a product is like, and how much a customer likes that."""
PURPOSE = 1

Floats = npt.NDArray[np.float32]


@dataclass
class Catalogue:
    """The products, (p,) each; what stands first in `appeal` is utility, prices are in the shop's currency.

    Attributes
    ----------
    taste : (p, TASTES) what the product is like.
    phase, swing : of its season: utility swing x cos(2 pi (day of the year / 365 - phase)).
    first_day, last_day : between which it is sold; before 0 and after all days where it is always.
    complements : (p, 2) products that go well with it; substitutes are the others of its category.
    by_category, starts : products ordered by category, the most appealing first, and where each begins.
    """

    english: pa.StringArray
    chinese: pa.StringArray
    descriptions: pa.StringArray
    category_names: list[str]
    words: list[str]
    category: npt.NDArray[np.int32]
    brand: npt.NDArray[np.int32]
    brand_names: tuple[str, ...]
    list_price: npt.NDArray[np.float64]
    cost: npt.NDArray[np.float64]
    appeal: Floats
    taste: Floats
    phase: npt.NDArray[np.float64]
    swing: npt.NDArray[np.float64]
    first_day: npt.NDArray[np.int32]
    last_day: npt.NDArray[np.int32]
    complements: npt.NDArray[np.int32]
    by_category: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.list_price)

    @property
    def ids(self) -> pa.StringArray:
        """Products as the log names them."""
        return product_ids(len(self))

    def rows(
        self, which: npt.NDArray[np.int64], price: npt.NDArray[np.float64], stock: npt.NDArray[np.float64], at: datetime
    ) -> pa.Table:
        """Products for the log's catalogue, as they are from a moment on."""
        index = pa.array(which)
        columns = {
            "product_id": self.ids.take(index),
            "title": pc.binary_join_element_wise(self.english.take(index), self.chinese.take(index), " "),
            "category": pa.array(self.category_names).take(pa.array(self.category[which])),
            "brand": pa.array(self.brand_names).take(pa.array(self.brand[which])),
            "list_price": money(np.rint(price[which] * 10_000).astype(np.int64)),
            "unit_cost": money(np.rint(self.cost[which] * 10_000).astype(np.int64)),
            "stock": pa.array(np.rint(stock[which])),
            "text": self.descriptions.take(index),
            "valid_from": pa.repeat(pa.scalar(at.astimezone(UTC), TIME), len(which)),
        }
        return pa.table(columns, schema=CATALOGUE)


def make(params: Params, seed: int, days: int) -> Catalogue:
    """A catalogue; `days` is for how long the shop is planned, within which products are launched and ended."""
    rng = generator(seed, PURPOSE)
    wanted = params.catalogue
    count, groups = wanted.products, list(wanted.categories)
    # Categories differ in size, but each has a product.
    shares = rng.dirichlet(np.full(len(groups), 3.0))
    category = np.concatenate([np.arange(len(groups)), rng.choice(len(groups), count - len(groups), p=shares)])
    category = category.astype(np.int32)
    brand = rng.integers(0, len(wanted.brands), count).astype(np.int32)
    category_level = rng.normal(0, wanted.price_spread / 2, len(groups))
    own_level = rng.normal(0, wanted.price_spread * np.sqrt(0.75), count)
    price = np.maximum(0.05, wanted.price_median * np.exp(category_level[category] + own_level))
    # The last digit of a price on a tag.
    price = np.where(price > 2, np.ceil(price * 2) / 2 - 0.01, np.ceil(price * 20) / 20).round(2)
    margin = np.clip(rng.normal(wanted.margin, wanted.margin_spread, count), 0.02, 0.95)
    category_taste = rng.normal(0, 1, (len(groups), TASTES))
    taste = (0.6 * category_taste[category] + 0.8 * rng.normal(0, 1, (count, TASTES))) / np.sqrt(TASTES)
    appeal = rng.normal(0, wanted.appeal_spread, count)
    first_day, last_day = np.full(count, -10_000, np.int32), np.full(count, 2**30, np.int32)
    fate = rng.random(count)
    fate[: len(groups)] = 1.0  # each category has a product that is always there
    is_launched, is_ended = fate < wanted.launched_share, fate > 1 - wanted.ended_share
    is_ended[: len(groups)] = False
    first_day[is_launched] = rng.integers(1, max(days, 2), is_launched.sum())
    last_day[is_ended] = rng.integers(0, max(days, 1), is_ended.sum())
    by_category = np.lexsort((-appeal, category)).astype(np.int32)
    starts = np.searchsorted(category[by_category], np.arange(len(groups) + 1)).astype(np.int32)
    english, chinese, words = _titles(params, rng, category)
    return Catalogue(
        english=english,
        chinese=chinese,
        descriptions=_descriptions(english, chinese, pa.array(wanted.brands).take(pa.array(brand))),
        category_names=[name.split("|")[0] for name in groups],
        words=words,
        category=category,
        brand=brand,
        brand_names=wanted.brands,
        list_price=price,
        cost=(price * (1 - margin)).round(4),
        appeal=appeal.astype(np.float32),
        taste=taste.astype(np.float32),
        phase=rng.random(len(groups))[category],
        swing=np.abs(rng.normal(0, wanted.season_spread, len(groups)))[category],
        first_day=first_day,
        last_day=last_day,
        complements=rng.integers(0, count, (count, 2)).astype(np.int32),
        by_category=by_category,
        starts=starts,
    )


def _titles(
    params: Params, rng: np.random.Generator, category: npt.NDArray[np.int32]
) -> tuple[pa.StringArray, pa.StringArray, list[str]]:
    """English and Chinese titles, and the words that are searched for: two for each category."""
    groups = list(params.catalogue.categories.items())
    things = [word for _, words in groups for word in words]
    starts = np.cumsum([0, *(len(words) for _, words in groups)])
    sizes = np.array([len(words) for _, words in groups])
    thing = starts[category] + (rng.random(len(category)) * sizes[category]).astype(np.int64)
    style = rng.integers(0, len(params.catalogue.styles), len(category))
    number = pa.array(np.arange(1, len(category) + 1)).cast(pa.string())
    both = []
    for language in (0, 1):
        named = pa.array([_in(word, language) for word in things]).take(pa.array(thing))
        styled = pa.array([_in(word, language) for word in params.catalogue.styles]).take(pa.array(style))
        parts = (styled, named, number, " ") if language == 0 else (styled, named, number, "")
        both.append(pc.binary_join_element_wise(*parts))
    words = [_in(words[0], language).lower() for _, words in groups for language in (0, 1)]
    return both[0], both[1], words


def _in(both: str, language: int) -> str:
    parts = both.split("|")
    return parts[min(language, len(parts) - 1)]


def _descriptions(english: pa.StringArray, chinese: pa.StringArray, brand: pa.StringArray) -> pa.StringArray:
    return pc.binary_join_element_wise(
        english,
        " by ",
        brand,
        ", made to last and easy to give. ",
        brand,
        "出品的",
        chinese,
        "，耐用，送礼自用皆宜。",
        "",
    )
