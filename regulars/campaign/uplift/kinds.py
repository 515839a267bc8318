"""Two kinds of customers by how they answer messages, and with which chance each customer is of the livelier kind.

Who opens and clicks tells whom messages move, with far less noise than what is bought. A few messages tell little of
one customer, though many tell how much the kinds differ, and what else is known of a customer tells which kind it
likely is. How all that is to be weighed is learned from what the same customers answered later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from regulars.campaign.uplift.trial import Floats, Numbers, Trial

ANSWERS = ("sent", "opened", "clicked")
"""Counts of earlier contacts by an arm, as columns are named: "ARM: sent"."""
ROUNDS = 30
STEPS = 12
PENALTY = 20.0
"""As from so many messages that say nothing: by it weights are drawn to none."""
SURE = 6.0
"""Of the logarithm of odds: nothing is surer than this."""


@dataclass(frozen=True)
class Kinds:
    """What is known of the two kinds, for each of b arms whose answers are told.

    Attributes
    ----------
    columns : (b, 3) of the features: sent, opened, clicked. arm : (b,) whose answers, 1 to m.
    answer : (2, 3) chances that a message is left closed, opened alone, clicked: of either kind.
    weights : (b, 1 + inputs + b) of the logarithm of odds: a constant, the inputs, the evidence of each arm's answers.

    Notes
    -----
    Latent classes whose sizes depend on covariates, in two steps: the classes by expectation and maximisation, then a
    logistic model of them. Its target is what later answers say of the class: noisy, and right in the mean.
    """

    columns: Numbers
    arm: Numbers
    answer: Floats
    weights: Floats

    @classmethod
    def fit(cls, trial: Trial, inputs: Floats) -> Self:
        """Learn from the answers before each row's moment, and from those of the same customers after it.

        Parameters
        ----------
        inputs : (n, i) the features as a model's inputs.
        """
        place = {name: number for number, name in enumerate(trial.names)}
        told = [
            (number, [place[f"{arm}: {name}"] for name in ANSWERS])
            for number, arm in enumerate(trial.arms)
            if all(f"{arm}: {name}" in place for name in ANSWERS)
        ]
        told = [(number, found) for number, found in told if trial.features[:, found].any(0).all()]
        arm = np.array([number for number, _ in told], np.int64)
        columns = np.array([found for _, found in told], np.int64).reshape(len(told), len(ANSWERS))
        counts = _counts(trial.features, columns)
        latest = np.zeros((int(trial.customers.max()) + 1, *counts.shape[1:]))
        np.maximum.at(latest, trial.customers, counts)
        # Once a customer, or who has many rows would count for many.
        answer = _classes(latest)
        found = cls(columns, arm, answer, np.zeros((len(arm), 1 + inputs.shape[1] + len(arm))))
        later, design = latest[trial.customers] - counts, found._design(counts, inputs)
        says = np.log(answer[1] / answer[0])
        dull, lively = answer @ says
        for number in range(len(arm)):
            messages = later[:, number].sum(1)
            rows = messages > 0
            target = (later[rows, number] @ says / messages[rows] - dull) / max(lively - dull, 1e-9)
            found.weights[number] = _logistic(design[rows], target, messages[rows])
        return found

    def chance(self, features: Floats, inputs: Floats) -> Floats:
        """(n, b) that a customer is of the livelier kind, by each arm's answers."""
        odds = self._design(_counts(features, self.columns), inputs) @ self.weights.T
        found: Floats = 1 / (1 + np.exp(-np.clip(odds, -SURE, SURE)))
        return found

    def _design(self, counts: Floats, inputs: Floats) -> Floats:
        evidence = counts @ np.log(self.answer[1] / self.answer[0])
        return np.column_stack([np.ones(len(inputs)), inputs, np.clip(evidence, -SURE, SURE)])


def _counts(features: Floats, columns: Numbers) -> Floats:
    """(n, b, 3) messages left closed, opened alone, clicked."""
    sent, opened, clicked = np.moveaxis(features[:, columns], 2, 0)
    opened = np.maximum(opened, clicked)
    return np.stack([np.maximum(sent - opened, 0.0), opened - clicked, clicked], 2)


def _classes(counts: Floats) -> Floats:
    """(2, 3) chances of answers by kind, the livelier last: of all arms together.

    >>> rng = np.random.default_rng(0)
    >>> is_lively = rng.random(4000) < 0.25
    >>> opened = rng.binomial(10, np.where(is_lively, 0.7, 0.35))
    >>> clicked = rng.binomial(opened, np.where(is_lively, 0.6, 0.3))
    >>> counts = np.column_stack([10 - opened, opened - clicked, clicked])[:, None]
    >>> _classes(counts.astype(float)).round(1).tolist()
    [[0.6, 0.2, 0.1], [0.3, 0.3, 0.4]]
    """
    usual = counts.sum((0, 1)) + 1.0
    usual /= usual.sum()
    answer = np.stack([usual * [1.0, 1.0, 0.5], usual * [0.5, 1.0, 2.0]])
    answer /= answer.sum(1, keepdims=True)
    share = np.full(counts.shape[1], 0.3)
    seen = counts.sum(2) > 0
    for _ in range(ROUNDS):
        odds = np.log(share / (1 - share)) + counts @ np.log(answer[1] / answer[0])
        lively = 1 / (1 + np.exp(-odds))
        mass = np.stack([((1 - lively)[:, :, None] * counts).sum((0, 1)), (lively[:, :, None] * counts).sum((0, 1))])
        answer = (mass + usual) / (mass + usual).sum(1, keepdims=True)
        share = np.clip((lively * seen).sum(0) / np.maximum(seen.sum(0), 1), 0.01, 0.99)
    return answer


def _logistic(design: Floats, target: Floats, weight: Floats) -> Floats:
    """Weights of a logistic model by Newton's steps; the target may lie outside 0 and 1: the loss is convex still."""
    found = np.zeros(design.shape[1])
    penalty = np.append(0.0, np.full(design.shape[1] - 1, PENALTY))
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-np.clip(design @ found, -SURE, SURE)))
        slope = design.T @ (weight * (target - chance)) - penalty * found
        bend = (design * (weight * np.maximum(chance * (1 - chance), 0.01))[:, None]).T @ design + np.diag(
            penalty + 1e-9
        )
        found += np.linalg.solve(bend, slope)
    return found
