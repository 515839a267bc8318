"""How should the next budget be split? So that the last unit spent brings the same everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from regulars.ads.measure.curves import Saturation
from regulars.errors import InputError


class Share(NamedTuple):
    """What a campaign is given, what that brings, and what one unit more would bring."""

    spend: float
    margin: float
    marginal: float


def next_split(
    curves: Mapping[str, Saturation],
    budget: float,
    *,
    least: Mapping[str, float] | None = None,
    most: Mapping[str, float] | None = None,
    may_keep: bool = True,
) -> dict[str, Share]:
    """Split a budget over campaigns by marginal return.

    Parameters
    ----------
    curves : of each campaign. budget : above 0.
    least, most : what a campaign must and may be given; default: nothing, and all.
    may_keep : whether money that brings less than itself is kept.

    Raises
    ------
    InputError
        If there is no campaign, the budget is 0 or less, or what must be given is above it or above what may be.

    Examples
    --------
    >>> curves = {"search": Saturation(300.0, 100.0), "social": Saturation(300.0, 200.0)}
    >>> found = next_split(curves, 200.0)
    >>> {name: round(share.spend) for name, share in found.items()}
    {'search': 110, 'social': 81}
    >>> [round(share.marginal, 2) for share in found.values()]  # the rest would bring less than itself, and is kept
    [1.0, 1.0]
    """
    if not 0 < budget < np.inf:
        raise InputError(f"budget = {budget:g}: more than 0 is expected.")
    if not curves:
        raise InputError("there is no campaign to split a budget over.")
    lows = {name: (least or {}).get(name, 0.0) for name in curves}
    highs = {name: min((most or {}).get(name, budget), budget) for name in curves}
    wrong = [name for name in curves if lows[name] > highs[name] or lows[name] < 0]
    if wrong or sum(lows.values()) > budget:
        said = ", ".join(wrong) or f"{sum(lows.values()):g} in all"
        raise InputError(f"what must be given is more than there is or may be given: {said}.")

    def at(price: float) -> dict[str, float]:
        """What each is given so that its last unit brings the price."""
        found = {}
        for name, curve in curves.items():
            wanted = curve.scale * np.log(max(curve.most / curve.scale / price, 1e-300))
            found[name] = float(np.clip(wanted, lows[name], highs[name]))
        return found

    floor = 1.0 if may_keep else 1e-12
    low, high = floor, 2 * max(floor, *(curve.most / curve.scale for curve in curves.values()))
    if sum(at(floor).values()) <= budget:
        high = floor
    for _ in range(200):
        middle = (low + high) / 2
        if sum(at(middle).values()) > budget:
            low = middle
        else:
            high = middle
    spends = at(high)
    return {
        name: Share(spend, float(curves[name].margin(spend)), float(curves[name].marginal(spend)))
        for name, spend in spends.items()
    }
