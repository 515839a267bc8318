"""The highest bid of the others: how likely is it under one of ours?

A line says where it lies at a context (`tobit`), a histogram how it spreads around that line, of whatever shape. Both
are learned from what auctions tell: the rival bid itself, or only that it was above or below ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from regulars.ads.bidding.tobit import Tobit, fit
from regulars.errors import InputError

Floats = npt.NDArray[np.float64]

BINS = 128
REACH = 4.0
"""The histogram spans so many spreads on either side of the line."""
STEPS, SMOOTHED_EACH = 80, 5
"""Steps of expectation and maximisation, and after how many of them the histogram is smoothed."""
PRIOR = 8.0
"""So many auctions' worth of belief that the spread is normal."""
FIRST = 40
"""After so many auctions there is a first fit; later one whenever a tenth more has come."""
HALF_LIVES = (400.0, 2000.0, 10_000.0)
KEPT_HALF_LIVES = 3
"""Beyond so many half-lives an auction is not looked at."""
JUDGED = 500.0
"""Half-life, in auctions, of what is remembered of how well each memory foresaw what came next."""


@dataclass(frozen=True)
class Landscape:
    """What was fitted: chances to win by bid.

    Attributes
    ----------
    mean, scale : (d,) by which contexts are standardised.
    line : where log rival bids lie.
    edges : (BINS + 1,) distances from the line, ascending, in logarithms.
    below : (BINS + 1,) chance that the rival bid is under the edge, ascending in [0, 1].
    known : (BINS + 1,) how many auctions tell whether a bid there would have won, each by its weight.
    """

    mean: Floats
    scale: Floats
    line: Tobit
    edges: Floats
    below: Floats
    known: Floats

    def middle(self, contexts: Floats) -> Floats:
        """(n,) where log rival bids lie."""
        return self.line.middle(_inputs(contexts, self.mean, self.scale))

    def chance(self, bids: Floats, contexts: Floats) -> Floats:
        """(n,) chance in [0, 1] that a bid wins."""
        away = np.log(np.maximum(bids, 1e-300)) - self.middle(contexts)
        return np.interp(away, self.edges, self.below, left=0.0, right=1.0)

    def surprise(self, low: float, high: float, context: Floats) -> float:
        """Minus the logarithm of the chance that the log rival bid lies between two ends (equal: within a bin)."""
        middle = float(self.middle(context[None])[0])
        half = (self.edges[1] - self.edges[0]) / 2 if low == high else 0.0
        ends = np.interp([low - half - middle, high + half - middle], self.edges, self.below, left=0.0, right=1.0)
        return float(-np.log(max(ends[1] - ends[0], 1e-4))) + (float(np.log(2 * half)) if half else 0.0)


class RivalBids:
    """Learns the distribution of the highest rival bid, given a context, from one auction after another.

    Rivals learn too, so what they did long ago counts little. How little is learned as well: of several memories, short
    and long, that is used which lately foresaw best what came next.

    Parameters
    ----------
    features : numbers in a context.
    half_lives : of the memories: after so many auctions one counts half; each above 0.
    window : so many auctions are kept at most.

    Raises
    ------
    InputError
        If a setting or what is told cannot be.

    Examples
    --------
    Rivals bid around 2; only won or lost is told:

    >>> rng = np.random.default_rng(0)
    >>> rivals = RivalBids(0)
    >>> for rival, bid in zip(2 * np.exp(0.3 * rng.normal(size=2000)), rng.uniform(0.5, 4, 2000)):
    ...     rivals.learn(bid, rival <= bid)
    >>> abs(rivals.chance(2.0) - 0.5) < 0.06, rivals.chance(4.0) > 0.9
    (True, True)
    """

    def __init__(self, features: int, *, half_lives: Sequence[float] = HALF_LIVES, window: int = 16_384) -> None:
        if features < 0 or not half_lives or not min(half_lives) > 0 or window < FIRST:
            raise InputError(
                f"features = {features}, half_lives = {tuple(half_lives)}, window = {window}: 0 or more features, "
                f"half-lives above 0 and a window of {FIRST} or more are expected."
            )
        self.features, self.half_lives, self.window = features, tuple(half_lives), window
        self._contexts = np.zeros((window, features))
        self._low, self._high = np.zeros(window), np.zeros(window)
        self._count = 0
        self._next_fit = FIRST
        self._fitted: list[Landscape] = []
        self._surprise = np.zeros(len(half_lives))

    @property
    def auctions(self) -> int:
        """How many it learned from."""
        return self._count

    @property
    def landscape_(self) -> Landscape | None:
        """What the memory says that foresees best; None as long as too little was seen."""
        return self._fitted[int(np.argmin(self._surprise))] if self._fitted else None

    def chance(self, bid: float, context: npt.ArrayLike = ()) -> float:
        """How likely a bid wins; NaN as long as too little was seen."""
        seen = self.landscape_
        if seen is None:
            return float("nan")
        return float(seen.chance(np.array([bid]), np.asarray(context, np.float64).reshape(1, -1))[0])

    def learn(
        self,
        bid: float,
        won: bool,
        *,
        rival: float | None = None,
        context: npt.ArrayLike = (),
    ) -> None:
        """One auction: the bid, and whether it won.

        Parameters
        ----------
        bid : 0 or more; one of 0 says nothing unless the rival bid is told.
        rival : the highest rival bid, where it is told.
        """
        for name, amount in (("bid", bid), ("rival", rival)):
            if amount is not None and not 0 <= amount < np.inf:
                raise InputError(f"{name} = {amount:g}: a finite amount of 0 or more is expected.")
        row = np.asarray(context, np.float64).ravel()
        if row.shape != (self.features,) or not np.isfinite(row).all():
            raise InputError(f"a context of {row.size} numbers: {self.features}, all finite, are expected.")
        if rival is not None and rival > 0:
            low = high = float(np.log(rival))
        elif won and bid > 0:
            low, high = -np.inf, float(np.log(bid))
        elif bid > 0:
            low, high = float(np.log(bid)), np.inf
        else:
            return
        if self._fitted:
            each = [one.surprise(low, high, row) for one in self._fitted]
            self._surprise = self._surprise * 0.5 ** (1 / JUDGED) + each
        place = self._count % self.window
        self._contexts[place], self._low[place], self._high[place] = row, low, high
        self._count += 1
        if self._count >= self._next_fit:
            begin: Sequence[Landscape | None] = self._fitted or [None] * len(self.half_lives)
            self._fitted = [self._fit(half_life, one) for half_life, one in zip(self.half_lives, begin, strict=True)]
            self._next_fit = self._count + max(FIRST // 2, min(self._count, self.window) // 10)

    def _fit(self, half_life: float, begin: Landscape | None) -> Landscape:
        held = min(self._count, self.window, max(int(KEPT_HALF_LIVES * half_life), FIRST))
        places = (self._count - 1 - np.arange(held)) % self.window
        weight = 0.5 ** (np.arange(held) / half_life)
        contexts, low, high = self._contexts[places], self._low[places], self._high[places]
        mean = contexts.mean(axis=0)
        scale = np.maximum(contexts.std(axis=0), 1e-6)
        inputs = _inputs(contexts, mean, scale)
        line = fit(*_with_belief(inputs, low, high, weight), None if begin is None else begin.line)
        middle = line.middle(inputs)
        edges = np.linspace(-REACH, REACH, BINS + 1) * max(line.spread, 0.05)
        below, known = _histogram(low - middle, high - middle, weight, edges, line.spread)
        return Landscape(mean, scale, line, edges, below, known)


def _inputs(contexts: Floats, mean: Floats, scale: Floats) -> Floats:
    # Clipped: a wild number in a context must not make a wild bid.
    standard = np.clip((contexts - mean) / scale, -4, 4)
    return np.hstack([np.ones((len(contexts), 1)), standard])


def _with_belief(inputs: Floats, low: Floats, high: Floats, weight: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """With two auctions more, in which rivals bid a little less and a little more than we do: else a streak of wins
    would say that they bid nothing."""
    ends = np.where(np.isinf(high), low, high)
    around = np.average(ends, weights=weight) + np.array([-0.5, 0.5])
    rows = np.zeros((2, inputs.shape[1]))
    rows[:, 0] = 1.0
    return (
        np.vstack([inputs, rows]), np.append(low, around), np.append(high, around), np.append(weight, np.ones(2)),
    )  # fmt: skip


def _histogram(low: Floats, high: Floats, weight: Floats, edges: Floats, spread: float) -> tuple[Floats, Floats]:
    """Chances below each edge, and how many auctions tell of each, by expectation, maximisation and smoothing.

    Source
    ------
    Turnbull (1976), The Empirical Distribution Function with Arbitrarily Grouped, Censored and Truncated Data;
    smoothed after each step as in Silverman, Jones, Wilson and Nychka (1990).
    """
    bins = len(edges) - 1
    first = np.clip(np.searchsorted(edges, low, side="right") - 1, 0, bins - 1)
    last = np.clip(np.searchsorted(edges, high, side="left"), first + 1, bins)
    pairs, place = np.unique(first * (bins + 1) + last, return_inverse=True)
    mass = np.bincount(place, weights=weight)
    first, last = pairs // (bins + 1), pairs % (bins + 1)
    normal = np.diff(ndtr(edges / spread))
    normal /= normal.sum()
    share = normal.copy()
    total = mass.sum() + PRIOR
    for step in range(STEPS):
        below = np.append(0.0, np.cumsum(share))
        ratio = mass / np.maximum(below[last] - below[first], 1e-12)
        added = np.bincount(first, ratio, bins + 1) - np.bincount(last, ratio, bins + 1)
        share = (share * np.cumsum(added)[:bins] + PRIOR * normal) / total
        share = np.maximum(share, 0)
        if step % SMOOTHED_EACH == 0:
            padded = np.concatenate([share[:1], share, share[-1:]])
            share = padded[:-2] / 4 + padded[1:-1] / 2 + padded[2:] / 4
        share /= share.sum()
    below = np.clip(np.append(0.0, np.cumsum(share)), 0, 1)
    told = np.bincount(last, mass, bins + 1).cumsum() + np.bincount(first, mass, bins + 1)[::-1].cumsum()[::-1]
    return below, told
