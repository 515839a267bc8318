"""What an experiment, or a log with known or estimated chances, has to say of effects: checked, as a value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError, NotEnoughError

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
Kind = Literal["binary", "count", "money"]

LEAST_OF_ARM = 100
"""Customers that each arm needs: of fewer nothing can be learned about differences between customers."""


@dataclass(frozen=True)
class Trial:
    """Customers, what was done to each by chance, and what came of it.

    Attributes
    ----------
    features : (n, k) float, known before the arm was drawn; NaN where absent.
    arm : (n,) int, 0 to m; 0 is who was left alone.
    outcome : (n,) float; in {0, 1}, counts from 0, or money, as `kind` says.
    propensity : (n, m + 1) float, the chance of each arm for each customer, above 0; rows add to 1.
    kind : "binary", "count" or "money".
    arms : m + 1 names, that of who is left alone first.
    names : k names of features.
    costs : (m + 1,) money that doing it costs for one customer.
    worth : money that one unit of the outcome is worth; 1 where it is money already.
    customers : (n,) whose row it is; rows of one customer are alike, and stay together.
    visits : (n,) how often each came, or bought, in the same days as the outcome; None where it is not known.
    is_estimated : whether the propensities were estimated from the log: then what is found may be confounded.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> trial = Trial.of(rng.random((400, 2)), rng.integers(0, 2, 400), rng.integers(0, 2, 400), kind="binary")
    >>> trial.arms, trial.propensity[0].tolist()
    (('none', 'contact'), [0.5, 0.5])
    """

    features: Floats
    arm: Numbers
    outcome: Floats
    propensity: Floats
    kind: Kind
    arms: tuple[str, ...]
    names: tuple[str, ...]
    costs: Floats
    worth: float
    customers: Numbers
    visits: Floats | None = None
    is_estimated: bool = False

    @staticmethod
    def of(
        features: npt.ArrayLike,
        arm: npt.ArrayLike,
        outcome: npt.ArrayLike,
        *,
        kind: Kind,
        propensity: npt.ArrayLike | None = None,
        arms: Sequence[str] | None = None,
        names: Sequence[str] | None = None,
        costs: npt.ArrayLike | None = None,
        worth: float = 1.0,
        customers: npt.ArrayLike | None = None,
        visits: npt.ArrayLike | None = None,
        is_estimated: bool = False,
    ) -> Trial:
        """Checked.

        Parameters
        ----------
        propensity : (m + 1,) the same for all, or (n, m + 1); alike for all arms when left out.
        arms : "none" and "contact", or "none" and "arm 1", … when left out.
        costs : nothing costs anything when left out.

        Raises
        ------
        InputError
            If shapes differ, an arm or outcome cannot be, a chance is not in (0, 1], or the outcome is the same for
            all: the message names the first such row.
        NotEnoughError
            If an arm, or who is left alone, has fewer than 100 rows.
        """
        x = np.asarray(features, np.float64)
        drawn, found = np.asarray(arm), np.asarray(outcome, np.float64)
        if x.ndim != 2 or drawn.shape != (len(x),) or found.shape != (len(x),):
            raise InputError(
                f"features {x.shape}, arm {drawn.shape}, outcome {found.shape}: (n, k), (n,) and (n,) are expected."
            )
        if not np.issubdtype(drawn.dtype, np.integer):
            raise InputError(f"arm: numbers of arms, as integers, are expected, not {drawn.dtype}.")
        given = None if propensity is None else np.asarray(propensity, np.float64)
        count = _arms(drawn, arms, given)
        said = tuple(arms) if arms is not None else _plain_names(count)
        _refuse((drawn < 0) | (drawn >= count), drawn, "arm", f"0 to {count - 1} is expected")
        _check_outcome(found, kind)
        chance = np.full(count, 1 / count) if given is None else given
        if chance.ndim == 1:
            chance = np.broadcast_to(chance, (len(x), len(chance)))
        _check_propensity(chance, len(x), count)
        paid = np.zeros(count) if costs is None else np.asarray(costs, np.float64)
        if paid.shape != (count,) or not (paid >= 0).all():
            raise InputError(f"costs {paid.tolist()}: one of 0 or more for each of {', '.join(said)} is expected.")
        columns = tuple(names) if names is not None else tuple(f"x{k}" for k in range(x.shape[1]))
        if len(columns) != x.shape[1]:
            raise InputError(f"{len(columns)} names of {x.shape[1]} features: as many are needed.")
        who = np.arange(len(x)) if customers is None else np.unique(np.asarray(customers), return_inverse=True)[1]
        rows = np.bincount(drawn.astype(np.int64), minlength=count)
        if rows.min() < LEAST_OF_ARM:
            short = ", ".join(f'"{name}" has {n:,}' for name, n in zip(said, rows, strict=True) if n < LEAST_OF_ARM)
            raise NotEnoughError(
                f"{short} of {len(x):,} customers; at least {LEAST_OF_ARM} in each arm are needed, and in that of who "
                "is left alone. Leave the arm out, or draw more customers for it."
            )
        if found.min() == found.max():
            raise InputError(f"the outcome is {found[0]:g} for all: nothing can be learned from it. Choose another.")
        came = None if visits is None else np.asarray(visits, np.float64)
        if came is not None:
            if came.shape != (len(x),):
                raise InputError(f"visits {came.shape}: ({len(x)},) is expected, as there are outcomes.")
            _refuse(~(came >= 0) | ~np.isfinite(came), came, "visits", "a count from 0 on is expected")
        return Trial(
            x, drawn.astype(np.int64), found, chance, kind, said, columns, paid, float(worth), who, came, is_estimated
        )

    def __len__(self) -> int:
        return len(self.arm)

    def rows(self, chosen: npt.NDArray[np.bool_] | Numbers) -> Trial:
        """Some of the rows, unchecked."""
        return replace(
            self,
            features=self.features[chosen],
            arm=self.arm[chosen],
            outcome=self.outcome[chosen],
            propensity=self.propensity[chosen],
            customers=self.customers[chosen],
            visits=None if self.visits is None else self.visits[chosen],
        )

    def folds(self, count: int, seed: int = 0) -> Numbers:
        """(n,) the fold of each row: those of a customer are in one."""
        # Of those who are here: of a part that is all but a fold, drawn by the same seed, that fold would be empty.
        people, place = np.unique(self.customers, return_inverse=True)
        found: Numbers = np.random.default_rng(seed).permutation(len(people))[place] % count
        return found


def _plain_names(count: int) -> tuple[str, ...]:
    return ("none", "contact") if count == 2 else ("none", *(f"arm {number}" for number in range(1, count)))


def _arms(drawn: npt.NDArray[np.generic], arms: Sequence[str] | None, chance: Floats | None) -> int:
    if arms is not None:
        return len(arms)
    return chance.shape[-1] if chance is not None else max(int(drawn.max(initial=0)) + 1, 2)


def _check_outcome(outcome: Floats, kind: str) -> None:
    if kind not in get_args(Kind):
        raise InputError(f'kind = "{kind}": one of {", ".join(get_args(Kind))} is expected.')
    _refuse(~np.isfinite(outcome), outcome, "outcome", "a number is expected")
    if kind == "binary":
        _refuse((outcome != 0) & (outcome != 1), outcome, "outcome", "0 or 1 is expected of a binary one")
    if kind == "count":
        _refuse((outcome < 0) | (outcome % 1 != 0), outcome, "outcome", "a count from 0 on is expected")


def _check_propensity(chance: Floats, rows: int, arms: int) -> None:
    if chance.shape != (rows, arms):
        raise InputError(f"propensity {chance.shape}: ({rows}, {arms}) is expected, one for each customer and arm.")
    least = np.asarray(chance.min(axis=1))
    _refuse(np.asarray(~(least > 0), bool), least, "propensity", "every arm must have had a chance above 0")
    total = np.asarray(chance.sum(axis=1))
    _refuse(~np.isclose(total, 1, atol=1e-6), total, "propensity", "chances of a row add to 1")


def _refuse(is_wrong: npt.NDArray[np.bool_], values: npt.NDArray[np.generic], name: str, why: str) -> None:
    if is_wrong.any():
        row = int(np.flatnonzero(is_wrong)[0])
        raise InputError(f"row {row}: {name} = {values[row]}: {why}.")
