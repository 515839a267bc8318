"""Where and when would an ad stand? As numbers, by which a rotation chooses among creatives."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from math import cos, pi, sin
from typing import Literal

import numpy as np

Device = Literal["phone", "tablet", "desktop"]
DEVICES: tuple[Device, ...] = ("phone", "tablet", "desktop")
SATURDAY = 5


def context(
    at: datetime, *, device: Device | None = None, is_app: bool = False, view: float = 0.0
) -> tuple[float, ...]:
    """(9,) a level, the hour, whether it is the weekend, the device, whether it is in an app, and how well it is seen.

    Parameters
    ----------
    at : on the clock of those who see ads. Its hour is a point on a circle: an hour before midnight is near one after.
    device : None where it is another, or is not told.
    view : 1 where the place is seen at once, -1 where one must scroll to it, 0 where that is not told.

    Examples
    --------
    >>> saturday = datetime(2024, 5, 4, 6)
    >>> [round(each, 2) for each in context(saturday, device="tablet", view=-1.0)]
    [1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, -1.0]
    """
    turn = 2 * pi * (at.hour + at.minute / 60) / 24
    is_device = (float(device == each) for each in DEVICES)
    return (1.0, sin(turn), cos(turn), float(at.weekday() >= SATURDAY), *is_device, float(is_app), view)


USUAL = np.array(
    [
        context(datetime(2024, 5, day, hour, tzinfo=UTC), device=device, is_app=is_app, view=view)
        for day, hour, device, is_app, view in product(
            (2, 4), range(0, 24, 3), (None, *DEVICES), (False, True), (-1.0, 0.0, 1.0)
        )
    ]
)
"""(384, 9) contexts of all kinds."""
FEATURES = USUAL.shape[1]
