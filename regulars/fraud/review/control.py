"""The control group: a few of those that would be held are let through by chance, so that holding can be judged.

What is held never shows whether it was fraud, and what reviewers say of it is said under the impression of the score.
Of those let through, what comes of them tells, and by the chance with which each was chosen, of all.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars.config import FraudSettings
from regulars.errors import InputError, NotEnoughError
from regulars.evaluation.proportion import wilson_interval
from regulars.events.identity import hash_column

LEAST_LET_THROUGH = 30.0
"""Below so many customers' worth of evidence no precision is given."""


class Control(NamedTuple):
    """What became of attempts that would be held, (n,) each.

    Attributes
    ----------
    is_let_through : whether it is let through by chance.
    propensity : the chance of what was done with it, (0, 1]: of being let through for those that are, of being held
        for the others. The decision is logged with it.
    """

    is_let_through: npt.NDArray[np.bool_]
    propensity: npt.NDArray[np.float64]


class Precision(NamedTuple):
    """The share of frauds among all that would be held, with its 95 % interval.

    Attributes
    ----------
    let_through, held : how many attempts of each it rests on.
    effective : how many customers with one attempt each and of one chance would tell as much (Kish).
    """

    value: float
    low: float
    high: float
    let_through: int
    held: int
    effective: float


def chosen(ids: pa.Array, share: float, salt: str) -> npt.NDArray[np.bool_]:
    """(n,) which ids a salted hash picks: the same ones each time, a share of all, not to be foreseen without the salt.

    >>> chosen(pa.array(["a1", "a2", "a3"]), 0.5, "salt").tolist()
    [True, False, False]
    """
    if not len(ids):
        return np.zeros(0, bool)
    salted = pc.binary_join_element_wise(salt, ids.cast(pa.string()), salt, "\x1f")
    # Twice: one pass of a hash that is no cipher tells more of its salt.
    once = pc.binary_join_element_wise(salt, pa.array(hash_column(salted)).cast(pa.string()), "\x1f")
    uniform = (hash_column(once) >> np.uint64(11)) * 2.0**-53
    found: npt.NDArray[np.bool_] = uniform < share
    return found


def let_through(attempt_ids: pa.Array, amounts: npt.ArrayLike, settings: FraudSettings, salt: str) -> Control:
    """Which of the attempts that would be held are let through by chance.

    Parameters
    ----------
    attempt_ids : (n,) of the attempts that would be held, and of no others.
    amounts : (n,) in the shop's currency. Above `control_amount`, and where it is unknown, all are held.
    settings : `[fraud]`: `control_share` is the chance, `control_amount` the largest amount.
    salt : secret, the same for ever: `state.secret("fraud control")`. Who knows it knows who is let through.

    Examples
    --------
    >>> settings = FraudSettings(control_share=0.5, control_amount=50)
    >>> control = let_through(pa.array(["a1", "a2", "a3"]), [20.0, 20.0, 500.0], settings, "salt")
    >>> control.is_let_through.tolist(), control.propensity.tolist()
    ([True, False, False], [0.5, 0.5, 1.0])
    """
    share = settings.control_share
    may = np.asarray(amounts, np.float64) <= settings.control_amount
    if not share:
        may &= False
    is_let_through = may & chosen(attempt_ids, share, salt)
    return Control(is_let_through, np.where(may, np.where(is_let_through, share, 1 - share), 1.0))


def precision_of_holding(
    is_let_through: npt.ArrayLike, propensity: npt.ArrayLike, is_fraud: npt.ArrayLike, customers: npt.ArrayLike
) -> Precision:
    """How many of those that would be held are frauds, told by those that were let through by chance?

    Each that was let through counts 1 / propensity times (Horvitz and Thompson, divided by the sum of the weights, so
    that it stays a share). It speaks for attempts up to `control_amount`, for no other had a chance. The interval is
    Wilson's with as many trials as there are customers' worth of evidence: attempts of one customer are alike.

    Parameters
    ----------
    is_let_through, propensity : (n,) as logged, of the attempts that could be let through (propensity < 1).
    is_fraud : (n,) what came of it; of those that were held it is not looked at. Leave out what is not known yet, by
        its age and not by its label: frauds are known earlier than honest ones.
    customers : (n,) whose attempt it was.

    Raises
    ------
    InputError
        If a propensity is outside (0, 1).
    NotEnoughError
        If fewer than 30 customers' worth of attempts were let through.

    Source
    ------
    Horvitz and Thompson (1952), A Generalization of Sampling Without Replacement from a Finite Universe; Kish (1965),
    Survey Sampling, for the effective size.

    Examples
    --------
    >>> through = np.arange(1000) % 10 == 0
    >>> found = precision_of_holding(through, np.where(through, 0.1, 0.9), np.arange(1000) % 40 == 0, np.arange(1000))
    >>> round(found.value, 2), round(found.low, 2), round(found.high, 2)
    (0.25, 0.18, 0.34)
    """
    through = np.asarray(is_let_through, bool)
    chance = np.asarray(propensity, np.float64)
    if not ((chance > 0) & (chance < 1)).all():
        raise InputError(
            "control group: a propensity is outside (0, 1). Give those attempts alone that could be let through."
        )
    weight = 1 / chance[through]
    fraud = np.asarray(is_fraud)[through].astype(np.float64)
    _, owner = np.unique(np.asarray(customers)[through], return_inverse=True)
    by_customer = np.bincount(owner, weight) if len(weight) else np.zeros(0)
    effective = float(weight.sum() ** 2 / np.square(by_customer).sum()) if len(weight) else 0.0
    if effective < LEAST_LET_THROUGH:
        raise NotEnoughError(
            f"control group: those let through are worth {effective:.0f} customers, at least {LEAST_LET_THROUGH:.0f} "
            "are needed for a precision. Wait for more, or raise [fraud] control_share or control_amount."
        )
    value = float((weight * fraud).sum() / weight.sum())
    low, high = wilson_interval(value * effective, effective)
    return Precision(value, float(low), float(high), int(through.sum()), int((~through).sum()), effective)
