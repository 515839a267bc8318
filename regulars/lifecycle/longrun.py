"""What an action brings over the remaining life: fitted Q evaluation on the stages of life, from lots.

An action's worth is the margin within some days, and what the customer is worth where it stands after them. A coupon
that only brings forward what would have been bought at the full price leaves the customer less ready to buy, and one
that teaches to wait for coupons does so for longer: its margin is charged with that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from regulars.campaign.dataset import dataset
from regulars.campaign.uplift import Effects, Trial, UpliftModel, fit
from regulars.clock import micros
from regulars.errors import InputError, NotEnoughError
from regulars.lifecycle.actions.candidates import Floats
from regulars.lifecycle.dataset import DAY, Known
from regulars.lifecycle.fatigue import Fatigue, recent
from regulars.lifecycle.stages import StageModel
from regulars.lifecycle.stages.panel import DAYS

if TYPE_CHECKING:
    from regulars.shop import Shop

FATIGUE = "fatigue.json"
MOST_WEEKS = 26
"""Lots of so many last weeks are learned from."""


@dataclass(frozen=True)
class Lots:
    """What the shop's lots have to say, twice: of the same customers and arms.

    Attributes
    ----------
    soon : the margin within the horizon, with the orders in it.
    after : by how much the customer is worth more after the horizon than before.
    contacts : (n,) of late, before each draw; see `fatigue.recent`.
    """

    soon: Trial
    after: Trial
    contacts: Floats

    def where(self, rows: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Lots:
        """Some of the rows."""
        return Lots(self.soon.rows(rows), self.after.rows(rows), self.contacts[rows])

    @property
    def whole(self) -> Trial:
        """Of both together: the margin over the remaining life."""
        return replace(self.soon, outcome=self.soon.outcome + self.after.outcome, visits=None)


@dataclass(frozen=True)
class LongRun:
    """What each arm brings over the remaining life: two models, for what comes soon is known far better.

    Attributes
    ----------
    soon : of the margin within the horizon.
    after : of what the customer is worth after it; see `_sure`.
    fatigue : by what effects are less of who was contacted of late.

    Source
    ------
    Le, Voloshin and Yue (2019), Batch Policy Learning under Constraints, section 4 (fitted Q evaluation): here with one
    step of margin, and the value of the stage model after it. The value of whoever decides later is that of what the
    shop does now: one step of policy iteration.
    """

    soon: UpliftModel
    after: UpliftModel
    fatigue: Fatigue = Fatigue()  # noqa: RUF009 (frozen)

    worth = 1.0
    """Effects are money."""

    @property
    def arms(self) -> tuple[str, ...]:
        """Of both models."""
        return self.soon.arms

    @property
    def names(self) -> tuple[str, ...]:
        """Features of both models."""
        return self.soon.names

    def effects(self, features: Floats) -> Effects:
        """As of `UpliftModel.effects`; errors of both are added, for both were learned from the same customers."""
        soon, after = self.soon.effects(features), self.after.effects(features)
        return Effects(*(one + other for one, other in zip(soon, after, strict=True)))

    def gain(self, features: Floats) -> Floats:
        """(n, arms) money that each arm would bring, less what it costs, more than leaving the customer alone."""
        gain: Floats = self.soon.gain(features)
        gain[:, 1:] += self.after.effects(features).mean
        return gain

    @classmethod
    def fit(cls, lots: Lots) -> Self:
        """Learn from lots."""
        return cls(fit(lots.soon), _sure(fit(lots.after)), Fatigue.fit(lots.soon, lots.contacts))

    def to_files(self) -> dict[str, bytes]:
        """As those of the two, in folders."""
        files = {
            f"{part}/{name}": data
            for part in ("soon", "after")
            for name, data in getattr(self, part).to_files().items()
        }
        return files | {FATIGUE: self.fatigue.to_bytes()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """From what `to_files` gave."""
        parts = {
            part: {name.removeprefix(f"{part}/"): data for name, data in files.items() if name.startswith(f"{part}/")}
            for part in ("soon", "after")
        }
        soon, after = (UpliftModel.from_files(own) for own in parts.values())
        return cls(soon, after, Fatigue.from_bytes(files[FATIGUE]) if FATIGUE in files else Fatigue())


def lots(shop: Shop, until: datetime, known: Known, stages: StageModel) -> Lots | None:
    """What the shop's lots have to say before a moment; None where no lot has enough customers."""
    data = dataset(shop, until, since=until - timedelta(weeks=MOST_WEEKS))
    if data is None:
        return None
    place = pc.index_in(data.drawn.table["customer_id"].combine_chunks(), known.ids)
    row = np.asarray(pc.fill_null(place, 0))
    day = (data.drawn.microseconds - micros(known.begin)) / DAY
    ends = np.floor(day / DAYS).astype(np.int64), np.ceil((day + data.horizon_days) / DAYS).astype(np.int64)
    before, after = (_worth(stages, known, row, weeks - 1) for weeks in ends)
    # What it was worth when the last week before ended is the same in all arms, and takes most of the spread away.
    change = stages.discount ** (data.horizon_days / DAYS) * after - before
    keep = np.asarray(pc.is_valid(place)) & (day >= DAYS)
    settings = shop.config.campaign.model_copy(update={"outcome": "margin"})
    try:
        kept = data.where(keep)
        soon = kept.trial(settings)
    except (NotEnoughError, InputError):
        return None
    return Lots(soon, replace(soon, outcome=change[keep], visits=None), recent(shop, kept.drawn.table))


def long_run(found: Lots | None) -> LongRun | None:
    """What each action of the shop's lots brings over the remaining life; None where there are none."""
    return None if found is None or np.ptp(found.after.outcome) == 0 else LongRun.fit(found)


def _sure(model: UpliftModel) -> UpliftModel:
    """A model of a noisy outcome, as far as it is sure of itself.

    One effect for all customers, unless they surely differ; each arm's drawn towards none as its error commands:

        effect (1 - error^2 / effect^2)   or 0

    so that noise of the far future does not drown what is known of the near one.

    Source
    ------
    James and Stein (1961), Estimation with Quadratic Loss: the positive part, each arm by itself.
    """
    spread, slope = model.spread.copy(), model.slope
    if next(each for each in model.tried if each.learner == model.learner).low <= 0:
        slope = np.zeros_like(slope)
        spread[:, 0, 1] = spread[:, 1, 0] = spread[:, 1, 1] = 0.0
    error = spread[:, 0, 0]
    square = np.maximum(model.offset**2, 1e-12)
    return replace(model, slope=slope, spread=spread, offset=model.offset * np.maximum(1 - error / square, 0.0))


def _worth(stages: StageModel, known: Known, row: np.ndarray, week: npt.NDArray[np.int64]) -> Floats:
    """(r,) what customers are worth at the end of a week, counted from 0; of one that is not over, the last before."""
    week = np.clip(week, 0, known.panel.weeks - 1)
    found = np.zeros(len(row))
    for each in np.unique(week):
        here = week == each
        found[here] = stages.standing(known.panel, int(each)).value[row[here]]
    return found
