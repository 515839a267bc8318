"""What the orders to come of each customer will earn: by orders times worth, or learned at once; discounted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np

from regulars.churn.btyd.history import Floats
from regulars.churn.growing import Trees
from regulars.errors import NotEnoughError

TREES = Trees("regression", rounds=150, learning_rate=0.05, num_leaves=7, min_data_in_leaf=50)
LEAST_BUYERS = 50
FILE = "margin.txt"
SHARES = {"orders x worth": 0.0, "zero-inflated lognormal": 1.0, "both": 0.5}
"""How much of the value the learned model gives, by the name of the choice."""


@dataclass(frozen=True)
class Value:
    """Margin of the orders within a horizon.

    Two views: the orders expected times what an order of the customer is worth; and a chance of any order times a
    lognormal margin, both learned from all that is known.

    Attributes
    ----------
    choice : which of them, or their mean.
    of_worth : what margin is of worth, over all customers learned from: it holds costs and returns.
    margins : trees of the logarithm of margin, of who orders. half_variance : what the mean lies over the middle.
    of_learned : what came over what these say, over all customers learned from.

    Source
    ------
    Wang, Liu and Miao (2019), A Deep Probabilistic Model for Customer Lifetime Value Prediction, section 3, for the
    zero-inflated lognormal, with boosted trees for the network.
    """

    choice: str
    of_worth: float
    margins: lgb.Booster
    half_variance: float
    of_learned: float

    @classmethod
    def fit(cls, choice: str, features: Floats, risk: Floats, worth: Floats, margin: Floats) -> Value:
        """From customers, and the margin (n,) that came of them.

        Parameters
        ----------
        features : (n, k), NaN where absent.
        risk : (n,) chance of no order, by the churn model.
        worth : (n,) orders expected times worth of one.

        Raises
        ------
        NotEnoughError
            If fewer than 50 customers brought any margin, or all of them together none.
        """
        buys = margin > 0
        if buys.sum() < LEAST_BUYERS or margin.sum() <= 0 or worth.sum() <= 0:
            raise NotEnoughError(
                f"churn: {int(buys.sum())} customers brought a margin, {margin.sum():,.0f} in all; a value needs "
                f"{LEAST_BUYERS} of them, and a total above 0. Look at unit costs in the catalogue and at returns."
            )
        logs = np.log(margin[buys])
        trees = TREES.grow(features[buys], logs)
        half = 0.5 * float(np.var(logs - np.asarray(trees.predict(features[buys]))))
        learned = (1 - risk) * np.exp(np.asarray(trees.predict(features)) + half)
        return cls(choice, float(margin.sum() / worth.sum()), trees, half, float(margin.sum() / learned.sum()))

    def predict(self, features: Floats, risk: Floats, worth: Floats) -> Floats:
        """(n,) margin within the horizon that it was fitted for, not discounted."""
        share = SHARES[self.choice]
        found = (1 - share) * self.of_worth * worth
        if share:
            learned = np.exp(np.asarray(self.margins.predict(features)) + self.half_variance)
            found = found + share * self.of_learned * (1 - risk) * learned
        return np.asarray(found)

    def to_files(self) -> dict[str, bytes]:
        """LightGBM's text."""
        return {FILE: self.margins.model_to_string().encode()}

    def to_json(self) -> dict[str, Any]:
        """All but the trees."""
        return {name: value for name, value in vars(self).items() if name != "margins"}

    @classmethod
    def from_saved(cls, saved: Mapping[str, Any], files: Mapping[str, bytes]) -> Value:
        """From what `to_json` and `to_files` gave."""
        return cls(**saved, margins=lgb.Booster(model_str=files[FILE].decode()))


def discount(days: float, by_year: float) -> float:
    """What money is worth today that comes evenly over so many days, per unit of it.

    >>> discount(365, 0.1).__round__(3), discount(365, 0.0)
    (0.954, 1.0)
    """
    grown = np.log1p(by_year) * days / 365
    return float(-np.expm1(-grown) / grown) if grown else 1.0
