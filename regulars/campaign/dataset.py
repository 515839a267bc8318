"""The training table of campaigns: draws of lots, what was known of each customer before, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from regulars.campaign.actions import NONE, cost_of
from regulars.campaign.answers import answer_names, answers, is_answer
from regulars.campaign.drawn import Arms, Drawn, Floats, comparable_arms
from regulars.campaign.lots import messages_chosen
from regulars.campaign.sources import drawn_before
from regulars.campaign.uplift import Trial
from regulars.campaign.uplift.observational import Overlap, comparable, estimated_propensity
from regulars.clock import micros
from regulars.customers import later_worth

if TYPE_CHECKING:
    from regulars.config import CampaignSettings
    from regulars.shop import Shop

KEYS = ("customer_id", "as_of")


@dataclass(frozen=True)
class Dataset:
    """Draws that can be learned from together.

    Attributes
    ----------
    drawn : the rows; arms : what they fell upon.
    features : (n, k) profiles as of each draw, NaN where absent, and answers before; `names` of the columns.
    margin, orders : (n,) what came within the horizon.
    horizon_days : how far was looked.
    overlap : of contacts that no lot drew, how comparable customers are; None where lots drew.
    """

    drawn: Drawn
    arms: Arms
    features: Floats
    names: tuple[str, ...]
    margin: Floats
    orders: Floats
    horizon_days: int
    overlap: Overlap | None = None

    def __len__(self) -> int:
        return len(self.drawn)

    def trial(self, settings: CampaignSettings, worth: float | None = None) -> Trial:
        """As a trial of `regulars.campaign.uplift`.

        Parameters
        ----------
        worth : what an order counts as; default: the mean margin of those who ordered.

        Raises
        ------
        NotEnoughError, InputError
            If an arm has too few rows, or nobody brought anything.
        """
        is_money = settings.outcome == "margin"
        bought = self.orders > 0
        each = float(self.margin[bought].mean()) if bought.any() else 0.0
        return Trial.of(
            self.features,
            self.arms.arm,
            self.margin if is_money else bought.astype(float),
            kind="money" if is_money else "binary",
            propensity=self.arms.chance,
            arms=self.arms.names,
            names=self.names,
            costs=[cost_of(name, settings) for name in self.arms.names],
            worth=1.0 if is_money else (each if worth is None else worth),
            customers=self.drawn.table["customer_id"].to_pylist(),
            visits=self.orders,
            is_estimated=self.overlap is not None,
        )

    def where(self, rows: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Dataset:
        """Some of the rows."""
        arms = Arms(self.arms.names, self.arms.rows[rows], self.arms.arm[rows], self.arms.chance[rows])
        return replace(
            self, drawn=self.drawn.where(rows), arms=arms, features=self.features[rows],
            margin=self.margin[rows], orders=self.orders[rows],
        )  # fmt: skip


def dataset(
    shop: Shop,
    until: datetime,
    names: Sequence[str] | None = None,
    wanted: Sequence[str] | None = None,
    since: datetime | None = None,
) -> Dataset | None:
    """What lots have to say before a moment: draws whose days after are over by then.

    Where no lot drew, and `[campaign] observational` is on, contacts that were chosen, with estimated chances.

    Parameters
    ----------
    names : of the features; default: all that the profiles have.
    wanted : the actions; default: those of `[campaign] actions`, or all.
    since : only draws from this moment on.

    Returns
    -------
    None where no arm has enough customers.

    Raises
    ------
    NotEnoughError
        If contacts that were chosen are too unlike the others to compare.
    """
    settings = shop.config.campaign
    actions = settings.actions if wanted is None else wanted
    drawn = _from(drawn_before(shop, until, settings.horizon_days), since)
    arms = comparable_arms(drawn, actions)
    if arms is not None:
        return _filled(shop, drawn, arms, settings.horizon_days, names)
    if not settings.observational:
        return None
    chosen = _from(messages_chosen(shop, until, settings.horizon_days), since)
    arms = comparable_arms(chosen, actions)
    if arms is None:
        return None
    found = _filled(shop, chosen, arms, settings.horizon_days, names)
    chance = estimated_propensity(found.features, found.arms.arm, len(arms.names))
    inside, overlap = comparable(found.features, found.arms.arm, chance, arms.names)
    kept = replace(found, arms=replace(found.arms, chance=chance / chance.sum(1, keepdims=True))).where(inside)
    return replace(kept, overlap=overlap)


def _from(drawn: Drawn, since: datetime | None) -> Drawn:
    return drawn if since is None else drawn.where(drawn.microseconds >= micros(since))


def _filled(shop: Shop, drawn: Drawn, arms: Arms, horizon_days: int, names: Sequence[str] | None) -> Dataset:
    is_in = np.zeros(len(drawn), bool)
    is_in[arms.rows] = True
    rows = drawn.where(is_in)
    pairs = rows.table.select(KEYS)
    profiles = shop.tables.of("profile", pairs)
    chosen = tuple(names) if names is not None else (*features_named(profiles), *answer_names(arms.names))
    margin, orders = later(shop, pairs, horizon_days)
    return Dataset(rows, arms, features_as_of(shop, pairs, profiles, chosen), chosen, margin, orders, horizon_days)


def features_named(profiles: pa.Table) -> tuple[str, ...]:
    """The features that the profiles tell of anybody."""
    known = [name for name in profiles.column_names if name not in KEYS]
    return tuple(name for name in known if profiles[name].null_count < profiles.num_rows)


def features_of(profiles: pa.Table, names: Sequence[str]) -> Floats:
    """(n, k) columns of a profile table; one that the table lacks is NaN."""
    columns = [
        profiles[name].to_numpy(zero_copy_only=False) if name in profiles.column_names
        else np.full(profiles.num_rows, np.nan)
        for name in names
    ]  # fmt: skip
    return np.column_stack([np.zeros((profiles.num_rows, 0)), *columns])


def features_as_of(shop: Shop, pairs: pa.Table, profiles: pa.Table, names: Sequence[str]) -> Floats:
    """(n, k) features that were learned from: columns of the pairs' profiles, and how each action was answered."""
    asked = [name for name in names if is_answer(name)]
    found = features_of(profiles, names)
    found[:, [names.index(name) for name in asked]] = answers(shop, pairs, asked)
    return found


def later(shop: Shop, pairs: pa.Table, days: int) -> tuple[Floats, Floats]:
    """(n,) margin and number of orders of customers in the days from their moments on."""
    count = pairs.num_rows
    found = later_worth(shop, pairs, np.full(count, float(days)))
    place = found["place"].to_numpy()
    is_order = np.asarray(found["is_order"], bool)
    margin = np.bincount(place, found["margin"].to_numpy(), count).astype(float)
    return margin, np.bincount(place[is_order], minlength=count).astype(float)


def treated(arms: Arms) -> tuple[str, ...]:
    """The arms that do something."""
    return tuple(name for name in arms.names if name != NONE)
