"""The training table of fraud: attempts with what was known when each was made, and what became known of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regulars.fraud.anomaly import Matrix
from regulars.fraud.attempts import Attempts
from regulars.fraud.features.batch import features, spoken_of
from regulars.fraud.features.named import needed
from regulars.fraud.features.own import own
from regulars.fraud.features.travel import travelled
from regulars.fraud.stream import Ints
from regulars.fraud.surprise import COLUMN

MOST_ROWS = 600_000
"""The newest attempts are learned from, so many at most."""


@dataclass(frozen=True)
class Dataset:
    """Attempts with their features.

    Attributes
    ----------
    places : (n,) which attempts, ascending.
    names : of the columns; rows : (n, names) float32, NaN where unknown.
    label : (n,) 1 fraud, 0 honest, -1 unknown by now, or known of frauds only.
    """

    places: Ints
    names: tuple[str, ...]
    rows: Matrix
    label: npt.NDArray[np.int8]


def dataset(
    found: Attempts,
    timezone: str,
    base_rate: float,
    places: Ints | None = None,
    names: Sequence[str] | None = None,
) -> Dataset:
    """Features of attempts, each as of its own moment.

    Parameters
    ----------
    base_rate : share of frauds that estimated shares are drawn to: that of the time that was learned from.
    places : ascending; default the newest `MOST_ROWS`.
    names : of the columns; default all of which the log says anything.
    """
    if places is None:
        places = np.arange(max(len(found) - MOST_ROWS, 0), len(found))
    stream = found.stream
    measures = spoken_of(stream) if names is None else spoken_of(stream, needed(names))
    columns = features(stream, stream.attempts[places], base_rate=base_rate, measures=measures)
    columns |= own(found.facts.take(places), timezone) | travelled(found, places)
    if found.surprise is not None:
        columns[COLUMN] = found.surprise.values[places]
    chosen = tuple(columns) if names is None else tuple(names)
    nothing = np.full(len(places), np.nan, np.float32)
    rows = np.empty((len(places), len(chosen)), np.float32)
    for place, name in enumerate(chosen):
        rows[:, place] = columns.get(name, nothing)
    label, _ = stream.labels()
    return Dataset(places, chosen, rows, np.where(found.is_even, label, -1)[places].astype(np.int8))
