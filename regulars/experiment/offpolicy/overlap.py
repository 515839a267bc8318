"""How far a log can speak for a policy; where it cannot, it is said and nothing is estimated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError, NotEnoughError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEAST_EFFECTIVE = 30.0
"""Below so many rows' worth of evidence no estimate is given: its interval would not mean what it says."""
MOST_AWAY = 0.1
"""The mean weight is 1 where propensities are right and the log covers the policy; no estimate is given if it is surely
further away than this."""
SURELY = 4.0
"""Standard errors. Weights are skewed: at two, one log in ten that is all right would be refused."""


@dataclass(frozen=True)
class Overlap:
    """How much of what a policy would do the log has seen.

    Attributes
    ----------
    rows : of the log.
    effective : how many rows of a log of the policy itself would be worth as much (Kish): (sum w)^2 / sum w^2.
    largest : the largest weight.
    mean : the mean weight; near 1 where propensities are right and the log covers what the policy does.
    error : its standard error, over customers.
    support : about what share of what the policy does the log's policy does at all: the mean weight, at most 1. A
        decision that is never made has no row, so its weight is missing from the mean.
    """

    rows: int
    effective: float
    largest: float
    mean: float
    error: float = 0.0

    @property
    def support(self) -> float:
        """Share of what the policy does, in [0, 1]."""
        return min(self.mean, 1.0)

    def __str__(self) -> str:
        return (
            f"{self.rows:,} decisions are worth {self.effective:,.0f} of the policy's own; the largest weighs "
            f"{self.largest:.1f}, the mean {self.mean:.2f} (1 is expected)"
        )


class OverlapError(NotEnoughError):
    """The log cannot speak for a policy.

    Attributes
    ----------
    overlap : the figures that say so.
    """

    def __init__(self, said: str, found: Overlap) -> None:
        super().__init__(said)
        self.overlap = found


def overlap(logged: npt.ArrayLike, target: npt.ArrayLike, customers: npt.ArrayLike | None = None) -> Overlap:
    """How far a log can speak for a policy.

    Parameters
    ----------
    logged : (n,) the chance with which the log's policy made each decision, (0, 1].
    target : (n,) that of the policy in question, [0, 1].
    customers : (n,) whose decision it was; each another's when left out.

    Raises
    ------
    InputError
        If a chance is outside its range, or there are not as many of both.

    Examples
    --------
    >>> found = overlap([0.5, 0.5, 0.5, 0.5], [1, 1, 0, 0])
    >>> found.effective, found.largest, found.mean
    (2.0, 2.0, 1.0)
    """
    weight = weights(logged, target)
    if not len(weight):
        return Overlap(0, 0.0, 0.0, 0.0)
    square = float((weight**2).sum())
    effective = float(weight.sum() ** 2 / square) if square else 0.0
    error = error_of_mean(weight, owners(customers, len(weight)))
    return Overlap(len(weight), effective, float(weight.max()), float(weight.mean()), error)


def require(found: Overlap) -> None:
    """OverlapError, in words, where a log cannot speak for a policy."""
    if found.effective < LEAST_EFFECTIVE:
        raise OverlapError(
            f"The log cannot speak for this policy: {found}. At least {LEAST_EFFECTIVE:.0f} are needed. Explore more, "
            "or ask for a policy nearer to the one that was logged.",
            found,
        )
    reach = SURELY * found.error
    if found.mean + reach < 1 - MOST_AWAY:
        raise OverlapError(
            f"The log cannot speak for this policy: {found}. About {1 - found.support:.0%} of what the policy does was "
            "never done, or the logged propensities are too large. Let the log's policy try all that this one does.",
            found,
        )
    if found.mean - reach > 1 + MOST_AWAY:
        raise OverlapError(
            f"The logged propensities cannot be right: {found}. They are too small for how often what this policy does "
            "was done. Log the chance with which the action was chosen, after all filters.",
            found,
        )


def weights(logged: npt.ArrayLike, target: npt.ArrayLike) -> Floats:
    """(n,) target / logged, both checked."""
    chance, wanted = np.asarray(logged, float), np.asarray(target, float)
    if chance.shape != wanted.shape:
        raise InputError(f"{chance.shape} logged propensities and {wanted.shape} of the policy: as many are needed.")
    for name, values, is_right in (
        ("logged propensity", chance, (chance > 0) & (chance <= 1)),
        ("propensity of the policy", wanted, (wanted >= 0) & (wanted <= 1)),
    ):
        if not is_right.all():  # so that NaN fails too
            row = int(np.flatnonzero(~is_right)[0])
            raise InputError(f"row {row}: the {name} is {values[row]}; a chance in (0, 1] is expected.")
    found: Floats = wanted / chance
    return found


def owners(customers: npt.ArrayLike | None, rows: int) -> Ints:
    """(n,) the number of each row's customer, from 0; each its own where none is named."""
    if customers is None:
        return np.arange(rows)
    named = np.asarray(customers)
    if named.shape != (rows,):
        raise InputError(f"{named.shape} customers and {rows} decisions: as many are needed.")
    found: Ints = np.unique(named, return_inverse=True)[1].astype(np.int64)
    return found


def error_of_mean(values: Floats, owner: Ints) -> float:
    """The standard error of a mean, rows of one customer being alike."""
    away = np.bincount(owner, values - values.mean())
    groups = len(away)
    return float(np.sqrt((away**2).sum() * groups / max(groups - 1, 1)) / len(values))
