"""One order out of what all sources name: boosted trees that learn from what was taken up afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
from scipy.special import expit

from regulars.evaluation import hits
from regulars.recommend.candidates import Candidates, Floats
from regulars.recommend.features import NAMES
from regulars.trees import Trees

Ints = npt.NDArray[np.int64]

SETTINGS = {
    "objective": "lambdarank",
    "lambdarank_truncation_level": 30,
    "learning_rate": 0.1,
    "num_leaves": 15,
    "max_depth": 8,
    "min_data_in_leaf": 100,
    "verbose": -1,
    # The same data and seed must give the same model, byte for byte.
    "seed": 0,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
}
ROUNDS = 60
OF_CHANCE = {"objective": "cross_entropy", "lambda_l2": 10.0}
ROUNDS_OF_CHANCE = 120
PLACE = "place_shown"
GRADES = 8
NEGATIVES = 50
"""Candidates a customer that were not taken up, drawn to learn from; of all of them it would learn hardly more."""


@dataclass(frozen=True)
class Lesson:
    """Candidates as of a past moment, and which of them their customers took up afterwards.

    Attributes
    ----------
    features : (m, k), by customer.
    value : (m,) what each was worth, 0 for what was not taken up.
    counts : (n,) how many candidates each customer, or list, has.
    place : (m,) where it stood in a list that was shown, from 1; 0 of what was not shown.
    """

    features: Floats
    value: Floats
    counts: Ints
    place: Ints

    @classmethod
    def of(cls, found: Candidates, features: Floats, value: Floats, seed: int) -> Lesson:
        """With all that was taken up, and some that was not."""
        is_taken = value > 0
        draw = np.random.default_rng(seed).random(len(is_taken))
        draw[is_taken] = -1.0
        order = np.lexsort((draw, found.customer))
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order)) - found.starts[found.customer[order]]
        customers = len(found.starts) - 1
        taken = np.bincount(found.customer[is_taken], minlength=customers)
        # Of whom nothing was named rightly, there is nothing to learn.
        keep = (place < (taken + NEGATIVES)[found.customer]) & (taken > 0)[found.customer]
        counts = np.bincount(found.customer[keep], minlength=customers)
        kept = value[keep].astype(np.float32)
        return cls(features[keep], kept, counts[counts > 0], np.zeros(len(kept), np.int64))

    @classmethod
    def joined(cls, lessons: Sequence[Lesson]) -> Lesson:
        """Several as one."""
        return cls(*(np.concatenate(parts) for parts in zip(*(astuple(each) for each in lessons), strict=True)))

    @property
    def is_shown(self) -> bool:
        """Whether it is of lists that were shown; else of what was ordered of its own accord."""
        return bool(self.place.any())

    def without_head(self) -> Lesson:
        """The same without the last source, the behaviour model: its score and its place."""
        own = len(NAMES)
        sources = (self.features.shape[1] - own) // 2
        keep = np.delete(np.arange(self.features.shape[1]), [sources - 1, 2 * sources - 1])
        return replace(self, features=self.features[:, keep])

    def ndcg(self, scores: Floats, k: int) -> float:
        """Mean NDCG at k of the candidates of each customer, or list, who took up any."""
        customer = np.repeat(np.arange(len(self.counts)), self.counts)
        order = np.lexsort((-scores, customer))
        place = np.arange(len(order)) - np.repeat(np.cumsum(self.counts) - self.counts, self.counts)
        is_in = place < k
        named = np.zeros((len(self.counts), k), bool)
        is_taken = self.value > 0
        named[customer[is_in], place[is_in]] = is_taken[order[is_in]]
        taken = np.bincount(customer, is_taken).astype(np.int64)
        return float(hits(named[taken > 0], taken[taken > 0]).ndcg.mean())

    def grades(self) -> tuple[Ints, list[float]]:
        """(m,) a grade for each candidate, 0 for what was not taken up, and what each grade is worth.

        Values are put into at most so many grades of like size as a ranker can tell apart.
        """
        taken = self.value[self.value > 0]
        shares = np.linspace(0, 1, GRADES + 1)[1:-1]
        edges = np.unique(np.quantile(taken, shares, method="higher")) if len(taken) else taken
        grade = np.where(self.value > 0, 1 + np.searchsorted(edges, self.value, side="left"), 0)
        count = np.bincount(grade, minlength=len(edges) + 2)
        worth = np.bincount(grade, self.value, len(edges) + 2) / np.maximum(count, 1)
        return grade.astype(np.int64), worth.tolist()


@dataclass(frozen=True)
class Ranker:
    """An order of candidates by their features.

    From what was ordered it learns an order alone (LambdaMART). From lists that were shown it learns the chance that
    a line is taken up, which what it is worth can be multiplied with; the place is one of the features then, and all
    are compared as if they stood first.

    Source
    ------
    Burges (2010), From RankNet to LambdaRank to LambdaMART, as LightGBM has it; for the place as a feature, Zinkevich,
    Rules of Machine Learning (Google), rule 36.
    """

    booster: lgb.Booster
    trees: Trees

    @classmethod
    def of(cls, booster: lgb.Booster) -> Ranker:
        """Of what LightGBM learned."""
        return cls(booster, Trees.of(booster))

    @classmethod
    def fit(cls, lesson: Lesson, names: Sequence[str]) -> Ranker:
        """Learn from a lesson whose features are named so."""
        if lesson.is_shown:
            features = np.column_stack([lesson.features, lesson.place.astype(np.float32)])
            data = lgb.Dataset(features, lesson.value, feature_name=[*names, PLACE])
            return cls.of(lgb.train({**SETTINGS, **OF_CHANCE}, data, ROUNDS_OF_CHANCE))
        grade, worth = lesson.grades()
        data = lgb.Dataset(lesson.features, grade, group=lesson.counts, feature_name=list(names))
        return cls.of(lgb.train({**SETTINGS, "label_gain": worth}, data, ROUNDS))

    @property
    def knows_chances(self) -> bool:
        """Whether scores are chances that a line is taken up."""
        return bool(self.booster.feature_name()[-1] == PLACE)

    def scores(self, features: Floats) -> Floats:
        """(m,) higher for what is likelier to be taken up; the chance of it, if `knows_chances`."""
        if not self.knows_chances:
            return self.trees.scores(features).astype(np.float32)
        found: Floats = expit(self.trees.scores(self._placed(features))).astype(np.float32)
        return found

    def contributions(self, features: Floats) -> npt.NDArray[np.float64]:
        """(m, k) how much each feature moves each candidate's score: exact SHAP values."""
        if not self.knows_chances:
            return self.trees.contributions(features)
        return self.trees.contributions(self._placed(features))[:, :-1]

    @staticmethod
    def _placed(features: Floats) -> Floats:
        """As if all stood first."""
        return np.column_stack([features, np.ones(len(features), np.float32)])

    def to_bytes(self) -> bytes:
        """As LightGBM's own text."""
        return str(self.booster.model_to_string()).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Ranker:
        """From what `to_bytes` gave."""
        return cls.of(lgb.Booster(model_str=data.decode()))
