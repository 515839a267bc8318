"""What an action brings over the remaining life: fitted Q evaluation on the stages of life, from lots.

An action's worth is the margin within some days, and what the customer is worth where it stands after them. A coupon
that only brings forward what would have been bought at the full price leaves the customer less ready to buy: its margin
is charged with that.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regulars.campaign.actions import cost_of
from regulars.campaign.dataset import dataset
from regulars.campaign.uplift import Trial, UpliftModel, fit
from regulars.clock import micros
from regulars.errors import InputError, NotEnoughError
from regulars.lifecycle.actions.candidates import Floats
from regulars.lifecycle.dataset import DAY, Known
from regulars.lifecycle.stages import StageModel
from regulars.lifecycle.stages.panel import DAYS

if TYPE_CHECKING:
    from regulars.shop import Shop

MOST_WEEKS = 26
"""Lots of so many last weeks are learned from."""


def long_run(shop: Shop, until: datetime, known: Known, stages: StageModel) -> UpliftModel | None:
    """What each action of the shop's lots brings over the remaining life; None where no lot has enough customers.

    The value of whoever decides later is that of what the shop does now: one step of policy iteration.

    Source
    ------
    Le, Voloshin and Yue (2019), Batch Policy Learning under Constraints, section 4 (fitted Q evaluation); here with one
    step of margin, and the value of the stage model after it.
    """
    since = until - timedelta(weeks=MOST_WEEKS)
    data = dataset(shop, until, since=since)
    if data is None:
        return None
    settings = shop.config.campaign
    place = pc.index_in(data.drawn.table["customer_id"].combine_chunks(), known.ids)
    is_known = np.asarray(pc.is_valid(place))
    row = np.asarray(pc.fill_null(place, 0))
    day = (data.drawn.microseconds - micros(known.begin)) / DAY
    before, after = _worth(stages, known, row, day), _worth(stages, known, row, day + data.horizon_days)
    # What it was worth before is the same in all arms, and takes most of the spread away.
    outcome = data.margin + stages.discount ** (data.horizon_days / DAYS) * after - before
    keep = is_known & (day >= 0)
    try:
        trial = Trial.of(
            data.features[keep], data.arms.arm[keep], outcome[keep], kind="money", propensity=data.arms.chance[keep],
            arms=data.arms.names, names=data.names, costs=[cost_of(name, settings) for name in data.arms.names],
            customers=data.drawn.table["customer_id"].filter(pa.array(keep)).to_pylist(),
            is_estimated=data.overlap is not None,
        )  # fmt: skip
    except (NotEnoughError, InputError):
        return None
    return fit(trial)


def _worth(stages: StageModel, known: Known, row: np.ndarray, day: Floats) -> Floats:
    """(r,) what customers are worth at the end of the week in which a day lies."""
    week = np.clip(np.ceil(day / DAYS).astype(np.int64) - 1, 0, known.panel.weeks - 1)
    found = np.zeros(len(row))
    for each in np.unique(week):
        here = week == each
        found[here] = stages.standing(known.panel, int(each)).value[row[here]]
    return found
