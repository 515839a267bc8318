"""What came of lists that were shown: a model of which line is taken up, that learns within the second, in bounds.

A line is settled when it is clicked, bought or waved away, and otherwise `WAIT` after it was shown. Only then is it
learned: who is still looking has not said no.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from regulars.realtime.candidates import FEATURES
from regulars.realtime.kinds import MINUTE
from regulars.realtime.sessions import Floats, Ints

WAIT = 10 * MINUTE
"""A line that nobody took up within so long was not wanted."""
MOST_SHOWN = 100_000
"""Of more lists than this under way, the oldest are settled before their time."""
RATE, SPREAD, RIDGE = 0.5, 1.0, 0.1
"""Of FTRL: how far a coefficient goes at first, how long it stays free, and how it is drawn to 0."""
KNOWN = 25.0
"""Of a draw: what is believed beforehand, as information on a coefficient; its deviation is 0.2 at first."""
PACE = 0.2
"""A coefficient moves by so much within a minute at most, so a score by so much times the features."""
BINS = 20
FADE = 0.999
"""What each settled line leaves of those before it, in the calibration."""
PRIOR = 20.0
"""That many lines are worth as much as what is said beforehand, in each bin."""
_EDGES = np.linspace(-8, 2, BINS - 1)
_STEP = 10 / (BINS - 2)
_MIDDLES = np.linspace(-8 - _STEP / 2, 2 + _STEP / 2, BINS)


class Line(NamedTuple):
    """A product of a list that was shown: its features, and the log-odds that sources gave it."""

    features: Floats
    odds: float


class Shown(NamedTuple):
    """A list that was shown: when, and the lines that are not settled yet, by product."""

    time: int
    lines: dict[int, Line]


@dataclass
class Feedback:
    """A logistic model beside what sources say: their log-odds stand as they are, and the model adds to them.

    Without feedback it adds nothing. Coefficients are those of FTRL-Proximal; what is used of them moves only so far
    within a minute (`PACE`), whatever pours in. Probabilities are calibrated by bins of what the model said of late.

    Source
    ------
    McMahan et al. (2013), Ad Click Prediction: a View from the Trenches, algorithm 1, without its L1.

    Examples
    --------
    >>> model = Feedback()
    >>> line = np.eye(len(FEATURES))[:2]
    >>> model.show("r1", 0, np.array([7, 8]), line, np.array([-2.0, -2.0]))
    >>> model.settle("r1", 7, 1.0, 1)
    True
    >>> float(model.odds(line, np.array([-2.0, -2.0]))[0]) > -2.0
    True
    """

    z: Floats = field(default_factory=lambda: np.zeros(len(FEATURES)))
    n: Floats = field(default_factory=lambda: np.zeros(len(FEATURES)))
    used: Floats = field(default_factory=lambda: np.zeros(len(FEATURES)))
    anchor: Floats = field(default_factory=lambda: np.zeros(len(FEATURES)))
    minute: int = -1
    came: Floats = field(default_factory=lambda: np.zeros(BINS))
    seen: Floats = field(default_factory=lambda: np.zeros(BINS))
    shown: OrderedDict[str, Shown] = field(default_factory=OrderedDict)
    _shift: Floats | None = field(default=None, repr=False)
    """What calibration adds at the middle of each bin; None since a line was learned."""

    def odds(self, features: Floats, odds: Floats) -> Floats:
        """(n,) log-odds that lines are taken up, by what sources gave them."""
        found: Floats = odds + features @ self.used
        return found

    def coefficients(self, draw: str | None = None) -> Floats:
        """(f,) what each feature adds to the log-odds.

        Parameters
        ----------
        draw : a list's id: coefficients are drawn, by how little is known of each, so that what is not known is tried
            out (Thompson sampling; Chapelle and Li 2011, algorithm 3). The same id gives the same draw.
        """
        if draw is None:
            return self.used
        rng = np.random.default_rng(int.from_bytes(hashlib.blake2b(draw.encode(), digest_size=8).digest()))
        found: Floats = self.used + rng.normal(size=len(self.used)) / np.sqrt(KNOWN + self.n)
        return found

    def probabilities(self, odds: Floats) -> Floats:
        """(n,) the same as calibrated chances: what came of lines of which as much was said.

        Each bin is drawn to what the model said by `PRIOR` lines; the bins are made to rise by pooling neighbours that
        do not (isotonic regression).
        """
        chance = _logistic(odds)
        if self._shift is None:
            level = (self.came + PRIOR * _logistic(_MIDDLES)) / (self.seen + PRIOR)
            self._shift = _logit(_pooled(level, self.seen + PRIOR)) - _MIDDLES
        found: Floats = _logistic(_logit(chance) + np.interp(odds, _MIDDLES, self._shift))
        return found

    def show(self, recommendation: str, time: int, products: Ints, features: Floats, odds: Floats) -> None:
        """A list is shown, or more lines of it; what they were made by is kept until they are settled."""
        self.pass_time(time)
        rows = zip(products.tolist(), features, odds.tolist(), strict=True)
        lines = {product: Line(row.copy(), said) for product, row, said in rows}
        self.shown.setdefault(recommendation, Shown(time, {})).lines.update(lines)
        if len(self.shown) > MOST_SHOWN:
            self._settle_all(self.shown.popitem(last=False)[1])

    def settle(self, recommendation: str, product: int, taken: float, time: int) -> bool:
        """A line was taken up (1) or waved away (0); whether it was waiting."""
        self.pass_time(time)
        shown = self.shown.get(recommendation)
        line = shown.lines.pop(product, None) if shown is not None else None
        if line is None:
            return False
        self._learn(line, taken)
        return True

    def pass_time(self, time: int) -> None:
        """Settle what has waited long enough, and let a new minute begin."""
        while self.shown:
            first = next(iter(self.shown.values()))
            if time - first.time < WAIT:
                break
            self._settle_all(self.shown.popitem(last=False)[1])
        if time // MINUTE > self.minute:
            self.minute = time // MINUTE
            self.anchor = self.used.copy()
            self._use()

    def _settle_all(self, shown: Shown) -> None:
        for line in shown.lines.values():
            self._learn(line, 0.0)

    def _learn(self, line: Line, taken: float) -> None:
        odds = float(self.odds(line.features[None], np.array([line.odds]))[0])
        gradient = (float(_logistic(np.array(odds))) - taken) * line.features
        step = (np.sqrt(self.n + gradient**2) - np.sqrt(self.n)) / RATE
        self.z += gradient - step * self._free()
        self.n += gradient**2
        self._use()
        place = int(np.clip(np.searchsorted(_EDGES, odds), 0, BINS - 1))
        self.came *= FADE
        self.seen *= FADE
        self.came[place] += taken
        self.seen[place] += 1
        self._shift = None

    def _free(self) -> Floats:
        """The coefficients as FTRL has them, before the pace."""
        found: Floats = -self.z / ((SPREAD + np.sqrt(self.n)) / RATE + RIDGE)
        return found

    def _use(self) -> None:
        self.used = np.clip(self._free(), self.anchor - PACE, self.anchor + PACE)

    def to_arrays(self) -> dict[str, Floats | Ints]:
        """A copy of all of it as arrays but for the names of the lists, which are those of `shown`, in its order."""
        lines = [(place, product, shown.time, line) for place, shown in enumerate(self.shown.values())
                 for product, line in shown.lines.items()]  # fmt: skip
        return {
            **{name: getattr(self, name).copy() for name in ("z", "n", "used", "anchor", "came", "seen")},
            "minute": np.array([self.minute]),
            "times": np.array([shown.time for shown in self.shown.values()], np.int64),
            "places": np.array([(place, product) for place, product, _, _ in lines], np.int64).reshape(-1, 2),
            "lines": np.array([[*line.features, line.odds] for *_, line in lines]).reshape(-1, len(FEATURES) + 1),
        }

    @classmethod
    def of_arrays(cls, names: list[str], saved: Mapping[str, Floats | Ints]) -> Feedback:
        """From what `to_arrays` gave, and the names of the lists in their order."""
        parts = {name: np.array(saved[name], float) for name in ("z", "n", "used", "anchor", "came", "seen")}
        shown = [Shown(int(time), {}) for time in saved["times"]]
        for (place, product), line in zip(saved["places"].tolist(), saved["lines"], strict=True):
            shown[place].lines[product] = Line(line[:-1].copy(), float(line[-1]))
        return cls(**parts, minute=int(saved["minute"][0]), shown=OrderedDict(zip(names, shown, strict=True)))


def _logistic(odds: Floats) -> Floats:
    found: Floats = 1 / (1 + np.exp(-np.clip(odds, -30, 30)))
    return found


def _logit(chance: Floats) -> Floats:
    kept = np.clip(chance, 1e-9, 1 - 1e-9)
    found: Floats = np.log(kept / (1 - kept))
    return found


def _pooled(level: Floats, weight: Floats) -> Floats:
    """The nearest values that do not fall: pool adjacent violators (Barlow et al. 1972)."""
    blocks: list[list[float]] = []
    for value, mass in zip(level.tolist(), weight.tolist(), strict=True):
        blocks.append([value, mass, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            value_, mass_, count = blocks.pop()
            before = blocks[-1]
            total = before[1] + mass_
            blocks[-1] = [(before[0] * before[1] + value_ * mass_) / total, total, before[2] + count]
    return np.repeat([block[0] for block in blocks], [int(block[2]) for block in blocks])
