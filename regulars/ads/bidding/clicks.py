"""How likely is a click on each creative, learned from one impression after another?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from regulars.ads.bidding.contexts import as_contexts
from regulars.errors import InputError
from regulars.logistic import probability

Floats = npt.NDArray[np.float64]


LEVEL, OWN = 2.0, 0.6
"""How far the level of all creatives, and that of each around it, may lie from what is thought before, in spreads."""


class OnlineClicks:
    """A Bayesian logistic regression over creatives, updated by each impression that was won.

    Each creative has weights of its own, around a level that all share: what is learned of how likely clicks are at all
    from one is known of the others, a new one among them.

    Parameters
    ----------
    creatives : how many, 1 or more.
    features : numbers in a context; a level is added.
    prior : click chance before anything is known, in (0, 1).
    spread : standard deviation of a weight, in log-odds, before anything is known; above 0. Of the shared level it is
        twice that: how likely clicks are at all is known least.
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
        self, creatives: int, features: int, *, prior: float = 0.1, spread: float = 0.5, noise: float = 0.0
    ) -> None:
        if creatives < 1 or features < 0 or not 0 < prior < 1 or not spread > 0 or noise < 0:
            raise InputError(
                f"creatives = {creatives}, features = {features}, prior = {prior:g}, spread = {spread:g}, "
                f"noise = {noise:g}: one creative or more, a prior between 0 and 1 and a spread above 0 are expected."
            )
        self.features, self.noise = features, noise
        self._own = np.append(OWN * spread, np.full(features, spread)) ** 2
        self.mean_ = np.array([np.log(prior / (1 - prior))])  # the shared level, then 1 + d of each creative
        self.covariance_ = np.array([[(LEVEL * spread) ** 2]])
        for _ in range(creatives):
            self.add()

    @property
    def creatives(self) -> int:
        """How many there are."""
        return (len(self.mean_) - 1) // (self.features + 1)

    def add(self) -> int:
        """One creative more; its number."""
        size, more = len(self.mean_), self.features + 1
        wider = np.zeros((size + more, size + more))
        wider[:size, :size], wider[size:, size:] = self.covariance_, np.diag(self._own)
        self.mean_, self.covariance_ = np.append(self.mean_, np.zeros(more)), wider
        return self.creatives - 1

    def chances(self, context: npt.ArrayLike = ()) -> Floats:
        """(creatives,) click chance in (0, 1) of each, averaged over what is not known of the weights."""
        middle, variance = self._believed(self._row(context))
        return probability(middle / np.sqrt(1 + np.pi * variance / 8))

    def above(self, context: npt.ArrayLike, deviations: float) -> Floats:
        """(creatives,) chances so many standard deviations (of log-odds) above the middle of what is believed."""
        middle, variance = self._believed(self._row(context))
        return probability(middle + deviations * np.sqrt(np.maximum(variance, 0.0)))

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
        begin = 1 + creative * len(row)
        own = slice(begin, begin + len(row))
        self.covariance_[range(begin, own.stop), range(begin, own.stop)] += self.noise
        along = self.covariance_[:, 0] + self.covariance_[:, own] @ row
        chance = float(probability(np.array(self.mean_[0] + self.mean_[own] @ row)))
        bend = chance * (1 - chance)
        variance = float(along[0] + along[own] @ row)
        self.covariance_ -= np.outer(along, along) * (bend / (1 + bend * variance))
        # The step of the narrowed covariance: along it, that is the old one over as much as it narrows.
        self.mean_ += along * ((float(clicked) - chance) / (1 + bend * variance))

    def _believed(self, row: Floats) -> tuple[Floats, Floats]:
        """(creatives,) middle and variance of the log-odds."""
        shape = self.creatives, len(row)
        each = np.arange(self.creatives)
        shared = self.covariance_[0, 1:].reshape(shape) @ row
        own = self.covariance_[1:, 1:].reshape(*shape, *shape)[each, :, each, :]  # (c, 1 + d, 1 + d)
        variance = self.covariance_[0, 0] + 2 * shared + np.einsum("d,cde,e->c", row, own, row)
        return self.mean_[0] + self.mean_[1:].reshape(shape) @ row, variance

    def _row(self, context: npt.ArrayLike) -> Floats:
        return np.append(1.0, as_contexts([context], 1, self.features))
