"""For whom to bid, how much an impression is worth, and who is held out by lot so that lift can be measured."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.ads.creatives import advertised
from regulars.ads.credit import Share, incremental_share
from regulars.ads.dataset import FIELDS, inputs_of
from regulars.ads.delivery.dayparts import hour_of_week
from regulars.ads.evaluate import meaning
from regulars.ads.lift import ADVERTISE, HOLD_OUT
from regulars.ads.model import AdsModel
from regulars.ads.patterns import Patterns, model_hours, patterns
from regulars.ads.permitted import Permitted, permitted
from regulars.ads.prediction import impression_value
from regulars.ads.training import in_use
from regulars.errors import NotEnoughError
from regulars.events.identity import hash_rows
from regulars.experiment.assign import places
from regulars.units import shown

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]

SALT = "ads hold-out"
"""The same customers are held out at each decision: an effect may take weeks."""
MOST_REASONS = 3

OWN = {
    "ads_seen": {"meaning": "ads that the customer saw in the last seven days", "unit": "count"},
    "value_cpm": {"meaning": "what a thousand impressions for such a customer are worth", "unit": "money"},
    "click_probability": {"meaning": "chance of a click on an ad", "unit": "share"},
    "order_probability": {"meaning": "chance of an order within the horizon", "unit": "share"},
    "order_after_click": {"meaning": "the same chance after a click", "unit": "share"},
    "margin_after_click": {"meaning": "margin foreseen within the horizon after a click", "unit": "money"},
    "expected_margin": {"meaning": "margin foreseen within the horizon, with or without ads", "unit": "money"},
}


def decide(shop: Shop, as_of: datetime) -> pa.Table:
    """The customers whose attention is worth most, the first first.

    Returns
    -------
    One row a customer, at most `[ads] customers`: the columns of `DECISION`, and `rank`, `value_cpm` (what a thousand
    impressions are worth: bid with it in second-price auctions, let `bidding.Bidder` shade it in first-price ones),
    `click_probability`, `order_probability`, `order_after_click`, `expected_margin`, `margin_after_click`. `action` is
    "advertise", or "hold out" for the share
    `[ads] holdout` that the lot keeps from ads: what an ad would be worth is said of them too, and nothing is bid.

    Raises
    ------
    NotEnoughError
        If nobody may be shown ads.
    """
    model, settings = in_use(shop, as_of), shop.config.ads
    may = permitted(shop, as_of, advertised(shop))
    profiles = shop.tables.of("profile", may.pairs)
    features = inputs_of(shop, profiles, model.vectors, model.names)
    margin, order = model.expected_margin(features), model.order_probability(features)
    learned = _patterns(shop, as_of)
    click = _click_chances(shop, model, profiles, as_of, learned)
    credit = incremental_share(shop, as_of)
    after = model.after_click.chance(order)
    # The margin foreseen has the chance to order in it: what is left is the margin of who orders.
    value = impression_value(click, after, margin / np.maximum(order, 1e-9), credit.value)
    chosen = np.argsort(-value, kind="stable")[: settings.customers]
    chosen = chosen[value[chosen] > 0]
    if not len(chosen):
        raise NotEnoughError(
            "ads: no impression is worth anything: no margin is foreseen (import newer orders), or the hold-out found "
            "that ads add nothing (regulars ads lift)."
        )
    found = _told(
        shop, model, may, profiles.take(pa.array(chosen)), chosen, features, value, click, order, after, margin, credit
    )
    if learned is None:
        return found
    # What a click on each is worth, over one on any, in the mean by what is spent on whom.
    orders = {
        name: float(np.average((model.after_click.chance(order, name) / after)[chosen], weights=value[chosen]))
        for name in model.after_click.creatives
    }
    return _for_live(found, learned, orders, shop.config.shop.timezone)


def _patterns(shop: Shop, as_of: datetime) -> Patterns | None:
    """What impressions tell of hours and fatigue; None where there are too few."""
    try:
        return patterns(shop, as_of)
    except NotEnoughError:
        return None


def _for_live(decided: pa.Table, learned: Patterns, orders: Mapping[str, float], zone: str) -> pa.Table:
    """With how many ads each saw of late, the hours, the creatives and the fatigue, from which a live bid is made.

    Orders are those after a click on each creative, over those after a click on any.

    The zone goes with the hours: a shop that moves to another must not read old hours on a new clock.
    """
    column = pa.array([learned.seen.get(one, 0) for one in decided["customer_id"].to_pylist()], pa.int64())
    found = decided.append_column(pa.field("ads_seen", pa.int64()).with_metadata(OWN["ads_seen"]), column)
    told = {
        "creatives": json.dumps({name: round(each.factor, 4) for name, each in learned.creatives.items()}),
        "orders": json.dumps({name: round(factor, 4) for name, factor in orders.items()}),
        "hours": json.dumps(learned.hours.round(4).tolist()),
        "timezone": zone,
        "fatigue": json.dumps(learned.fatigue.at(range(1, len(learned.fatigue.factors) + 1)).round(4).tolist()),
    }
    return found.replace_schema_metadata({**decided.schema.metadata, **told})


def _click_chances(
    shop: Shop, model: AdsModel, profiles: pa.Table, as_of: datetime, learned: Patterns | None
) -> Floats:
    """(n,) of the next ad in the mean hour, of the mean creative, in a channel that is known; else by the setting.

    Live bids take the hour, the creative and what was seen since into account: `regulars.ads.live`.
    """
    count = profiles.num_rows
    clicks = model.clicks
    if clicks is None:
        return np.full(count, shop.config.ads.click_share)
    fields: dict[str, list[str | None]] = {name: [None] * count for name in FIELDS}
    local = as_of.astimezone(ZoneInfo(shop.config.shop.timezone))
    fields |= {"hour": [str(local.hour)] * count, "weekday": [str(local.weekday())] * count}
    said = {name: next(iter(clicks.words.values.get(name, ())), None) for name in ("campaign", "creative", "channel")}
    factor = 1.0
    if learned is not None and learned.creatives:
        said["creative"], (factor, said["campaign"]) = next(iter(learned.creatives.items()))
    fields |= {name: [value] * count for name, value in said.items()}
    rows = clicks.rows(shop, profiles, fields)
    found = clicks.model.predict(rows)
    if learned is None:
        return found
    seen = np.array([learned.seen.get(one, 0) for one in profiles["customer_id"].to_pylist()])
    # The mean impression that the model learned from was not the first that its customer saw.
    tired = learned.fatigue.at(seen + 1) / learned.fatigue.mean
    mean: Floats = np.clip(found / factor / model_hours(clicks, rows)[hour_of_week(local)] * tired, 0.0, 1.0)
    return mean


def _told(
    shop: Shop,
    model: AdsModel,
    may: Permitted,
    picked: pa.Table,
    chosen: npt.NDArray[np.int64],
    features: Floats,
    value: Floats,
    click: Floats,
    order: Floats,
    after: Floats,
    margin: Floats,
    credit: Share,
) -> pa.Table:
    settings, count = shop.config.ads, len(chosen)
    is_out = places(SALT, picked["customer_id"]) < settings.holdout
    hashes = hash_rows(picked, tuple(picked.column_names))
    decided = pa.table(
        {
            "rank": pa.array(np.arange(1, count + 1)),
            "customer_id": picked["customer_id"],
            "action": pa.array(np.where(is_out, HOLD_OUT, ADVERTISE).tolist(), pa.string()),
            "value_cpm": pa.array((1000 * value[chosen]).round(4)),
            "click_probability": pa.array(click[chosen].round(6)),
            "order_probability": pa.array(order[chosen].round(4)),
            "order_after_click": pa.array(after[chosen].round(4)),
            "expected_margin": pa.array(margin[chosen].round(2)),
            "margin_after_click": pa.array((margin * after / np.maximum(order, 1e-9))[chosen].round(2)),
            "reasons": pa.array(_reasons(model, picked, features[chosen], shop), pa.list_(pa.string())),
            "policy": pa.repeat(f"the {settings.customers} of most value, {settings.holdout:g} held out by lot", count),
            "propensity": pa.array(np.where(is_out, settings.holdout, 1 - settings.holdout)),
            "inputs_hash": pa.array([f"{one:016x}" for one in hashes.tolist()], pa.string()),
            "disclosure": pa.nulls(count, pa.string()),
        }
    )
    fields = [field.with_metadata(OWN.get(field.name)) for field in decided.schema]
    return decided.cast(
        pa.schema(fields, {"left_out": str(may.left_out), "incremental": f"{credit.value:.3f}: {credit.source}"})
    )


def _reasons(model: AdsModel, picked: pa.Table, features: Floats, shop: Shop) -> list[list[str]]:
    """What raises the margin foreseen most, with each customer's own value."""
    moved = np.where(np.isnan(features) | ~model.is_named, 0.0, model.contributions(features))
    found = []
    for row, order in enumerate(np.argsort(-moved, axis=1, kind="stable")[:, :MOST_REASONS]):
        said = []
        for k in order.tolist():
            if moved[row, k] <= 0:
                continue
            name = model.names[k]
            unit = (picked.schema.field(name).metadata or {}).get(b"unit", b"").decode()
            said.append(f"{meaning(picked, name)}: {shown(float(features[row, k]), unit, shop.config.shop.currency)}")
        found.append(said)
    return found
