"""How a campaign model comes about: from trials; without any, from what customers brought who were left alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from regulars.campaign.dataset import Dataset, features_named, features_of, later
from regulars.campaign.drawn import Floats
from regulars.campaign.model import Anyway, CampaignModel, actions_of
from regulars.campaign.uplift import fit
from regulars.errors import NotEnoughError
from regulars.evaluation import cut_offs

if TYPE_CHECKING:
    from regulars.shop import Shop

LEAST = 50
"""So many customers are needed to know what is usual."""
HISTORY_DAYS = 14
MOMENTS = 3
"""Past moments that a pilot's model learns from, at most, a horizon apart."""


@dataclass(frozen=True)
class Past:
    """Customers as of past moments, and the margin that came.

    Attributes
    ----------
    table : customer_id, as_of.
    profiles : of them.
    margin : (n,) within the horizon.
    """

    table: pa.Table
    profiles: pa.Table
    margin: Floats


def in_use(shop: Shop) -> CampaignModel:
    """The model in use; NotFoundError if there is none."""
    kept = shop.models.in_use("campaign")
    files = {name: kept.read(name) for name in kept.card["files"] if name != "report.html"}
    return CampaignModel.from_files(files)


def taught(shop: Shop, data: Dataset, actions: tuple[str, ...] | None = None) -> CampaignModel:
    """Learned from trials."""
    settings = shop.config.campaign
    model = fit(data.trial(settings))
    chosen = actions or actions_of(data.arms.names, settings.actions)
    return CampaignModel(model, None, chosen, data.horizon_days, data.overlap is not None)


def untaught(shop: Shop, until: datetime, horizon_days: int) -> CampaignModel:
    """What customers bring who are left alone: all that can be known before a lot is drawn.

    Raises
    ------
    NotEnoughError
        If there are fewer than 50 customers, or too little log.
    """
    settings = shop.config.campaign
    past = observe(shop, moments(shop, until, horizon_days), horizon_days)
    names = features_named(past.profiles)
    anyway = Anyway.fit(features_of(past.profiles, names), past.margin, names)
    return CampaignModel(None, anyway, actions_of((), settings.actions), settings.horizon_days)


def moments(shop: Shop, until: datetime, horizon_days: int) -> list[datetime]:
    """Past moments whose outcome was known before `until`, the newest first."""
    first: datetime | None = shop.engine.to_arrow(shop.events.time.min()).as_py()
    if first is None:
        raise NotEnoughError("campaign: the log is empty. Import a file: regulars import FILE")
    require_customers(shop, until)
    return cut_offs(
        first, until, horizon_days=horizon_days, step_days=horizon_days, at_most=MOMENTS, history_days=HISTORY_DAYS
    )


def require_customers(shop: Shop, moment: datetime) -> pa.Table:
    """The customers with an order before a moment; NotEnoughError if there are fewer than 50."""
    found = shop.customers(moment)
    if found.num_rows < LEAST:
        raise NotEnoughError(
            f"campaign: {found.num_rows} customers with an order before {moment:%Y-%m-%d}, at least {LEAST} are "
            "needed to know what they bring anyway. Import more history, or choose a later time."
        )
    return found


def observe(shop: Shop, at: list[datetime], horizon_days: int) -> Past:
    """Profiles of all customers as of some moments, and the margin that came after each.

    Raises
    ------
    NotEnoughError
        If there are fewer than 50 customers, or they bought nothing.
    """
    pairs = pa.concat_tables([shop.customers(moment) for moment in at])
    if pairs.num_rows < LEAST:
        require_customers(shop, at[0])
    margin, orders = later(shop, pairs, horizon_days)
    if (orders > 0).sum() < LEAST:
        raise NotEnoughError(
            f"campaign: {int((orders > 0).sum())} customers ordered in the {horizon_days} days after "
            f"{at[-1]:%Y-%m-%d} to {at[0]:%Y-%m-%d}, at least {LEAST} are needed to know what they bring anyway. "
            "Import more history, or raise [campaign] horizon_days."
        )
    return Past(pairs, shop.tables.of("profile", pairs), margin)


def newest_split(data: Dataset, until: datetime) -> datetime | None:
    """A moment with most of the draws before it, whose outcome was known by then; None where all were drawn at once."""
    time = data.drawn.microseconds
    over = time + data.horizon_days * 86_400_000_000
    for share in (0.7, 0.6, 0.5):
        moment = int(np.quantile(time, share, method="higher"))
        if (over <= moment).mean() >= share / 2 and (time >= moment).mean() > 0.1:
            return datetime.fromtimestamp(moment / 1e6, until.tzinfo)
    return None
