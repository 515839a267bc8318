"""How do sales answer prices? From the part of each price that was drawn by lot, and from what alike products did.

A price that a policy chose tells of the past by which it chose. What of it was drawn by lot,

    z_it = x_it - E[x_it | all before],     x = log price,

tells of nothing but itself. At the true elasticity e, the lines y that were bought, brought back to one price, have
nothing to do with it, however demand drifts, whatever season it is, and whatever a low price does to later weeks:

    E[ sum over t of  z_it (y_it exp(-e x_it) - m_it) ] = 0        for any m_it known before

(g-estimation: Robins, Mark and Newey, 1992, Estimating Exposure Effects by Modelling the Expectation of Exposure). m_it
is what the product sold before, at its category's season: it takes noise away. Where no lot was logged, the mean price
of the product stands for what was expected.

One product's own sales say little of its elasticity: it is drawn to what a line through what is known of all products
foresees for it (its price, how often it is bought, how many at once, its category), as far as products differ from that
line no more than chance would make them (Raudenbush and Bryk, 1985; Paule and Mandel, 1982).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from regulars.errors import NotEnoughError
from regulars.pricing.suggest.demand import ConstantElasticity

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

LEAST_PRODUCTS = 5
"""So many products must have had two prices."""
LEAST_VARIANCE = 1e-4
"""Variance of log prices below which a product had one price: 1 % apart."""
LEAST_SPREAD = 0.2
"""Products are thought to differ by at least so much: a few weeks cannot show that they do not."""
STEPS = 30
DIVERSION = 0.5, 0.25
"""Of the lines that a price loses, others of the category are thought to win so many, before anything was seen; and the
standard error of that."""
LEAST_GROUPS = 3
"""Of fewer categories, a season cannot be told from an answer to their prices."""
FADES, KEPT = 0.7, 1.0
"""What a week's sales weigh for the level falls by so much each week; the mean of all counts as so many weeks."""
KAPPA = 200.0
"""A category's week counts as if so many lines of all categories had been seen in it besides."""
STEEPEST, FLATTEST = -12.0, 4.0
TRUST = 0.3
"""By how much elasticities are thought to move with one standard deviation of what is known of products."""


@dataclass(frozen=True)
class Elasticities:
    """What is believed of products, (n,) each.

    Attributes
    ----------
    mean, error : of units by price, both as logarithms.
    level : (n,) lines in a week, at the season of the last four weeks.
    log_price : (n,) the last log price, which the level is at.
    quantity : units in a line, (n,).
    common, spread : the elasticity of all, and by how much products differ (standard deviation).
    quantity_elasticity : (n,) of units in a line: that of what is bought one at a time is its own.
    lines : (n,) elasticity of lines alone.
    diversion, diversion_error : of the lines that a higher price loses, the share that goes to others of the category.
    dispersion : variance of lines over their mean; 1 is Poisson.
    informed : how many products had two prices.
    """

    mean: Floats
    error: Floats
    level: Floats
    log_price: Floats
    quantity: Floats
    common: float
    spread: float
    quantity_elasticity: Floats
    lines: Floats
    diversion: float
    diversion_error: float
    dispersion: float
    informed: int

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
    lines: Floats, quantity: Floats, diversion: float, price: Floats | Numbers, cost: Floats | Numbers, group: Numbers
) -> Floats:
    """(n,) what others of its category would earn in a week if nobody bought a product: so many turn to them.

    A line of another product earns what lines of the category earn in the mean.

    >>> one = np.ones(2)
    >>> kept(np.array([10.0, 10.0]), one, 0.5, np.array([8.0, 6.0]), 4 * one, np.zeros(2, int))
    array([15., 15.])
    """
    known = cost >= 0
    margin = np.where(known, (price - cost) * quantity, 0.0)
    weight = np.where(known, np.maximum(lines, 1e-9), 0.0)
    count = int(group.max(initial=0)) + 1
    mean = np.bincount(group, weight * margin, count) / np.maximum(np.bincount(group, weight, count), 1e-12)
    return lines * diversion * mean[group]


def learn_elasticities(
    lines: Floats, units: Floats, log_price: Floats, group: Numbers, *, expected: Floats | None = None,
    variance: Floats | None = None,
) -> Elasticities:  # fmt: skip
    """Elasticities of products.

    Without `expected`, prices are assumed to have moved for reasons that have nothing to do with demand in that week.
    Where they were cut because nobody bought, what is found is too small.

    Parameters
    ----------
    lines, units : (n, w) lines of orders and units, by product and week.
    log_price : (n, w) logarithm of the price that held.
    group : (n,) number of each product's category.
    expected, variance : (n, w) mean and variance of the logarithm of the price, over the chances with which it was
        drawn; NaN where it was not drawn.

    Raises
    ------
    NotEnoughError
        If hardly any product had two prices: from one price nothing can be learned.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.choice([-0.1, 0.1], (300, 20))
    >>> lines = rng.poisson(20 * np.exp(-2 * x)).astype(float)
    >>> found = learn_elasticities(lines, lines, x, np.zeros(300, int), expected=0 * x, variance=0 * x + 0.01)
    >>> round(found.common, 1), bool(found.spread < 0.5)
    (-2.0, True)
    """
    total = lines.sum(1)
    mean = log_price.mean(1, keepdims=True)
    x = log_price - mean
    lot = np.zeros_like(x) if expected is None else np.nan_to_num(expected - mean)
    z = x - lot
    spread = z**2 if variance is None else np.where(np.isnan(variance), z**2, variance)
    useful = (total > 0) & (spread.mean(1) > LEAST_VARIANCE)
    if useful.sum() < LEAST_PRODUCTS:
        raise NotEnoughError(
            f"pricing: {int(useful.sum())} products were sold at two prices or more in {lines.shape[1]} weeks; at "
            f"least {LEAST_PRODUCTS} are needed. From one price nothing can be learned: let prices differ by lot, "
            "regulars pricing explore"
        )
    common = 0.0
    for _ in range(STEPS):
        moment, information, dispersion = _moments(lines, x, z, spread, group, common)
        step = float(moment[useful].sum() / information[useful].sum())
        common = float(np.clip(common + np.clip(step, -1.0, 1.0), STEEPEST, FLATTEST))
        if abs(step) < 1e-4:
            break
    # Each product's own, by one step from the common one: with few sales a full fit would run away.
    precision = np.where(useful, information / dispersion, 0.0)
    own = common + np.divide(moment, information, out=np.zeros(len(moment)), where=useful)
    size = np.divide(units.sum(1), total, out=np.ones(len(total)), where=total > 0)
    line, between = _foreseen(own, precision, _about(total, size, log_price, group))
    apart = max(between, LEAST_SPREAD**2)
    held = 1 / (precision + 1 / apart)
    posterior = held * (precision * own + line / apart)
    slope = _quantity(lines, units, z, size)
    diversion, diversion_error = _diversion(lines, x, z, spread, group, common)
    season = _season(lines * np.exp(-common * x), group)
    flat = lines * np.exp(-posterior[:, None] * (log_price - log_price[:, -1:]))
    return Elasticities(
        mean=np.clip(posterior + slope, STEEPEST, FLATTEST),
        error=np.sqrt(held),
        level=flat.sum(1) / np.maximum(season.sum(1), 1e-9) * season[:, -4:].mean(1),
        log_price=log_price[:, -1],
        quantity=size,
        common=common + float((slope * total).sum() / total.sum()),
        spread=float(np.sqrt(between)),
        quantity_elasticity=slope,
        lines=np.clip(posterior, STEEPEST, FLATTEST),
        diversion=diversion,
        diversion_error=diversion_error,
        dispersion=dispersion,
        informed=int(useful.sum()),
    )


def _diversion(
    lines: Floats, x: Floats, z: Floats, spread: Floats, group: Numbers, common: float
) -> tuple[float, float]:
    """Of the lines that a product loses by its price, the share that others of its category win; and its error.

    Where all prices of a category move together, only those are lost that the category loses. So the lines of a
    category answer the mean of its prices by (1 - diversion) of what a product's own answer is; and that mean, too,
    moves by lot.
    """
    count = int(group.max(initial=0)) + 1
    found, error = DIVERSION
    if count < LEAST_GROUPS or common >= -0.1:
        return found, error
    total = lines.sum(1)
    share = total / np.maximum(np.bincount(group, total, count), 1e-12)[group]

    def summed(values: Floats) -> Floats:
        of_group = np.zeros((count, lines.shape[1]))
        np.add.at(of_group, group, values)
        return of_group

    all_lines, moved, by_lot = summed(lines), summed(share[:, None] * x), summed(share[:, None] * z)
    varied = summed(share[:, None] ** 2 * spread)
    # What a week had for all categories alike is taken out: they are one group here.
    same, e = np.zeros(count, np.int64), common
    for _ in range(STEPS):
        moment, information, dispersion = _moments(all_lines, moved, by_lot, varied, same, e)
        step = float(moment.sum() / information.sum())
        e = float(np.clip(e + np.clip(step, -1.0, 1.0), STEEPEST, FLATTEST))
        if abs(step) < 1e-4:
            break
    seen, noise = 1 - e / common, float(np.sqrt(dispersion / information.sum())) / -common
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


def _moments(
    lines: Floats, x: Floats, z: Floats, spread: Floats, group: Numbers, e: float
) -> tuple[Floats, Floats, float]:
    """(n,) the moment of each product at an elasticity, by how much it falls with that, and the dispersion of lines."""
    flat = lines * np.exp(-e * x)
    season = _season(flat, group)
    whole = flat.sum(1) / season.sum(1)
    m = np.empty_like(flat)
    sold, could = np.zeros(len(flat)), np.zeros(len(flat))
    for week in range(flat.shape[1]):
        m[:, week] = season[:, week] * (sold + KEPT * whole) / (could + KEPT)
        sold, could = FADES * (sold + flat[:, week]), FADES * (could + season[:, week])
    moment = (z * (flat - m)).sum(1)
    information = (spread * m).sum(1)
    # The variance of a line's count is told by the rest: what varies is y exp(-e x), around m.
    some = m > 1e-9
    noise = float(((flat - m) ** 2)[some].sum() / (m * np.exp(-e * x))[some].sum())
    return moment, np.maximum(information, 1e-12), max(noise, 1.0)


def _about(total: Floats, size: Floats, log_price: Floats, group: Numbers) -> Floats:
    """(n, c) what is known of products, in standard deviations: price, how often and how many are bought, category."""
    columns = [log_price.mean(1), np.log(total + 1.0), np.log(size), 1 / size]
    count = int(group.max(initial=0)) + 1
    columns += [(group == one).astype(float) for one in range(count)] if count > 1 else []
    table = np.column_stack(columns)
    deviation = table.std(0)
    found: Floats = (table - table.mean(0)) / np.where(deviation > 1e-9, deviation, 1.0)
    return found


def _foreseen(own: Floats, precision: Floats, about: Floats) -> tuple[Floats, float]:
    """(n,) what a line foresees for each product, and the variance of products around it."""
    table = np.column_stack([np.ones(len(own)), about])
    some = precision > 0
    # Slopes are drawn to 0: with few products, columns would else explain what is chance.
    ridge = np.diag([0.0] + [1 / TRUST**2] * about.shape[1])
    between, line = 0.0, np.zeros(table.shape[1])
    for _ in range(20):
        weight = np.where(some, 1 / (1 / np.where(some, precision, 1.0) + between), 0.0)
        square = table.T @ (weight[:, None] * table) + ridge
        line = np.linalg.solve(square, table.T @ (weight * own))
        rest = own - table @ line
        # Paule and Mandel: what is left, weighed, is as much as there are products less columns.
        left = float((weight * rest**2).sum()) - (
            int(some.sum()) - float(np.trace(np.linalg.solve(square, square - ridge)))
        )
        slope = float((weight**2 * rest**2).sum())
        step = left / slope if slope > 0 else 0.0
        new = max(between + step, 0.0)
        if abs(new - between) < 1e-6:
            break
        between = new
    return table @ line, between


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
