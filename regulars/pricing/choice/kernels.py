"""The loops of a mixed logit over households, choices and draws, compiled."""

from __future__ import annotations

from math import exp, log
from typing import Any

import numpy as np
from numba import njit, prange

NORMAL, POSITIVE, NEGATIVE = 0, 1, 2
"""How a coefficient is spread over households: normal, or log-normal with one sign."""
_LOG2_E = 1.4426950408889634
_LN2_HIGH, _LN2_LOW = 0.693147180369123816490, 1.90821492927058770002e-10
"""The logarithm of 2 in two parts, the first with so few digits that a product with a whole number is exact."""
_SHIFT = 6755399441055744.0
"""1.5 x 2^52: a number added to it is rounded to a whole one, which stands in the last bits of the sum."""
_TOGETHER = 8
"""So many chances are multiplied before a logarithm is taken."""
_LARGE = 500_000
"""Chances to be computed, from which on several threads do it."""
_LEAST = 1e-35
"""A smaller chance counts as this: so many multiplied are still a number."""


@njit(cache=True, inline="always")  # type: ignore[untyped-decorator, unused-ignore]
def _exponentials(values: Any, shifted: Any) -> None:
    """exp of values (r,), -700 to 0, in place; `shifted` (r,) is scratch.

    The usual way, 2^n exp(f) with |f| <= ln 2 / 2 and exp(f) by its series to the eleventh power (error below 1e-14),
    laid out so that a compiler without a vector library does several at once; the mathematics library does one.
    """
    for r in range(len(values)):
        shifted[r] = values[r] * _LOG2_E + _SHIFT
        whole = shifted[r] - _SHIFT
        f = (values[r] - whole * _LN2_HIGH) - whole * _LN2_LOW
        s = 1 / 362880 + f * (1 / 3628800 + f / 39916800)
        s = 1 / 720 + f * (1 / 5040 + f * (1 / 40320 + f * s))
        s = 1 / 6 + f * (1 / 24 + f * (1 / 120 + f * s))
        values[r] = 1 + f * (1 + f * (0.5 + f * s))
    bits, exponents = values.view(np.int64), shifted.view(np.int64)
    for r in range(len(values)):
        bits[r] += exponents[r] << 52


@njit(cache=True, inline="always")  # type: ignore[untyped-decorator, unused-ignore]
def _chances(  # noqa: PLR0912
    fixed: Any, varying: Any, t: int, beta: Any, chance: Any, most: Any
) -> None:
    """Of choice t, the chance (j, r) of each alternative under each draw (k, r) of the coefficients; written.

    The draws are innermost, so that each loop is one straight run over memory.
    """
    alternatives, draws = chance.shape
    for j in range(alternatives):
        for r in range(draws):
            chance[j, r] = fixed[t, j]
        for k in range(beta.shape[0]):
            x = varying[t, j, k]
            if x != 0.0:
                for r in range(draws):
                    chance[j, r] += x * beta[k, r]
    for r in range(draws):
        most[r] = chance[0, r]
    for j in range(1, alternatives):
        for r in range(draws):
            most[r] = max(most[r], chance[j, r])
    for j in range(alternatives):
        for r in range(draws):
            chance[j, r] = max(chance[j, r] - most[r], -700.0)
    for j in range(alternatives):
        _exponentials(chance[j], most)
    for r in range(draws):
        most[r] = chance[0, r]
    for j in range(1, alternatives):
        for r in range(draws):
            most[r] += chance[j, r]
    for j in range(alternatives):
        for r in range(draws):
            chance[j, r] /= most[r]


@njit(cache=True, inline="always")  # type: ignore[untyped-decorator, unused-ignore]
def _coefficients(noise: Any, mean: Any, factor: Any, kind: Any, beta: Any, slope: Any) -> None:
    """The coefficients (k, r) of one household's draws (k, r), and their slope by what is inside; both written."""
    varying, draws = beta.shape
    for k in range(varying):
        for r in range(draws):
            inside = mean[k]
            for other in range(k + 1):
                inside += factor[k, other] * noise[other, r]
            if kind[k] == 0:
                beta[k, r], slope[k, r] = inside, 1.0
            else:
                # Beyond e^30 a price coefficient means nothing; an overflow would end the search.
                size = exp(min(inside, 30.0))
                beta[k, r] = size if kind[k] == 1 else -size
                slope[k, r] = beta[k, r]


def _simulate(  # noqa: PLR0912
    fixed: Any, varying: Any, chosen: Any, begin: Any, noise: Any, mean: Any, factor: Any, kind: Any,
    likelihood: Any, by_mean: Any, by_factor: Any, expected: Any,
) -> None:  # fmt: skip
    """The simulated likelihood of each household's whole sequence of choices, and its slopes.

    Parameters
    ----------
    fixed : (n, j) the part of utility that does not vary over households; minus infinity where not available.
    varying : (n, j, k) the features of which coefficients vary.
    chosen : (n,) numbers of alternatives.
    begin : (h + 1,) first choice of each household, and n.
    noise : (h, k, r) standard normal. mean : (k,). factor : (k, k) lower triangle. kind : (k,).
    likelihood : (h,) logarithms, written.
    by_mean, by_factor : (h, k), (h, k, k) their slopes by mean and factor, written.
    expected : (n, j) chances given the household's own choices, written: the slope by `fixed` is chosen less these.
    """
    households, coefficients, draws = noise.shape
    alternatives = fixed.shape[1]
    for h in prange(households):
        first, last = begin[h], begin[h + 1]
        beta, slope = np.empty((coefficients, draws)), np.empty((coefficients, draws))
        _coefficients(noise[h], mean, factor, kind, beta, slope)
        chance = np.empty((last - first, alternatives, draws))
        weight, product, scratch = np.zeros(draws), np.ones(draws), np.empty(draws)
        steep = np.zeros((coefficients, draws))
        for t in range(first, last):
            _chances(fixed, varying, t, beta, chance[t - first], scratch)
            for r in range(draws):
                product[r] *= max(chance[t - first, chosen[t], r], _LEAST)
            if (t - first) % _TOGETHER == _TOGETHER - 1 or t == last - 1:
                for r in range(draws):
                    weight[r] += log(product[r])
                    product[r] = 1.0
            for k in range(coefficients):
                own = varying[t, chosen[t], k]
                for j in range(alternatives):
                    x = varying[t, j, k]
                    if x != 0.0:
                        for r in range(draws):
                            steep[k, r] -= x * chance[t - first, j, r]
                if own != 0.0:
                    for r in range(draws):
                        steep[k, r] += own
        most = weight.max()
        total = 0.0
        for r in range(draws):
            weight[r] = exp(weight[r] - most)
            total += weight[r]
        likelihood[h] = most + log(total / draws)
        for r in range(draws):
            weight[r] /= total
        for t in range(first, last):
            for j in range(alternatives):
                mass = 0.0
                for r in range(draws):
                    mass += weight[r] * chance[t - first, j, r]
                expected[t, j] = mass
        for k in range(coefficients):
            by = 0.0
            for r in range(draws):
                steep[k, r] *= weight[r] * slope[k, r]
                by += steep[k, r]
            by_mean[h, k] = by
            for other in range(k + 1):
                by = 0.0
                for r in range(draws):
                    by += steep[k, r] * noise[h, other, r]
                by_factor[h, k, other] = by


def _foresee(
    fixed: Any, varying: Any, chosen: Any, is_known: Any, begin: Any, noise: Any, mean: Any, factor: Any, kind: Any,
    expected: Any, centre: Any, spread: Any,
) -> None:  # fmt: skip
    """The chances of each choice given the household's known choices before it; what is known of its coefficients.

    Parameters
    ----------
    is_known : (n,) whether what was chosen tells about the choices after it.
    expected : (n, j), written.
    centre, spread : (h, k) mean and standard deviation of the coefficients after all known choices, written.
    Others as `_simulate`.
    """
    households, coefficients, draws = noise.shape
    alternatives = fixed.shape[1]
    for h in prange(households):
        beta, slope = np.empty((coefficients, draws)), np.empty((coefficients, draws))
        _coefficients(noise[h], mean, factor, kind, beta, slope)
        chance = np.empty((alternatives, draws))
        known, weight, scratch = np.zeros(draws), np.full(draws, 1.0 / draws), np.empty(draws)
        for t in range(begin[h], begin[h + 1]):
            _chances(fixed, varying, t, beta, chance, scratch)
            for j in range(alternatives):
                mass = 0.0
                for r in range(draws):
                    mass += weight[r] * chance[j, r]
                expected[t, j] = mass
            if is_known[t]:
                most = -np.inf
                for r in range(draws):
                    known[r] += log(max(chance[chosen[t], r], _LEAST))
                    most = max(most, known[r])
                total = 0.0
                for r in range(draws):
                    weight[r] = exp(known[r] - most)
                    total += weight[r]
                for r in range(draws):
                    weight[r] /= total
        for k in range(coefficients):
            middle, square = 0.0, 0.0
            for r in range(draws):
                middle += weight[r] * beta[k, r]
            for r in range(draws):
                square += weight[r] * (beta[k, r] - middle) ** 2
            centre[h, k], spread[h, k] = middle, np.sqrt(square)


_simulate_alone = njit(cache=True, nogil=True)(_simulate)
_simulate_together = njit(cache=True, parallel=True, nogil=True)(_simulate)
_foresee_alone = njit(cache=True, nogil=True)(_foresee)
_foresee_together = njit(cache=True, parallel=True, nogil=True)(_foresee)


def simulate(fixed: Any, varying: Any, chosen: Any, begin: Any, noise: Any, *others: Any) -> None:
    """`_simulate`, by several threads where there is so much to do that waiting for each other costs less."""
    run = _simulate_together if fixed.size * noise.shape[2] > _LARGE else _simulate_alone
    run(fixed, varying, chosen, begin, noise, *others)


def foresee(fixed: Any, varying: Any, chosen: Any, is_known: Any, begin: Any, noise: Any, *others: Any) -> None:
    """`_foresee`, in the same way."""
    run = _foresee_together if fixed.size * noise.shape[2] > _LARGE else _foresee_alone
    run(fixed, varying, chosen, is_known, begin, noise, *others)
