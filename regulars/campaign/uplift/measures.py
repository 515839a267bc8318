"""How well an order of customers finds those who are moved: Qini, AUUC, and TOC with its areas.

Customers stand in the order of their predicted effect, the greatest first; N_t(i), N_c(i) of the first i are treated
and untreated, Y_t(i), Y_c(i) their summed outcomes. Every tool scales these figures in its own way: ours are those
written here, and compare with no others.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from regulars.errors import InputError

Floats = npt.NDArray[np.float64]

RESAMPLES = 200


def qini_score(effect: npt.ArrayLike, treated: npt.ArrayLike, outcome: npt.ArrayLike) -> float:
    """Qini: the mean, over how many are contacted, of incremental outcomes above those of a random order, per customer.

        C(i) = Y_t(i) - Y_c(i) N_t(i) / N_c(i)
        Qini = (1/n) sum over i of [C(i) - C(n) i/n] / n

    Parameters
    ----------
    effect : (n,) predicted; equal ones stay in the order given.
    treated : (n,) 0 or 1, drawn with one chance for all.
    outcome : (n,)

    Source
    ------
    Radcliffe (2007), Using Control Groups to Target on Predicted Lift, for C; the scale is our own.

    Examples
    --------
    Of four, the first two buy if contacted:

    >>> round(qini_score([2, 2, 1, 1], [1, 0, 1, 0], [1, 0, 0, 0]), 4)
    0.0938
    """
    gain, share = _incremental(effect, treated, outcome)
    return float((gain - gain[-1] * share).mean() / len(gain))


def auuc_score(effect: npt.ArrayLike, treated: npt.ArrayLike, outcome: npt.ArrayLike) -> float:
    """AUUC: the mean, over how many are contacted, of the mean effect among them times their share of all.

        U(i) = [Y_t(i) / N_t(i) - Y_c(i) / N_c(i)] i
        AUUC = (1/n) sum over i of U(i) / n

    A random order has half of the mean effect. Parameters: see `qini_score`.

    Source
    ------
    Gutierrez and Gerardy (2017), Causal Inference and Uplift Modeling: A Review of the Literature.

    Examples
    --------
    >>> auuc_score([2, 2, 1, 1], [1, 0, 1, 0], [1, 0, 1, 0])
    0.625
    """
    treated_first, outcome_first = _ordered(effect, treated, outcome)
    many, alone = np.cumsum(treated_first), np.cumsum(1 - treated_first)
    of_many, of_alone = np.cumsum(outcome_first * treated_first), np.cumsum(outcome_first * (1 - treated_first))
    lift = of_many / np.maximum(many, 1) - of_alone / np.maximum(alone, 1)
    place = np.arange(1, len(lift) + 1)
    return float((lift * place).mean() / len(lift))


def _incremental(effect: npt.ArrayLike, treated: npt.ArrayLike, outcome: npt.ArrayLike) -> tuple[Floats, Floats]:
    drawn, found = _ordered(effect, treated, outcome)
    many, alone = np.cumsum(drawn), np.cumsum(1 - drawn)
    gain = np.cumsum(found * drawn) - np.cumsum(found * (1 - drawn)) * many / np.maximum(alone, 1)
    return gain, np.arange(1, len(gain) + 1) / len(gain)


def _ordered(effect: npt.ArrayLike, treated: npt.ArrayLike, outcome: npt.ArrayLike) -> tuple[Floats, Floats]:
    said, drawn, found = (np.asarray(each, np.float64) for each in (effect, treated, outcome))
    if not said.shape == drawn.shape == found.shape or said.ndim != 1 or not len(said):
        raise InputError(f"effect {said.shape}, treated {drawn.shape}, outcome {found.shape}: (n,) each is expected.")
    if not np.isin(drawn, (0, 1)).all() or drawn.min() == drawn.max():
        raise InputError("treated: some 1 and some 0 are expected: who was contacted, and who was left alone.")
    order = np.argsort(-said, kind="stable")
    return drawn[order], found[order]


class Ranked(NamedTuple):
    """Whether a rule finds customers on whom effects differ, and by how much.

    Attributes
    ----------
    share : (p,) of customers, the greatest predictions first.
    toc, low, high : (p,) the mean effect among that share above that among all, with its 95 % interval.
    autoc, autoc_low, autoc_high : the area under it: where few are moved, it looks at the first.
    qini, qini_low, qini_high : the area under share times it: where many are moved.
    """

    share: Floats
    toc: Floats
    low: Floats
    high: Floats
    autoc: float
    autoc_low: float
    autoc_high: float
    qini: float
    qini_low: float
    qini_high: float

    @property
    def differs(self) -> bool:
        """Whether effects differ by what the rule says, beyond luck: else nobody should be singled out by it."""
        return self.autoc_low > 0 or self.qini_low > 0


def targeting(
    prediction: npt.ArrayLike, effects: npt.ArrayLike, customers: npt.ArrayLike | None = None, seed: int = 0
) -> Ranked:
    """TOC and the rank-weighted average treatment effects.

        TOC(q) = mean effect of the share q with the greatest predictions - mean effect of all
        AUTOC = integral of TOC(q) dq,   QINI = integral of q TOC(q) dq

    Intervals by 200 resamples of customers.

    Parameters
    ----------
    prediction : (n,) by a model that did not know the rows.
    effects : (n,) doubly robust.
    customers : (n,) whose row it is; each another's when left out.

    Source
    ------
    Yadlowsky, Fleming, Shah, Brunskill and Wager (2025), Evaluating Treatment Prioritization Rules via Rank-Weighted
    Average Treatment Effects.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> effect = rng.random(2000)
    >>> found = targeting(effect, effect + rng.normal(0, 0.1, 2000))
    >>> round(found.autoc, 2), found.differs
    (0.25, True)
    """
    said, true = np.asarray(prediction, np.float64), np.asarray(effects, np.float64)
    if said.shape != true.shape or said.ndim != 1 or len(said) < 2:
        raise InputError(f"prediction {said.shape}, effects {true.shape}: (n,) each is expected, of two rows or more.")
    order = np.argsort(-said, kind="stable")
    true = true[order]
    owner = np.arange(len(true)) if customers is None else np.unique(np.asarray(customers), return_inverse=True)[1]
    owner = owner[order]
    people = int(owner.max()) + 1
    share = np.arange(1, 51) / 50
    toc, *areas = _areas(true, np.ones(len(true)), share)
    rng = np.random.default_rng(seed)
    draws = []
    for _ in range(RESAMPLES):
        weight = np.bincount(rng.integers(people, size=people), minlength=people)[owner].astype(np.float64)
        draws.append(_areas(true, weight, share))
    ends = [np.quantile([each[k] for each in draws], [0.025, 0.975], axis=0) for k in range(3)]
    return Ranked(
        share, toc, ends[0][0], ends[0][1],
        float(areas[0]), float(ends[1][0]), float(ends[1][1]), float(areas[1]), float(ends[2][0]), float(ends[2][1]),
    )  # fmt: skip


def _areas(true: Floats, weight: Floats, share: Floats) -> tuple[Floats, float, float]:
    mass = np.cumsum(weight)
    there = mass > 0
    above = np.cumsum(weight * true)[there] / mass[there]
    above -= above[-1]
    place = mass[there] / mass[-1]
    step = np.diff(place, prepend=0.0)
    toc = above[np.minimum(np.searchsorted(place, share - 1e-12), len(place) - 1)]
    return toc, float((above * step).sum()), float((place * above * step).sum())
