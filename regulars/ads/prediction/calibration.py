"""A chance of 2 % must be 2 %, for each campaign, creative and channel too, and go on being it tomorrow."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from regulars.logistic import probability

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BELIEF = 20.0
"""A value's own shift is believed once it has told as much as so many impressions at even odds would."""
ROUNDS = 8


@dataclass
class FieldCalibration:
    """A slope and level for all, and a shift for each value of each field, drawn towards 0 the less was seen of it.

    Attributes
    ----------
    names : of the fields.
    slope, level : of log-odds; slope is fitted once, the level and shifts move with what comes.
    shifts, told : by field, (values,) in log-odds, and how much was told of each (sums of p (1 - p)).
    memory : in (0, 1]: what of it a day leaves.

    Source
    ------
    Pan, Ao, Tang, Lu, Liu, Xiao and He (2020), Field-aware Calibration, is why; the shifts are a ridge regression by
    Fisher scoring.

    Examples
    --------
    Campaign 1 is clicked twice as often as was said, campaign 2 as said:

    >>> said = np.full(40_000, np.log(0.1 / 0.9))
    >>> campaign = np.arange(40_000)[:, None] % 2 + 1
    >>> rng = np.random.default_rng(0)
    >>> clicked = (rng.random(40_000) < np.where(campaign[:, 0] == 1, 0.2, 0.1)).astype(float)
    >>> calibration = FieldCalibration.fit(("campaign",), (3,), said, campaign, clicked)
    >>> calibration.predict(said[:2], campaign[:2]).round(2).tolist()
    [0.2, 0.1]
    """

    names: tuple[str, ...]
    slope: float
    level: float
    shifts: list[Floats]
    told: list[Floats]
    memory: float = 0.98
    _level_told: float = field(default=BELIEF, repr=False)

    @classmethod
    def fit(
        cls, names: Sequence[str], sizes: Sequence[int], score: Floats, fields: Ints, target: Floats
    ) -> FieldCalibration:
        """On rows that the model did not learn from.

        Parameters
        ----------
        sizes : how many numbers each field has. score : (n,) log-odds. fields : (n, f). target : (n,) in [0, 1].
        """
        slope, level = line(score, target)
        found = cls(tuple(names), slope, level, [np.zeros(s) for s in sizes], [np.zeros(s) for s in sizes])
        for _ in range(ROUNDS):
            for place in range(len(sizes)):
                found._shift(place, score, fields, target, np.zeros(sizes[place]))
        said = found.predict(score, fields)
        for place, size in enumerate(sizes):
            found.told[place] = np.bincount(fields[:, place], said * (1 - said), size).astype(np.float64)
        found._level_told = BELIEF + float((said * (1 - said)).sum())
        return found

    def without_shifts(self) -> FieldCalibration:
        """The same line and knowledge, but each value's shift begins at 0."""
        return replace(self, shifts=[np.zeros_like(shift) for shift in self.shifts])

    def score(self, score: Floats, fields: Ints) -> Floats:
        """(n,) log-odds, calibrated."""
        found = self.slope * score + self.level
        for place, shift in enumerate(self.shifts):
            found = found + shift[fields[:, place]]
        return found

    def predict(self, score: Floats, fields: Ints) -> Floats:
        """(n,) chances in (0, 1)."""
        return probability(self.score(score, fields))

    def update(self, score: Floats, fields: Ints, target: Floats) -> None:
        """Follow what came: one step for the level and each value's shift, the smaller the more is known already."""
        if not len(score):
            return
        self.told = [told * self.memory for told in self.told]
        self._level_told = max(self._level_told * self.memory, BELIEF)
        said = self.predict(score, fields)
        information = said * (1 - said)
        self.level += float((target - said).sum() / (self._level_told + information.sum()))
        self._level_told += float(information.sum())
        for place, before in enumerate(self.told):
            self._shift(place, score, fields, target, before)
            said = self.predict(score, fields)
            self.told[place] = before + np.bincount(fields[:, place], said * (1 - said), len(before))

    def _shift(self, place: int, score: Floats, fields: Ints, target: Floats, before: Floats) -> None:
        said = self.predict(score, fields)
        size, codes = len(before), fields[:, place]
        missed = np.bincount(codes, target - said, size)
        # What was fitted before holds a shift where it is, belief draws it to 0; both only as far as they know.
        pull = np.where(before > 0, 0.0, BELIEF * self.shifts[place])
        information = before + np.bincount(codes, said * (1 - said), size) + BELIEF
        step = (missed - pull) / information
        # A value of which nothing was seen keeps its shift.
        self.shifts[place] = np.clip(
            self.shifts[place] + np.where(np.bincount(codes, minlength=size) > 0, step, 0.0), -3, 3
        )

    def to_json(self) -> str:
        """All of it, as JSON."""
        return json.dumps(
            {
                "names": self.names, "slope": self.slope, "level": self.level, "memory": self.memory,
                "shifts": [part.tolist() for part in self.shifts], "told": [part.tolist() for part in self.told],
                "level_told": self._level_told,
            }
        )  # fmt: skip

    @classmethod
    def from_json(cls, text: str) -> FieldCalibration:
        """From what `to_json` gave."""
        said = json.loads(text)
        return cls(
            tuple(said["names"]), said["slope"], said["level"], [np.array(part) for part in said["shifts"]],
            [np.array(part) for part in said["told"]], said["memory"], said["level_told"],
        )  # fmt: skip


def line(score: Floats, target: Floats) -> tuple[float, float]:
    """Slope and level that make log-odds honest (Platt), by Newton steps.

    Parameters
    ----------
    score : (n,) log-odds. target : (n,) in [0, 1], also between.

    >>> rng = np.random.default_rng(0)
    >>> truth = rng.normal(size=20_000)
    >>> slope, level = line(2 * truth, (rng.random(20_000) < probability(truth)).astype(float))
    >>> round(slope, 1), abs(round(level, 1))
    (0.5, 0.0)
    """
    design = np.column_stack([score, np.ones(len(score))])
    found = np.array([1.0, 0.0])
    for _ in range(25):
        said = probability(design @ found)
        weight = said * (1 - said)
        # A little belief in (1, 0): where all were alike there is no line.
        gradient = design.T @ (target - said) - 1.0 * (found - [1.0, 0.0])
        hessian = (design * weight[:, None]).T @ design + np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        found = found + np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-8:
            break
    return float(np.clip(found[0], 0.1, 3.0)), float(found[1])
