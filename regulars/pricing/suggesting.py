"""Which list prices to ask of everyone, and which to try: made for a person to look at, set when told to."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from regulars import clock
from regulars.errors import InputError, NotEnoughError, NotFoundError
from regulars.events.schema import EVENTS
from regulars.pricing.competitor import ALL, Competitors, in_use, lowest
from regulars.pricing.dataset import SET
from regulars.pricing.decide import model_in_use
from regulars.pricing.evaluate import NAME
from regulars.pricing.explore import by_product_and_time, drawn, evenly, lot, thompson
from regulars.pricing.guard import UNKNOWN, Admissible, Ints, require_none, wrong_list_prices
from regulars.pricing.model import PricingModel
from regulars.pricing.money import digits, to_amounts, to_coins
from regulars.pricing.products import Products
from regulars.pricing.rules import rules_of
from regulars.pricing.suggest import ConstantElasticity, suggest, worth

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]

STEPS = 7
"""Prices that are tried of a product."""
OPTIMAL = "most expected margin"


def suggestions(shop: Shop, as_of: datetime) -> pa.Table:
    """The list price of most expected margin for each product, within the guardrails.

    Where a category answers competitors by a rule, that goes first: no price is raised above its answer either.

    Returns
    -------
    product_id, title, category, list_price, suggested, unit_cost, competitor (the lowest fresh price), elasticity,
    margin and margin_now (in a week), gain_low and gain_high (with 90 %), chance (that it is a gain), policy, why. The
    products with most to gain first.

    Raises
    ------
    NotFoundError
        If there is no model in use.
    """
    model, products = model_in_use(shop), Products.of(shop, as_of)
    _require_products(products, as_of)
    bounds, demand = products.bounds(rules_of(shop)), demand_of(shop, model, products)
    least = shop.config.pricing.least_chance
    found = suggest(bounds, products.price, products.cost, demand, least_chance=least)
    rivals = lowest(products, Competitors(shop, products).newest(as_of))
    answered, policy = _answers(shop, products, bounds, found.price, rivals)
    price = np.where(answered > UNKNOWN, answered, found.price)
    _require(products, bounds, price)
    pair = np.stack([products.price, price], axis=1)
    now, then = (worth(demand, pair, products.cost) - worth_of_others(demand, products)).T
    coins = 10.0 ** -digits(shop.config.shop.currency)
    is_answer = answered > UNKNOWN
    table = pa.table(
        {
            **_described(shop, products),
            "suggested": to_amounts(price, shop.config.shop.currency),
            "unit_cost": to_amounts(products.cost, shop.config.shop.currency),
            "competitor": to_amounts(rivals, shop.config.shop.currency),
            "elasticity": demand.elasticity.round(3),
            "margin": (then * coins).round(4),
            "margin_now": (now * coins).round(4),
            "gain_low": pa.array((found.low * coins).round(4), mask=is_answer),
            "gain_high": pa.array((found.high * coins).round(4), mask=is_answer),
            "chance": pa.array(found.chance.round(3), mask=is_answer),
            "policy": pa.array(policy, pa.string()),
            "why": [bounds.why(row) for row in range(len(products))],
        }
    )
    return table.take(pa.array(np.argsort(-(then - now), kind="stable")))


def tries(shop: Shop, as_of: datetime, salt: str, block: int) -> pa.Table:
    """Prices to try in a block of time, drawn by lot: a product's price is the same for everybody.

    With a model in use, each price is tried with the chance that it is the best, as far as is known, and with
    `[pricing] explore` evenly; without one, all evenly. Where a category answers competitors by a rule, nothing is
    tried above its answer, and where we are undercut the answer alone.

    Returns
    -------
    product_id, title, category, list_price, suggested, propensity, expected and variance (of the logarithm of the price
    over the lot: what is learned from it needs them), policy, variant (the block), why (what binds).
    """
    products = Products.of(shop, as_of)
    _require_products(products, as_of)
    bounds = products.bounds(rules_of(shop))
    rivals = lowest(products, Competitors(shop, products).newest(as_of))
    grid, answers = _answered_grid(shop, products, bounds, rivals)
    try:
        demand = demand_of(shop, model_in_use(shop), products)
        explore = shop.config.pricing.explore

        def earned(price: Ints, z: float) -> Floats:
            return worth(demand.away(z), price, products.cost)

        chances = thompson(grid, products.cost, earned, explore=explore)
        policy = f"Thompson sampling, {explore:.0%} evenly"
    except NotFoundError:
        chances, policy = evenly(grid, products.cost), "evenly"
    place, propensity = drawn(chances, by_product_and_time(salt, pa.array(products.ids, pa.string()), block))
    price = grid[np.arange(len(grid)), place]
    _require(products, bounds, price)
    expected, variance = lot(grid, chances)
    count = len(products)
    return pa.table(
        {
            **_described(shop, products),
            "suggested": to_amounts(price, shop.config.shop.currency),
            "propensity": propensity,
            "expected": expected,
            "variance": variance,
            "policy": pa.array([answer or policy for answer in answers], pa.string()),
            "variant": pa.repeat(f"{salt}/block {block}", count),
            "why": [bounds.why(row) for row in range(count)],
        }
    )


def set_prices(shop: Shop, table: pa.Table, at: datetime, *, version: int | None = None) -> int:
    """Note down that the shop asks these list prices from a moment on (`price_set`); how many were new.

    Guardrails are held again, as of that moment, while nobody else writes: two who set a price at once cannot move it
    by twice what a week allows. Prices that stay as they are, and were not drawn, are not noted.

    Parameters
    ----------
    table : of `suggestions` or `tries`, or with product_id and suggested alone.

    Raises
    ------
    GuardError
        If a price breaks a guardrail; nothing is set.
    NotFoundError
        If a product has no price.
    InputError
        If a product stands twice, or the shop set another price of it from then on.
    """
    with shop.log.transaction("list prices set") as transaction:
        made = _made(shop, table, at, version)
        if made:
            nullable = pa.schema([field.with_nullable(True) for field in EVENTS])
            rows = pa.Table.from_pylist(made, schema=nullable)
            transaction.write(rows, f"{len(made)} list prices set", np.arange(len(made)), transaction.reserve())
            transaction.settle(ids_are_derived=False)
            transaction.commit()
    return len(made)


def _made(shop: Shop, table: pa.Table, at: datetime, version: int | None) -> list[dict[str, Any]]:
    """The events of prices that are new, by product; see `set_prices`."""
    products, currency = Products.of(shop, at), shop.config.shop.currency
    ids = table["product_id"].to_pylist()
    if unknown := [product for product in ids if product not in products.place]:
        raise NotFoundError(f'There is no product "{unknown[0]}" with a price before {at:%Y-%m-%d %H:%M}.')
    if len(set(ids)) < len(ids):
        raise InputError("A product stands twice among the prices to set. Keep one.")
    price = products.price.copy()
    rows = np.array([products.place[product] for product in ids], np.int64)
    price[rows] = to_coins(table["suggested"], currency)
    _require(products, products.bounds(rules_of(shop)), price)
    there = _from_then_on(shop, at)
    for row in rows.tolist():
        since, coins = there.get(products.ids[row], (at, price[row]))
        if (since, coins) != (at, price[row]):
            raise InputError(
                f"{products.ids[row]}: from {since:%Y-%m-%d %H:%M:%S} on another price is set already. Set it anew "
                "after that moment."
            )
    is_lot = "variance" in table.column_names
    notes = table.drop_columns([name for name in ("title", "category", "list_price") if name in table.column_names])
    version = shop.models.version_in_use(NAME) if version is None else version
    made = []
    for row, note in zip(rows.tolist(), notes.to_pylist(), strict=True):
        if products.ids[row] in there or (price[row] == products.price[row] and not is_lot):
            continue
        made.append(_event(products.ids[row], note, at, currency, version or 0))
    return sorted(made, key=lambda each: str(each["product_id"]))


def _from_then_on(shop: Shop, at: datetime) -> dict[str, tuple[datetime, int]]:
    """By product the last price that the shop set from a moment on, and when it begins, in the smallest coin."""
    events = shop.events
    said = events.filter(events.type == SET, events.time >= ibis.literal(at), events.product_id.notnull())
    rows = shop.engine.to_arrow(said.select("product_id", "time", "unit_price").order_by("time"))
    coins = to_coins(rows["unit_price"], shop.config.shop.currency).tolist()
    names, times = rows["product_id"].to_pylist(), rows["time"].to_pylist()
    return {name: (time, coin) for name, time, coin in zip(names, times, coins, strict=True)}


def _event(product_id: str, note: dict[str, Any], at: datetime, currency: str, version: int) -> dict[str, Any]:
    price = note.pop("suggested")
    note.pop("product_id")
    about = {"policy": "by hand", **{key: value for key, value in note.items() if value is not None}}
    return {
        "event_id": f"{SET} {product_id} {at.isoformat()}",
        "line": 0,
        "time": at,
        "received_at": clock.now(),
        "type": SET,
        "product_id": product_id,
        "unit_price": price,
        "currency": currency,
        "variant": note.get("variant"),
        "propensity": note.get("propensity", 1.0),
        "properties": json.dumps({**about, "model_version": version}, default=str, ensure_ascii=False),
    }


def _answers(shop: Shop, products: Products, bounds: Admissible, best: Ints, rivals: Ints) -> tuple[Ints, list[str]]:
    """(n,) the price by which a category's rule answers competitors; -1 where it has none, or nobody undercuts us, nor
    would the best price."""
    rules, ours = in_use(shop.state), products.price
    highest = np.maximum(ours, best)
    price, policy = np.full(len(products), UNKNOWN, np.int64), [OPTIMAL] * len(products)
    for category in {name or "" for name in products.categories}:
        rule = rules.get(category, rules.get(ALL))
        if rule is None or rule.kind == "ignore":
            continue
        rows = np.array([(name or "") == category for name in products.categories])
        rows &= (rivals > UNKNOWN) & (rivals < highest)
        wanted = rule.wanted(highest, rivals)
        # Who is not undercut is not made cheaper: only not dearer than the answer.
        wanted = np.where(rivals < ours, wanted, np.maximum(wanted, ours))
        price[rows] = bounds.nearest(wanted)[rows]
        for row in np.flatnonzero(rows):
            policy[row] = f"{rule.kind} the lowest competitor" + (f" by {rule.by:.0%}" if rule.by else "")
    return price, policy


def _answered_grid(shop: Shop, products: Products, bounds: Admissible, rivals: Ints) -> tuple[Ints, list[str | None]]:
    """(n, steps) prices to try, each by the rule of its category, and (n,) the rule where it leaves one price alone."""
    grid = bounds.grid(STEPS)
    found = [_answers(shop, products, bounds, column, rivals) for column in grid.T]
    prices, policies = zip(*found, strict=True)
    answered = np.stack(prices, axis=1)
    is_fixed = (answered > UNKNOWN).all(axis=1) & (answered == answered[:, :1]).all(axis=1)
    rules = [rule if one else None for rule, one in zip(policies[0], is_fixed.tolist(), strict=True)]
    return np.where(answered > UNKNOWN, answered, grid), rules


def _described(shop: Shop, products: Products) -> dict[str, Any]:
    return {
        "product_id": pa.array(products.ids, pa.string()),
        "title": pa.array(products.titles, pa.string()),
        "category": pa.array(products.categories, pa.string()),
        "list_price": to_amounts(products.price, shop.config.shop.currency),
    }


def demand_of(shop: Shop, model: PricingModel, products: Products) -> ConstantElasticity:
    """Demand of the products of a shop as a model believes it, with what orders bring later."""
    weight = shop.config.pricing.lifetime_weight
    return model.demand(products.ids, products.price, products.cost, products.group, weight)


def worth_of_others(demand: ConstantElasticity, products: Products) -> Floats:
    """(n, 1) what others earn at present prices: so that gains are told beside a product's own margin."""
    known = products.cost > UNKNOWN
    return np.where(known[:, None], demand.others(products.price[:, None]), 0.0)


def _require_products(products: Products, as_of: datetime) -> None:
    if not len(products):
        raise NotEnoughError(f"pricing: no product has a price before {as_of:%Y-%m-%d}. Import a catalogue or orders.")


def _require(products: Products, bounds: Admissible, price: Ints) -> None:
    wrong = wrong_list_prices(
        bounds.rules, price, products.price, products.cost, reference=products.reference, week_low=products.week_low,
        week_high=products.week_high, brand_minimum=products.brand_minimum,
    )  # fmt: skip
    require_none(wrong, products.ids)
