"""The forecast of choices that has proved best on the shop's own past: logit, habits and trees, in shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import lightgbm as lgb
import numpy as np

from regulars.errors import NotEnoughError
from regulars.pricing.choice.choices import PRICE, Choices, Flags, Floats
from regulars.pricing.choice.habits import Habits
from regulars.pricing.choice.logit import Logit, Spread, fit

FOLDS = 3
FIRST_PART = 0.4
"""Of each household's choices, the part from which the first fold learns."""
FOLD_DRAWS = 200
ROUNDS = (40, 80, 120, 200)
WEIGHTS = np.linspace(0, 1, 21)
MOST_ALTERNATIVES = 12
"""With more, a taste for each brand would take too many draws: only those for price and habits vary."""
LEAST = 1e-6
"""No choice is said to be less likely than this: a forecast that says never must be sure, and none is."""

TREES = {
    "objective": "multiclass",
    "num_leaves": 6,
    "learning_rate": 0.05,
    "min_data_in_leaf": 30,
    "lambda_l2": 1.0,
    "verbose": -1,
    # The same data must give the same model, byte for byte.
    "seed": 0,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
}


@dataclass(frozen=True)
class Tried:
    """How a candidate did on choices that it did not know.

    Attributes
    ----------
    name : which tastes vary.
    rounds : of trees. weight : their share in the forecast.
    score : log-likelihood per choice.
    """

    name: str
    rounds: int
    weight: float
    score: float


@dataclass(frozen=True)
class Forecaster:
    """Which alternative will this household take at these prices?

    The forecast is a mean of two: a logit, by which prices and habits act the same way for all alternatives and tastes
    are each household's own; and boosted trees, which see what a straight line does not. Its parts and their
    shares are chosen on folds inside what it learns from: of each household's choices the later by the earlier; or
    households by others, where choices have no order.

    Attributes
    ----------
    model : the logit; use it for elasticities, willingness to pay and tastes.
    habits : None where choices have no order.
    trees : None where they help nothing. weight : their share in the forecast.
    tried : the best of each candidate, the best first.

    Examples
    --------
    See `docs/pricing_response.md`.
    """

    model: Logit
    habits: Habits | None
    trees: lgb.Booster | None
    weight: float
    tried: tuple[Tried, ...]

    @classmethod
    def fit(cls, choices: Choices, *, is_ordered: bool = True, draws: int = 500) -> Forecaster:
        """Chosen by folds, then learned from all choices.

        Parameters
        ----------
        choices : with known choices.
        is_ordered : whether each household's choices are in the order of time. If not, no past is looked at.

        Raises
        ------
        NotEnoughError
            As `fit`; or if there are fewer than three households to be put into folds.
        """
        known = choices.some(choices.is_known)
        folds = _in_time(known) if is_ordered else _by_household(known)
        found: dict[tuple[str, int], list[tuple[Floats, Floats]]] = {}
        for learned, judged in folds:
            part = known.some(learned)
            habits = Habits.fit(part) if is_ordered else None
            told = habits.add(known) if habits else known
            at = np.arange(int(judged.sum())), known.chosen[judged]
            trees = _grow(told.some(learned), max(ROUNDS))
            by_trees = {rounds: _of_trees(trees, told.some(judged), rounds)[at] for rounds in ROUNDS}
            for name, random in _candidates(told).items():
                model = fit(told.some(learned), random, draws=min(FOLD_DRAWS, draws))
                said = _of_logit(model, told, learned, judged, is_ordered)[at]
                for rounds in ROUNDS:
                    found.setdefault((name, rounds), []).append((said, by_trees[rounds]))
        tried = []
        for (name, rounds), parts in found.items():
            said, trees_said = (np.concatenate(each) for each in zip(*parts, strict=True))
            scores = [
                float(np.log(np.maximum((1 - weight) * said + weight * trees_said, LEAST)).mean()) for weight in WEIGHTS
            ]
            best = int(np.argmax(scores))
            tried.append(Tried(name, rounds if best else 0, float(WEIGHTS[best]), scores[best]))
        best_of: dict[str, Tried] = {}
        for each in sorted(tried, key=lambda each: -each.score):
            best_of.setdefault(each.name, each)
        chosen = next(iter(best_of.values()))
        habits = Habits.fit(known) if is_ordered else None
        told = habits.add(known) if habits else known
        return cls(
            fit(told, _candidates(told)[chosen.name], draws=draws), habits,
            _grow(told, chosen.rounds) if chosen.weight else None, chosen.weight,
            tuple(best_of.values()),
        )  # fmt: skip

    def predict(self, choices: Choices, past: Choices | None = None) -> Floats:
        """How likely is each alternative at each choice?

        Parameters
        ----------
        choices : what is known to be chosen in one, later choices of the household know; none knows itself.
        past : choices of the same households before these.

        Returns
        -------
        (n, j) float, rows add to 1; in the order of `choices`
        """
        if self.habits is None:
            told, before = choices, None
        else:
            told, before = self.habits.add(choices, past), None if past is None else self.habits.add(past)
        said = self.model.predict(told, before, is_learning=self.habits is not None)
        if self.trees is not None:
            said = (1 - self.weight) * said + self.weight * _of_trees(self.trees, told, None)
        said = np.where(choices.available, np.maximum(said, LEAST), 0.0)
        return np.asarray(said / said.sum(1, keepdims=True))


def _candidates(choices: Choices) -> Mapping[str, Mapping[str, Spread]]:
    """Name -> which tastes vary."""
    brands = choices.alternatives[1:] if len(choices.alternatives) <= MOST_ALTERNATIVES else ()
    habits = [name for name in Habits.ALL[:2] if name in choices.names]
    several: dict[str, Mapping[str, Spread]] = {
        "one taste for all": {},
        "brands and price": {**dict.fromkeys(brands, "normal"), PRICE: "negative"},
        "brands and price, normal": dict.fromkeys([*brands, PRICE], "normal"),
    }
    if habits:
        several["brands, price and habits"] = dict.fromkeys([*brands, PRICE, *habits], "normal")
    return several


def _in_time(choices: Choices) -> list[tuple[Flags, Flags]]:
    count = np.repeat(np.diff(choices.begin), np.diff(choices.begin))
    cuts = np.linspace(FIRST_PART, 1, FOLDS + 1)
    return [
        (choices.position < np.ceil(begin * count),
         (choices.position >= np.ceil(begin * count)) & (choices.position < np.ceil(end * count)))
        for begin, end in pairwise(cuts)
    ]  # fmt: skip


def _by_household(choices: Choices) -> list[tuple[Flags, Flags]]:
    households = len(choices.begin) - 1
    if households < FOLDS:
        raise NotEnoughError(f"{households} households; at least {FOLDS} are needed to judge a forecast by others.")
    fold = np.random.default_rng(0).permutation(np.arange(households) % FOLDS)
    of_choice = np.repeat(fold, np.diff(choices.begin))
    return [(of_choice != number, of_choice == number) for number in range(FOLDS)]


def _of_logit(model: Logit, told: Choices, learned: Flags, judged: Flags, is_ordered: bool) -> Floats:
    """(n judged, j) of the judged choices, those before them known where there is an order."""
    if not is_ordered:
        return model.predict(told.some(judged))
    inside = learned | judged
    return model.predict(told.some(inside), is_learning=True)[judged[inside]]


def _inputs(choices: Choices) -> Floats:
    """(n, j x k) of all alternatives side by side, NaN where one was not to be had."""
    return np.where(choices.available[:, :, None], choices.features, np.nan).reshape(len(choices), -1)


def _grow(choices: Choices, rounds: int) -> lgb.Booster:
    settings = {**TREES, "num_class": len(choices.alternatives)}
    return lgb.train(settings, lgb.Dataset(_inputs(choices), choices.chosen), rounds)


def _of_trees(trees: lgb.Booster, choices: Choices, rounds: int | None) -> Floats:
    """(n, j) of what was to be had."""
    said = np.asarray(trees.predict(_inputs(choices), num_iteration=rounds)) * choices.available
    found: Floats = said / said.sum(1, keepdims=True)
    return found
