"""How the model of ads comes about: who orders from past moments, who clicks from the ads that were shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from regulars.ads.dataset import LEAST, Impressions, buyers, feature_names, features_of, impressions
from regulars.ads.model import AdsModel, fit
from regulars.ads.prediction import AdRows, ClickModel, Vocabulary
from regulars.errors import NotEnoughError
from regulars.evaluation import cut_offs
from regulars.logistic import Logistic

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]

HISTORY_DAYS = 45


@dataclass(frozen=True)
class Trained:
    """A model, its baseline, and how they came about.

    Attributes
    ----------
    moments : learned from, the newest first. customers : of them. shown, clicked : ads.
    """

    model: AdsModel
    baseline: Logistic
    moments: list[datetime]
    customers: int
    shown: int
    clicked: int
    notes: tuple[str, ...]

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
    customers = data.table["customer_id"].to_pylist()
    model = fit(data.features, data.ordered, data.margin, customers, data.names, horizon_days)
    recency = data.features[:, [data.names.index("recency_days")]]
    ads = impressions(shop, until)
    clicked = int(ads.clicked.sum())
    notes: tuple[str, ...] = ()
    if min(clicked, len(ads.clicked) - clicked) >= LEAST:
        model = with_clicks(model, ads)
    else:
        notes = (
            f"{len(ads.clicked):,} ads were shown and {clicked:,} clicked; {LEAST} of each kind are needed to learn "
            f"who clicks. Until then each is taken to click by [ads] click_share = {shop.config.ads.click_share:g}.",
        )
    baseline = Logistic.fit(recency, data.ordered, penalty=1.0)
    return Trained(model, baseline, moments, len(set(customers)), len(ads.clicked), clicked, notes)


def with_clicks(model: AdsModel, ads: Impressions) -> AdsModel:
    """The same model, with a click chance learned from impressions."""
    words = Vocabulary.of(ads.fields())
    numbers = feature_names(ads.table)
    click = ClickModel.fit(words.sizes, click_rows(words, numbers, ads), ads.clicked)
    return replace(model, click=click, words=words, click_numbers=numbers)


def click_rows(words: Vocabulary, numbers: tuple[str, ...], ads: Impressions) -> AdRows:
    """Impressions as the click model takes them."""
    return AdRows(tuple(words.values), words.encode(ads.fields()), features_of(ads.table, numbers))


def in_use(shop: Shop) -> AdsModel:
    """The model in use; NotFoundError, saying what to do, if there is none."""
    kept = shop.models.in_use("ads")
    return AdsModel.from_files({name: kept.read(name) for name in kept.card["files"]})
