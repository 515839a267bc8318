"""The simulated likelihood of a logit over its parameters, and the search for its top."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from regulars.pricing.choice import kernels
from regulars.pricing.choice.choices import Choices, Floats, Numbers
from regulars.pricing.choice.draws import normal_draws

PRIOR = 20.0
"""Standard deviation of a weak prior on each coefficient, of features in units of how they vary inside a choice: it
moves nothing that data say, and holds what they cannot, such as a promotion after which all bought."""
STEP = 1e-4
NEGLIGIBLE = 1e-7
"""What is left of a feature beside the others, as a share of it, of which nothing can be learned."""


@dataclass(frozen=True)
class Shape:
    """Which coefficients there are, and which of them vary over households.

    Attributes
    ----------
    names : of all coefficients, constants of alternatives first.
    varying : (k,) numbers of those that vary.
    kind : (k,) how each varies, as in `kernels`.
    is_correlated : whether those that vary do so together.
    constants : how many of the names are constants of alternatives; 0 or one less than there are.
    """

    names: tuple[str, ...]
    varying: Numbers
    kind: Numbers
    is_correlated: bool
    constants: int

    @property
    def fixed(self) -> Numbers:
        """Numbers of the coefficients that all households share."""
        return np.setdiff1d(np.arange(len(self.names)), self.varying)

    @property
    def factor_at(self) -> tuple[Numbers, Numbers]:
        """Rows and columns of the factor's free entries."""
        size = len(self.varying)
        return np.tril_indices(size) if self.is_correlated else (np.arange(size), np.arange(size))

    @property
    def size(self) -> int:
        """How many parameters."""
        return len(self.names) + len(self.factor_at[0])

    def design(self, choices: Choices) -> Floats:
        """(n, j, coefficients) constants and features."""
        constants = np.zeros((len(choices), len(choices.alternatives), self.constants))
        if self.constants:
            constants += np.eye(len(choices.alternatives))[:, 1:]
        return np.concatenate([constants * choices.available[:, :, None], choices.features], axis=2)

    def parts(self, parameters: Floats) -> tuple[Floats, Floats, Floats]:
        """Shared coefficients, and mean and factor of those that vary."""
        shared, mean = parameters[: len(self.fixed)], parameters[len(self.fixed) : len(self.names)]
        factor = np.zeros((len(mean), len(mean)))
        factor[self.factor_at] = parameters[len(self.names) :]
        return shared, mean, factor


class Likelihood:
    """Of households' choices, as a function of the parameters: shared coefficients, then means, then the factor."""

    def __init__(self, choices: Choices, shape: Shape, draws: int, seed: int = 0) -> None:
        self.shape = shape
        self.choices = choices
        design = shape.design(choices)
        self._fixed = np.ascontiguousarray(design[:, :, shape.fixed])
        self._varying = np.ascontiguousarray(design[:, :, shape.varying])
        self._closed = np.where(choices.available, 0.0, -np.inf)
        self._taken = choices.chosen[:, None] == np.arange(len(choices.alternatives))
        households = len(choices.begin) - 1
        # Without varying coefficients one draw of nothing is exact, and each choice stands alone.
        self._noise = (
            normal_draws(households, len(shape.varying), draws, seed)
            if len(shape.varying)
            else np.zeros((households, 0, 1))
        )
        self.spread = _spread_inside(design, choices)
        varying = np.where(shape.kind == kernels.NORMAL, self.spread[shape.varying], 1.0)
        unit = np.concatenate([self.spread[shape.fixed], varying, varying[shape.factor_at[0]]])
        self.precision = (unit / PRIOR) ** 2

    def scores(self, parameters: Floats) -> tuple[Floats, Floats]:
        """(h,) logarithms of the likelihood of each household, and (h, parameters) their slopes."""
        shape, choices = self.shape, self.choices
        shared, mean, factor = shape.parts(parameters)
        households, varying = len(choices.begin) - 1, len(mean)
        value, by_mean = np.empty(households), np.empty((households, varying))
        by_factor, expected = np.zeros((households, varying, varying)), np.empty(self._closed.shape)
        kernels.simulate(
            self._fixed @ shared + self._closed, self._varying, choices.chosen, choices.begin, self._noise, mean,
            factor, shape.kind, value, by_mean, by_factor, expected,
        )  # fmt: skip
        each = np.einsum("nj,njk->nk", self._taken - expected, self._fixed, optimize=True)
        by_shared = np.add.reduceat(each, choices.begin[:-1], axis=0)
        return value, np.column_stack([by_shared, by_mean, by_factor[:, shape.factor_at[0], shape.factor_at[1]]])

    def loss(self, parameters: Floats) -> tuple[float, Floats]:
        """What the search makes small: minus the logarithm of the likelihood with the weak prior, and its slope."""
        value, slopes = self.scores(parameters)
        prior = float(self.precision @ parameters**2) / 2
        return prior - float(value.sum()), self.precision * parameters - slopes.sum(0)

    def climb(self, start: Floats, tolerance: float = 1e-9) -> Floats:
        """The parameters at the top, from a start near to it."""
        _, slopes = self.scores(start)
        # In units in which all directions are about equally steep, the search needs few steps.
        information = slopes.T @ slopes + np.diag(self.precision)
        values, vectors = np.linalg.eigh(information)
        scale = vectors / np.sqrt(np.maximum(values, values.max() * 1e-10))

        def loss(step: Floats) -> tuple[float, Floats]:
            value, slope = self.loss(start + scale @ step)
            return value, scale.T @ slope

        options = {"maxiter": 300, "ftol": tolerance * 1e-2, "gtol": 1e-3, "maxcor": 20}
        with threadpool_limits(1, "blas"):
            found = minimize(loss, np.zeros(len(start)), jac=True, method="L-BFGS-B", options=options)
        top: Floats = start + scale @ found.x
        return top

    def covariance(self, parameters: Floats) -> Floats:
        """Of the parameters, robust: whatever links the choices of one household, and even where the model is wrong.

        Source
        ------
        Train (2009), Discrete Choice Methods with Simulation, second edition, section 8.6 (the sandwich).
        """
        inverse = np.linalg.pinv(curvature(lambda at: self.loss(at)[1], parameters, self.precision), hermitian=True)
        _, slopes = self.scores(parameters)
        slopes = slopes - slopes.mean(0)
        groups = len(slopes)
        found: Floats = inverse @ (slopes.T @ slopes) @ inverse * (groups / max(groups - 1, 1))
        return found


def curvature(slope: Callable[[Floats], Floats], at: Floats, least: Floats) -> Floats:
    """(k, k) by differences of an exact slope; no direction flatter than the prior makes it."""
    unit = STEP * np.maximum(np.abs(at), 0.1)
    rows = [(slope(at + step) - slope(at - step)) / (2 * step.sum()) for step in np.diag(unit)]
    values, vectors = np.linalg.eigh((np.array(rows) + np.array(rows).T) / 2)
    found: Floats = (vectors * np.maximum(values, least.min())) @ vectors.T
    return found


def tells_nothing(choices: Choices, shape: Shape) -> list[str]:
    """Coefficients of what does not differ between the alternatives of a choice, or follows from those before it."""
    design = shape.design(choices)
    weight = choices.available / choices.available.sum(1, keepdims=True)
    inside = design - np.einsum("nj,njk->nk", weight, design, optimize=True)[:, None]
    flat, raw = inside[choices.available], design[choices.available]
    size, found = np.linalg.norm(raw, axis=0), []
    for k, name in enumerate(shape.names):
        before = flat[:, [other for other in range(k) if shape.names[other] not in found]]
        left = flat[:, k] - before @ np.linalg.lstsq(before, flat[:, k], rcond=None)[0]
        if np.linalg.norm(left) <= NEGLIGIBLE * size[k]:
            found.append(name)
    return found


def _spread_inside(design: Floats, choices: Choices) -> Floats:
    """(coefficients,) how far each feature varies between the alternatives of one choice."""
    weight = choices.available / choices.available.sum(1, keepdims=True)
    middle = np.einsum("nj,njk->nk", weight, design, optimize=True)
    square = np.einsum("nj,njk->nk", weight, (design - middle[:, None]) ** 2, optimize=True)
    found: Floats = np.sqrt(square.mean(0))
    return found
