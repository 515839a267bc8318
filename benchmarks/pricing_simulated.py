"""A simulated shop learns list prices for twelve weeks inside guardrails: what share of the best prices' gain is found?

Prices are tried by product and week (everybody sees the same price). Each policy plays the same shop by itself, and is
judged by the profit that the shop would make were these all its prices: products take sales from each other. The best
prices are found by the truth: each product's own curve, and the diversion by which all together earn most.

A second figure changes each product's price alone. By it the prices that are best alone are the best; set all at once,
they earn less than the list prices, for what one product wins another loses.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from sklearn.ensemble import RandomForestRegressor

from benchmarks.report import Row, save
from regulars.pricing.explore import by_product_and_time, drawn, evenly, lot, thompson
from regulars.pricing.guard import UNKNOWN, Admissible, Ints, Rules, list_prices, require_none, wrong_list_prices
from regulars.pricing.suggest import Belief, ConstantElasticity, believe, suggest, worth
from regulars.simulate import World
from regulars.simulate.expected import MARGIN, expected_demand, expected_visit
from regulars.simulate.oracle import SAMPLES

Floats = npt.NDArray[np.float64]
Choice = tuple[Ints, Floats]

WARM_UP, WEEKS, EVEN_WEEKS = 28, 12, 3
RULES = Rules(min_margin=0.0, lowest=0.8, highest=1.25, max_change=0.25)
STEPS = 9
EXPLORE = 0.1
MULTIPLES = np.linspace(0.8, 1.25, 19)
"""Of the list price, at which the truth is worked out; between them it is interpolated."""


class Log(NamedTuple):
    """What the shop itself has seen, by product and week; `expected` is of the lot that drew the price, `stocked` the
    share of the week's days that began with some to sell."""

    lines: Floats
    units: Floats
    log_price: Floats
    expected: Floats
    stocked: Floats


class Shop:
    """The simulated shop, as its owner sees it; `truth` is for the judge."""

    def __init__(self, world: World) -> None:
        self.world = world.copy()
        catalogue = self.world.catalogue()
        self.ids = catalogue["product_id"].combine_chunks()
        coins = [np.rint(np.asarray(catalogue[name].cast(pa.float64())) * 100) for name in ("list_price", "unit_cost")]
        self.list_price, self.cost = (each.astype(np.int64) for each in coins)
        self.group = np.asarray(catalogue["category"].combine_chunks().dictionary_encode().indices)
        self.number = pc.index_in(self.ids, self.world.product_ids).to_numpy()
        empty = np.zeros((len(self.ids), 0))
        self.log = Log(*[empty] * 5)
        self.price = self.list_price
        self.regret = 0.0
        self.diversions = tuple(np.linspace(0, 1, 11))

    def bounds(self, present: Ints) -> Admissible:
        return list_prices(RULES, present, self.cost, reference=self.list_price)

    def week(self, price: Ints, expected: Floats) -> None:
        """Play a week at prices, and see what was sold."""
        self.regret += 7 * (self.together(self.best()[0]) - self.together(price))
        those = np.flatnonzero(self.on_sale())
        decide = pa.table(
            {"action": pa.repeat("price", len(those)), "product_id": self.ids.take(pa.array(those)),
             "price": price[those] / 100}
        )  # fmt: skip
        lines, units, stocked = np.zeros((3, len(self.ids)))
        for day in range(7):
            stocked += self.on_sale()
            events = self.world.step(decide if day == 0 else None)
            sold = events.filter(pc.equal(events["type"], "order_completed"))
            place = pc.index_in(sold["product_id"], self.ids)
            sold, place = sold.filter(pc.is_valid(place)), place.drop_null().to_numpy()
            lines += np.bincount(place, minlength=len(self.ids))
            units += np.bincount(place, sold["quantity"].to_numpy(), len(self.ids))
        columns = zip(self.log, (lines, units, np.log(price), expected, stocked / 7), strict=True)
        self.log = Log(*(np.column_stack([old, new]) for old, new in columns))
        self.price = price

    def on_sale(self) -> npt.NDArray[np.bool_]:
        """(n,) whether there is any of each product to sell now."""
        there = self.world.catalogue()
        there = there.filter(pc.greater(there["stock"], 0))
        return np.asarray(pc.is_in(self.ids, there["product_id"].combine_chunks()))

    def truth(self, price: Ints) -> tuple[Floats, Floats]:
        """(n,) a day's profit of each product at its best price of the corridor, and at a price; changed alone."""
        profit = self.curves()
        at = np.log(price / self.list_price)
        here = np.array([np.interp(x, np.log(MULTIPLES), row) for x, row in zip(at, profit, strict=True)])
        return np.maximum(profit.max(1), here), here

    def curves(self, *, lines: bool = False) -> Floats:
        """(n, multiples) a day's profit of each product, all others at the list price; or its lines."""
        crowd, shelf, rules = self._at(self.list_price)
        if lines:  # one unit in each
            crowd, rules = crowd._replace(bulk=0 * crowd.bulk), rules._replace(bulk_within=0.0, bulk_price=0.0)
            return expected_demand(crowd, shelf, rules, MULTIPLES, SAMPLES, 4)[0][self.number]
        demand, _ = expected_demand(crowd, shelf, rules, MULTIPLES, SAMPLES, 4)
        left = self.list_price[:, None] / 100 * MULTIPLES - self.cost[:, None] / 100
        return demand[self.number] * left

    def best(self) -> tuple[Ints, float]:
        """The prices of the corridor by which all together earn most, as far as is found; and the diversion."""
        profit, lines = self.curves(), self.curves(lines=True)
        now = np.full(len(profit), int(np.abs(MULTIPLES - 1).argmin()))
        rows, found = np.arange(len(profit)), []
        for diversion in self.diversions:
            chosen = now
            for _ in range(3):  # what others earn hangs on their prices, which are being chosen too
                weight = np.bincount(self.group, lines[rows, chosen])
                mean = np.bincount(self.group, profit[rows, chosen]) / np.maximum(weight, 1e-9)
                others = diversion * mean[self.group][:, None] * (lines[rows, now][:, None] - lines)
                chosen = (profit + others).argmax(1)
            price = np.rint(self.list_price * MULTIPLES[chosen]).astype(np.int64)
            found.append((self.together(price), diversion, price))
        _, diversion, price = max(found, key=lambda each: each[0])
        # It hardly moves from week to week: its neighbours are looked at next.
        self.diversions = tuple(round(diversion + step, 2) for step in (-0.05, 0.0, 0.05))
        return price, diversion

    def together(self, price: Ints) -> float:
        """A day's profit of the shop, were these all its prices."""
        crowd, shelf, rules = self._at(price)
        cost = self.world.hidden.catalogue.cost
        each = expected_visit(crowd, shelf, rules, cost, np.zeros(len(crowd.rate)), SAMPLES)[:, MARGIN]
        return float((crowd.rate * each).sum())

    def _at(self, price: Ints) -> tuple:
        world = self.world
        state = world.hidden.state.copy()
        state.treatments.wake(state.day)
        state.market.price[self.number] = price / 100
        return (
            world.people(state, world.is_active(state)), state.market.open(state.day, world.date(state.day)),
            world.rules(state.day),
        )  # fmt: skip


def ours(shop: Shop, week: int) -> Choice:
    """Thompson sampling over the prices that may be asked."""
    grid = shop.bounds(shop.price).grid(STEPS)
    if week < EVEN_WEEKS:
        chances = evenly(grid, shop.cost)
    else:
        demand = believed(shop).demand_among(shop.list_price, shop.cost, shop.group)
        chances = thompson(grid, shop.cost, lambda price, z: worth(demand.away(z), price, shop.cost), explore=EXPLORE)
    place, _ = drawn(chances, by_product_and_time("prices", shop.ids, week))
    return grid[np.arange(len(grid)), place], lot(grid, chances)[0]


def believed(shop: Shop) -> Belief:
    """Demand as it is learned from the lots."""
    seen = shop.log
    return believe(
        seen.lines, seen.units, seen.log_price, shop.group, expected=seen.expected, stocked=seen.stocked
    )  # fmt: skip


def ours_at_last(shop: Shop) -> Ints:
    demand = believed(shop).demand_among(shop.list_price, shop.cost, shop.group)
    return suggest(shop.bounds(shop.list_price), shop.list_price, shop.cost, demand, steps=46).price


def ours_alone(shop: Shop) -> Ints:
    """As if products took no sales from each other."""
    bounds = shop.bounds(shop.list_price)
    return suggest(bounds, shop.list_price, shop.cost, believed(shop).demand, steps=46).price


def one_elasticity(shop: Shop) -> Ints:
    """The textbook's: one elasticity of all by least squares on logarithms within products, and its mark-up."""
    _, units, x, *_ = shop.log
    weight = (units > 0).astype(float)

    def within(values: Floats) -> Floats:
        return values - (weight * values).sum(1, keepdims=True) / np.maximum(weight.sum(1, keepdims=True), 1)

    y = np.log(np.where(units > 0, units, 1.0))
    y = y - (weight * y).sum(0) / np.maximum(weight.sum(0), 1)
    slope = float((weight * within(x) * within(y)).sum() / (weight * within(x) ** 2).sum())
    one = np.ones(len(units))
    demand = ConstantElasticity(one, shop.list_price.astype(float), slope * one, 0 * one)
    return suggest(shop.bounds(shop.list_price), shop.list_price, shop.cost, demand, steps=46).price


def forest(shop: Shop) -> Ints:
    """The textbook's other way: a forest foresees units from the price and the product, the best of a grid is asked."""
    _, units, x, *_ = shop.log
    level, season = units.mean(1), units.sum(0)

    def rows(price: Floats, week: int) -> Floats:
        count = len(shop.ids)
        own = [price, price / shop.list_price, shop.list_price, shop.cost, shop.group, level]
        return np.column_stack([*own, np.full(count, season[week])])

    weeks = range(x.shape[1])
    table = np.concatenate([rows(np.exp(x[:, week]), week) for week in weeks])
    model = RandomForestRegressor(100, min_samples_leaf=5, n_jobs=2, random_state=0)
    model.fit(table, np.concatenate([units[:, week] for week in weeks]))
    grid = shop.bounds(shop.list_price).grid(19)
    units_at = np.stack([model.predict(rows(column.astype(float), x.shape[1] - 1)) for column in grid.T], axis=1)
    best = (units_at * (grid - shop.cost[:, None])).argmax(1)
    return grid[np.arange(len(grid)), best]


def then(policy: Callable[[Shop], Ints]) -> Callable[[Shop, int], Choice]:
    """Try prices evenly at first, then ask what a policy says, learned anew each week."""

    def choose(shop: Shop, week: int) -> Choice:
        if week < EVEN_WEEKS:
            return ours(shop, week)
        wanted = shop.bounds(shop.price).nearest(policy(shop))
        return still(wanted)

    return choose


def still(price: Ints) -> Choice:
    """A price that no lot drew."""
    return price, np.log(price)


def played(world: World, choose: Callable[[Shop, int], Choice], at_last: Callable[[Shop], Ints]) -> dict[str, float]:
    shop = Shop(world)
    for week in range(WEEKS):
        price, expected = choose(shop, week)
        require_none(_wrong(shop, price, shop.price), shop.ids)
        shop.week(price, expected)
    final = at_last(shop)
    require_none(_wrong(shop, final, shop.list_price), shop.ids)
    alone = ours_alone(shop) if choose is ours else final
    best, found = shop.truth(alone)
    base = shop.truth(shop.list_price)[1]
    shop.diversions = tuple(np.linspace(0, 1, 21))
    (best_price, diversion), before = shop.best(), shop.together(shop.list_price)
    whole = shop.together(best_price) - before
    alone_price = np.rint(shop.list_price * MULTIPLES[shop.curves().argmax(1)]).astype(np.int64)
    return {
        "share": (shop.together(final) - before) / whole,
        "regret": shop.regret,
        "gain": whole / before,
        "share alone": float((found - base).sum() / (best - base).sum()),
        "gain alone": float((best - base).sum() / base.sum()),
        "best alone, together": (shop.together(alone_price) - before) / whole,
        "diversion": diversion,
        "learned diversion": believed(shop).diversion if choose is ours else float("nan"),
        "lines": float(shop.log.lines.sum()),
    }


def _wrong(shop: Shop, price: Ints, present: Ints) -> dict[str, npt.NDArray[np.bool_]]:
    none = np.full(len(price), UNKNOWN)
    return wrong_list_prices(
        RULES, price, present, shop.cost, reference=shop.list_price, week_low=present, week_high=present,
        brand_minimum=none,
    )  # fmt: skip


POLICIES = {
    "ours": (ours, ours_at_last),
    "one elasticity (textbook)": (then(one_elasticity), one_elasticity),
    "forest regression (textbook)": (then(forest), forest),
    "the highest that may be asked": (
        lambda shop, _: still(shop.bounds(shop.list_price).high),
        lambda shop: shop.bounds(shop.list_price).high,
    ),
    "the list price": (
        lambda shop, _: still(shop.list_price),
        lambda shop: shop.list_price,
    ),
}


def main() -> None:
    """Play the shop by each policy."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--customers", type=int, default=50_000)
    asked.add_argument("--seed", type=int, default=11)
    asked.add_argument("--preset", default="gifts")
    said = asked.parse_args()
    world = World(said.preset, customers=said.customers, seed=said.seed, days=WARM_UP + 7 * WEEKS, workers=2)
    for _ in range(WARM_UP):
        world.step()
    found = {}
    for name, (choose, at_last) in POLICIES.items():
        found[name] = played(world, choose, at_last)
        print(name, found[name], file=sys.stderr)
    case = f"simulated shop ({said.preset}), {said.customers // 1000} k customers, seed {said.seed}"
    peers = [name for name in POLICIES if name != "ours"]

    def row(metric: str, better: str, key: str, names: list[str]) -> Row:
        return Row(case, metric, better, found["ours"][key], {name: found[name][key] for name in names})

    save(
        "pricing_simulated",
        [
            row("share of the best list prices' gain in profit, after 12 weeks", "higher", "share", peers[:3]),
            row("regret over 12 weeks of learning, in profit", "lower", "regret", peers),
            row("gain of the best list prices of the corridor, share of profit", "higher", "gain", []),
            row("share of the gain of the best list prices, each changed alone", "higher", "share alone", peers[:3]),
            row("gain of the best list prices, each changed alone, share of profit", "higher", "gain alone", []),
            row("share of the gain that the prices best alone have, set at once", "higher", "best alone, together", []),
            row("diversion learned", "neither", "learned diversion", []),
            row("diversion by which the best prices are found", "neither", "diversion", []),
            row("lines of orders learned from", "higher", "lines", []),
        ],
    )


if __name__ == "__main__":
    main()
