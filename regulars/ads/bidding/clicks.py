"""How likely is a click on each creative, learned from one impression after another?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError
from regulars.logistic import probability

Floats = npt.NDArray[np.float64]


class OnlineClicks:
    """A Bayesian logistic regression for each creative, updated by each impression that was won.

    A new creative begins where the others stand on average, and as unsure as the first did.

    Parameters
    ----------
    creatives : how many, 1 or more.
    features : numbers in a context; a level is added.
    prior : click chance before anything is known, in (0, 1).
    spread : standard deviation of a weight, in log-odds, before anything is known; above 0. Of the level it is twice
        that: how likely clicks are at all is known least.
    noise : added to the variance of each weight by each impression, 0 or more, so that tastes may drift.

    Source
    ------
    Chapelle and Li (2011), An Empirical Evaluation of Thompson Sampling, algorithm 3, with the whole covariance; one
    Newton step an impression (as an extended Kalman filter). The mean over weights as in MacKay (1992), The Evidence
    Framework Applied to Classification Networks.

    Examples
    --------
    >>> clicks, rng = OnlineClicks(2, features=1), np.random.default_rng(0)
    >>> for x in rng.normal(size=3000):
    ...     clicks.learn(0, [x], bool(rng.random() < 1 / (1 + np.exp(1 - 2 * x))))
    >>> [round(float(p), 1) for p in (clicks.chances([0.5])[0], clicks.chances([-1.0])[0])]
    [0.5, 0.1]
    """

    def __init__(
        self, creatives: int, features: int, *, prior: float = 0.1, spread: float = 0.7, noise: float = 0.0
    ) -> None:
        if creatives < 1 or features < 0 or not 0 < prior < 1 or not spread > 0 or noise < 0:
            raise InputError(
                f"creatives = {creatives}, features = {features}, prior = {prior:g}, spread = {spread:g}, "
                f"noise = {noise:g}: one creative or more, a prior between 0 and 1 and a spread above 0 are expected."
            )
        size = features + 1
        self.features, self.noise = features, noise
        self._first = np.zeros(size)
        self._first[0] = np.log(prior / (1 - prior))
        self._wide = np.diag(np.append(2 * spread, np.full(features, spread)) ** 2)
        self.mean_ = np.tile(self._first, (creatives, 1))  # (c, 1 + d)
        self.covariance_ = np.tile(self._wide, (creatives, 1, 1))
        self.shown_ = np.zeros(creatives, np.int64)

    @property
    def creatives(self) -> int:
        """How many there are."""
        return len(self.mean_)

    def add(self) -> int:
        """One creative more; its number."""
        weight = self.shown_ / max(int(self.shown_.sum()), 1)
        start = weight @ self.mean_ if self.shown_.any() else self._first
        self.mean_ = np.vstack([self.mean_, start])
        self.covariance_ = np.concatenate([self.covariance_, self._wide[None]])
        self.shown_ = np.append(self.shown_, 0)
        return self.creatives - 1

    def chances(self, context: npt.ArrayLike = ()) -> Floats:
        """(creatives,) click chance in (0, 1) of each, averaged over what is not known of the weights."""
        row = self._row(context)
        variance = np.einsum("d,cde,e->c", row, self.covariance_, row)
        return probability(self.mean_ @ row / np.sqrt(1 + np.pi * variance / 8))

    def drawn(self, context: npt.ArrayLike, rng: np.random.Generator, width: float = 1.0) -> Floats:
        """(creatives,) chances, drawn from what is believed of each; `width` 1 is Thompson's, less explores less."""
        return self.above(context, width * rng.normal(size=self.creatives))

    def above(self, context: npt.ArrayLike, deviations: float | Floats) -> Floats:
        """(creatives,) chances so many standard deviations (of log-odds) above the middle of what is believed."""
        row = self._row(context)
        variance = np.einsum("d,cde,e->c", row, self.covariance_, row)
        return probability(self.mean_ @ row + deviations * np.sqrt(np.maximum(variance, 0.0)))

    def learn(self, creative: int, context: npt.ArrayLike, clicked: bool) -> None:
        """What came of an impression.

        Raises
        ------
        InputError
            If there is no such creative, or the context is not as many finite numbers as expected.
        """
        if not 0 <= creative < self.creatives:
            raise InputError(f"creative {creative}: there are {self.creatives}, counted from 0.")
        row = self._row(context)
        mean, covariance = self.mean_[creative], self.covariance_[creative]
        covariance[np.diag_indices_from(covariance)] += self.noise
        chance = float(probability(np.array(mean @ row)))
        along = covariance @ row
        bend = chance * (1 - chance)
        covariance -= np.outer(along, along) * (bend / (1 + bend * float(row @ along)))
        mean += covariance @ row * (float(clicked) - chance)
        self.shown_[creative] += 1

    def _row(self, context: npt.ArrayLike) -> Floats:
        row = np.append(1.0, np.asarray(context, np.float64).ravel())
        if row.shape != (self.features + 1,) or not np.isfinite(row).all():
            raise InputError(f"a context of {row.size - 1} numbers: {self.features}, all finite, are expected.")
        return row
