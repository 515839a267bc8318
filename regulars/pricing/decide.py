"""Which discount each customer has: none, that of a stated rule, or the one of most expected margin in the budget."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars.errors import NotEnoughError
from regulars.events.identity import hash_rows
from regulars.pricing.audience import FEATURES, Audience, audience
from regulars.pricing.evaluate import NAME
from regulars.pricing.explore import by_customer, drawn
from regulars.pricing.given import tally
from regulars.pricing.guard import parity, require_allowed
from regulars.pricing.lifetime import lifetime_of
from regulars.pricing.lots import strength_of
from regulars.pricing.model import ABOUT, FILE, PricingModel
from regulars.pricing.products import Products
from regulars.pricing.rules import Known, known_of
from regulars.pricing.suggest import discounts
from regulars.pricing.words import SAID

if TYPE_CHECKING:
    from regulars.config import PricingSettings
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]

STEP = 0.05
"""Discounts are multiples of it: 5 %, 10 %, …"""

STATED, BEST, LOT = "stated rule: members have {share:.0%} off", "most expected margin", "drawn by lot"
"""Policies."""
MOVED = "discounts move customers {value:.2f} (error {error:.2f}) times as much as list prices, by {lots:,} lots"

OWN = {
    "share": {"meaning": "share of the list price that is taken off", "unit": "share"},
    "expected_gain": {"meaning": "margin that it is expected to add within the horizon", "unit": "money"},
    "expected_cost": {"meaning": "what it is expected to give away", "unit": "money"},
    "expected_log": {
        "meaning": "mean over the lot of the logarithm of the share of the price that is left",
        "unit": "",
    },
    "spend": {"meaning": "what would be spent within the horizon at list prices", "unit": "money"},
    "elasticity": {"meaning": "of what the customer buys, by list prices", "unit": ""},
    "lifetime": {"meaning": "margin to come for each unit of that of late, over that of all", "unit": "times"},
    "horizon_days": {"meaning": "how long it stands, if nothing else is decided", "unit": "days"},
}
"""What its own columns say, for whoever shows them."""


class Chosen(NamedTuple):
    """(n,) each: the discount, the lot that drew it, what it adds and gives away, and by which rule it was chosen."""

    share: Floats
    propensity: Floats
    expected_log: Floats
    gain: Floats
    cost: Floats
    policy: list[str]


def model_in_use(shop: Shop) -> PricingModel:
    """The model in use; NotFoundError, saying what to do, if there is none."""
    kept = shop.models.in_use(NAME)
    return PricingModel.from_files({name: kept.read(name) for name in (FILE, ABOUT)})


def decide(shop: Shop, as_of: datetime) -> pa.Table:
    """The discount of each customer with an order before a moment.

    Returns
    -------
    One row a customer: the columns of `DECISION`, `share` (of the list price that is taken off, 0 for none), `mode` (by
    which it was made), `place`, `expected_gain` and `expected_cost` (in the shop's currency, within the horizon).
    How much discounts move customers is learned from what came of those that a lot drew before (`moved` in the table's
    metadata). Whoever objected to pricing or profiling, or took consent back, has the discount of stated rules alone;
    the metadata says how many that are.

    Raises
    ------
    GuardError
        If what discounts hang on stands for the groups that `[pricing] groups` names, or (ParityError) their mean
        discounts would be too unlike: nothing is decided.
    """
    settings = shop.config.pricing
    model = model_in_use(shop)
    customers = shop.customers(as_of)
    if not customers.num_rows:
        raise NotEnoughError(f"pricing: no customer has an order before {as_of:%Y-%m-%d}. Choose a later as-of time.")
    ids = customers["customer_id"].combine_chunks()
    known = known_of(shop, ids.to_pylist(), as_of)
    products = Products.of(shop, as_of)
    moved = strength_of(shop, as_of, products)
    modes = np.array(known.modes, object)
    is_personal = modes == "personal"
    asked = audience(shop, ids, as_of, products, model, settings.horizon_days, settings.least_chance)
    # Nothing is foreseen of who objected, nor where no price is personal.
    if is_personal.any():
        margin = (asked.spend * (1 - asked.cost_share))[is_personal]
        asked.lifetime[is_personal] = lifetime_of(shop, ids.filter(pa.array(is_personal)), as_of, margin)
    own = replace(
        asked,
        elasticity=(asked.elasticity * moved.value).round(6),
        # That of lists and that of discounts over them: of a product of two the larger part is that of both.
        error=np.hypot(asked.error * moved.value, asked.elasticity * moved.error).round(6),
    )
    groups = [group for group, is_in in zip(known.groups, is_personal, strict=True) if is_in]
    require_allowed({name: getattr(own, name)[is_personal] for name in FEATURES}, groups)
    left = settings.model_copy(update={"budget": tally(shop, as_of).left})
    chosen = _chosen(left, ids, known, own, f"{as_of:%Y-%m-%d}")
    # After the lots too: what was drawn counts as much as what was chosen.
    parity(chosen.share[is_personal], groups).require()
    words = SAID[settings.language]
    reasons = [
        words.reasons(mode, share, policy, objects)
        for mode, share, policy, objects in zip(known.modes, chosen.share, chosen.policy, known.objects, strict=True)
    ]
    disclosure = [
        terms.beside(is_personal=mode == "personal", is_reduced=share > 0) or None
        for mode, terms, share in zip(known.modes, known.terms, chosen.share, strict=True)
    ]
    made_by = pa.table(
        {
            "customer_id": ids,
            "mode": pa.array(known.modes, pa.string()),
            "place": pa.array([terms.place for terms in known.terms], pa.string()),
            "spend": asked.spend,
            "elasticity": own.elasticity,
            "error": own.error,
            "caring": own.caring,
            "cost_share": asked.cost_share,
            "lifetime": asked.lifetime,
        }
    )
    hashes = hash_rows(made_by, tuple(made_by.column_names))
    table = pa.table(
        {
            "customer_id": ids,
            "action": pa.array(["list price" if share == 0 else "discount" for share in chosen.share]),
            "share": pa.array(chosen.share.round(4)),
            "mode": made_by["mode"],
            "place": made_by["place"],
            "expected_gain": pa.array(chosen.gain.round(4)),
            "expected_cost": pa.array(chosen.cost.round(4)),
            "policy": pa.array(chosen.policy, pa.string()),
            "propensity": pa.array(chosen.propensity),
            "expected_log": pa.array(chosen.expected_log.round(6)),
            "spend": made_by["spend"],
            "elasticity": asked.elasticity,
            "lifetime": asked.lifetime,
            "horizon_days": pa.repeat(settings.horizon_days, len(ids)),
            "reasons": pa.array(reasons, pa.list_(pa.string())),
            "inputs_hash": pa.array([f"{value:016x}" for value in hashes.tolist()], pa.string()),
            "disclosure": pa.array(disclosure, pa.string()),
        }
    )
    fields = [field.with_metadata(OWN.get(field.name)) for field in table.schema]
    return table.cast(
        pa.schema(fields, {"left_out": str(sum(known.objects)), "moved": MOVED.format(**moved._asdict())})
    )


def levels_of(settings: PricingSettings) -> list[float]:
    """The discounts that a customer may have, from none to the largest."""
    return [round(k * STEP, 4) for k in range(int(settings.max_discount / STEP + 1e-9) + 1)]


def _chosen(settings: PricingSettings, ids: pa.Array, known: Known, asked: Audience, salt: str) -> Chosen:
    modes = np.array(known.modes, object)
    # A stated rule is open to all whom the mode lets have one; a personal discount is never less than it.
    member = min(settings.member_discount, settings.max_discount)
    share = np.where((modes != "off") & np.array(known.is_member, bool), member, 0.0)
    policy = np.where(share > 0, STATED.format(share=member), "one price for all").astype(object)
    propensity, expected_log = np.ones(len(ids)), np.log1p(-share)
    rows = np.flatnonzero(modes == "personal")
    if len(rows):
        groups = [known.groups[row] for row in rows]
        own, chances, usual = _personal(settings, asked.where(rows), groups, ids.take(pa.array(rows)), salt)
        least = share[rows]
        share[rows] = np.maximum(own, least)
        # Of a discount below the stated one, the stated one came of it.
        offered = np.maximum(levels_of(settings), least[:, None])
        propensity[rows] = (chances * (offered == share[rows][:, None])).sum(1).clip(max=1.0)
        expected_log[rows] = (chances * np.log1p(-offered)).sum(1)
        by_rule = (least > 0) & (own <= least)
        policy[rows] = np.where(by_rule, policy[rows], np.where(own == usual, BEST, LOT))
    gain, cost = asked.gain(share[:, None], settings.lifetime_weight)
    return Chosen(share, propensity, expected_log, np.nan_to_num(gain[:, 0]), cost[:, 0], policy.tolist())


def _personal(
    settings: PricingSettings, asked: Audience, groups: list[str | None], ids: pa.Array, salt: str
) -> tuple[Floats, Floats, Floats]:
    """(n,) the discounts, (n, levels) the chances with which each was drawn, and (n,) what was best but for lots."""
    levels = np.array(levels_of(settings))
    gain, cost = asked.gain(levels, settings.lifetime_weight)
    # Where no cost is known nobody can say what a discount brings; and no margin is sold away.
    fits = (1 - levels) * (1 - settings.min_margin) >= asked.cost_share[:, None]
    may = (np.isfinite(gain) & fits) | (levels == 0)
    gain = np.where(may, gain, -np.inf)
    sure, _ = asked.doubted(settings.least_chance).gain(levels, settings.lifetime_weight)
    best = np.where((sure > 0) | (levels == 0), gain, -np.inf)
    usual = discounts(levels.tolist(), best, cost, budget=settings.budget * (1 - settings.explore), groups=groups)
    # Lots give away no more than their part of the budget, whatever comes of them: who draws is found by lot first, as
    # many as could all have the dearest.
    rows, part = np.arange(len(ids)), settings.explore * settings.budget
    more = np.where(may, cost, 0.0).max(1) - cost[rows, usual.level]
    order = np.argsort(by_customer(f"turns {salt}", ids), kind="stable")
    order = order[more[order] <= part]
    draws = np.zeros(len(ids), bool)
    draws[order[np.cumsum(more[order]) <= part]] = True
    explore = draws * min(1.0, settings.explore * len(ids) / max(int(draws.sum()), 1))
    chances = explore[:, None] * may / may.sum(1, keepdims=True)
    chances[rows, usual.level] += 1 - explore
    level, _ = drawn(chances, by_customer(f"discounts {salt}", ids))
    return levels[level], chances, usual.share
