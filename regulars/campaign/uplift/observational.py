"""Logs that no lot drew: estimated propensities, comparable customers, and how much hiding would undo an effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from regulars.campaign.uplift.boosted import ALWAYS
from regulars.campaign.uplift.trial import Floats, Kind, Numbers, Trial
from regulars.errors import NotEnoughError

LEAST_CHANCE = 0.02
"""Below this a customer had next to no chance of an arm: nobody alike was seen under it."""
MOST_WITHOUT = 0.5
FOLDS = 5

WARNING = (
    "These customers were not drawn by lot: who was contacted was chosen, and what chose them may be what makes them "
    "buy. The chances are estimated from what is known of customers; what is not known can be behind all of it. "
    "Trust an experiment more, however small."
)
"""Said in every report on such a log."""


@dataclass(frozen=True)
class Overlap:
    """How comparable the customers of each arm are.

    Attributes
    ----------
    arms : their names.
    least : (arms,) the least chance that a customer had of it.
    effective : (arms,) how many customers its weighted ones are worth (Kish).
    outside : share of customers with next to no chance of some arm, who are left out.
    imbalance : the largest standardised difference of a feature's mean between an arm, weighted, and all; above .1
        the weights do not make them alike.
    """

    arms: tuple[str, ...]
    least: tuple[float, ...]
    effective: tuple[float, ...]
    outside: float
    imbalance: float

    def __str__(self) -> str:
        worth = ", ".join(f"{name} {count:,.0f}" for name, count in zip(self.arms, self.effective, strict=True))
        return (
            f"{self.outside:.1%} of the customers had next to no chance of some arm and are left out; weighted, the "
            f"arms are worth (customers): {worth}; means of features differ by at most {self.imbalance:.2f} standard "
            "deviations (.10 or less is expected)."
        ).replace("%", " %")


def estimated_propensity(features: Floats, arm: Numbers, arms: int) -> Floats:
    """(n, arms) the chance of each arm, by boosted trees that did not know the row.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> often = rng.integers(0, 2, 4000)
    >>> contacted = (rng.random(4000) < np.where(often == 1, 0.8, 0.2)).astype(int)
    >>> chance = estimated_propensity(often[:, None].astype(float), contacted, 2)
    >>> [round(float(chance[often == known, 1].mean()), 1) for known in (0, 1)]
    [0.2, 0.8]
    """
    fold = np.random.default_rng(0).permutation(len(arm)) % FOLDS
    settings = {
        "objective": "multiclass", "num_class": arms, "num_leaves": 8, "learning_rate": 0.05,
        "min_data_in_leaf": 50, **ALWAYS,
    }  # fmt: skip
    found = np.empty((len(arm), arms))
    for held_out in range(FOLDS):
        is_out = fold == held_out
        trees = lgb.train(settings, lgb.Dataset(features[~is_out], arm[~is_out]), 80)
        found[is_out] = np.asarray(trees.predict(features[is_out]))
    return found


def comparable(
    features: Floats, arm: Numbers, chance: Floats, arms: tuple[str, ...]
) -> tuple[npt.NDArray[np.bool_], Overlap]:
    """(n,) which customers can be compared, and how far the others go.

    Raises
    ------
    NotEnoughError
        If half of the customers or more had next to no chance of some arm, or an arm is left with less than 30
        customers' worth of evidence: who was contacted is then too unlike who was not.

    Source
    ------
    Crump, Hotz, Imbens and Mitnik (2009), Dealing with Limited Overlap in Estimation of Average Treatment Effects, for
    leaving out by a bound on the chance.
    """
    inside = chance.min(1) >= LEAST_CHANCE
    weight = np.where(arm[:, None] == np.arange(len(arms)), 1 / np.maximum(chance, 1e-12), 0.0)[inside]
    effective = weight.sum(0) ** 2 / np.maximum((weight**2).sum(0), 1e-12)
    found = Overlap(
        arms, tuple(chance.min(0).tolist()), tuple(effective.tolist()), float(1 - inside.mean()),
        _imbalance(features[inside], weight),
    )  # fmt: skip
    if found.outside >= MOST_WITHOUT or effective.min(initial=np.inf) < 30:
        raise NotEnoughError(
            f"The customers of the arms are too unlike to compare. {found} Contact some customers by lot, and learn "
            "from those."
        )
    return inside, found


def _imbalance(features: Floats, weight: Floats) -> float:
    known = np.where(np.isnan(features), np.nanmean(features, 0, where=~np.isnan(features)), features)
    known = np.nan_to_num(known)
    spread = known.std(0)
    middle = known.mean(0)
    means = (weight.T @ known) / np.maximum(weight.sum(0)[:, None], 1e-12)
    away = np.abs(means - middle)[:, spread > 0] / spread[spread > 0]
    return float(away.max(initial=0.0))


def observed(
    features: npt.ArrayLike,
    arm: npt.ArrayLike,
    outcome: npt.ArrayLike,
    *,
    kind: Kind,
    arms: Sequence[str],
    names: Sequence[str] | None = None,
    costs: npt.ArrayLike | None = None,
    worth: float = 1.0,
) -> tuple[Trial, Overlap]:
    """A trial from a log that no lot drew: chances estimated, customers without their like left out.

    Parameters, errors: see `Trial.of` and `comparable`. What is learned from it carries `WARNING`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> often = rng.integers(0, 2, 4000)
    >>> contacted = (rng.random(4000) < np.where(often == 1, 0.8, 0.2)).astype(int)
    >>> bought = rng.random(4000) < 0.1 + 0.2 * often
    >>> trial, overlap = observed(often[:, None], contacted, bought, kind="binary", arms=["none", "mail"])
    >>> trial.is_estimated, overlap.outside, overlap.imbalance < 0.1
    (True, 0.0, True)
    """
    told = {"kind": kind, "arms": arms, "names": names, "costs": costs, "worth": worth}
    trial = Trial.of(features, arm, outcome, **told)  # type: ignore[arg-type]
    chance = estimated_propensity(trial.features, trial.arm, len(trial.arms))
    inside, found = comparable(trial.features, trial.arm, chance, trial.arms)
    kept = trial.rows(inside)
    # Checked again: an arm may have lost its customers.
    checked = Trial.of(
        kept.features, kept.arm, kept.outcome, propensity=chance[inside], is_estimated=True, **told,  # type: ignore[arg-type]
    )  # fmt: skip
    return checked, found


def e_value(ratio: float) -> float:
    """How strongly something unknown would have to go with both contact and outcome to explain an effect away.

    It would have to multiply the chance of each by so much. 1: nothing is needed; the nearer to 1, the weaker.

    Parameters
    ----------
    ratio : > 0, outcome of the contacted over that of the others; give the interval's end nearer to 1 for how much it
        takes to make the interval hold "no effect", and 1 if it holds it.

    Source
    ------
    VanderWeele and Ding (2017), Sensitivity Analysis in Observational Research: Introducing the E-Value.

    Examples
    --------
    Their example of smoking and lung cancer, and one that protects:

    >>> round(e_value(10.73), 2), round(e_value(0.8), 2), e_value(1.0)
    (20.95, 1.81, 1.0)
    """
    away = max(ratio, 1 / ratio)
    return float(away + np.sqrt(away * (away - 1)))
