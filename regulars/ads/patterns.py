"""When do ads pay, which creatives do, and how soon do people tire? By the click model and impressions of the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.ads.clicks import Clicks
from regulars.ads.dataset import LEAST, Impressions, impressions
from regulars.ads.delivery import DayParts
from regulars.ads.delivery.dayparts import PARTS
from regulars.ads.measure import Fatigue
from regulars.ads.prediction import AdRows
from regulars.ads.training import in_use
from regulars.errors import NotEnoughError

if TYPE_CHECKING:
    from regulars.shop import Shop

FRESH = timedelta(days=7)
"""Ads before that have been forgotten: also how far back caps look."""
MICROS = FRESH // timedelta(microseconds=1)
SAMPLE = 100
"""So many impressions tell how the click model's chances go with the hour."""


class OfCreative(NamedTuple):
    """How much more than the mean creative one is clicked, and of which campaign it is."""

    factor: float
    campaign: str | None


class Patterns(NamedTuple):
    """What impressions show, beside what the click model foresaw without regard to it.

    Attributes
    ----------
    impressions, clicks : how many.
    creatives : by id, the chance that the click model gives each that it knows, over the mean of those that were shown,
        and its newest campaign; the one that was shown most is the first.
    hours : (168,) factor of the click chance in each hour of the week, from Monday 0:00 in the shop's time zone, with
        mean 1: as the click model has it, times clicks over what it foresaw.
    fatigue : how clicks fall with each impression that a person has seen in the seven days before.
    seen : impressions of each customer in the seven days before the moment; who saw none is not in it.
    """

    impressions: int
    clicks: int
    creatives: dict[str, OfCreative]
    hours: npt.NDArray[np.float64]
    fatigue: Fatigue
    seen: dict[str, int]


def patterns(shop: Shop, as_of: datetime) -> Patterns:
    """Of the newest impressions before a moment.

    Raises
    ------
    NotEnoughError
        If too few were clicked to learn from.
    NotFoundError
        If there is no model in use.
    """
    clicks_of, ads = in_use(shop, as_of).clicks, impressions(shop, as_of)
    clicks = int(ads.clicked.sum())
    if clicks_of is None or clicks < LEAST:
        raise NotEnoughError(
            f"ads: {len(ads.clicked):,} ads were shown before {as_of:%Y-%m-%d} and {clicks:,} clicked; at least "
            f"{LEAST} clicks, and a model that learned from them, are needed. Learn: regulars learn ads"
        )
    rows = clicks_of.of(shop, ads)
    foreseen = clicks_of.model.predict(rows)
    parts, zone = DayParts(), ZoneInfo(shop.config.shop.timezone)
    moments = ads.table["as_of"].to_pylist()
    for at, said, came in zip(moments, foreseen.tolist(), ads.clicked.tolist(), strict=True):
        parts.learn(at.astimezone(zone), foreseen=said, came=came)
    hours = parts.factors() * model_hours(clicks_of, rows)
    who = ads.table["customer_id"].to_pylist()
    late = [one for one, at in zip(who, moments, strict=True) if at > as_of - FRESH]
    return Patterns(
        len(ads.clicked), clicks, model_creatives(clicks_of, rows, ads), hours / hours.mean(),
        Fatigue.fit(_numbers(ads), ads.clicked, foreseen), Counter(late),
    )  # fmt: skip


def model_hours(clicks: Clicks, rows: AdRows) -> npt.NDArray[np.float64]:
    """(168,) the click model's chance of some impressions in each hour of the week, over their mean over the week."""
    if not len(rows):
        return np.ones(PARTS)
    shown = {"hour": np.arange(PARTS) % 24, "weekday": np.arange(PARTS) // 24}
    found = _chances(clicks, rows, {name: [str(one) for one in each.tolist()] for name, each in shown.items()})
    return np.asarray(found / found.mean(), np.float64)


def model_creatives(clicks: Clicks, rows: AdRows, ads: Impressions) -> dict[str, OfCreative]:
    """What the click model has of each creative in its campaign, at some impressions; see `Patterns`."""
    known, shown = clicks.words.values.get("creative", {}), ads.table["creative"].to_pylist()
    of = dict(zip(shown, ads.table["campaign"].to_pylist(), strict=True))
    counts = {name: count for name, count in Counter(shown).most_common() if name in known}
    if not counts:
        return {}
    chances = _chances(clicks, rows, {"creative": list(counts), "campaign": [of[name] for name in counts]})
    factors = chances / np.average(chances, weights=list(counts.values()))
    return {name: OfCreative(factor, of[name]) for name, factor in zip(counts, factors.tolist(), strict=True)}


def _chances(clicks: Clicks, rows: AdRows, values: Mapping[str, Sequence[str | None]]) -> npt.NDArray[np.float64]:
    """(m,) the model's mean chance of some impressions, had fields of all of them each of m values."""
    some = rows.where(np.linspace(0, len(rows) - 1, min(SAMPLE, len(rows))).astype(np.int64))
    count = len(next(iter(values.values())))
    fields = np.repeat(some.fields[None], count, axis=0)  # (m, s, f)
    for name, each in values.items():
        known = clicks.words.values[name]
        fields[:, :, some.names.index(name)] = np.array([known.get(str(one), 0) for one in each])[:, None]
    tried = AdRows(some.names, fields.reshape(-1, len(some.names)), np.tile(some.numbers, (count, 1)))
    found: npt.NDArray[np.float64] = clicks.model.predict(tried).reshape(count, -1).mean(axis=1)
    return found


def _numbers(ads: Impressions) -> npt.NDArray[np.int64]:
    """(n,) the how manieth impression of its customer within seven days each is, from 1."""
    who = np.asarray(ads.table["customer_id"].combine_chunks().dictionary_encode().indices, np.int64)
    at = ads.table["as_of"].cast(pa.int64()).to_numpy()
    # Customers one after another on one line of time, so far apart that the days before one are no other's.
    place = who * (int(np.ptp(at)) + 2 * MICROS) + (at - at.min())
    order = np.sort(place)
    found: npt.NDArray[np.int64] = np.searchsorted(order, place, side="right") - np.searchsorted(
        order, place - MICROS, side="right"
    )
    return found
