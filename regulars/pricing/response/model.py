"""How demand answers prices: elasticities of products, shrunk to their categories, on counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy.stats import norm

from regulars.errors import InputError, NotEnoughError, NotFoundError
from regulars.pricing.response.checking import Floats, Numbers, Words
from regulars.pricing.response.demand import Demand
from regulars.pricing.response.hierarchy import Level, believe
from regulars.pricing.response.surprise import by_instrument, by_series, foreseen
from regulars.pricing.response.verdict import Verdict, judge

Method = Literal["double", "instrument", "plain"]

PRODUCT, PRODUCT_AND_GROUP = "product", "product and group"
CENTRE, VAGUE = -1.0, 4.0
"""First guess of the shop's elasticity: -1, and two wider than anything plausible."""
STEPS = 80
TOLERANCE = 1e-4
LEAST_WEIGHT = 0.1
"""Weight of a first guess of each series' level, the mean of all, in units sold: who never sold has a level, too."""
RIDGE = 1.0
EXCESS_WEEKS = 10.0
"""How wild a series' counts are is taken from all as if so many weeks of it had been seen besides."""
MOST_CHANGE = 1.0


@dataclass(frozen=True)
class Elasticities:
    """By how many percent demand changes when the price rises by one, of each on a level.

    Attributes
    ----------
    names : (m,) as the user knows them.
    value, low, high : (m,) and the ends of the interval that holds 95 %.
    """

    names: tuple[str, ...]
    value: Floats
    low: Floats
    high: Floats

    def of(self, name: str) -> tuple[float, float, float]:
        """Value, low and high of one.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        """
        if name not in self.names:
            raise NotFoundError(f'no "{name}" among the {len(self.names)} of this level, such as {self.names[0]}.')
        at = self.names.index(name)
        return float(self.value[at]), float(self.low[at]), float(self.high[at])


@dataclass(frozen=True)
class Response:
    """What was learned of demand.

    Attributes
    ----------
    method : how prices that followed demand were dealt with.
    levels : name of each level, lowest first -> elasticities.
    control_names, control_effects : (k,) of what else moves demand, in logarithms of units.
    by_share : by how much the elasticity of a product lies above its category's for each standard deviation of its
        share of the category's units.
    dispersion : of the negative binomial; 0 is chance alone.
    spreads : (levels - 1,) standard deviation of elasticities about their group's.
    base : (s,) units a week expected of each series under its last conditions, at `base_price`.
    base_error : (s,) standard error of its logarithm.
    base_price : (s,) the last price.
    verdict : whether the data can tell.
    """

    method: Method
    levels: dict[str, Elasticities]
    control_names: tuple[str, ...]
    control_effects: Floats
    by_share: float
    dispersion: float
    spreads: Floats
    base: Floats
    base_error: Floats
    base_price: Floats
    products: Words
    groups: Words
    categories: Words
    verdict: Verdict

    def elasticities(self, level: str = "product") -> Elasticities:
        """Of "product", "category" or "shop"; of "product and group" where groups were given."""
        if level not in self.levels:
            raise InputError(f'level "{level}"; one of {", ".join(self.levels)} is expected.')
        return self.levels[level]

    def series(self, product: str, group: str = "") -> int:
        """The number of a product's series.

        Raises
        ------
        NotFoundError
            If the model does not know it.
        """
        at = np.flatnonzero((self.products == str(product)) & (self.groups == str(group)))
        if not len(at):
            raise NotFoundError(
                f'the model knows no product "{product}"' + (f' for group "{group}".' if group else ".")
            )
        return int(at[0])

    def units(self, product: str, prices: Floats, group: str = "") -> tuple[Floats, Floats, Floats]:
        """Units a week at each price, under the last conditions, with the interval that holds 95 %.

        The interval is of the mean: how sure the model is of the curve, not where one week's units fall.
        """
        at = self.series(product, group)
        own = self.levels[next(iter(self.levels))]
        if not (np.asarray(prices, np.float64) > 0).all():
            raise InputError(f'product "{product}": prices above 0 are expected.')
        ratio = np.log(np.asarray(prices, np.float64) / self.base_price[at])
        error = (own.high[at] - own.low[at]) / (2 * norm.ppf(0.975))
        middle = np.log(self.base[at]) + own.value[at] * ratio
        wide = norm.ppf(0.975) * np.sqrt(self.base_error[at] ** 2 + (error * ratio) ** 2)
        return np.exp(middle), np.exp(middle - wide), np.exp(middle + wide)


def fit(demand: Demand, method: Method = "double", instrument: Floats | None = None) -> Response:
    """How does demand answer prices, product by product?

    Units are negative binomial. Their logarithm is the series' level, plus its elasticity times the logarithm of its
    price, plus what else moves it: the demand of the weeks before, each week's own effect on the whole shop (season,
    holidays), and the controls. Elasticities of series are normal about their product's, those of products about
    their category's, of categories about the shop's: rare products borrow, and how much is learned.
    A product that most customers of its category take already has few to win: in a logit its elasticity is that of a
    product that nobody knows, times 1 less its share. So elasticities of a category move with the share, as far as the
    data say.

    Prices follow demand, too: sold-out seasons, clearances. `method` says what is done about it.

    - "double": only the part of a price that could not be foreseen counts. Of a price that a lot drew that is what the
      lot added, whatever the policy that set its chances followed. Of others it is what the weeks before, season and
      controls do not foresee (double machine learning, cross-fitted over blocks of time). That part is the price's
      instrument: were it put in the price's place, what it leaves out would draw products of unlike elasticity
      together.
    - "instrument": only what follows from `instrument`, which moved prices and nothing else.
    - "plain": nothing. For prices that were set by chance.

    Look at `verdict` before use: it says whether these data can tell at all.

    Raises
    ------
    NotEnoughError
        If no price ever changed, nothing was sold, or, for "double", there are fewer than 16 weeks and not all prices
        were drawn by lot.
    InputError
        If the instrument is missing or cannot be.

    Source
    ------
    Laplace's approximation of a generalized linear mixed model: Breslow and Clayton (1993), Approximate Inference in
    Generalized Linear Mixed Models. The instrument's score: Chernozhukov and others (2018), Double/Debiased Machine
    Learning, 4.1. Elasticities by share: Train (2009), Discrete Choice Methods with Simulation, 3.6.

    Examples
    --------
    Twenty teas of elasticity -2, their prices set by chance:

    >>> rng = np.random.default_rng(0)
    >>> tea, week = np.repeat(np.arange(20), 30), np.tile(np.arange(30), 20)
    >>> price = rng.uniform(1, 3, 600)
    >>> found = fit(Demand.of(tea, week, rng.poisson(60 * price**-2), price), "plain")
    >>> value, low, high = found.elasticities("shop").of("shop")
    >>> -2.2 < low < value < high < -1.8, found.verdict.can_tell
    (True, True)
    """
    if method not in get_args(Method):
        raise InputError(f'method "{method}"; one of {", ".join(get_args(Method))} is expected.')
    # A first week knows nothing of the weeks before it.
    rows = (demand.stocked > 0) & np.append(False, np.diff(demand.series) == 0)
    known = demand.some(rows)
    if not len(known) or known.units.sum() == 0:
        raise NotEnoughError("no product was sold after its first week, so nothing can be learned of demand.")
    price = by_series(known.log_price, known)
    if np.abs(price).max() < 1e-6:
        raise NotEnoughError(
            "each product has one price in all weeks: nothing can be learned about prices. "
            "Try another price for a while, for some of the products and weeks drawn by chance."
        )
    past = {"demand of the weeks before": np.log1p(demand.recent)}
    moved, strength = price, np.inf
    if method == "double":
        told = np.zeros(len(demand)) if demand.is_drawn.all() else foreseen(demand)
        moved = np.where(known.is_drawn, known.log_price - known.log_expected, price - by_series(told[rows], known))
        # Demand, too, is told of all that foresaw the price: what moves both is in last week's units, less what last
        # week's price did to them. Beside a lot nothing foresees the price; but what last week's did lasts, and against
        # the mean of few weeks a price and the one before it are no strangers.
        past |= {
            "foreseen price": np.where(demand.is_drawn, 0.0, told),
            "units of the week before": demand.shifted(np.log1p(demand.units), -1),
            "price of the week before": demand.shifted(by_series(demand.log_price, demand), -1),
        }
    columns = [by_series(np.nan_to_num(column[rows]), known) for column in (*past.values(), *demand.controls.T)]
    names = [*past, *demand.names]
    if method == "instrument":
        if instrument is None:
            raise InputError('method "instrument" needs `instrument`: what moved prices and nothing else.')
        cause = np.asarray(instrument, np.float64)
        if cause.shape != demand.log_price.shape:
            raise InputError(f"instrument: shape {cause.shape}; one value a row is expected, {demand.log_price.shape}.")
        left, strength = by_instrument(known, cause[rows], np.column_stack(columns))
        names, columns = [*names, "price beside the instrument"], [*columns, left]
    share = known.share
    of_share = (by_series(share[known.series] * each, known) for each in (price, moved))
    search = _Search(known, price, moved, *(np.column_stack([*columns, each]) for each in of_share))
    search.run()
    *effects, by_share = search.effects
    # How well the effect of the share is known, products being what they are besides.
    doubt = 1 / max(float((share**2 * search.information / (1 + search.spreads[0] * search.information)).sum()), 1e-12)
    levels = {}
    for (name, of_level), level in zip(search.level_names, search.levels, strict=True):
        value, variance = level.mean, level.variance
        if name in (PRODUCT, PRODUCT_AND_GROUP):
            of_each = share if len(share) == len(value) else _by_name(share, known.products)
            value, variance = value + by_share * of_each, variance + doubt * of_each**2
        wide = norm.ppf(0.975) * np.sqrt(variance)
        levels[name] = Elasticities(of_level, value, value - wide, value + wide)
    last = np.searchsorted(known.series, np.arange(len(known.products)), side="right") - 1
    ever = np.isin(np.arange(len(known.products)), known.series)
    return Response(
        method, levels, tuple(names), np.array(effects), float(by_share), search.dispersion, np.sqrt(search.spreads),
        np.where(ever, search.expected[np.maximum(last, 0)], np.nan),
        np.where(ever, 1 / np.sqrt(search.weight_of_series + LEAST_WEIGHT), np.nan),
        np.where(ever, np.exp(known.log_price[np.maximum(last, 0)]), np.nan),
        known.products, known.groups, known.categories,
        judge(known, price, moved, search.weight, search.residual, search.levels[-1], search.information, strength),
    )  # fmt: skip


def _by_name(values: Floats, names: Words) -> Floats:
    """(m,) of each name, in their order, its value."""
    found: Floats = values[np.unique(names, return_index=True)[1]]
    return found


class _Search:
    """The parameters, and the steps by which they come to rest.

    Parameters
    ----------
    price, moved : (n,) what moves demand, and the part of it that may tell (its instrument).
    controls, tools : (n, k) what else moves demand, and the instruments of it: itself, but for prices.
    """

    def __init__(self, demand: Demand, price: Floats, moved: Floats, controls: Floats, tools: Floats) -> None:
        self.demand, self.price, self.moved, self.controls, self.tools = demand, price, moved, controls, tools
        self.size, self.open = len(demand.products), np.log(demand.stocked)
        self.weeks, self.week = np.unique(demand.week, return_inverse=True)
        sold = np.bincount(demand.series, demand.units, self.size)
        rows = np.maximum(np.bincount(demand.series, minlength=self.size), 1)
        self.common = float(np.log(demand.units.mean()))
        self.level = np.log((sold + LEAST_WEIGHT * np.exp(self.common)) / (rows + LEAST_WEIGHT))
        self.slope = np.full(self.size, CENTRE)
        self.effects = np.zeros(controls.shape[1])
        self.calendar = np.zeros(len(self.weeks))
        self.dispersion = 0.5
        self.parents, self.level_names = _parents(demand)
        self.spreads = np.zeros(len(self.parents))
        self.levels: list[Level] = []
        self.information = np.zeros(self.size)
        self._look()

    def run(self) -> None:
        """Until nothing moves."""
        for _ in range(STEPS):
            before = np.concatenate([self.slope, self.effects, self.spreads])
            self._prices()
            self._others()
            if np.abs(np.concatenate([self.slope, self.effects, self.spreads]) - before).max() < TOLERANCE:
                break

    def _look(self) -> None:
        demand = self.demand
        inside = (
            self.level[demand.series] + self.slope[demand.series] * self.price + self.controls @ self.effects
            + self.calendar[self.week] + self.open
        )  # fmt: skip
        self.expected: Floats = np.exp(np.clip(inside, -20, 20))
        narrow = 1 + self.dispersion * self.expected
        self.weight = self.expected / narrow
        self.residual = (demand.units - self.expected) / narrow
        self.weight_of_series = np.bincount(demand.series, self.weight, self.size)

    def _prices(self) -> None:
        """Levels and elasticities of all series, and how far these lie apart."""
        series = self.demand.series
        mass = self.weight_of_series + LEAST_WEIGHT
        first = np.bincount(series, self.weight * self.price, self.size)
        tool = np.bincount(series, self.weight * self.moved, self.size) / mass
        pull = np.bincount(series, self.residual, self.size) - LEAST_WEIGHT * (self.level - self.common)
        inside = self.moved - tool[series]
        own = np.bincount(series, self.weight * inside * self.price, self.size)
        score = np.bincount(series, self.residual * self.moved, self.size) - tool * pull
        claimed = self.weight * inside**2
        noise = np.maximum(np.bincount(series, claimed, self.size), 1e-12) * self._excess(inside, claimed)
        self.information = own**2 / noise
        weighted = self.information * self.slope + own * score / noise
        belief = believe(self.information, weighted, self.parents, CENTRE, VAGUE)
        self.levels, self.spreads = belief.levels, belief.spreads
        step = np.clip(self.levels[0].mean - self.slope, -MOST_CHANGE, MOST_CHANGE)
        self.slope = self.slope + step
        self.level = self.level + np.clip((pull - first * step) / mass, -MOST_CHANGE, MOST_CHANGE)
        self._look()

    def _excess(self, inside: Floats, claimed: Floats) -> Floats:
        """(s,) how many times wilder than the model has them counts are: there a price tells less than it claims.

        Some series are wilder than others; few weeks hardly tell which, so each is drawn to all (Smyth, 2004, Linear
        Models and Empirical Bayes Methods for Assessing Differential Expression).
        """
        series = self.demand.series
        whole = max(1.0, float(((inside * self.residual) ** 2).sum()) / max(float(claimed.sum()), 1e-12))
        own = np.bincount(series, self.residual**2 / np.maximum(self.weight, 1e-12), self.size)
        weeks = np.bincount(series, minlength=self.size)
        return np.maximum(1.0, (EXCESS_WEEKS * whole + own) / (EXCESS_WEEKS + weeks))

    def _others(self) -> None:
        """What else moves demand, the calendar, and how wild counts are."""
        weighted = self.tools * self.weight[:, None]
        steep = weighted.T @ self.controls + RIDGE * np.eye(len(self.effects))
        step = np.linalg.solve(steep, self.tools.T @ self.residual - RIDGE * self.effects)
        self.effects = self.effects + np.clip(step, -MOST_CHANGE, MOST_CHANGE)
        self._look()
        pull = np.bincount(self.week, self.residual, len(self.weeks)) - RIDGE * self.calendar
        self.calendar = self.calendar + np.clip(
            pull / (np.bincount(self.week, self.weight, len(self.weeks)) + RIDGE), -MOST_CHANGE, MOST_CHANGE
        )
        self._look()
        calm = 1 / (1 + self.dispersion * self.expected) ** 2
        wild = float((((self.demand.units - self.expected) ** 2 - self.expected) * calm).sum())
        self.dispersion = float(np.clip(wild / max(float((self.expected**2 * calm).sum()), 1e-12), 1e-4, 20.0))
        self._look()


def _parents(demand: Demand) -> tuple[list[Numbers], list[tuple[str, tuple[str, ...]]]]:
    """For each level but the shop the number of each one's group, and each level's name and names."""
    has_groups = bool((demand.groups != "").any())
    current: Words = demand.products
    of_category: Words = demand.categories
    parents: list[Numbers] = []
    named: list[tuple[str, tuple[str, ...]]] = []
    if has_groups:
        both = np.char.add(np.char.add(demand.products, ", "), demand.groups)
        named.append((PRODUCT_AND_GROUP, tuple(both.tolist())))
        current, first, parent = np.unique(demand.products, return_index=True, return_inverse=True)
        of_category = demand.categories[first]
        parents.append(parent.astype(np.int64))
    named.append((PRODUCT, tuple(current.tolist())))
    categories, parent = np.unique(of_category, return_inverse=True)
    if len(categories) > 1:
        parents.append(parent.astype(np.int64))
        named.append(("category", tuple(categories.tolist())))
        parents.append(np.zeros(len(categories), np.int64))
    else:
        parents.append(np.zeros(len(current), np.int64))
    named.append(("shop", ("shop",)))
    return parents, named
