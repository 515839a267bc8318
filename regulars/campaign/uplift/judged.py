"""What a model of effects is worth on customers that it does not know: order, money, and what would undo it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from regulars.campaign.uplift.measures import Ranked, auuc_score, qini_score, targeting
from regulars.campaign.uplift.model import UpliftModel
from regulars.campaign.uplift.observational import WARNING, e_value
from regulars.campaign.uplift.policy import Curve, Difference, Value, difference, gain_curve, usual_policies, value
from regulars.campaign.uplift.scores import doubly_robust_scores, expected_apart
from regulars.campaign.uplift.trial import Floats, Trial
from regulars.errors import InputError

POINTS = 20
"""Budgets at which the curve is told."""


@dataclass(frozen=True)
class Judged:
    """What was found on a trial that the model was not learned from.

    Attributes
    ----------
    qini, auuc : arm -> area, by the formulas of `measures`, on the customers of the arm and of none.
    ranked : arm -> TOC, AUTOC and QINI by doubly robust scores, with intervals.
    values : policy -> money per customer; see `policy.usual_policies`.
    differences : policy -> by how much ours earns more, paired.
    curve : what ours earns within each budget.
    e_values : arm -> of the ratio of outcomes, and of the end of its interval nearer to 1; where propensities were
        estimated alone.
    notes : what a reader must know to not be misled.
    """

    qini: Mapping[str, float]
    auuc: Mapping[str, float]
    ranked: Mapping[str, Ranked]
    values: Mapping[str, Value]
    differences: Mapping[str, Difference]
    curve: Curve
    e_values: Mapping[str, tuple[float, float]]
    notes: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether customers differ by what the model says, for some arm: else it must not choose among them."""
        return any(found.differs for found in self.ranked.values())


def judge(model: UpliftModel, trial: Trial, budget: float | None = None) -> Judged:
    """How good is the model on customers that it does not know?

    Parameters
    ----------
    trial : of other customers, or of a later time, than what was learned from, with the same arms and features.
    budget : money per customer for contacts; None for what pays.

    Raises
    ------
    InputError
        If the arms or features are others than the model's.

    Examples
    --------
    >>> from regulars.campaign.uplift import Trial, fit
    >>> rng = np.random.default_rng(0)
    >>> def world():
    ...     is_moved, arm = rng.integers(0, 2, 3000), rng.integers(0, 2, 3000)
    ...     bought = rng.random(3000) < 0.2 + 0.4 * arm * is_moved
    ...     return Trial.of(is_moved[:, None], arm, bought, kind="binary", costs=[0, 0.1])
    >>> found = judge(fit(world(), ["linear"]), world())
    >>> found.differs, found.differences["everybody: contact"].is_better
    (True, True)
    """
    if trial.arms != model.arms or trial.names != model.names:
        raise InputError(
            f"arms {', '.join(trial.arms)} and {len(trial.names)} features: the model knows "
            f"{', '.join(model.arms)}, and of features {', '.join(model.names)}."
        )
    scores = doubly_robust_scores(trial, expected_apart(trial))
    effects, gain = model.effects(trial.features).mean, model.gain(trial.features)
    qini, auuc, ranked, against = {}, {}, {}, {}
    for arm, name in enumerate(trial.arms[1:], 1):
        two = (trial.arm == 0) | (trial.arm == arm)
        said = (effects[two, arm - 1], trial.arm[two] == arm, trial.outcome[two])
        qini[name], auuc[name] = qini_score(*said), auuc_score(*said)
        effect = scores[:, arm] - scores[:, 0]
        ranked[name] = targeting(effects[:, arm - 1], effect, trial.customers)
        if trial.is_estimated:
            against[name] = _e_values(scores[:, arm], scores[:, 0])
    policies = usual_policies(trial, gain, model.response(trial.features), budget)
    most = float((policies["ours"] @ trial.costs).mean()) if budget is None else budget
    return Judged(
        qini, auuc, ranked,
        {name: value(trial, scores, policy) for name, policy in policies.items()},
        {
            name: difference(trial, scores, policies["ours"], policy)
            for name, policy in policies.items()
            if name != "ours"
        },
        gain_curve(trial, scores, gain, np.linspace(0, most, POINTS + 1)),
        against, _notes(trial, ranked),
    )  # fmt: skip


def _e_values(treated: Floats, alone: Floats) -> tuple[float, float]:
    """Of the ratio of two means, and of the end of its 95 % interval nearer to 1 (delta method, on the logarithm)."""
    first, second = float(treated.mean()), float(alone.mean())
    if first <= 0 or second <= 0:
        return 1.0, 1.0
    ratio = first / second
    error = float(np.std(treated / first - alone / second) / np.sqrt(len(treated)))
    low, high = ratio * np.exp(-1.96 * error), ratio * np.exp(1.96 * error)
    near = 1.0 if low <= 1 <= high else (low if low > 1 else high)
    return e_value(ratio), e_value(float(near))


def _notes(trial: Trial, ranked: Mapping[str, Ranked]) -> tuple[str, ...]:
    notes = [WARNING] if trial.is_estimated else []
    notes += [
        f"Customers do not differ in what {name} does to them, as far as this model can tell: treat them alike."
        for name, found in ranked.items()
        if not found.differs
    ]
    return tuple(notes)
