"""What is a stage of life worth: the money to come from who is in it, by following the chain of stages ahead."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, PoissonRegressor

from regulars.lifecycle.stages.hazards import COUNT, Moves, Numbers, usual
from regulars.lifecycle.stages.panel import TRAITS, Floats
from regulars.profile.stage import STAGES

DWELLS = 13
"""Weeks in a stage that are told apart; longer ones are alike."""
MOST_ROWS = 60_000
"""Customer-weeks of a stage that its chances are learned from."""
NOTHING = 1e-9
LEAST_ROWS, LEAST_CLASS = 200, 20
"""Of fewer weeks, or changes, what is usual stands for all customers."""


class Values(NamedTuple):
    """Money to come within the horizon, as of today's worth, of n customers.

    Attributes
    ----------
    entered : (n, stages) were each to enter a stage now.
    staying : (n,) were it to be where it is for one week more.
    now : (n,) where it is.
    """

    entered: Floats
    staying: Floats
    now: Floats


@dataclass(frozen=True)
class Chain:
    """Chances and money of the weeks ahead, by stage, weeks in it, and what moves slowly with each customer.

    What moves with every week is not known of weeks ahead: here chances hang on `TRAITS` and time in the stage alone.

    Attributes
    ----------
    middle, spread : (traits,) by which traits are made comparable; an absent one counts as the middle.
    chance : (stages, stages, 1 + bases + traits) of the logarithm of each chance; -inf at its first place where a
        change was never seen.
    money : (stages, 1 + bases + traits) of the logarithm of a week's margin.

    Source
    ------
    Howard (1971), Dynamic Probabilistic Systems, volume II, chapter 10 (semi-Markov processes with rewards);
    Puterman (1994), Markov Decision Processes, section 4.2 (evaluation backwards over a horizon).
    """

    middle: Floats
    spread: Floats
    chance: Floats
    money: Floats

    @classmethod
    def fit(cls, moves: Moves) -> Chain:
        """From customer-weeks."""
        traits = moves.features[:, : len(TRAITS)]
        known = np.asarray(np.isfinite(traits).any(0))
        middle = np.array([np.nanmean(column) if has else 0.0 for column, has in zip(traits.T, known, strict=True)])
        spread = np.array([np.nanstd(column) if has else 1.0 for column, has in zip(traits.T, known, strict=True)])
        spread = np.maximum(spread, 1e-6)
        inputs = np.column_stack([_bases(moves.dwell), _standard(traits, middle, spread)])
        width = 1 + inputs.shape[1]
        chance = np.zeros((COUNT, COUNT, width))
        plain = usual(moves)
        rng = np.random.default_rng(0)
        for stage in range(COUNT):
            with np.errstate(divide="ignore"):
                chance[stage, :, 0] = np.log(plain[stage])
            rows = np.flatnonzero(moves.stage == stage)
            if len(rows) >= LEAST_ROWS:
                rows = np.sort(rng.permutation(rows)[:MOST_ROWS])
                chance[stage] = _chances(inputs[rows], moves.after[rows], chance[stage])
        return cls(middle, spread, chance, _money(inputs, moves, rng))

    def value(self, stage: Numbers, dwell: Numbers, traits: Floats, *, weeks: int, discount: float) -> Values:
        """Money of the coming weeks.

        Parameters
        ----------
        stage, dwell : (n,) where each is, since how many whole weeks.
        traits : (n, traits) in the order of `TRAITS`; NaN where absent.
        weeks : how far is looked. discount : what money loses in a week, by which it is multiplied, 0 to 1.
        """
        inputs = _standard(np.asarray(traits, float), self.middle, self.spread)
        bases = _bases(np.arange(DWELLS))
        width = bases.shape[1]
        entered, staying, now = np.zeros((len(inputs), COUNT)), np.zeros(len(inputs)), np.zeros(len(inputs))
        log_chance = self.chance[:, :, :1] + self.chance[:, :, 1 : 1 + width] @ bases.T  # (stages, stages, dwells)
        log_money = self.money[:, :1] + self.money[:, 1 : 1 + width] @ bases.T  # (stages, dwells)
        _follow(
            log_chance, self.chance[:, :, 1 + width :].copy(), log_money, self.money[:, 1 + width :].copy(), inputs,
            stage.astype(np.int64), np.minimum(dwell, DWELLS - 1).astype(np.int64), weeks, discount,
            entered, staying, now,
        )  # fmt: skip
        return Values(entered, staying, now)

    def chances(self, stage: Numbers, dwell: Numbers, traits: Floats) -> Floats:
        """(n, stages) the chance of each stage a week later, as the chain has it."""
        inputs = np.column_stack([_bases(dwell), _standard(np.asarray(traits, float), self.middle, self.spread)])
        of_stage = self.chance[stage]  # (n, stages, 1 + inputs)
        logs = of_stage[:, :, 0] + np.einsum("ijk,ik->ij", of_stage[:, :, 1:], inputs)
        found = np.exp(logs - logs.max(1, keepdims=True))
        return np.asarray(found / found.sum(1, keepdims=True))

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it: what was never seen as null."""
        chance = [[[None if np.isneginf(x) else x for x in to] for to in row] for row in self.chance.tolist()]
        return {
            "stages": STAGES, "traits": TRAITS, "middle": self.middle.tolist(), "spread": self.spread.tolist(),
            "chance": chance, "money": self.money.tolist(),
        }  # fmt: skip

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Chain:
        """From what `to_json` gave."""
        chance = np.array([[[-np.inf if x is None else x for x in to] for to in row] for row in saved["chance"]], float)
        middle, spread, money = (np.array(saved[name], float) for name in ("middle", "spread", "money"))
        return cls(middle, spread, chance, money)


def _bases(dwell: npt.NDArray[Any]) -> Floats:
    """(r, 3) of time in a stage: its logarithm, and whether it is the first week, or one of the first four."""
    weeks = np.minimum(dwell, DWELLS - 1)
    return np.column_stack([np.log1p(weeks), weeks == 0, weeks < 4]).astype(np.float64)


def _standard(traits: Floats, middle: Floats, spread: Floats) -> Floats:
    # Beyond three spreads nothing was learned.
    return np.clip(np.nan_to_num((traits - middle) / spread), -3, 3)


def _chances(inputs: Floats, after: Numbers, plain: Floats) -> Floats:
    """(stages, 1 + inputs) of one stage of origin; what is usual where a change is rare."""
    counts = np.bincount(after, minlength=COUNT)
    often = np.flatnonzero(counts >= LEAST_CLASS)
    if len(often) < 2:
        return plain
    is_often = np.isin(after, often)
    model = LogisticRegression(C=1.0, max_iter=200)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the last digits of a slope decide nothing
        model.fit(inputs[is_often], after[is_often])
    found = plain.copy()
    slopes, levels = model.coef_, model.intercept_
    if len(often) == 2:  # told for the second alone
        slopes, levels = np.vstack([-slopes / 2, slopes / 2]), np.concatenate([-levels / 2, levels / 2])
    found[often] = np.column_stack([levels, slopes])
    # Rare changes keep their share of all: their level is set against the mean of the others.
    rare = np.setdiff1d(np.flatnonzero(counts > 0), often)
    if len(rare):
        total = np.log(np.exp(inputs @ slopes.T + levels).sum(1)).mean()
        found[rare, 0] = np.log(counts[rare] / counts[often].sum()) + total
    return found


def _money(inputs: Floats, moves: Moves, rng: np.random.Generator) -> Floats:
    """(stages, 1 + inputs) of the logarithm of a week's margin.

    Slopes are the same in all stages, for some stages have few weeks with an order; the level of each is that at which
    its sum is what came, with what was given back.
    """
    found = np.zeros((COUNT, 1 + inputs.shape[1]))
    found[:, 0] = np.log(NOTHING)
    mean = float(moves.money.mean()) if len(moves) else 0.0
    if mean <= 0:
        return found
    rows = np.sort(rng.permutation(len(moves))[: 4 * MOST_ROWS])
    stage, gained = moves.stage[rows], np.maximum(moves.money[rows], 0) / mean
    model = PoissonRegressor(alpha=1e-2, max_iter=300)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(np.column_stack([inputs[rows], np.eye(COUNT)[stage]]), gained)
    slopes = model.coef_[: inputs.shape[1]]
    shape = np.exp(inputs[rows] @ slopes)
    came = np.bincount(stage, moves.money[rows], COUNT)
    foreseen = np.bincount(stage, shape, COUNT)
    has = (came > 0) & (foreseen > 0)
    found[has, 0] = np.log(came[has] / foreseen[has])
    found[has, 1:] = slopes
    return found


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _ahead(log_chance: Any, slope: Any, log_money: Any, money_slope: Any, traits: Any, chance: Any, money: Any) -> None:
    """Chances (stages, dwells, stages) and money (stages, dwells) of one customer's weeks are written."""
    for s in range(len(chance)):
        money[s] = np.exp(log_money[s] + (money_slope[s] * traits).sum())
        for to in range(len(chance)):
            own = (slope[s, to] * traits).sum()
            for d in range(chance.shape[1]):
                chance[s, d, to] = np.exp(log_chance[s, to, d] + own)
        for d in range(chance.shape[1]):
            chance[s, d] /= chance[s, d].sum()


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _follow(
    log_chance: Any, slope: Any, log_money: Any, money_slope: Any, inputs: Any, stage: Any, dwell: Any, weeks: int,
    discount: float, entered: Any, staying: Any, now: Any,
) -> None:  # fmt: skip
    """Backwards from the horizon, one customer after the other.

    entered (n, stages), staying (n,) and now (n,) are written.
    """
    stages, dwells = log_chance.shape[0], log_chance.shape[2]
    chance, money = np.empty((stages, dwells, stages)), np.empty((stages, dwells))
    worth, later = np.empty((stages, dwells)), np.empty((stages, dwells))
    for i in range(len(inputs)):
        _ahead(log_chance, slope, log_money, money_slope, inputs[i], chance, money)
        later[:, :] = 0.0
        for _ in range(weeks):
            for s in range(stages):
                for d in range(dwells):
                    total = chance[s, d, s] * later[s, min(d + 1, dwells - 1)]
                    for to in range(stages):
                        if to != s:
                            total += chance[s, d, to] * later[to, 0]
                    worth[s, d] = money[s, d] + discount * total
            later[:, :] = worth
        entered[i, :] = worth[:, 0]
        now[i] = worth[stage[i], dwell[i]]
        staying[i] = worth[stage[i], min(dwell[i] + 1, dwells - 1)]
