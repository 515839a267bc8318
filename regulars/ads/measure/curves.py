"""What the next unit of spend brings, and what the next impression: saturation and fatigue."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares

from regulars.errors import InputError, NotEnoughError

Floats = npt.NDArray[np.float64]

LEAST = 5
PRIOR = 1.0
"""So many clicks are believed of an impression beforehand, come at the rate of the one before it."""


@dataclass(frozen=True)
class Saturation:
    """Incremental margin of a day's spend: most x (1 - exp(-spend / scale)): each unit brings less than the one before.

    Attributes
    ----------
    most : what endless spend would bring, in money. scale : spend after which 63 % of it came.
    error : root mean square of what the curve misses, in money.

    Examples
    --------
    >>> spend = np.array([0.0, 50, 100, 200, 400, 800])
    >>> curve = Saturation.fit(spend, 300 * (1 - np.exp(-spend / 150)))
    >>> round(curve.most), round(curve.scale), round(float(curve.marginal(0.0)), 2)
    (300, 150, 2.0)
    """

    most: float
    scale: float
    error: float = 0.0

    @classmethod
    def fit(cls, spend: npt.ArrayLike, margin: npt.ArrayLike) -> Saturation:
        """From days (or weeks) with different spends, by least squares that outliers do not lead.

        Parameters
        ----------
        spend : (n,) 0 or more. margin : (n,) incremental, from an experiment; attributed money bends the curve up.

        Raises
        ------
        NotEnoughError
            If there are fewer than 5 different spends.
        """
        x, y = np.asarray(spend, np.float64), np.asarray(margin, np.float64)
        if x.shape != y.shape or x.ndim != 1 or not (np.isfinite(x).all() and np.isfinite(y).all()) or x.min() < 0:
            raise InputError("spend and margin: as many finite amounts of each, spend 0 or more, are expected.")
        if len(np.unique(x)) < LEAST:
            raise NotEnoughError(f"ads: {len(np.unique(x))} different spends; a curve needs {LEAST}. Vary the budget.")
        height = max(float(np.abs(y).max()), 1e-9)
        wide = max(float(x.max()), 1e-9)

        def missed(at: Floats) -> Floats:
            found: Floats = (np.exp(at[0]) * (1 - np.exp(-x / np.exp(at[1]))) - y) / height
            return found

        starts = [np.log([height, wide * part]) for part in (0.1, 0.5, 2.0)]
        bounds = ([np.log(height * 1e-3), np.log(wide * 1e-2)], [np.log(height * 1e2), np.log(wide * 1e2)])
        best = min(
            (least_squares(missed, start, loss="soft_l1", f_scale=0.1, bounds=bounds) for start in starts),
            key=lambda one: float(one.cost),
        )
        error = float(np.sqrt(np.mean(np.square(missed(best.x)))) * height)
        return cls(float(np.exp(best.x[0])), float(np.exp(best.x[1])), error)

    def margin(self, spend: npt.ArrayLike) -> Floats:
        """What a spend brings, in money."""
        found: Floats = self.most * (1 - np.exp(-np.asarray(spend, np.float64) / self.scale))
        return found

    def marginal(self, spend: npt.ArrayLike) -> Floats:
        """What one unit more brings."""
        found: Floats = self.most / self.scale * np.exp(-np.asarray(spend, np.float64) / self.scale)
        return found


@dataclass(frozen=True)
class Fatigue:
    """How the click chance falls with each impression that a person has seen before.

    Attributes
    ----------
    factors : (k,) chance at the 1st, 2nd, … impression over that foreseen for the first; never rising, above 0.
    shown : (k,) how many impressions tell of each.

    Examples
    --------
    >>> number = np.array([1] * 1000 + [2] * 1000 + [3] * 1000)
    >>> clicked = np.array([1.0] * 100 + [0.0] * 900 + [1.0] * 50 + [0.0] * 950 + [1.0] * 60 + [0.0] * 940)
    >>> Fatigue.fit(number, clicked, np.full(3000, 0.1)).factors.round(2).tolist()
    [1.0, 0.55, 0.55]
    """

    factors: Floats
    shown: npt.NDArray[np.int64]

    @property
    def mean(self) -> float:
        """Of all impressions: what a chance that was foreseen without regard to the number has in it."""
        return float(self.at(range(1, len(self.shown) + 1)) @ self.shown / self.shown.sum())

    def at(self, number: npt.ArrayLike) -> Floats:
        """(n,) factors of the how manieth impressions, from 1; beyond what was seen, the last.

        >>> Fatigue(np.array([1.0, 0.5, 0.2]), np.array([9, 9, 9])).at([1, 2, 7]).tolist()
        [1.0, 0.5, 0.2]
        """
        found: Floats = self.factors[np.minimum(np.asarray(number), len(self.factors)) - 1]
        return found

    @classmethod
    def fit(cls, number: npt.ArrayLike, clicked: npt.ArrayLike, foreseen: npt.ArrayLike, most: int = 20) -> Fatigue:
        """From impressions: the how manieth of its person, whether clicked, and the chance that was foreseen without
        regard to the number. Persons who click much are shown more: that is why what was foreseen stands below.

        No click among few is no proof that none would come: each factor is the mean of a gamma distribution that
        begins at the factor before, the first at 1, and knows of `PRIOR` clicks.
        """
        place = np.minimum(np.asarray(number, np.int64), most) - 1
        y, said = np.asarray(clicked, np.float64), np.asarray(foreseen, np.float64)
        if not len(place) or place.min() < 0 or not len(place) == len(y) == len(said):
            raise InputError("number, clicked and foreseen: as many of each; numbers count from 1.")
        shown = np.bincount(place)
        came, expected = np.bincount(place, y), np.bincount(place, said)
        came[0] += PRIOR
        expected[0] += PRIOR
        factor = np.ones(len(shown))
        # Pooled where a later impression seems better than an earlier one (isotonic): that would be chance.
        blocks: list[list[float]] = []
        for one, other in zip(came, expected, strict=True):
            blocks.append([one, other, 1])
            while len(blocks) > 1 and blocks[-2][0] * blocks[-1][1] <= blocks[-1][0] * blocks[-2][1]:
                last = blocks.pop()
                blocks[-1] = [before + after for before, after in zip(blocks[-1], last, strict=True)]
        at, before = 0, blocks[0][0] / blocks[0][1]
        for one, other, count in blocks:
            before = (one + PRIOR) / (other + PRIOR / before)
            factor[at : at + int(count)] = before
            at += int(count)
        return cls(factor / factor[0], shown)
