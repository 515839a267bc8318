"""What all learners of effects start from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from regulars.campaign.uplift.expected import winsorised
from regulars.campaign.uplift.scores import doubly_robust_scores, expected_apart
from regulars.campaign.uplift.trial import Floats, Trial


@dataclass(frozen=True)
class Evidence:
    """A trial with what learners share.

    Attributes
    ----------
    expected : (n, arms) under each arm, by models that did not know the row.
    scores : (n, arms) doubly robust.
    visits : (n,) expected in the mean over arms, by models that did not know the row; None where the trial tells none.
    """

    trial: Trial
    expected: Floats
    scores: Floats
    visits: Floats | None = None

    @property
    def effects(self) -> Floats:
        """(n, arms - 1) what each arm would have brought more than nothing: unbiased, and noisy."""
        found: Floats = self.scores[:, 1:] - self.scores[:, :1]
        return found

    def rows(self, chosen: npt.NDArray[np.bool_]) -> Evidence:
        """Some of the rows."""
        visits = None if self.visits is None else self.visits[chosen]
        return Evidence(self.trial.rows(chosen), self.expected[chosen], self.scores[chosen], visits)


def evidence_of(trial: Trial) -> Evidence:
    """What learners share: expectations of who did not know the row, and doubly robust scores; tails drawn in."""
    trial = replace(trial, outcome=winsorised(trial)[0])
    expected = expected_apart(trial)
    visits = None
    if trial.visits is not None:
        counted = expected_apart(replace(trial, outcome=trial.visits, kind="count"))
        visits = (trial.propensity * counted).sum(1)
    return Evidence(trial, expected, doubly_robust_scores(trial, expected), visits)
