"""When do ads pay, and how soon do people tire of them? From the impressions of the log."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.ads.dataset import LEAST, impressions
from regulars.ads.delivery import DayParts
from regulars.ads.measure import Fatigue
from regulars.ads.training import click_rows, in_use
from regulars.errors import NotEnoughError

if TYPE_CHECKING:
    from regulars.shop import Shop


class Patterns(NamedTuple):
    """What impressions show, beside what the click model foresaw without regard to it.

    Attributes
    ----------
    impressions, clicks : how many.
    hours : (168,) factor of each hour of the week, from Monday 0:00 UTC; 1 is as foreseen.
    fatigue : how clicks fall with each impression that a person has seen before.
    """

    impressions: int
    clicks: int
    hours: npt.NDArray[np.float64]
    fatigue: Fatigue


def patterns(shop: Shop, as_of: datetime) -> Patterns:
    """Of the newest impressions before a moment.

    Raises
    ------
    NotEnoughError
        If too few were clicked to learn from.
    NotFoundError
        If there is no model in use.
    """
    model, ads = in_use(shop), impressions(shop, as_of)
    clicks = int(ads.clicked.sum())
    if model.click is None or model.words is None or clicks < LEAST:
        raise NotEnoughError(
            f"ads: {len(ads.clicked):,} ads were shown before {as_of:%Y-%m-%d} and {clicks:,} clicked; at least "
            f"{LEAST} clicks, and a model that learned from them, are needed. Learn: regulars learn ads"
        )
    foreseen = model.click.predict(click_rows(model.words, model.click_numbers, ads))
    hours = DayParts()
    for at, said, came in zip(ads.table["as_of"].to_pylist(), foreseen.tolist(), ads.clicked.tolist(), strict=True):
        hours.learn(at, foreseen=said, came=came)
    return Patterns(
        len(ads.clicked),
        clicks,
        hours.factors(),
        Fatigue.fit(_numbers(ads.table["customer_id"]), ads.clicked, foreseen),
    )


def _numbers(customers: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """(n,) the how manieth impression of its customer each is, from 1.

    >>> _numbers(pa.chunked_array([["ada", "bo", "ada"]])).tolist()
    [1, 1, 2]
    """
    who = np.asarray(customers.combine_chunks().dictionary_encode().indices)
    order = np.argsort(who, kind="stable")
    place = np.arange(len(who))
    starts = np.append(True, np.diff(who[order]) != 0)
    found = np.empty(len(who), np.int64)
    found[order] = place - np.maximum.accumulate(np.where(starts, place, 0)) + 1
    return found
