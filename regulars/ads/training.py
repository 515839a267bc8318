"""How the model of ads comes about: who orders from past moments, who clicks from the ads that were shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.ads.after_click import AfterClick, after_click
from regulars.ads.clicks import Clicks
from regulars.ads.dataset import LEAST, Buyers, Impressions, buyers, feature_names, features_of, impressions, inputs_of
from regulars.ads.model import AdsModel, fit
from regulars.ads.prediction import AdRows, ClickModel, Vocabulary
from regulars.behaving import model_before
from regulars.behaving.vectors import Tried, VectorColumns, vectors
from regulars.errors import NotEnoughError
from regulars.evaluation import cut_offs, log_loss
from regulars.logistic import Logistic

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

HISTORY_DAYS = 45
DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Trained:
    """A model, its baseline, and how they came about.

    Attributes
    ----------
    moments : learned from, the newest first. customers : of them. shown, clicked : ads.
    tried : of orders and of clicks, whether behaviour vectors help, where a behaviour model is old enough to tell.
    """

    model: AdsModel
    baseline: Logistic
    moments: list[datetime]
    customers: int
    shown: int
    clicked: int
    notes: tuple[str, ...]
    tried: dict[str, Tried] = field(default_factory=dict)

    def baseline_chance(self, features: Floats) -> Floats:
        """(n,) chance of an order from the days since the last one alone."""
        return self.baseline.predict(features[:, [self.model.names.index("recency_days")]])


def train(shop: Shop, until: datetime, horizon_days: int) -> Trained:
    """Learn from what was known before a moment.

    Raises
    ------
    NotEnoughError
        If the log is too short, or too few customers ordered or did not.
    """
    first: datetime | None = shop.engine.to_arrow(shop.events.time.min()).as_py()
    if first is None:
        raise NotEnoughError("ads: the log is empty. Import a file: regulars import FILE")
    moments = cut_offs(
        first,
        until,
        horizon_days=horizon_days,
        step_days=max(horizon_days // 2, 1),
        at_most=shop.config.ads.cut_offs,
        history_days=HISTORY_DAYS,
    )
    data = buyers(shop, moments, horizon_days)
    tried: dict[str, Tried] = {}
    model = _orders(shop, data, moments, horizon_days, tried)
    recency = data.features[:, [data.names.index("recency_days")]]
    ads = impressions(shop, until)
    clicked = int(ads.clicked.sum())
    notes: tuple[str, ...] = ()
    if min(clicked, len(ads.clicked) - clicked) >= LEAST:
        model = replace(
            model, clicks=_clicks(shop, ads, tried), after_click=_after_click(shop, model, ads, horizon_days, until)
        )
    else:
        notes = (
            f"{len(ads.clicked):,} ads were shown and {clicked:,} clicked; {LEAST} of each kind are needed to learn "
            f"who clicks. Until then each is taken to click by [ads] click_share = {shop.config.ads.click_share:g}.",
        )
    notes += tuple(f"Of {name}: {each}" for name, each in tried.items())
    baseline = Logistic.fit(recency, data.ordered, penalty=1.0)
    customers = len(set(data.table["customer_id"].to_pylist()))
    return Trained(model, baseline, moments, customers, len(ads.clicked), clicked, notes, tried)


def _orders(
    shop: Shop, data: Buyers, moments: Sequence[datetime], horizon_days: int, tried: dict[str, Tried]
) -> AdsModel:
    """Who orders, from the named features; with a behaviour vector beside them where that is tried and helps.

    Tried at the newest moment, by models of the moments whose outcome was known there.
    """
    at = np.array([moment.timestamp() for moment in data.table["as_of"].to_pylist()])
    newest = moments[0].timestamp()
    is_judged, is_learned = at == newest, at <= newest - horizon_days * DAY_SECONDS
    kept = model_before(shop, min(moments))
    may = [min(part.sum(), (1 - part).sum()) for part in (data.ordered[is_judged], data.ordered[is_learned])]
    plain = partial(_fit, data, horizon_days)
    if kept is None or min(may) < LEAST:
        return plain(data.features, data.names, None)
    known = vectors(shop, data.table, kept.version, kept.is_earlier)

    def with_vectors(rows: Bools) -> tuple[Floats, tuple[str, ...], VectorColumns]:
        columns = VectorColumns.of(kept.version, kept.is_earlier, known[rows])
        return np.hstack([data.features, columns(known)]), (*data.names, *columns.names), columns

    def loss(features: Floats, names: tuple[str, ...], columns: VectorColumns | None) -> float:
        model = plain(features, names, columns, is_learned)
        return log_loss(data.ordered[is_judged], model.order_probability(features[is_judged]))

    losses = loss(*with_vectors(is_learned)), loss(data.features, data.names, None)
    tried["orders"] = Tried(kept.version, kept.is_earlier, *losses)
    if not tried["orders"].help:
        return plain(data.features, data.names, None)
    return plain(*with_vectors(np.ones(len(at), bool)))


def _fit(
    data: Buyers, horizon_days: int, features: Floats, names: tuple[str, ...], columns: VectorColumns | None,
    rows: Bools | slice = slice(None),
) -> AdsModel:  # fmt: skip
    customers = np.array(data.table["customer_id"].to_pylist())[rows].tolist()
    model = fit(features[rows], data.ordered[rows], data.margin[rows], customers, names, horizon_days)
    return replace(model, vectors=columns)


def _clicks(shop: Shop, ads: Impressions, tried: dict[str, Tried]) -> Clicks:
    """Who clicks, from impressions; with a behaviour vector where the newest of them are foreseen better with it."""
    words, numbers = Vocabulary.of(ads.fields()), feature_names(ads.table)
    plain = _fitted(words, numbers, ads, features_of(ads.table, numbers), None)
    kept = model_before(shop, ads.table["as_of"][0].as_py())
    if kept is None:
        return plain
    known = vectors(shop, ads.table, kept.version, kept.is_earlier)
    columns = VectorColumns.of(kept.version, kept.is_earlier, known)
    features = np.hstack([features_of(ads.table, numbers), columns(known)])
    other = _fitted(words, (*numbers, *columns.names), ads, features, columns)
    tried["clicks"] = Tried(kept.version, kept.is_earlier, other.model.losses["blend"], plain.model.losses["blend"])
    return other if tried["clicks"].help else plain


def _after_click(shop: Shop, model: AdsModel, ads: Impressions, horizon_days: int, until: datetime) -> AfterClick:
    clicked = ads.table.filter(pa.array(ads.clicked > 0))
    chance = model.order_probability(inputs_of(shop, clicked, model.vectors, model.names))
    return after_click(shop, clicked, chance, horizon_days, until)


def _fitted(
    words: Vocabulary, numbers: tuple[str, ...], ads: Impressions, features: Floats, columns: VectorColumns | None
) -> Clicks:
    rows = AdRows(tuple(words.values), words.encode(ads.fields()), features)
    return Clicks(ClickModel.fit(words.sizes, rows, ads.clicked), words, numbers, columns)


def in_use(shop: Shop, as_of: datetime) -> AdsModel:
    """The model in use, whose click chances have followed what came since it was learned.

    Raises
    ------
    NotFoundError
        If there is none; saying what to do.
    """
    kept = shop.models.in_use("ads")
    model = AdsModel.from_files({name: kept.read(name) for name in kept.card["files"]})
    if model.clicks is not None:
        model.clicks.follow(shop, datetime.fromisoformat(kept.card["until"]), as_of)
    return model
