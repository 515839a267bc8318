"""What is believed of the demand of a shop's products: how it answers their prices, and where who turns away goes.

Elasticities are those of `pricing.response`, learned from lines of orders. Beside them: how many units a line has at
another price, and how many of those whom a price turns away take another product of the category.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from regulars.errors import NotEnoughError
from regulars.pricing.response import Demand, Elasticities, Response, Verdict, fit
from regulars.pricing.response.checking import filled
from regulars.pricing.suggest.demand import ConstantElasticity

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

LEAST_PRODUCTS = 5
"""So many products must have had two prices."""
LEAST_DEVIATION = 0.01
"""Standard deviation of log prices below which a product had one price."""
DIVERSION = 0.5, 0.25
"""Of the lines that a price loses, others of the category are thought to win so many, before anything was seen; and the
standard error of that."""
LEAST_GROUPS = 3
"""Of fewer categories, a season cannot be told from an answer to their prices."""
LEVEL_WEEKS = 4
KAPPA = 200.0
"""A category's week counts as if so many lines of all categories had been seen in it besides."""
STEEPEST, FLATTEST = -12.0, 4.0


@dataclass(frozen=True)
class Belief:
    """What is believed of products, (n,) each.

    Attributes
    ----------
    mean, error : elasticity of units by price, and its standard error.
    lines : (n,) elasticity of lines alone.
    level : (n,) lines in a week, at the season of the last four weeks.
    log_price : (n,) the last log price, which the level is at.
    quantity : units in a line, (n,).
    common, spread : the elasticity of all, and by how much products differ (standard deviation).
    diversion, diversion_error : of the lines that a higher price loses, the share that goes to others of the category.
    categories : elasticities of units of the groups, by number; of the shop where there is one alone.
    effects : name -> by how much the logarithm of lines moves with what else moves demand (`controls`).
    verdict : whether the data can tell at all.
    """

    mean: Floats
    error: Floats
    lines: Floats
    level: Floats
    log_price: Floats
    quantity: Floats
    common: float
    spread: float
    diversion: float
    diversion_error: float
    categories: Elasticities
    effects: Mapping[str, float]
    verdict: Verdict

    @property
    def demand(self) -> ConstantElasticity:
        """Demand in a week, each product for itself; prices are those whose logarithms were learned from."""
        return ConstantElasticity(self.level * self.quantity, np.exp(self.log_price), self.mean, self.error)

    def demand_among(self, price: Floats | Numbers, cost: Floats | Numbers, group: Numbers) -> ConstantElasticity:
        """The same, with what others of the category earn by the customers whom a price turns away; see `kept`.

        Parameters
        ----------
        price, cost : (n,) in the smallest coin; cost -1 where it is not known.
        group : (n,) number of each product's category.
        """
        held = kept(self.level, self.quantity, self.diversion, price, cost, group)
        return replace(self.demand, kept=held, line_elasticity=self.lines)


def kept(
    lines: Floats, quantity: Floats, diversion: float, price: Floats | Numbers, cost: Floats | Numbers, group: Numbers,
    lifetime_weight: float = 0.0,
) -> Floats:  # fmt: skip
    """(n,) what others of its category would earn in a week if nobody bought a product: so many turn to them.

    A line of another product earns what lines of the category earn in the mean. Who turns to none does not come back as
    often: what that loses is taken off, `lifetime_weight` times the margin of a line for each.

    >>> one = np.ones(2)
    >>> kept(np.array([10.0, 10.0]), one, 0.5, np.array([8.0, 6.0]), 4 * one, np.zeros(2, int))
    array([15., 15.])
    >>> kept(np.array([10.0, 10.0]), one, 0.5, np.array([8.0, 6.0]), 4 * one, np.zeros(2, int), lifetime_weight=0.5)
    array([7.5, 7.5])
    """
    known = cost >= 0
    margin = np.where(known, (price - cost) * quantity, 0.0)
    weight = np.where(known, np.maximum(lines, 1e-9), 0.0)
    count = int(group.max(initial=0)) + 1
    mean = np.bincount(group, weight * margin, count) / np.maximum(np.bincount(group, weight, count), 1e-12)
    return lines * (diversion - lifetime_weight * (1 - diversion)) * mean[group]


def believe(
    lines: Floats,
    units: Floats,
    log_price: Floats,
    group: Numbers,
    *,
    expected: Floats | None = None,
    stocked: Floats | None = None,
    controls: Mapping[str, Floats] | None = None,
) -> Belief:
    """How demand for each product answers its price, from weeks of all of them.

    Parameters
    ----------
    lines, units : (n, w) lines of orders and units, by product and week.
    log_price : (n, w) logarithm of the price that held.
    group : (n,) number of each product's category.
    expected : (n, w) mean of the logarithm of the price, over the chances with which it was drawn; NaN where it was not
        drawn. Of those, the part counts that past demand and season did not foresee; see `response.fit`.
    stocked : (n, w) share of the week in which there was any to sell, 0 to 1; by default all of it.
    controls : name -> (n, w) what else moves demand, such as promotions; NaN where not known.

    Raises
    ------
    NotEnoughError
        If hardly any product had two prices: from one price nothing can be learned.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.choice([-0.1, 0.1], (300, 20))
    >>> lines = rng.poisson(20 * np.exp(-2 * x)).astype(float)
    >>> found = believe(lines, lines, x, np.zeros(300, int), expected=0 * x)
    >>> round(found.common, 1), bool(found.spread < 0.5)
    (-2.0, True)
    """
    lot = np.full(log_price.shape, np.nan) if expected is None else expected
    there = np.ones(lines.shape) if stocked is None else stocked
    total = lines.sum(1)
    tried = int(((total > 0) & (log_price.std(axis=1) > LEAST_DEVIATION)).sum())
    if tried < LEAST_PRODUCTS:
        raise NotEnoughError(
            f"pricing: {tried} products were sold at two prices or more in {lines.shape[1]} weeks; at least "
            f"{LEAST_PRODUCTS} are needed. From one price nothing can be learned: let prices differ by lot, regulars "
            "pricing explore"
        )
    response = fit(_weeks(lines, log_price, group, lot=lot, stocked=there, controls=controls))
    own, effects = (
        response.elasticities("product"),
        dict(zip(response.control_names, response.control_effects.tolist(), strict=True)),
    )
    answer = np.clip(own.value, STEEPEST, FLATTEST)
    size = np.divide(units.sum(1), total, out=np.ones(len(total)), where=total > 0)
    mean = log_price.mean(1, keepdims=True)
    moved = np.where(np.isnan(lot), log_price - mean, log_price - lot)
    slope = _quantity(lines, units, moved, size)
    common = float(response.elasticities("shop").value[0])
    diversion, error = _diversion(lines, log_price, lot, group, common)
    season = _season(lines * np.exp(-common * (log_price - mean)), group)
    flat = np.where(there > 0, lines * np.exp(-answer[:, None] * (log_price - log_price[:, -1:])), 0.0)
    return Belief(
        mean=np.clip(answer + slope, STEEPEST, FLATTEST),
        error=(own.high - own.low) / (2 * norm.ppf(0.975)),
        lines=answer,
        level=flat.sum(1) / np.maximum((season * there).sum(1), 1e-9) * season[:, -LEVEL_WEEKS:].mean(1),
        log_price=log_price[:, -1],
        quantity=size,
        common=common + float((slope * total).sum() / total.sum()),
        spread=float(np.sqrt((response.spreads**2).sum())),
        diversion=diversion,
        diversion_error=error,
        categories=_by_category(
            response, np.bincount(group, slope * total) / np.maximum(np.bincount(group, total), 1e-9)
        ),
        effects={name: effects[name] for name in controls or {}},
        verdict=response.verdict,
    )


def _weeks(
    lines: Floats,
    log_price: Floats,
    group: Numbers,
    *,
    lot: Floats | None = None,
    stocked: Floats | None = None,
    controls: Mapping[str, Floats] | None = None,
) -> Demand:
    count, weeks = lines.shape
    ids, series, others = np.arange(count).astype(str), np.repeat(np.arange(count), weeks), controls or {}
    return Demand(
        series=series,
        week=np.tile(np.arange(weeks), count),
        units=lines.ravel(),
        log_price=log_price.ravel(),
        controls=np.column_stack([filled(column.ravel(), series) for column in others.values()])
        if others
        else np.zeros((count * weeks, 0)),
        names=tuple(others),
        stocked=np.ones(count * weeks) if stocked is None else stocked.ravel(),
        log_expected=np.full(count * weeks, np.nan) if lot is None else lot.ravel(),
        products=ids,
        groups=np.full(count, ""),
        categories=group.astype(str),
    )


def _by_category(response: Response, slope: Floats) -> Elasticities:
    """Of units: those of lines, and by how much a line of each category (g,) is smaller at a higher price."""
    if "category" not in response.levels:
        shop = response.elasticities("shop")
        return Elasticities(("0",), shop.value + slope[:1], shop.low + slope[:1], shop.high + slope[:1])
    lines = response.elasticities("category")
    more = slope[np.array(lines.names).astype(int)]
    return Elasticities(lines.names, lines.value + more, lines.low + more, lines.high + more)


def _diversion(lines: Floats, log_price: Floats, lot: Floats, group: Numbers, common: float) -> tuple[float, float]:
    """Of the lines that a product loses by its price, the share that others of its category win; and its error.

    Where all prices of a category move together, only those are lost that the category loses. So the lines of a
    category answer the mean of its prices by (1 - diversion) of what a product's own answer is; and that mean, too,
    moves by lot.
    """
    found, error = DIVERSION
    if len(np.unique(group)) < LEAST_GROUPS or common >= -0.1:
        return found, error
    total = lines.sum(1)
    count = int(group.max()) + 1
    share = total / np.maximum(np.bincount(group, total, count), 1e-12)[group]

    def summed(values: Floats) -> Floats:
        of_group = np.zeros((count, lines.shape[1]))
        np.add.at(of_group, group, values)
        return of_group

    # A price that no lot drew tells nothing here: its category mates moved with it for the same reasons.
    drawn = np.where(np.isnan(lot), 0.0, log_price - lot)
    parts = lines, share[:, None] * drawn, share[:, None] * (log_price - drawn)
    all_lines, by_lot, by_policy = (summed(part) for part in parts)
    if not by_lot.any():
        return found, error
    sold = all_lines.sum(1) > 0
    # What a week had for all categories alike is taken out: they are one group here. What the policy did to a
    # category's mean price is much more than what lots did; it stands beside, for it followed demand.
    alike = np.zeros(int(sold.sum()), np.int64)
    together = fit(_weeks(all_lines[sold], by_lot[sold], alike, controls={"policy": by_policy[sold]}), "plain")
    value, low, high = together.elasticities("shop").of("shop")
    seen, noise = 1 - value / common, (high - low) / (2 * norm.ppf(0.975)) / -common
    weight = 1 / noise**2 + 1 / error**2
    found = (seen / noise**2 + found / error**2) / weight
    return float(np.clip(found, 0.0, 0.95)), float(weight**-0.5)


def _season(lines: Floats, group: Numbers) -> Floats:
    """(n, w) times as much as in the mean that each product's category sold in each week."""
    whole = lines.sum(0) / max(lines.sum(), 1e-9)
    by_group = np.zeros((int(group.max(initial=0)) + 1, lines.shape[1]))
    np.add.at(by_group, group, lines)
    share = (by_group + KAPPA * whole) / (by_group.sum(1, keepdims=True) + KAPPA)
    found: Floats = np.maximum(share * lines.shape[1], 1e-6)[group]
    return found


def _quantity(lines: Floats, units: Floats, x: Floats, size: Floats) -> Floats:
    """(n,) by how much the logarithm of units in a line moves with that of the price: a + b / mean units in a line."""
    some = (lines > 0) & (units > 0)
    weight = np.where(some, lines, 0.0)
    log_size = np.log(np.where(some, units / np.where(some, lines, 1.0), 1.0))
    whole = np.maximum(weight.sum(1, keepdims=True), 1e-9)
    off = x - (weight * x).sum(1, keepdims=True) / whole
    rest = log_size - (weight * log_size).sum(1, keepdims=True) / whole
    flat, root = off.ravel(), np.sqrt(weight.ravel())
    table = np.column_stack([flat, (off / size[:, None]).ravel()]) * root[:, None]
    target = rest.ravel() * root
    square = table.T @ table
    noise = float(target @ target) / max(int(some.sum()) - len(size), 1)
    # Both drawn to 0 by a normal of deviation 1: where prices hardly moved, units in a line say nothing of them.
    line = np.linalg.solve(square + (noise + 1e-9 * (1 + np.trace(square))) * np.eye(2), table.T @ target)
    found: Floats = line[0] + line[1] / size
    return found
