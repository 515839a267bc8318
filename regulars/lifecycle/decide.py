"""The one next best action of each customer, often nothing: by arbitration, a part by lot, a control group for ever."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.campaign.lot import Fell, Room, draw
from regulars.errors import NotEnoughError
from regulars.events.identity import hash_rows
from regulars.lifecycle.actions import RULES, Candidates, Facts, candidates, excluded, facts_of
from regulars.lifecycle.actions.candidates import MESSAGE, OFFER, Floats
from regulars.lifecycle.actions.facts import refused_by
from regulars.lifecycle.actions.sources import Asked
from regulars.lifecycle.arbitration import Receipts, Schedule, Solved, Use, receipts, solve
from regulars.lifecycle.dataset import Known, known_as_of
from regulars.lifecycle.fairness import Groups, groups
from regulars.lifecycle.model import LifecycleModel, in_use
from regulars.lifecycle.past import Past, past
from regulars.lifecycle.proof import without
from regulars.lifecycle.stages import Standing
from regulars.lifecycle.words import chosen_words, control_words, lot_words
from regulars.profile.stage import STAGES

if TYPE_CHECKING:
    from regulars.shop import Shop

NOTHING = "none"
BEST, LOT, CONTROL = "most money over the remaining life", "by lot, to learn from", "control group, for ever"
DAYS = 7
WAITING = 0.97
"""What is expected of an action loses so much of itself with each day it waits: by then more is known."""

OWN = {
    "channel": {"meaning": "by which channel"},
    "is_contact": {"meaning": "whether the customer is contacted by it"},
    "stage": {"meaning": "stage of life"},
    "customer_value": {"meaning": "margin to come from the customer, as of today's worth", "unit": "money"},
    "expected_gain": {"meaning": "margin over the remaining life that it brings more than silence", "unit": "money"},
    "gain_low": {"meaning": "lower end of the 95 % interval", "unit": "money"},
    "gain_high": {"meaning": "upper end of the 95 % interval", "unit": "money"},
    "cost": {"meaning": "what it takes from the budget", "unit": "money"},
    "minutes": {"meaning": "minutes of people", "unit": "minutes"},
    "source": {"meaning": "which capability says what it brings"},
    "lot": {"meaning": "the chances of all arms, where a lot decided"},
    "receipt": {"meaning": "alternatives, what each would bring and keep, and what was scarce"},
}


@dataclass(frozen=True)
class Situation:
    """All that a decision is made from, as of a moment.

    Attributes
    ----------
    forbidden : (n, actions) the number of the rule that forbids an action, see `actions.excluded`.
    fell : what the lot drew. open : (o,) rows of customers whom arbitration decides about.
    solved : what is best over the coming days for those.
    """

    as_of: datetime
    known: Known
    standing: Standing
    offered: Candidates
    facts: Facts
    forbidden: npt.NDArray[np.int64]
    past: Past
    fell: Fell
    open: npt.NDArray[np.int64]
    solved: Solved


def situation(shop: Shop, as_of: datetime, model: LifecycleModel | None = None) -> Situation:
    """Where customers stand, what could be done for each, and what is best over the coming week.

    Raises
    ------
    NotEnoughError
        If there is nobody.
    """
    model = model or in_use(shop)
    settings = shop.config.lifecycle
    known = known_as_of(shop, as_of)
    standing = model.stages.standing(known.panel)
    offered = candidates(Asked(shop, known.ids, as_of, standing, model.long_run))
    facts = facts_of(shop, known.ids, as_of, standing)
    forbidden = excluded(facts, offered.actions)
    may = (forbidden == -1) & np.isfinite(offered.gain)
    refused = {name: refused_by(shop, known.ids, as_of, name) for name in {a.channel for a in offered.actions} if name}
    for number, action in enumerate(offered.actions):
        may[without(known.ids, action.source, settings.leave_out), number] = False
        if action.channel:
            may[refused[action.channel], number] = False
    done = past(shop, known.ids, as_of)
    left = np.maximum(settings.contacts - done.contacts, 0)
    fell = _lot(shop, known, offered, may & (left > 0)[:, None] & ~done.by_lot[:, None], done, as_of)
    rows = np.flatnonzero(~fell.is_drawn & ~facts.held_out)
    owed = groups(shop, known.ids, as_of)
    solved = solve(_schedule(shop, offered, may, rows, left, done, fell, owed))
    return Situation(as_of, known, standing, offered, facts, forbidden, done, fell, rows, solved)


def decide(shop: Shop, as_of: datetime) -> pa.Table:
    """What is done today, for whom, and why.

    Budget, contacts and people's hours are of a week, of which what the days before took is gone; what is best is
    sought for the coming seven days, and the first of them is done. A share is drawn by lot within its part of the
    budget. Of who is held out for ever nothing is done.

    Returns
    -------
    One row a customer for whom something is done, who was drawn, or who is of the control group and would have been
    open to something: the columns of `DECISION`, and `rank`, `channel`, `is_contact`, `stage`, `customer_value`,
    `expected_gain`, `gain_low`, `gain_high`, `cost`, `minutes`, `source`, `lot` and `receipt` (JSON). `action` is
    "none" where nothing is done.

    Raises
    ------
    NotEnoughError
        If nothing is done for anybody, and nobody is in the control group.
    """
    return told(shop, situation(shop, as_of))


def _lot(
    shop: Shop, known: Known, offered: Candidates, may: npt.NDArray[np.bool_], done: Past, as_of: datetime
) -> Fell:
    """Messages and offers by lot, within a part of the week's budget."""
    settings = shop.config.lifecycle
    arms = [k for k, action in enumerate(offered.actions) if action.kind in (MESSAGE, OFFER)]
    costs = np.array([float(offered.cost[:, k].max(initial=0.0)) for k in arms])
    room = Room(
        max(min(settings.explore_budget * settings.budget - done.spent_by_lot, settings.budget - done.spent), 0.0),
        max(settings.contacts_week - done.contacts_week, 0) * settings.explore_budget,
        np.array([offered.actions[k].stock * settings.explore_budget for k in arms]),
    )
    names = [offered.actions[k].name for k in arms]
    allowed = may[:, arms]
    rows = np.flatnonzero(allowed.any(1)) if arms else np.zeros(0, np.int64)
    # A week's share is spread over its days; where a day's would be too few for a lot, the week's is drawn at once.
    ids = known.ids.take(pa.array(rows))
    shares = [settings.explore / DAYS] + ([] if done.by_lot.any() else [settings.explore])
    for share in shares:
        fell = draw(ids, allowed[rows], names, costs, share, 0.5, room, f"lifecycle {as_of.isoformat()}")
        if fell.is_drawn.any():
            break
    count = len(known.ids)
    whole = Fell(np.zeros(count, bool), np.full(count, -1), np.ones(count), np.full(count, None, object))
    numbers = np.array([*arms, -1])
    whole.is_drawn[rows], whole.chance[rows], whole.lot[rows] = fell.is_drawn, fell.chance, fell.lot
    whole.action[rows] = numbers[fell.action]
    return whole


def _schedule(
    shop: Shop,
    offered: Candidates,
    may: npt.NDArray[np.bool_],
    rows: npt.NDArray[np.int64],
    left: npt.NDArray[np.int64],
    done: Past,
    fell: Fell,
    owed: Groups,
) -> Schedule:
    """What is to be arbitrated: the coming week, of which the days before and the lot took their part."""
    settings = shop.config.lifecycle
    gain = np.where(may, offered.gain, -np.inf)[rows]
    # Whom a floor speaks for may have what does not pay: nothing but the floor asks for it.
    gain[(gain - offered.cost[rows] < settings.least_net) & (owed.group[rows] < 0)[:, None]] = -np.inf
    by_day = gain[:, :, None] * WAITING ** np.arange(DAYS)
    # What is negative must not become better by waiting.
    by_day = np.where(gain[:, :, None] > 0, by_day, gain[:, :, None])
    # What is out of sight is no contact, of which a customer has so many: it is done once, today.
    by_day[:, [not action.is_contact for action in offered.actions], 1:] = -np.inf
    drawn = fell.action[fell.action >= 0]
    taken = np.bincount(drawn, minlength=len(offered.actions))
    each = [action.minutes for action in offered.actions]
    is_contact = np.array([action.is_contact for action in offered.actions])
    spent = float(offered.cost[fell.action >= 0, drawn].sum())
    contacts = max(settings.contacts_week - done.contacts_week - len(drawn), 0)
    uses = [
        Use.of("contacts", is_contact.astype(float), contacts, DAYS),
        Use.of("minutes of people", each, max(settings.minutes_week - done.minutes, 0.0), DAYS),
    ]
    uses += [
        Use.of(f"stock of {action.name}", np.eye(len(each))[k], max(action.stock - taken[k], 0), DAYS)
        for k, action in enumerate(offered.actions)
        if np.isfinite(action.stock)
    ]
    open_ = np.zeros(len(may), bool)
    open_[rows] = np.isfinite(gain[:, is_contact]).any(1) & (left[rows] > 0)
    return Schedule.of(
        by_day, cost=offered.cost[rows], actions=[action.name for action in offered.actions], is_contact=is_contact,
        contacts=left[rows], uses=uses, budget=max(settings.budget - done.spent - spent, 0.0),
        group=np.where(open_, owed.group, -1)[rows], floors=owed.floors(open_, done.contacts),
    )  # fmt: skip


def told(shop: Shop, now: Situation) -> pa.Table:
    """The table of decisions of a situation."""
    settings, currency = shop.config.lifecycle, shop.config.shop.currency
    receipt = receipts(now.solved, np.arange(len(now.open)))
    acts = np.flatnonzero(receipt.action >= 0)
    offered = now.offered
    at = (now.open[acts], receipt.action[acts])
    acts = acts[np.argsort(-(offered.gain[at] - offered.cost[at]), kind="stable")]
    drawn = np.flatnonzero(now.fell.is_drawn)
    drawn = drawn[np.argsort(now.fell.action[drawn] < 0, kind="stable")]
    control = np.flatnonzero(now.facts.held_out & np.isfinite(offered.gain).any(1))
    row = np.concatenate([now.open[acts], drawn, control])
    action = np.concatenate([receipt.action[acts], now.fell.action[drawn], np.full(len(control), -1)])
    count = len(row)
    if not count:
        raise NotEnoughError(
            f"lifecycle: for none of {len(now.known.ids):,} customers anything is worth what it takes. "
            f"{' '.join(offered.notes)}"
        )
    language = settings.language
    names = [each.name for each in offered.actions]
    binding = now.solved.binding
    reasons = [
        *chosen_words(names, _part(receipt, acts), offered, now.open[acts], binding, language, currency),
        *lot_words(now.fell.chance[drawn], language),
        *([control_words(settings.control, language)] * len(control)),
    ]
    papers = [_paper(names, receipt, k, binding) for k in acts.tolist()] + [None] * (count - len(acts))
    is_none = action < 0
    pick = (row, np.maximum(action, 0))
    kinds = [None if k < 0 else offered.actions[k] for k in action.tolist()]
    ids = now.known.ids.take(pa.array(row))

    def money(values: Floats) -> pa.Array:
        found = values[pick]
        return pa.array(found.round(4), mask=is_none | ~np.isfinite(found))

    inputs = pa.table(
        {
            "customer_id": ids,
            **{f"feature {k}": column for k, column in enumerate(now.standing.features[row].T)},
            **{f"gain of {name}": offered.gain[row, k] for k, name in enumerate(names)},
            **{f"rule of {name}": now.forbidden[row, k] for k, name in enumerate(names)},
        }
    )
    hashes = hash_rows(inputs, tuple(inputs.column_names))
    decided = pa.table(
        {
            "rank": pa.array(np.arange(1, count + 1)),
            "customer_id": ids,
            "action": pa.array([NOTHING if each is None else each.name for each in kinds], pa.string()),
            "channel": pa.array([None if each is None else each.channel or None for each in kinds], pa.string()),
            "is_contact": pa.array([None if each is None else each.is_contact for each in kinds], pa.bool_()),
            "stage": pa.array([STAGES[k] for k in np.maximum(now.standing.stage[row], 0).tolist()], pa.string()),
            "customer_value": pa.array(now.standing.value[row].round(2)),
            "expected_gain": money(offered.gain),
            "gain_low": money(offered.gain - 1.96 * offered.error),
            "gain_high": money(offered.gain + 1.96 * offered.error),
            "cost": pa.array(np.where(is_none, 0.0, offered.cost[pick]).round(4)),
            "minutes": pa.array([0.0 if each is None else each.minutes for each in kinds]),
            "source": pa.array([None if each is None else each.source for each in kinds], pa.string()),
            "lot": pa.array([None] * len(acts) + now.fell.lot[drawn].tolist() + [None] * len(control), pa.string()),
            "receipt": pa.array(papers, pa.string()),
            "reasons": pa.array(reasons, pa.list_(pa.string())),
            "policy": pa.array([BEST] * len(acts) + [LOT] * len(drawn) + [CONTROL] * len(control), pa.string()),
            "propensity": np.concatenate(
                [np.ones(len(acts)), now.fell.chance[drawn], np.full(len(control), settings.control)]
            ),
            "inputs_hash": pa.array([f"{value:016x}" for value in hashes.tolist()], pa.string()),
            "disclosure": pa.nulls(count, pa.string()),
        }
    )
    fields = [field.with_metadata(OWN.get(field.name)) for field in decided.schema]
    said = {"left_out": str(int(now.facts.objects.sum())), "notes": json.dumps(offered.notes, ensure_ascii=False)}
    return decided.cast(pa.schema(fields, said))


def _part(receipt: Receipts, rows: npt.NDArray[np.int64]) -> Receipts:
    return Receipts(receipt.action[rows], receipt.other[rows], receipt.net[rows], receipt.keeps[rows])


def _paper(names: list[str], receipt: Receipts, k: int, binding: object) -> str:
    """A receipt as JSON: the alternatives, and what was scarce."""
    others = [
        {"action": names[other], "net": round(net, 4), "keeps": round(keeps, 4)}
        for other, net, keeps in zip(
            receipt.other[k].tolist(), receipt.net[k].tolist(), receipt.keeps[k].tolist(), strict=True
        )
        if other >= 0
    ]
    return json.dumps({"alternatives": others, "scarce": binding}, ensure_ascii=False)


def left_out(now: Situation) -> dict[str, int]:
    """How many customers each rule keeps from some action."""
    counts = {rule.en: int((now.forbidden == number).any(1).sum()) for number, rule in enumerate(RULES)}
    return {reason: count for reason, count in counts.items() if count}
