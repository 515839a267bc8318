"""How far an attempt is from the one before it by the same customer, and how fast one would have had to travel."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from regulars.fraud.attempts import Attempts
from regulars.fraud.features.own import SECOND, distance_km
from regulars.fraud.stream import Ints

Columns = dict[str, npt.NDArray[np.float32]]
Floats = npt.NDArray[np.float64]

LEAST_HOURS = 1 / 60
"""Two attempts within a minute count as a minute apart: clocks are no better, and nothing is divided by 0."""


class Place(NamedTuple):
    """When and where an attempt was made: microseconds since 1970, degrees."""

    time: int
    north: float
    east: float


def travelled(found: Attempts, places: Ints) -> Columns:
    """Of some attempts of a log.

    Returns
    -------
    `last_place_km` (m,) float32 kilometres from where the customer last tried before, `last_place_kmh` in kilometres an
    hour; NaN where a place or the customer is unknown, or there is none before. Empty where no attempt has a place.
    """
    north, east = found.facts.places[:2]
    codes = found.stream.codes.get("customer")
    is_known = _is_place(north, east)
    if codes is None or not is_known.any():
        return {}
    owner = codes[found.stream.attempts].astype(np.int64)
    _, moment = np.unique(found.facts.time, return_inverse=True)
    # Customer and moment as one number, in which the rows before a moment of the same customer lie side by side.
    key = owner * (int(moment.max()) + 1) + moment
    rows = np.flatnonzero(is_known & (owner >= 0))
    rows = rows[np.argsort(key[rows], kind="stable")]
    if not len(rows):
        return {}
    before = np.searchsorted(key[rows], key[places]) - 1
    last = rows[np.maximum(before, 0)]
    is_theirs = (before >= 0) & (owner[last] == owner[places]) & (owner[places] >= 0)
    where = np.where(is_theirs, north[last], np.nan), np.where(is_theirs, east[last], np.nan)
    return _moved(found.facts.time[places] - found.facts.time[last], north[places], east[places], *where)


class LastPlaces:
    """Where each customer last tried, as attempts come.

    Examples
    --------
    >>> last = LastPlaces()
    >>> last.add("ada", Place(0, 48.86, 2.35))
    >>> {name: round(km) for name, km in last.ask("ada", Place(3600 * SECOND, 51.51, -0.13)).items()}
    {'last_place_km': 343, 'last_place_kmh': 343}
    """

    def __init__(self) -> None:
        # The last, and the last at an earlier moment: attempts of one moment do not know of each other.
        self._kept: dict[str, tuple[Place, Place | None]] = {}

    @classmethod
    def of(cls, found: Attempts) -> LastPlaces:
        """As the attempts of a log left it."""
        last = cls()
        codes = found.stream.codes.get("customer")
        north, east = found.facts.places[:2]
        if codes is None:
            return last
        owner = codes[found.stream.attempts]
        names = found.stream.names["customer"]
        for row in np.flatnonzero(_is_place(north, east) & (owner >= 0)):
            last.add(
                names[int(owner[row])].as_py(), Place(int(found.facts.time[row]), float(north[row]), float(east[row]))
            )
        return last

    def add(self, customer: str | None, place: Place) -> None:
        """Let an attempt be known; one without a place or a customer says nothing."""
        if customer is None or not _is_place(np.array(place.north), np.array(place.east)):
            return
        kept = self._kept.get(customer)
        earlier = None if kept is None else kept[0] if kept[0].time < place.time else kept[1]
        self._kept[customer] = (place, earlier)

    def ask(self, customer: str | None, place: Place) -> dict[str, float]:
        """As `travelled` says of an attempt, which is not added by this."""
        kept = self._kept.get(customer) if customer is not None else None
        last = None if kept is None else kept[0] if kept[0].time < place.time else kept[1]
        last = last or Place(place.time, np.nan, np.nan)
        one = (np.array([value]) for value in (place.time - last.time, place.north, place.east, last.north, last.east))
        return {name: float(values[0]) for name, values in _moved(*one).items()}


def _moved(passed: Ints, north: Floats, east: Floats, last_north: Floats, last_east: Floats) -> Columns:
    far = distance_km(north, east, last_north, last_east)
    hours = np.maximum(passed / (3600 * SECOND), LEAST_HOURS)
    return {"last_place_km": far.astype(np.float32), "last_place_kmh": (far / hours).astype(np.float32)}


def _is_place(north: Floats, east: Floats) -> npt.NDArray[np.bool_]:
    return (np.abs(north) <= 90) & (np.abs(east) <= 360)
