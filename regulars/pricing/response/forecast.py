"""How much of each product will be sold in the next weeks, at the prices that it will have?"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from regulars.errors import InputError, NotEnoughError
from regulars.pricing.response.checking import Flags, Floats
from regulars.pricing.response.demand import Demand
from regulars.pricing.response.model import Response

HORIZON_WEEKS = 4
WINDOWS = (1, 2, 4, 8, 13, 26)
LEVELS = ((4,), (4, 13))
"""Windows whose geometric mean is a level of demand, one for each forecast of the middle."""
ON_SALE_WEEKS = 8
"""A product that was not sold for so long teaches nothing of the next weeks."""
MOST_ORIGINS = 8
JUDGED_ORIGINS = 2
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
ROUNDS = 150
TREES = {
    "num_leaves": 15,
    "learning_rate": 0.05,
    "min_data_in_leaf": 50,
    "feature_fraction": 0.7,
    "verbose": -1,
    # The same data must give the same model, byte for byte.
    "seed": 0,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
}


@dataclass(frozen=True)
class _Asked:
    """All products as of one week: what is known of them, and their demand at the price asked about."""

    inputs: Floats
    levels: tuple[Floats, ...]


@dataclass(frozen=True)
class DemandForecast:
    """Units a week over the next four weeks, by product and price.

    Demand is a level, from what was sold lately, times what the elasticity says of the asked price; trees then say how
    far such a product usually ends up from that, some by its middle (few large orders move it little), some by its
    mean. Their share is chosen on the last past weeks.

    Attributes
    ----------
    response : whose elasticities are used.
    middle : trees for the middle, one for each of `LEVELS`. mean : trees for the mean.
    share : of the mean in the forecast.
    tried : share -> error (WMAPE) on the last past weeks.
    """

    response: Response
    middle: tuple[lgb.Booster, ...]
    mean: lgb.Booster
    share: float
    tried: dict[float, float]

    @classmethod
    def fit(cls, demand: Demand, response: Response) -> DemandForecast:
        """From the past weeks of demand, four by four.

        Raises
        ------
        NotEnoughError
            If there are fewer than 24 weeks: some to look back on, some to learn from, some to choose by.
        """
        units, price = _by_week(demand)
        weeks = units.shape[1]
        least = HORIZON_WEEKS * (JUDGED_ORIGINS + 4)
        if weeks < least:
            raise NotEnoughError(f"{weeks} weeks; at least {least} are needed to learn a forecast and to judge it.")
        ends = range(
            weeks - HORIZON_WEEKS, max(2 * HORIZON_WEEKS, weeks - HORIZON_WEEKS * (MOST_ORIGINS + 1)), -HORIZON_WEEKS
        )
        parts, came = [], []
        for end in ends:
            ahead = slice(end, end + HORIZON_WEEKS)
            told = _asked(units[:, :end], price[:, :end], price[:, ahead].mean(1), response)
            on_sale = _on_sale(units[:, :end])
            parts.append(_Asked(told.inputs[on_sale], tuple(level[on_sale] for level in told.levels)))
            came.append(units[on_sale, ahead].mean(1))
        wrong, total = np.zeros(len(SHARES)), 0.0
        for number in range(JUDGED_ORIGINS):
            middle, mean = _grow(parts[number + 1 :], came[number + 1 :])
            said = [_said(middle, mean, parts[number], share) for share in SHARES]
            wrong += [float(np.abs(each - came[number]).sum()) for each in said]
            total += float(came[number].sum())
        middle, mean = _grow(parts, came)
        errors = dict(zip(SHARES, (wrong / max(total, 1e-12)).tolist(), strict=True))
        return cls(response, middle, mean, SHARES[int(np.argmin(wrong))], errors)

    def predict(self, demand: Demand, prices: Floats) -> Floats:
        """(s,) units a week of each series over the four weeks after the demand.

        Parameters
        ----------
        demand : the weeks until now, of the same series.
        prices : (s,) float, > 0, the price that each will have; NaN for its last.

        Raises
        ------
        InputError
            If a price is not above 0, or there is not one for each series.
        """
        units, price = _by_week(demand)
        asked = np.asarray(prices, np.float64)
        if asked.shape != demand.products.shape:
            raise InputError(f"prices: shape {asked.shape}; one for each series is expected, {demand.products.shape}.")
        if (asked <= 0).any():
            at = int(np.argmax(asked <= 0))
            raise InputError(f'product "{demand.products[at]}": price {asked[at]:g}; a price above 0 is expected.')
        ahead = np.where(np.isnan(asked), price[:, -1], np.log(asked))
        found = np.full(len(asked), np.nan)
        known = ~np.isnan(price[:, -1])
        told = _asked(units, price, ahead, self.response)
        some = _Asked(told.inputs[known], tuple(level[known] for level in told.levels))
        found[known] = _said(self.middle, self.mean, some, self.share)
        return found


def _by_week(demand: Demand) -> tuple[Floats, Floats]:
    """(s, weeks) units, 0 where there is no row; and log prices, the last known, NaN before the first."""
    first, last = int(demand.week.min()), int(demand.week.max())
    shape = len(demand.products), last - first + 1
    units, price = np.zeros(shape), np.full(shape, np.nan)
    units[demand.series, demand.week - first] = demand.units
    price[demand.series, demand.week - first] = demand.log_price
    for week in range(1, shape[1]):
        price[:, week] = np.where(np.isnan(price[:, week]), price[:, week - 1], price[:, week])
    return units, price


def _on_sale(units: Floats) -> Flags:
    found: Flags = units[:, -ON_SALE_WEEKS:].sum(1) > 0
    return found


def _asked(units: Floats, price: Floats, ahead: Floats, response: Response) -> _Asked:
    """As of the end of the weeks given, at log prices `ahead` (s,)."""
    weeks = units.shape[1]
    recent = {window: units[:, -window:].mean(1) for window in WINDOWS}
    with warnings.catch_warnings():
        # Of a product that had no price yet there is no mean; its rows are not used.
        warnings.simplefilter("ignore", RuntimeWarning)
        usual = np.nanmean(price[:, -HORIZON_WEEKS:], axis=1)
    # The elasticity of series, in the order of the demand: the lowest level.
    slope = response.levels[next(iter(response.levels))].value
    by_price = slope * (ahead - usual)
    ever = units > 0
    shop = units[:, -HORIZON_WEEKS:].sum() / max(units[:, -2 * HORIZON_WEEKS : -HORIZON_WEEKS].sum(), 1e-12)
    inputs = np.column_stack([
        *(np.log1p(level) for level in recent.values()), np.log1p(units[:, -HORIZON_WEEKS:].max(1)),
        np.log1p(np.median(units[:, -ON_SALE_WEEKS:], axis=1)), ever[:, -13:].mean(1),
        weeks - np.argmax(~np.isnan(price), axis=1), np.where(ever.any(1), np.argmax(ever[:, ::-1], axis=1), weeks),
        price[:, -1], ahead - price[:, -1], by_price, np.full(len(units), np.log(max(shop, 1e-12))),
    ])  # fmt: skip
    levels = tuple(
        np.exp(np.mean([np.log1p(recent[window]) for window in windows], axis=0) + by_price) for windows in LEVELS
    )
    return _Asked(inputs, levels)


def _grow(parts: list[_Asked], came: list[Floats]) -> tuple[tuple[lgb.Booster, ...], lgb.Booster]:
    inputs, target = np.concatenate([part.inputs for part in parts]), np.concatenate(came)
    levels = [np.concatenate(each) for each in zip(*(part.levels for part in parts), strict=True)]
    # A ratio missed by so much costs as many units as the level is high.
    middle = tuple(
        lgb.train(
            {**TREES, "objective": "l1"}, lgb.Dataset(inputs, np.log1p(target) - np.log(level), weight=level), ROUNDS
        )
        for level in levels
    )
    mean = lgb.train(
        {**TREES, "objective": "poisson"}, lgb.Dataset(inputs, target, init_score=np.log(levels[0])), ROUNDS
    )
    return middle, mean


def _said(middle: tuple[lgb.Booster, ...], mean: lgb.Booster, asked: _Asked, share: float) -> Floats:
    by_middle = np.mean(
        [
            np.maximum(level * np.exp(np.asarray(trees.predict(asked.inputs))) - 1, 0)
            for trees, level in zip(middle, asked.levels, strict=True)
        ],
        axis=0,
    )
    by_mean = asked.levels[0] * np.exp(np.asarray(mean.predict(asked.inputs, raw_score=True)))
    found: Floats = (1 - share) * by_middle + share * by_mean
    return found
