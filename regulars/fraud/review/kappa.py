"""How far do two reviewers agree who judged the same cases without seeing each other's verdict?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from regulars.errors import InputError, NotEnoughError
from regulars.evaluation.proportion import wilson_interval
from regulars.fraud.review.tables import prepare, verdicts
from regulars.state import State

LEAST_CASES = 10
"""Below so many cases that two have judged, no agreement is given."""


class Agreement(NamedTuple):
    """Cohen's kappa with its 95 % interval, and the shares it is made of.

    Attributes
    ----------
    kappa : 1 where both always agree, 0 where they agree as often as chance would.
    agreed : the share of attempts of which both say the same.
    by_chance : the share of which two would who say fraud as often, each without looking.
    attempts, cases : how many both have judged.
    fraud_first, fraud_second : the share of frauds by the first and by the second look.
    """

    kappa: float
    low: float
    high: float
    agreed: float
    by_chance: float
    attempts: int
    cases: int
    fraud_first: float
    fraud_second: float


def agreement(first: npt.ArrayLike, second: npt.ArrayLike, cases: npt.ArrayLike) -> Agreement:
    """Cohen's kappa of two looks at the same attempts.

    The interval is that of the share agreed (Wilson's, so that full agreement in few cases is not certainty), put on
    kappa's scale with the agreement by chance held fixed, as Cohen did. Attempts of one case are judged alike, so there
    are as many trials as there are cases' worth of them (Kish).

    Parameters
    ----------
    first, second : (n,) whether each look said fraud.
    cases : (n,) whose attempt it is.

    Raises
    ------
    NotEnoughError
        If fewer than 10 cases were judged by two, or both said the same of all: kappa is not defined then.
    InputError
        If the lengths differ.

    Source
    ------
    Cohen (1960), A Coefficient of Agreement for Nominal Scales, Educational and Psychological Measurement 20, 37-46.

    Examples
    --------
    >>> first, second = np.arange(100) < 50, (np.arange(100) < 45) | (np.arange(100) >= 95)
    >>> found = agreement(first, second, np.arange(100))
    >>> round(found.kappa, 2), round(found.low, 2), round(found.high, 2)
    (0.8, 0.65, 0.89)
    """
    one, two = np.asarray(first, bool), np.asarray(second, bool)
    _, owner = np.unique(np.asarray(cases), return_inverse=True)
    if not len(one) == len(two) == len(owner):
        raise InputError(
            f"agreement: {len(one)} first looks, {len(two)} second ones and {len(owner)} cases were given."
        )
    size = np.bincount(owner) if len(owner) else np.zeros(0, int)
    if len(size) < LEAST_CASES:
        raise NotEnoughError(
            f"agreement: two reviewers have judged {len(size)} cases, at least {LEAST_CASES} are needed. Wait for "
            "more, or raise [fraud] second_look_share."
        )
    share_one, share_two = float(one.mean()), float(two.mean())
    by_chance = share_one * share_two + (1 - share_one) * (1 - share_two)
    if by_chance == 1:
        word = "fraud" if share_one else "honest"
        raise NotEnoughError(f"agreement: both looks said {word} of all {len(one)} attempts. Kappa needs both answers.")
    agreed = float((one == two).mean())
    effective = len(one) ** 2 / float(np.square(size).sum())
    low, high = (float(end) for end in wilson_interval(agreed * effective, effective))
    kappa, kappa_low, kappa_high = ((share - by_chance) / (1 - by_chance) for share in (agreed, low, high))
    return Agreement(
        kappa, max(kappa_low, -1.0), kappa_high, agreed, by_chance, len(one), len(size), share_one, share_two
    )  # fmt: skip


def agreement_of(state: State) -> Agreement:
    """The agreement over all cases that two reviewers have judged blind; see `agreement`."""
    one, two = verdicts.alias("one"), verdicts.alias("two")
    both = (one.c.attempt_id == two.c.attempt_id) & (one.c.stage == "first") & (two.c.stage == "second")
    stand = one.c.undone_at.is_(None) & two.c.undone_at.is_(None)
    asked = sa.select(one.c.outcome, two.c.outcome, one.c.case_id).join(two, both).where(stand)
    with prepare(state).read() as view:
        rows = view.execute(asked).all()
    first, second, cases = (np.array(column) for column in zip(*rows, strict=True)) if rows else (np.zeros(0),) * 3
    return agreement(first == "fraud", second == "fraud", cases)
