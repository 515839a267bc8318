"""Is a model better than its baseline, or was it luck? Paired bootstrap over customers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from regulars.errors import NotEnoughError
from regulars.evaluation.ties import Floats, UndefinedMetricError

LEAST_CUSTOMERS = 20
"""Below this, resampling the same few customers again and again gives intervals far too narrow."""

MANY_ROWS = 200_000
RESAMPLES_OF_MANY = 200
"""With so many rows the intervals are narrow, and 200 draws place their ends well enough."""


@dataclass(frozen=True)
class Metric:
    """One metric of a model beside its baseline, each with a 95 % interval.

    Attributes
    ----------
    name : str
        As a reader knows it, e.g. "AUROC".
    better : "higher" or "lower"
        Which direction is better.
    value, low, high : float, low <= value <= high
        The model.
    baseline, baseline_low, baseline_high : float
        The baseline on the same rows.
    difference_low, difference_high : float
        Interval of the model's gain over the baseline; positive means that the model is better,
        whichever direction is better for the metric.

    Examples
    --------
    >>> brier = Metric("Brier", "lower", .12, .11, .13, .15, .14, .16, .02, .04)
    >>> round(brier.difference, 2), brier.beats_baseline
    (0.03, True)
    """

    name: str
    better: Literal["higher", "lower"]
    value: float
    low: float
    high: float
    baseline: float
    baseline_low: float
    baseline_high: float
    difference_low: float
    difference_high: float

    @property
    def difference(self) -> float:
        """The model's gain over the baseline; positive means that the model is better."""
        gain = self.value - self.baseline
        return gain if self.better == "higher" else -gain

    @property
    def beats_baseline(self) -> bool:
        """Whether the whole interval of the difference lies on the model's side."""
        return self.difference_low > 0


def compare(
    metrics: Mapping[str, Callable[..., float]],
    y: npt.ArrayLike,
    p_model: npt.ArrayLike,
    p_baseline: npt.ArrayLike,
    *,
    customers: npt.ArrayLike | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[Metric, ...]:
    """How good are model and baseline, and how sure is the difference?

    Each resample draws customers with replacement and judges both on the same draw, so what makes a
    draw hard or easy for both cancels out of the difference. All rows of a customer go together:
    rows of one customer are alike, and drawing them apart would give too narrow an interval.

    Assumes that customers are independent of one another, and that a metric is smooth enough for
    percentiles. Calibration error is not quite: a draw adds noise of its own, so its draws lie too
    high. An interval is therefore widened to hold the value itself where it would not.

    Parameters
    ----------
    metrics : name -> function(y, p, weight=...) -> float
        By the function's own name more is better (`*_score`) or less (`*_loss`, `*_error`).
    y : (n,)
        What happened.
    p_model, p_baseline : (n,)
        What each predicted.
    customers : (n,), optional
        Whose row it is; each row is another customer's when left out.
    resamples : int, >= 100
        Draws; at most 200 are made of over 200,000 rows.
    seed : int
        The same seed gives the same intervals.

    Returns
    -------
    tuple of Metric, in the order of `metrics`

    Raises
    ------
    ValueError
        If shapes differ, a function's name tells no direction, or a metric refuses the rows.
    NotEnoughError
        If there are fewer than 20 customers, or so few of one class that over 5 % of the draws
        have none of them.

    Examples
    --------
    >>> from regulars.evaluation.metrics import auroc_score
    >>> y = [0, 1] * 50
    >>> (auroc,) = compare({"AUROC": auroc_score}, y, p_model=y, p_baseline=[0.5] * 100)
    >>> auroc.value, auroc.baseline, auroc.beats_baseline
    (1.0, 0.5, True)
    """
    y = np.asarray(y, dtype=np.float64)
    better = {name: _direction(name, metric) for name, metric in metrics.items()}
    owner, n_customers = _owners(customers, len(y))
    sides = [_sorted_side("p_model", y, p_model, owner), _sorted_side("p_baseline", y, p_baseline, owner)]
    if n_customers < LEAST_CUSTOMERS:
        raise NotEnoughError(
            f"{n_customers} customers to judge by, at least {LEAST_CUSTOMERS} are needed for an interval. "
            f"Choose a time when the shop had more, or import more history."
        )
    if resamples < 100:
        raise ValueError(f"resamples is {resamples}; at least 100 are expected for a 95 % interval")
    if len(y) > MANY_ROWS:
        resamples = min(resamples, RESAMPLES_OF_MANY)

    def judge(counts: Floats) -> Floats:
        """Every metric of both sides, (2, metrics), when each customer counts so often."""
        weights = [counts[side.owner] for side in sides]
        return np.array(
            [
                [metric(side.y, side.p, weight=weight) for metric in metrics.values()]
                for side, weight in zip(sides, weights, strict=True)
            ]
        )

    observed = judge(np.ones(n_customers))
    draws = np.stack(_draw(judge, n_customers, resamples, seed))  # (resamples, 2, metrics)
    sign = np.array([1.0 if better[name] == "higher" else -1.0 for name in metrics])
    gain = (observed[0] - observed[1]) * sign
    low, high = _interval(draws, observed)
    gain_low, gain_high = _interval((draws[:, 0] - draws[:, 1]) * sign, gain)
    return tuple(
        Metric(
            name=name,
            better=better[name],
            value=float(observed[0, i]),
            low=float(low[0, i]),
            high=float(high[0, i]),
            baseline=float(observed[1, i]),
            baseline_low=float(low[1, i]),
            baseline_high=float(high[1, i]),
            difference_low=float(gain_low[i]),
            difference_high=float(gain_high[i]),
        )
        for i, name in enumerate(metrics)
    )


@dataclass(frozen=True)
class _Side:
    """Model or baseline, its rows sorted by prediction once, so that no resample sorts again."""

    y: Floats
    p: Floats
    owner: npt.NDArray[np.intp]


def _sorted_side(name: str, y: Floats, p: npt.ArrayLike, owner: npt.NDArray[np.intp]) -> _Side:
    p = np.asarray(p, dtype=np.float64)
    if p.shape != y.shape or y.ndim != 1:
        raise ValueError(f"one row each is expected: y has shape {y.shape}, {name} {p.shape}")
    order = np.argsort(p, kind="stable")
    return _Side(y[order], p[order], owner[order])


def _owners(customers: npt.ArrayLike | None, n: int) -> tuple[npt.NDArray[np.intp], int]:
    if customers is None:
        return np.arange(n), n
    customers = np.asarray(customers)
    if customers.shape != (n,):
        raise ValueError(f"one customer a row is expected: y has {n} rows, customers shape {customers.shape}")
    distinct, owner = np.unique(customers, return_inverse=True)
    return owner, len(distinct)


def _direction(name: str, metric: Callable[..., float]) -> Literal["higher", "lower"]:
    function = getattr(metric, "__name__", "")
    if function.endswith("_score"):
        return "higher"
    if function.endswith(("_loss", "_error")):
        return "lower"
    raise ValueError(
        f"{name}: the function is named {function!r}, which does not tell what is better. "
        f"Name it *_score where more is better, *_loss or *_error where less is."
    )


def _draw(judge: Callable[[Floats], Floats], n_customers: int, resamples: int, seed: int) -> list[Floats]:
    rng = np.random.default_rng(seed)
    draws: list[Floats] = []
    undefined = 0
    while len(draws) < resamples:
        drawn = rng.integers(n_customers, size=n_customers)
        counts = np.bincount(drawn, minlength=n_customers).astype(np.float64)
        try:
            draws.append(judge(counts))
        except UndefinedMetricError as reason:
            undefined += 1
            # A few draws without a class are drawn again; were they many, what is left would be a
            # flattering choice.
            if undefined > 0.05 * resamples:
                raise NotEnoughError(
                    f"too few customers of one class for an interval: over 5 % of the draws from "
                    f"{n_customers} customers have none ({reason}). Choose a longer horizon, or a time "
                    f"when the shop had more customers."
                ) from reason
    return draws


def _interval(draws: Floats, observed: Floats) -> tuple[Floats, Floats]:
    low, high = np.percentile(draws, [2.5, 97.5], axis=0)
    return np.minimum(low, observed), np.maximum(high, observed)
