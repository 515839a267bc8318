"""What a policy earns, from a trial: its value in money with an interval, and paired with that of others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from regulars.campaign.uplift.trial import Floats, Trial
from regulars.errors import InputError


@dataclass(frozen=True)
class Value:
    """Money per customer of a policy, with its 95 % interval.

    Attributes
    ----------
    spent : what it pays for contacts, per customer.
    contacted : share of customers.
    """

    value: float
    low: float
    high: float
    spent: float
    contacted: float


@dataclass(frozen=True)
class Difference:
    """By how much a policy earns more than another on the same customers, with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def is_better(self) -> bool:
        """Whether the whole interval is above 0."""
        return self.low > 0


def earned(trial: Trial, scores: Floats, policy: npt.ArrayLike) -> Floats:
    """(n,) what each customer brings under a policy, costs taken off: unbiased in the mean (AIPW).

    Parameters
    ----------
    scores : (n, arms) doubly robust, of the trial, by models that did not know the rows.
    policy : (n,) the number of each customer's arm, or (n, arms) the chance of each.

    Raises
    ------
    InputError
        If an arm is none of the trial's, or chances do not add to 1.
    """
    chance = _chances(trial, policy)
    found: Floats = (chance * (scores * trial.worth - trial.costs)).sum(1)
    return found


def value(trial: Trial, scores: Floats, policy: npt.ArrayLike) -> Value:
    """Money per customer under a policy. Parameters, errors: see `earned`.

    Source
    ------
    Athey and Wager (2021), Policy Learning with Observational Data, less the costs of arms.

    Examples
    --------
    >>> from regulars.campaign.uplift.scores import doubly_robust_scores
    >>> rng = np.random.default_rng(0)
    >>> arm = rng.integers(0, 2, 20_000)
    >>> bought = rng.random(20_000) < np.where(arm == 1, 0.3, 0.1)
    >>> trial = Trial.of(np.zeros((20_000, 1)), arm, bought, kind="binary", costs=[0, 1], worth=10)
    >>> scores = doubly_robust_scores(trial, np.zeros((20_000, 2)))
    >>> round(value(trial, scores, np.ones(20_000, int)).value, 1)  # .3 x 10 less 1
    2.0
    """
    chance = _chances(trial, policy)
    mean, low, high = _interval(earned(trial, scores, chance), trial.customers)
    return Value(mean, low, high, float((chance @ trial.costs).mean()), float(1 - chance[:, 0].mean()))


def difference(trial: Trial, scores: Floats, policy: npt.ArrayLike, other: npt.ArrayLike) -> Difference:
    """How much more a policy earns per customer than another: paired, so what both share cancels out."""
    gain = earned(trial, scores, policy) - earned(trial, scores, other)
    return Difference(*_interval(gain, trial.customers))


def best_within(gain: Floats, costs: Floats, budget: float) -> npt.NDArray[np.int64]:
    """(n,) the arm of each customer that brings most in all, when contacts may cost so much per customer.

    Customers take the arm with most gain less price times cost; the price of a unit of budget is the lowest at which
    the budget holds, found by bisection, and who is indifferent at it comes in by the order of what they gain.

    Parameters
    ----------
    gain : (n, arms) net money of each arm, that of leaving alone 0.
    costs : (arms,) of each for one customer.
    budget : money per customer that contacts may cost; for a share of customers, give costs of 1.

    Source
    ------
    Sinha and Zoltners (1979), The Multiple-Choice Knapsack Problem: its linear relaxation has such a price.

    Examples
    --------
    >>> gain = np.array([[0, 3.0], [0, 1.0], [0, 2.0], [0, -1.0]])
    >>> best_within(gain, np.array([0.0, 1.0]), budget=0.5).tolist()
    [1, 0, 1, 0]
    """
    paid = costs - costs[0]
    most = budget * len(gain) + 1e-9

    def taken(price: float) -> npt.NDArray[np.int64]:
        found: npt.NDArray[np.int64] = (gain - price * paid).argmax(1)
        return found

    free = taken(0.0)
    if paid[free].sum() <= most:
        return free
    low, high = 0.0, float(np.max(gain[:, 1:] / np.maximum(paid[1:], 1e-12))) + 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if paid[taken(middle)].sum() > most else (low, middle)
    held, more = taken(high), taken(low)
    rows = np.arange(len(gain))
    extra, added = gain[rows, more] - gain[rows, held], paid[more] - paid[held]
    left = most - paid[held].sum()
    order = np.argsort(-extra, kind="stable")
    order = order[(added[order] > 0) & (extra[order] > 0)]
    fits = order[np.cumsum(added[order]) <= left]
    held[fits] = more[fits]
    return held


@dataclass(frozen=True)
class Curve:
    """What a policy earns for every budget.

    Attributes
    ----------
    spent : (b,) per customer.
    value, low, high : (b,) money per customer above contacting nobody.
    random : (b,) the same of contacting as many by the same arms at random.
    """

    spent: Floats
    value: Floats
    low: Floats
    high: Floats
    random: Floats


def gain_curve(trial: Trial, scores: Floats, gain: Floats, budgets: npt.ArrayLike) -> Curve:
    """The gain of the best policy within each budget (money per customer), by a model's net gains (n, arms)."""
    nobody = earned(trial, scores, np.zeros(len(trial), int))
    points = []
    for budget in np.asarray(budgets, np.float64):
        arm = best_within(gain, trial.costs, float(budget))
        mix = np.bincount(arm, minlength=len(trial.arms)) / len(arm)
        chance = np.broadcast_to(mix, (len(arm), len(mix)))
        mean, low, high = _interval(earned(trial, scores, arm) - nobody, trial.customers)
        by_lot = float((earned(trial, scores, chance) - nobody).mean())
        points.append((float(mix @ trial.costs), mean, low, high, by_lot))
    return Curve(*np.array(points).T)


def usual_policies(trial: Trial, gain: Floats, response: Floats, budget: float | None) -> Mapping[str, Floats]:
    """Ours and what it is set beside: name -> (n, arms) chances.

    Parameters
    ----------
    gain : (n, arms) net money of each arm, by the model.
    response : (n,) who is most likely to buy, left alone.
    budget : money per customer; None lets the model spend what pays.

    Returns
    -------
    "ours"; "nobody"; "everybody: ARM" for each; "most likely to buy" and "random" with as many contacts of each arm
    as ours has.
    """
    most = float(trial.costs.max()) if budget is None else budget
    ours = best_within(gain, trial.costs, most)
    arms = len(trial.arms)
    found = {"ours": np.eye(arms)[ours], "nobody": np.eye(arms)[np.zeros(len(trial), int)]}
    found |= {f"everybody: {trial.arms[arm]}": np.eye(arms)[np.full(len(trial), arm)] for arm in range(1, arms)}
    count = int((ours > 0).sum())
    mix = np.bincount(ours, minlength=arms)[1:] / max(count, 1)
    likely = np.eye(arms)[np.zeros(len(trial), int)]
    likely[np.argsort(-response, kind="stable")[:count]] = np.append(0.0, mix)
    found["most likely to buy"] = likely
    found["random"] = np.broadcast_to(np.bincount(ours, minlength=arms) / len(ours), (len(trial), arms))
    return found


def _chances(trial: Trial, policy: npt.ArrayLike) -> Floats:
    said = np.asarray(policy)
    arms = len(trial.arms)
    if said.ndim == 1:
        if len(said) != len(trial) or (said < 0).any() or (said >= arms).any():
            raise InputError(f"policy {said.shape}: for each of {len(trial)} customers an arm, 0 to {arms - 1}.")
        return np.eye(arms)[said.astype(np.int64)]
    if said.shape != (len(trial), arms) or (said < 0).any() or (np.abs(said.sum(1) - 1) > 1e-6).any():
        raise InputError(f"policy {said.shape}: chances ({len(trial)}, {arms}) are expected, adding to 1 in each row.")
    return said.astype(np.float64)


def _interval(each: Floats, customers: npt.NDArray[np.int64]) -> tuple[float, float, float]:
    """The mean with its interval over customers."""
    mean = float(each.mean())
    away = np.bincount(customers, each - mean)
    people = len(np.unique(customers))
    error = float(np.sqrt((away**2).sum() * people / max(people - 1, 1)) / len(each))
    reach = float(stats.t.ppf(0.975, max(people - 1, 1))) * error
    return mean, mean - reach, mean + reach
