"""What makes a result worth nothing, looked for before any verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from regulars.experiment.metrics import Metric
from regulars.experiment.stats import (
    Cut,
    Health,
    Moments,
    difference,
    is_fragile,
    mismatch,
    ratio_of,
    sequential_mismatch,
    unsteadiness,
)
from regulars.experiment.stats.cuped import LEVERAGE, UNBALANCED

JUMPING = 0.01
"""More customers in two arms than this, and the arms are not what was planned."""
MISMATCH = 0.001
SEQUENTIAL_MISMATCH = 0.01
FADING = 0.001
"""P-value below which outcomes of the treated come earlier or later than in control."""

Kind = Literal[
    "empty", "mismatch", "unsteady", "jumping", "carry_over", "novelty", "outliers", "leverage", "constant", "sign"
]


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes
    ----------
    kind : which.
    passed : whether all is well.
    blocks : whether there can be no verdict while it is not.
    facts : the figures, for words.
    """

    kind: Kind
    passed: bool
    blocks: bool
    facts: Mapping[str, object] = field(default_factory=dict)


def of_arms(
    arms: Sequence[str], counts: npt.NDArray[np.int64], shares: Sequence[float], jumped: int, by_day: npt.ArrayLike
) -> list[Check]:
    """Whether each arm got the customers that it was to get.

    Parameters
    ----------
    counts : (k,) customers of each arm.
    jumped : customers who saw two arms.
    by_day : (days, k) customers by the day of their exposure.
    """
    empty = [name for name, count in zip(arms, counts, strict=True) if not count]
    p_value, at_any_time = mismatch(counts, shares), sequential_mismatch(counts, shares)
    found = ", ".join(f"{name} {count:,}" for name, count in zip(arms, counts, strict=True))
    total = sum(shares)
    planned = ", ".join(f"{name} {share / total:.0%}" for name, share in zip(arms, shares, strict=True))
    all_ = int(counts.sum()) + jumped
    steady = unsteadiness(by_day)
    return [
        Check("empty", not empty, True, {"arms": ", ".join(empty)}),
        Check(
            "mismatch", p_value >= MISMATCH and at_any_time >= SEQUENTIAL_MISMATCH, True,
            {"found": found, "planned": planned, "p_value": p_value, "at_any_time": at_any_time},
        ),
        Check("unsteady", steady >= MISMATCH, True, {"p_value": steady}),
        Check("jumping", jumped <= JUMPING * all_, True, {"jumped": jumped, "share": jumped / max(all_, 1)}),
    ]  # fmt: skip


def of_metric(metric: Metric, moments: Sequence[Moments], health: Health, plain: float, found: float) -> list[Check]:
    """Whether the primary metric varies, and arms began alike."""
    variances = [float(one.covariance[0, 0]) for one in moments]
    return [
        Check("constant", max(variances) > 0, True, {"metric": metric.name, "value": float(moments[0].mean[0])}),
        Check("carry_over", health.balance >= UNBALANCED, True, {"metric": metric.name, "p_value": health.balance}),
        Check("leverage", health.leverage < LEVERAGE, False, {"share": health.leverage}),
        Check("sign", plain * found >= 0 or health.balance >= 0.05, False, {"plain": plain, "adjusted": found}),
    ]


def of_timing(metric: Metric, moments: Sequence[Moments]) -> Check:
    """Whether the effect changes with the days since exposure.

    An effect that is the same share of control's value on each day leaves the mean day on which the value falls as it
    is. So that mean, a ratio clustered by customer, is compared between arms.

    Parameters
    ----------
    moments : of control and the variant: (sum of value times day, sum of value) of each customer.
    """
    if min(one.mean[1] for one in moments) <= 0 or min(one.count for one in moments) < 2:
        return Check("novelty", True, True, {"metric": metric.name})
    control, treated = (ratio_of(one) for one in moments)
    moved = difference(treated, control)
    facts = {"metric": metric.name, "control": control.value, "treated": treated.value, "p_value": moved.p_value}
    return Check("novelty", moved.p_value >= FADING, True, facts)


def of_cuts(cuts: Sequence[Cut]) -> Check:
    """Whether a few customers decide."""
    return Check("outliers", not is_fragile(cuts), True, {"cuts": len(cuts)})
