"""Do groups of customers get like discounts? Where they do not, a run stops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError
from regulars.pricing.guard.errors import ParityError

Floats = npt.NDArray[np.float64]

LOW, HIGH = 0.8, 1.25
"""A group's mean discount over that of each other group lies between these."""
LEAST = 30
"""Of a group with fewer members a mean says little: it is told, and stops nothing."""


@dataclass(frozen=True)
class Parity:
    """Mean discounts of groups beside each other.

    Attributes
    ----------
    names, counts, means : of each group; means are shares of the list price.
    ratio : of the lowest mean to the highest, among groups that are large enough; 1 where there are no two, or nobody
        gets a discount.
    is_judged : of each group, whether it is large enough.
    """

    names: tuple[str, ...]
    counts: tuple[int, ...]
    means: tuple[float, ...]
    is_judged: tuple[bool, ...]
    ratio: float

    @property
    def holds(self) -> bool:
        """Whether every two groups are alike enough; a ratio of .8 one way is 1.25 the other."""
        return self.ratio >= LOW

    def require(self) -> None:
        """Stop unless it holds; ParityError, with the groups' means."""
        if self.holds:
            return
        said = ", ".join(
            f"{name} {mean:.2%} ({count:,})"
            for name, mean, count, judged in zip(self.names, self.means, self.counts, self.is_judged, strict=True)
            if judged
        )
        raise ParityError(
            f"Mean discounts of groups are too unlike: {said}; the lowest is {self.ratio:.2f} of the highest, and "
            f"{LOW:g} to {HIGH:g} is expected. Nothing was priced. Give the groups to the optimiser, which keeps them "
            "alike, or give everyone the same."
        )


def parity(discount: npt.ArrayLike, groups: Sequence[str | None]) -> Parity:
    """Mean discounts by group.

    Parameters
    ----------
    discount : (n,) share of the list price, 0 for who gets none.
    groups : (n,) which group each is of; None for who is of none that is known: they form no group.

    Raises
    ------
    InputError
        If a share is outside [0, 1], or there are not as many groups as discounts.

    Examples
    --------
    >>> found = parity([0.1] * 50 + [0.07] * 50, ["a"] * 50 + ["b"] * 50)
    >>> round(found.ratio, 2), found.holds
    (0.7, False)
    """
    share = np.asarray(discount, np.float64)
    if share.shape != (len(groups),):
        raise InputError(f"{len(groups)} groups for discounts of shape {share.shape}: one a row is expected.")
    if not ((share >= 0) & (share <= 1)).all():
        raise InputError("a discount is no share from 0 to 1: personal prices are never above the list price.")
    names = sorted({name for name in groups if name is not None})
    number = {name: place for place, name in enumerate(names)}
    place = np.array([-1 if name is None else number[name] for name in groups], np.int64)
    inside = place >= 0
    counts = np.bincount(place[inside], minlength=len(names))
    means = np.bincount(place[inside], share[inside], len(names)) / np.maximum(counts, 1)
    judged = counts >= LEAST
    some = means[judged]
    ratio = float(some.min() / some.max()) if len(some) > 1 and some.max() > 0 else 1.0
    return Parity(
        tuple(names), tuple(counts.tolist()), tuple(means.tolist()), tuple(bool(each) for each in judged), ratio
    )
