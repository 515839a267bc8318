"""What an impression is worth, in money."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError

Floats = npt.NDArray[np.float64]


def impression_value(
    click: npt.ArrayLike, order: npt.ArrayLike, margin: npt.ArrayLike, incremental: npt.ArrayLike = 1.0
) -> Floats:
    """P(click) x P(order after it) x margin x the share of such orders that would not have come without the ad.

    Parameters
    ----------
    click, order : (n,) chances in [0, 1]; of an order given a click.
    margin : (n,) of such an order, in money.
    incremental : in [0, 1], from an experiment (`regulars.ads.measure`): where there was none, 1 takes credit for
        every order, which is too much for customers who come anyway.

    Raises
    ------
    InputError
        If a share is not between 0 and 1, a margin is not known, or lengths differ.

    Examples
    --------
    >>> impression_value([0.02], [0.05], [40.0], 0.5).round(3).tolist()
    [0.02]
    """
    parts = [np.asarray(part, np.float64) for part in (click, order, incremental)]
    for name, part in zip(("click", "order", "incremental"), parts, strict=True):
        if not ((part >= 0) & (part <= 1)).all():
            raise InputError(f"{name}: shares between 0 and 1 are expected. For 5 %, write 0.05.")
    money = np.asarray(margin, np.float64)
    if not np.isfinite(money).all():
        raise InputError("margin: a finite amount of each is expected. Where the cost is not known, take a usual one.")
    try:
        found: Floats = parts[0] * parts[1] * money * parts[2]
    except ValueError:
        shapes = ", ".join(str(part.shape) for part in (*parts[:2], money, parts[2]))
        raise InputError(f"click, order, margin, incremental: shapes {shapes}; one length is expected.") from None
    return found
