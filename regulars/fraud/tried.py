"""What the score would have been worth: attempts of known outcome, by a model that learned from those before them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from regulars.clock import micros
from regulars.errors import NotEnoughError
from regulars.fraud.attempts import attempts
from regulars.fraud.dataset import dataset
from regulars.fraud.evaluate import split_of
from regulars.fraud.surprise import surprised
from regulars.fraud.training import train

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]


class Tried(NamedTuple):
    """(n,) each: whether an attempt was a fraud (0 or 1), its risk (0 to 1), its amount (NaN where unknown).

    Attributes
    ----------
    since, until : all of them lie between; the model knew nothing from `since` on.
    """

    is_fraud: Floats
    risk: Floats
    amount: Floats
    since: datetime
    until: datetime


def tried(shop: Shop, until: datetime) -> Tried:
    """Split a shop's attempts as its report does, learn from the first and score the rest.

    Raises
    ------
    NotEnoughError
        If too little is known of attempts to tell what holding them costs.
    """
    found = attempts(shop, until)
    split = split_of(found, until)
    timezone = shop.config.shop.timezone
    model = train(surprised(shop, attempts(shop, split.as_of)), timezone).model
    label = np.where(found.is_even, found.outcome, -1)
    places = np.flatnonzero((found.facts.time >= micros(split.as_of)) & (label >= 0))
    if not model.is_taught or not label[places].any():
        raise NotEnoughError(
            "fraud: too few attempts are known as frauds or as honest to tell what holding them costs. Judge cases of "
            "the queue, or import disputes."
        )
    if model.source is not None:
        found = surprised(shop, found, model.source, places)
    data = dataset(found, timezone, model.base_rate, places, model.names)
    risk = model.scores(data.rows).risk
    return Tried(label[places].astype(float), risk, found.facts.amount[places], split.as_of, until)
