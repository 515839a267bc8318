"""Whom to contact with what: the allocation under budget and consent, and a part by lot, to learn from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.campaign.actions import NONE, Action, cost_of
from regulars.campaign.allocation import Limit, Problem, allocate
from regulars.campaign.drawn import Floats, Numbers
from regulars.campaign.floors import floors_of
from regulars.campaign.lot import Fell, Room, draw
from regulars.campaign.model import CampaignModel
from regulars.campaign.permitted import Permitted, permitted
from regulars.campaign.reasons import Worth, chosen_reasons, lot_reasons
from regulars.campaign.scoring import scored
from regulars.campaign.sending.hours import best_hours, zones
from regulars.campaign.training import in_use
from regulars.customers import customers_as_of
from regulars.errors import NotEnoughError
from regulars.events.identity import hash_rows
from regulars.events.schema import TIME

if TYPE_CHECKING:
    from regulars.shop import Shop

MODEL, LOT, PILOT = "most expected gain within the budget", "by lot, to measure by", "a pilot by lot, to learn from"
LOT_PART = 0.5
"""Beside a model, so much of budget, contacts and stock a lot may take at most."""

OWN = {
    "channel": {"meaning": "by which channel"},
    "hour": {"meaning": "at which hour on the customer's clock"},
    "expected_gain": {"meaning": "margin that it brings more than leaving the customer alone", "unit": "money"},
    "gain_low": {"meaning": "lower end of the 95 % interval, of customers like this one", "unit": "money"},
    "gain_high": {"meaning": "upper end of the 95 % interval, of customers like this one", "unit": "money"},
    "cost": {"meaning": "what the contact costs", "unit": "money"},
    "lot": {"meaning": "the chances of all arms, where a lot decided"},
}


@dataclass(frozen=True)
class _Chosen:
    """Decisions, (d,) each: the row of the customer, the action (-1: left alone), by whom, with which chance."""

    row: Numbers
    action: Numbers
    policy: npt.NDArray[np.object_]
    chance: Floats
    lot: npt.NDArray[np.object_]
    reasons: list[list[str]]

    def and_then(self, other: _Chosen) -> _Chosen:
        """These, and others behind them."""
        return _Chosen(
            np.concatenate([self.row, other.row]),
            np.concatenate([self.action, other.action]),
            np.concatenate([self.policy, other.policy]),
            np.concatenate([self.chance, other.chance]),
            np.concatenate([self.lot, other.lot]),
            [*self.reasons, *other.reasons],
        )


def decide(shop: Shop, as_of: datetime) -> pa.Table:
    """Who is contacted with what, who is left alone by lot, and why.

    With a model of what contacts change, the customers of most expected gain, under `[campaign]` budget, contacts, the
    stock of offers and floors; besides, a share by lot. Without one, all by lot (a pilot). Whoever forbade it, is held
    out for ever, was contacted lately or has had the week's messages is not among them.

    Returns
    -------
    One row a decision, contacts by the model first: the columns of `DECISION`, and `rank`, `channel` and `hour` (null
    where left alone), `expected_gain`, `gain_low`, `gain_high` (not in a pilot), `cost`, `lot` (JSON: the chance of
    each arm; null where no lot decided). `action` is one of the model's, or "none".

    Raises
    ------
    NotEnoughError
        If nobody may be contacted.
    """
    model = in_use(shop)
    settings = shop.config.campaign
    may = permitted(shop, as_of, model.actions)
    costs = np.array([cost_of(name, settings) for name in model.actions])
    fell = _lot(shop, model, may, costs, as_of)
    drawn = np.flatnonzero(fell.is_drawn)
    # Contacts before those who are left alone.
    drawn = drawn[np.argsort(fell.action[drawn] < 0, kind="stable")]
    currency, language = shop.config.shop.currency, settings.language
    with scored(shop, model, may.customers, as_of) as found:
        worth = found.worth(may.may, costs)
        said = lot_reasons(
            fell.action[drawn], fell.chance[drawn], costs, found.anyway(drawn), model.horizon_days, language, currency
        )
        by_lot = _Chosen(
            drawn, fell.action[drawn], np.full(len(drawn), PILOT if worth is None else LOT, object),
            fell.chance[drawn], fell.lot[drawn], said,
        )  # fmt: skip
        by_model = _allocated(shop, model, may, fell, worth, as_of)
        chosen = by_lot if by_model is None else by_model.and_then(by_lot)
        if not len(chosen.row):
            raise NotEnoughError(
                f"campaign: of {len(may.customers):,} customers who may be contacted nobody is: the budget "
                f"({settings.budget:g} {currency}) and {settings.contacts:,} contacts leave no room for a lot, or no "
                "action is expected to bring more than it costs. Raise [campaign] budget, contacts or explore."
            )
        return _told(shop, model, chosen, may, found.profiles(chosen.row), worth, costs, as_of)


def _lot(shop: Shop, model: CampaignModel, may: Permitted, costs: Floats, as_of: datetime) -> Fell:
    settings = shop.config.campaign
    is_pilot = model.uplift is None
    part = 1.0 if is_pilot else LOT_PART
    room = Room(settings.budget * part, settings.contacts * part, np.floor(may.stock * part))
    share = 1.0 if is_pilot else settings.explore
    return draw(
        may.customers, may.may, model.actions, costs, share, settings.control, room, f"campaign {as_of.isoformat()}"
    )


def _allocated(
    shop: Shop, model: CampaignModel, may: Permitted, fell: Fell, worth: Worth | None, as_of: datetime
) -> _Chosen | None:
    """What the model chooses for whom no lot decided, within what the lot left."""
    if worth is None:
        return None
    settings = shop.config.campaign
    used = np.bincount(fell.action[fell.action >= 0], minlength=len(model.actions))
    left = np.flatnonzero(~fell.is_drawn)
    ids = may.customers.take(pa.array(left))
    pairs = pa.table({"customer_id": ids, "as_of": pa.repeat(pa.scalar(as_of, TIME), len(left))})
    group, floors = floors_of(shop, pairs)
    limits = [Limit("contacts", model.actions, max(settings.contacts - int(used.sum()), 0))]
    limits += [
        Limit(f"stock of {name}", (name,), int(stock - taken))
        for name, stock, taken in zip(model.actions, may.stock, used, strict=True)
        if np.isfinite(stock)
    ]
    problem = Problem.of(
        worth.mean[left], cost=worth.cost, actions=model.actions, group=group, limits=limits, floors=floors,
        budget=max(settings.budget - float(used @ worth.cost), 0.0),
    )  # fmt: skip
    place, action = np.nonzero(allocate(problem).chosen)
    net = (worth.mean - worth.cost)[left[place], action]
    order = np.argsort(-net, kind="stable")
    row, action, net = left[place[order]], action[order].astype(np.int64), net[order]
    picked = Worth(worth.mean[row], worth.low[row], worth.high[row], worth.cost)
    said = chosen_reasons(
        picked, action, (net <= 0).tolist(), model.actions, settings.language, shop.config.shop.currency
    )  # fmt: skip
    count = len(row)
    # Given who was drawn, no chance is involved.
    return _Chosen(row, action, np.full(count, MODEL, object), np.ones(count), np.full(count, None, object), said)


def _told(
    shop: Shop,
    model: CampaignModel,
    chosen: _Chosen,
    may: Permitted,
    profiles: pa.Table,
    worth: Worth | None,
    costs: Floats,
    as_of: datetime,
) -> pa.Table:
    """The table of decisions.

    Parameters
    ----------
    profiles : (d,) of those who were chosen.
    """
    count = len(chosen.row)
    is_none = chosen.action < 0
    names = pa.array([NONE, *model.actions])
    channels = pa.array([None, *(Action.of(name).channel for name in model.actions)], pa.string())
    number = pa.array(chosen.action + 1)
    at = (chosen.row, np.maximum(chosen.action, 0))

    def money(values: Floats) -> pa.Array:
        found = values[at]
        return pa.array(found.round(4), mask=is_none | ~np.isfinite(found))

    gains = {} if worth is None else {"expected_gain": worth.mean, "gain_low": worth.low, "gain_high": worth.high}
    hashes = hash_rows(profiles, tuple(profiles.column_names))
    paid = np.where(is_none, 0.0, costs[at[1]])
    decided = pa.table(
        {
            "rank": pa.array(np.arange(1, count + 1)),
            "customer_id": profiles["customer_id"],
            "action": names.take(number),
            "channel": channels.take(number),
            "hour": _hours(shop, profiles["customer_id"].combine_chunks(), is_none, as_of),
            **{name: money(values) for name, values in gains.items()},
            "cost": pa.array(paid.round(4)),
            "lot": pa.array(chosen.lot.tolist(), pa.string()),
            "reasons": pa.array(chosen.reasons, pa.list_(pa.string())),
            "policy": pa.array(chosen.policy.tolist(), pa.string()),
            "propensity": pa.array(chosen.chance),
            "inputs_hash": pa.array([f"{value:016x}" for value in hashes.tolist()], pa.string()),
            "disclosure": pa.nulls(count, pa.string()),
        }
    )
    fields = [field.with_metadata(OWN.get(field.name)) for field in decided.schema]
    return decided.cast(pa.schema(fields, {"left_out": str(may.left_out)}))


def _hours(shop: Shop, ids: pa.Array, is_none: npt.NDArray[np.bool_], as_of: datetime) -> pa.Array:
    """(d,) the hour at which each customer is best written to, outside quiet hours; null where left alone."""
    known = customers_as_of(shop, as_of)
    known = known.filter(pc.is_in(known["customer_id"], ids))
    best = best_hours(shop, as_of, known, zones(known, shop.config.shop.timezone))
    sending = shop.config.sending
    hours = best.hours(ids.to_pylist(), sending.quiet_from, sending.quiet_until)
    return pa.array(hours, pa.int64(), mask=is_none)
