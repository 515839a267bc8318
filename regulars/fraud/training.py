"""How a fraud model comes about: attempts whose labels are known either way, features as of each, the baseline."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from regulars.errors import NotEnoughError
from regulars.fraud.attempts import Attempts
from regulars.fraud.dataset import Dataset, dataset
from regulars.fraud.model import FraudModel, fit

if TYPE_CHECKING:
    from regulars.shop import Shop

Floats = npt.NDArray[np.float64]

LEAST = 50
"""So many attempts are needed to know what is usual."""


@dataclass(frozen=True)
class Trained:
    """A model, the baseline, and how they came about.

    Attributes
    ----------
    data : what it was learned from.
    line : slope and intercept by which the forest's score is the baseline's probability; None without labels.
    notes : what a reader must know.
    """

    model: FraudModel
    data: Dataset
    line: tuple[float, float] | None
    notes: tuple[str, ...]

    @property
    def baseline_words(self) -> str:
        """What the baseline is."""
        return "the largest amounts first" if self.line is None else "isolation forest"

    def baseline(self, anomaly: Floats, amount: Floats) -> Floats:
        """(n,) what the simplest way says: an isolation forest alone, from the anomaly scores (n, 2) of attempts; where
        no label can calibrate it, the amount (n,)."""
        if self.line is None:
            return np.nan_to_num(amount)
        forest = anomaly[:, 1]
        slope, intercept = self.line
        found: Floats = 1 / (1 + np.exp(-(slope * _log_odds(forest) + intercept)))
        return found


def in_use(shop: Shop) -> tuple[FraudModel, int]:
    """The model in use, and its version; NotFoundError if there is none."""
    kept = shop.models.in_use("fraud")
    files = {name: kept.read(name) for name in kept.card["files"] if name != "report.html"}
    return FraudModel.from_files(files), kept.version


def train(found: Attempts, timezone: str) -> Trained:
    """Learn from attempts, all of which are before the moment that counts.

    Raises
    ------
    NotEnoughError
        If there are too few attempts.
    """
    if len(found) < LEAST:
        raise NotEnoughError(
            f"fraud: {len(found)} attempts, at least {LEAST} are needed to know what is usual. Import more history, "
            "or choose a later time."
        )
    rate = found.stream.base_rate
    data = dataset(found, timezone, rate)
    model = fit(data.rows, data.names, data.label, rate)
    if found.surprise is not None:
        model = replace(model, source=found.surprise.source)
    known = data.label >= 0
    frauds = int((data.label == 1).sum())
    if not model.is_taught:
        said = (
            f"{frauds} of {int(known.sum())} known attempts are frauds" if known.any() else "Nothing is known of frauds"
        )
        notes = (
            f"{said}: the score is how unusual an attempt is, and no probability. Labels come by payment_disputed and "
            "fraud_reviewed events, or by a fraud column.",
        )
        return Trained(model, data, None, notes)
    forest = model.anomaly.scores(data.rows[known])[:, 1]
    line = LogisticRegression(C=np.inf).fit(_log_odds(forest)[:, None], data.label[known] == 1)
    notes = (
        f"Learned from {int(known.sum()):,} attempts, {frauds:,} of them frauds; of {int((~known).sum()):,} newer ones "
        "labels are not yet known either way, and they count as unknown, not as honest.",
    )
    return Trained(model, data, (float(line.coef_[0, 0]), float(line.intercept_[0])), notes)


def _log_odds(share: Floats) -> Floats:
    held = np.clip(share, 1e-6, 1 - 1e-6)
    found: Floats = np.log(held / (1 - held))
    return found
