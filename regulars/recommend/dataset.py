"""What the ranker learns from: candidates as of past moments, and which of them were bought afterwards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from regulars.behavior.dataset import sequences_of
from regulars.behavior.sequences import DAY
from regulars.behavior.use import model_as_of
from regulars.clock import micros, moment_of
from regulars.errors import ConfigError, NotFoundError
from regulars.recommend.blocks import blocks, in_threads
from regulars.recommend.candidates import Floats, Ints
from regulars.recommend.features import Products
from regulars.recommend.impressions import lesson_of, shown_within
from regulars.recommend.model import RecommendModel, candidates
from regulars.recommend.past import BOUGHT, CLICKS, Past, past_of
from regulars.recommend.ranker import Lesson
from regulars.recommend.shelf import catalogue_of
from regulars.recommend.sources import SOURCES, Head

if TYPE_CHECKING:
    from regulars.shop import Shop


@dataclass(frozen=True)
class Aim:
    """What a product that is shown is worth, if it is taken up.

    Attributes
    ----------
    orders, clicks : of one that is ordered, and of one that is looked at or clicked.
    margin : of one whose margin is that of a mean order line; others in proportion.
    share : (products + 1,) which part of each product's price is margin; None if margin does not count.
    """

    orders: float = 1.0
    clicks: float = 0.0
    margin: float = 0.0
    share: Floats | None = None

    @classmethod
    def of(cls, shop: Shop, past: Past) -> Aim:
        """As [recommend] in shop.toml says; of margin by the catalogue before the past's moment.

        Raises
        ------
        ConfigError
            If nothing counts.
        """
        settings = shop.config.recommend
        if not settings.aim_orders + settings.aim_margin + settings.aim_clicks:
            raise ConfigError(
                "shop.toml, [recommend]: aim_orders, aim_margin and aim_clicks are all 0, so no product is worth more "
                "than another. Set one above 0."
            )
        share = margin_share(shop, past) if settings.aim_margin else None
        return cls(settings.aim_orders, settings.aim_clicks, settings.aim_margin, share)

    def of_order(self, past: Past) -> Floats:
        """(products + 1,) what an order of each product is worth, by the usual amount of its lines before a moment."""
        orders = np.full(past.products + 1, self.orders, np.float32)
        if self.share is None:
            return orders
        kinds = np.array(["", *past.vocabulary.types, ""])[past.sequences.fields["type"]]
        is_line = (kinds == BOUGHT) & (past.sequences.fields["product"] > 0)
        product = past.sequences.fields["product"][is_line].astype(np.int64)
        spend = past.sequences.spend[is_line].astype(np.float64)
        count = np.bincount(product, minlength=past.products + 1)
        price = np.nan_to_num(np.asarray(past.vocabulary.usual_price, np.float64))
        # Lines of a product that is seldom ordered are of as many pieces as those of all.
        pieces = spend.sum() / max(float(price[product].sum()), 1e-9)
        amount = (np.bincount(product, spend, past.products + 1) + FEW * price * pieces) / (count + FEW)
        margin = amount * self.share
        mean = float((margin * count).sum() / max(int(count.sum()), 1))
        found: Floats = (orders + self.margin * np.maximum(margin, 0) / max(mean, 1e-9)).astype(np.float32)
        return found


@dataclass(frozen=True)
class Outcome:
    """What customers took up in a window.

    Attributes
    ----------
    customer : (c,) ascending numbers into the past's customers: who took up anything.
    starts : (c + 1,) the products of customer k are those from starts[k] to starts[k + 1].
    product : (b,) numbers, each once a customer, ascending.
    value : (b,) what each was worth, above 0.
    """

    customer: Ints
    starts: Ints
    product: Ints
    value: Floats

    @classmethod
    def within(cls, shop: Shop, past: Past, days: int, aim: Aim | None = None) -> Outcome:
        """By customers with an order before the past's moment, in so many days from it on.

        Parameters
        ----------
        aim : what counts; by default what was ordered, each product the same.
        """
        aim = aim or Aim()
        end = past.now + days * DAY
        later = sequences_of(shop, past.vocabulary, moment_of(end), list(past.sequences.customers))
        events = past.with_product
        has_past = np.zeros(len(past.sequences.customers), bool)
        has_past[events.customer[events.is_bought]] = True
        inside = (later.time >= past.now) & (later.fields["product"] > 0) & has_past[later.owner]
        product = later.fields["product"][inside].astype(np.int64)
        names = np.array(["", *past.vocabulary.types, ""])
        kind, spend = names[later.fields["type"][inside]], later.spend[inside].astype(np.float64)
        is_bought = kind == BOUGHT
        value = aim.clicks * np.isin(kind, CLICKS)
        pairs, back = np.unique(later.owner[inside] * (past.products + 1) + product, return_inverse=True)
        # However often a product was clicked or ordered, it counts once; its margin adds up.
        worth = np.zeros(len(pairs))
        np.maximum.at(worth, back, value)
        ordered = np.bincount(back, is_bought, len(pairs)) > 0
        worth += aim.orders * ordered
        if aim.share is not None:
            margin = np.bincount(back, is_bought * spend * aim.share[product], len(pairs))
            mean = float(margin[ordered].mean()) if ordered.any() else 1.0
            worth += aim.margin * np.maximum(margin, 0) / max(mean, 1e-9)
        pairs, worth = pairs[worth > 0], worth[worth > 0]
        customer, first = np.unique(pairs // (past.products + 1), return_index=True)
        starts = np.append(first, len(pairs)).astype(np.int64)
        return cls(customer, starts, pairs % (past.products + 1), worth.astype(np.float32))

    def values(self, customer: Ints, product: Ints) -> Floats:
        """(m,) what a product was worth with a customer, as a place in `customer`; 0 if it was not taken up."""
        width = int(max(self.product.max(initial=0), product.max(initial=0))) + 1
        key = np.repeat(np.arange(len(self.customer)), np.diff(self.starts)) * width + self.product
        if not len(key):
            return np.zeros(len(product), np.float32)
        asked = customer * width + product
        at = np.minimum(np.searchsorted(key, asked), len(key) - 1)
        return np.where(key[at] == asked, self.value[at], 0).astype(np.float32)


FEW = 2.0
"""Lines of a product, as all are, that are added to its own where the usual amount of one is looked for."""


def margin_share(shop: Shop, past: Past) -> Floats:
    """(products + 1,) which part of its price is a product's margin, by the catalogue before a past's moment.

    Of a product whose price or cost is not known, the middle of the others; of none known all are alike: 1.
    """
    catalogue = catalogue_of(shop, past.vocabulary.products, moment_of(past.now))
    price, cost = (
        catalogue[name].cast("float64").to_numpy(zero_copy_only=False) for name in ("list_price", "unit_cost")
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(price > 0, np.clip(1 - cost / price, -1, 1), np.nan)
    known = share[~np.isnan(share)]
    usual = float(np.median(known)) if len(known) else 1.0
    return np.append(0, np.where(np.isnan(share), usual, share)).astype(np.float32)


def aimed(shop: Shop, moment: datetime) -> tuple[Past, Aim]:
    """What customers did before a moment, with what an order of each product is worth by [recommend] in shop.toml."""
    past = past_of(shop, moment)
    aim = Aim.of(shop, past)
    return replace(past, worth=aim.of_order(past)), aim


def lesson(shop: Shop, moment: datetime, days: int, head: Head | None) -> Lesson | None:
    """What sources that know nothing after a moment say, and what was taken up in the days after.

    It is of the lines that were shown, if enough lists were logged; else of candidates. None if nothing was taken up.
    """
    past, aim = aimed(shop, moment)
    sources = tuple(source.fit(past) for source in SOURCES)
    products = Products.of(past)
    if (shown := shown_within(shop, past, days)) is not None:
        return lesson_of(shown, aim.clicks, sources, head, past, products)
    taken = Outcome.within(shop, past, days, aim)
    if not len(taken.customer):
        return None

    def part(block: range) -> Lesson:
        found, known = candidates(sources, head, past.of(taken.customer[block.start : block.stop]), products)
        value = taken.values(found.customer + block.start, found.product)
        return Lesson.of(found, known, value, seed=block.start)

    return Lesson.joined(list(in_threads(part, blocks(len(taken.customer)))))


def model_in_use(shop: Shop) -> RecommendModel:
    """The model that decides; NotFoundError, saying how to make one, if there is none."""
    kept = shop.models.in_use("recommend")
    return RecommendModel.from_files({name: kept.read(name) for name in kept.card["files"] if name != "report.html"})


def past_as_of(shop: Shop, model: RecommendModel, as_of: datetime, customers: list[str] | None) -> Past:
    """What customers (default: all) did before a moment, with the products that a model knows."""
    sequences = sequences_of(shop, model.vocabulary, as_of, customers)
    return Past(model.vocabulary, model.content, sequences, micros(as_of))


def head_as_of(shop: Shop, moment: datetime) -> Head | None:
    """The newest behaviour model that saw nothing at or after a moment; None if there is none."""
    try:
        return Head.of(shop, model_as_of(shop, moment), moment)
    except NotFoundError:
        return None


def head_for(shop: Shop, model: RecommendModel, moment: datetime) -> Head | None:
    """What a recommender asks of a behaviour model as of a moment; None if it asks nothing.

    Raises
    ------
    NotFoundError
        If it does, and there is no such model any more: an order without it would be another than was learned.
    """
    return Head.of(shop, model_as_of(shop, moment), moment) if model.has_head else None
