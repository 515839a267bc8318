"""May a new policy go live? What it would have brought by the lots there were, beside the one in use."""

from __future__ import annotations

import numpy as np

from regulars.campaign.uplift import Trial, difference, evidence_of
from regulars.evaluation import Check
from regulars.lifecycle.actions.candidates import Floats
from regulars.lifecycle.longrun import LongRun, Lots

FOLDS = 2
NAME = "By the lots there were, the new policy would not have brought less than the one in use"


def may_go_live(lots: Lots, present: LongRun | None) -> Check:
    """Off-policy: each customer's best arm by models that did not know the customer, beside that of the policy in use,
    or silence where there is none.

    The model in use may have learned from some of these lots, which speaks for it: a new one that surely brings less
    even so is kept out of use. Limits of the week are not played: both choose as if nothing were scarce.

    Source
    ------
    Athey and Wager (2021), Policy Learning with Observational Data: doubly robust, the interval over customers.
    """
    whole = lots.whole
    fold = whole.folds(FOLDS, seed=3)
    new = np.zeros(len(whole), np.int64)
    for held_out in range(FOLDS):
        is_out = fold == held_out
        new[is_out] = best(LongRun.fit(lots.where(~is_out)).gain(whole.features[is_out]))
    scores = evidence_of(whole).scores
    knows = present is not None and present.arms == whole.arms and present.names == whole.names
    old = best(present.gain(whole.features)) if present is not None and knows else np.zeros(len(whole), np.int64)
    found = difference(whole, scores, new, old)
    beside = "the policy in use" if knows else "silence"
    detail = (
        f"{found.value:+,.2f} a customer more than {beside} ({found.low:+,.2f} to {found.high:+,.2f} at 95 %), "
        f"{len(whole):,} draws; {_shares(whole, new)}"
    )
    return Check(NAME, found.high >= 0, detail)


def best(gain: Floats) -> np.ndarray:
    """(n,) the arm that brings most, 0 where none brings more than it costs; `gain` (n, arms).

    >>> best(np.array([[0.0, 2.0, 1.0], [0.0, -1.0, -0.5]])).tolist()
    [1, 0]
    """
    return np.asarray(gain.argmax(1))


def _shares(trial: Trial, arm: np.ndarray) -> str:
    share = np.bincount(arm, minlength=len(trial.arms)) / len(arm)
    return ", ".join(f"{name} {part:.0%}" for name, part in zip(trial.arms, share, strict=True))
