"""Is it shown that a treatment does no more harm than was agreed beforehand?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from regulars.errors import InputError
from regulars.experiment.stats.moments import Arm


@dataclass(frozen=True)
class Guardrail:
    """What is known of a harm.

    Attributes
    ----------
    worst : the largest relative loss that the data leave open, one-sided; below 0 is a gain.
    margin : the largest that was agreed to.
    p_value : of a loss as large as the margin or larger.
    """

    worst: float
    margin: float
    p_value: float

    @property
    def is_held(self) -> bool:
        """Whether a loss beyond the margin is ruled out. Not held does not mean that there is one."""
        return self.worst < self.margin


def non_inferior(
    treated: Arm, control: Arm, margin: float, better: Literal["higher", "lower"] = "higher", alpha: float = 0.05
) -> Guardrail:
    """Whether a treatment is worse by less than a margin.

    Parameters
    ----------
    margin : > 0, share of control's value.
    better : which direction is good.
    alpha : one-sided chance of calling a loss of the margin held.

    Raises
    ------
    InputError
        If the margin is not above 0, or control's value is not: a share of it then means nothing.

    Source
    ------
    Non-inferiority of a ratio, by its linear contrast treated - (1 - margin) control: Laster and Johnson (2003),
    Non-inferiority Trials: the 'at least as good as' Criterion.

    Examples
    --------
    >>> found = non_inferior(Arm(1000, 9.9, 0.1), Arm(1000, 10.0, 0.1), margin=0.05)
    >>> found.is_held, round(found.worst, 3)
    (True, 0.033)
    """
    if not margin > 0:
        raise InputError(f"a guardrail's margin is {margin}; a share above 0 is expected, such as 0.02 for 2 %.")
    if not control.value > 0:
        raise InputError(
            f"a guardrail's value in control is {control.value:.4g}: a margin that is a share of it means nothing. "
            "Choose a metric that is above 0."
        )
    sign = 1.0 if better == "higher" else -1.0
    z = float(stats.norm.ppf(1 - alpha))
    kept = 1 - sign * margin
    error = float(np.hypot(treated.error, kept * control.error))
    above = sign * (treated.value - kept * control.value)
    p_value = float(stats.norm.sf(above / error)) if error else float(above <= 0)
    return Guardrail(_worst(treated, control, sign, z), margin, p_value)


def _worst(treated: Arm, control: Arm, sign: float, z: float) -> float:
    """The loss that is just not refused: Fieller's one-sided limit of treated / control."""
    g = (z * control.error / control.value) ** 2
    ratio = treated.value / control.value
    if g >= 1:
        return float("inf")
    inner = (1 - g) * treated.error**2 + ratio**2 * control.error**2
    limit = (ratio - sign * z / control.value * float(np.sqrt(inner))) / (1 - g)
    return sign * (1 - limit)
