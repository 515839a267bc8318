"""How much a few customers decide: large values cut down, and the effect at each cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from regulars.experiment.stats.effects import Effect

SHARES = (1.0, 0.9999, 0.999, 0.995, 0.99)
"""Of customers left as they are, in the table of how sensitive an effect is."""


class Cut(NamedTuple):
    """An effect when values above a quantile of all customers are cut down to it.

    Attributes
    ----------
    share : of customers left as they are, 1 for all.
    at : the value that is the most.
    """

    share: float
    at: float
    effect: Effect


def is_fragile(cuts: Sequence[Cut]) -> bool:
    """Whether the effect rests on a few customers: at some cuts it is found above 0, at others below.

    Examples
    --------
    >>> up, down = Effect(2, 1, 0.1, 4, 0.04, None, None, None), Effect(-2, 1, -4, -0.1, 0.04, None, None, None)
    >>> is_fragile([Cut(1.0, 900.0, up), Cut(0.99, 50.0, up)]), is_fragile([Cut(1.0, 900.0, up), Cut(0.99, 50.0, down)])
    (False, True)
    """
    return any(cut.effect.difference > 0 for cut in cuts) and any(cut.effect.difference < 0 for cut in cuts) and any(
        cut.effect.low > 0 or cut.effect.high < 0 for cut in cuts
    )  # fmt: skip
