"""What was learned of campaigns: what each action brings for whom; before any trial, what customers bring anyway."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from regulars.campaign.actions import NONE, USUAL, Action
from regulars.campaign.drawn import Floats
from regulars.campaign.uplift import UpliftModel
from regulars.campaign.uplift.boosted import grow

CUT = 0.99
"""Margins above this quantile count as the quantile: a few large orders must not decide what is expected of all."""
SLASH = "__"
"""In place of the folders of an uplift model's files: a version of a model is one folder."""


@dataclass(frozen=True)
class Anyway:
    """The margin that comes of a customer who is left alone.

    Attributes
    ----------
    names : of the features.
    most : a margin above counts as so much; `spread` of what is left, by customers it did not know.
    """

    names: tuple[str, ...]
    trees: lgb.Booster
    most: float
    spread: float

    @classmethod
    def fit(cls, features: Floats, margin: Floats, names: tuple[str, ...]) -> Anyway:
        """From customers (n, k) and what came of each (n,)."""
        most = float(np.quantile(margin, CUT))
        target = np.minimum(margin, most)
        half = np.random.default_rng(0).random(len(target)) < 0.5
        left = np.empty(len(target))
        for part in (half, ~half):
            other = grow(features[~part], target[~part], "regression")
            left[part] = target[part] - np.asarray(other.predict(features[part]))
        return cls(names, grow(features, target, "regression"), most, float(left.std()))

    def predict(self, features: Floats) -> Floats:
        """(n,) money."""
        return np.asarray(self.trees.predict(features), np.float64)


@dataclass(frozen=True)
class CampaignModel:
    """What was learned.

    Attributes
    ----------
    uplift : what each action changes; None before there is a trial: then all is drawn by lot (a pilot).
    anyway : what comes of who is left alone; of pilots.
    actions : what can be done.
    horizon_days : so far was looked.
    is_estimated : whether the chances were, for no lot drew.
    """

    uplift: UpliftModel | None
    anyway: Anyway | None
    actions: tuple[str, ...]
    horizon_days: int
    is_estimated: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Of the features."""
        if self.uplift is not None:
            return self.uplift.names
        return self.anyway.names if self.anyway is not None else ()

    def to_files(self) -> dict[str, bytes]:
        """As files: JSON, LightGBM's text, safetensors."""
        about = {
            "actions": self.actions,
            "horizon_days": self.horizon_days,
            "is_estimated": self.is_estimated,
            "is_pilot": self.uplift is None,
        }
        found: dict[str, bytes] = {}
        if self.uplift is not None:
            found |= {name.replace("/", SLASH): data for name, data in self.uplift.to_files().items()}
        if self.anyway is not None:
            about["anyway"] = {"names": self.anyway.names, "most": self.anyway.most, "spread": self.anyway.spread}
            found["anyway.txt"] = self.anyway.trees.model_to_string().encode()
        return {"campaign.json": json.dumps(about, ensure_ascii=False, indent=2).encode(), **found}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> CampaignModel:
        """From what `to_files` gave."""
        about = json.loads(files["campaign.json"])
        uplift = anyway = None
        if not about["is_pilot"]:
            uplift = UpliftModel.from_files({name.replace(SLASH, "/"): data for name, data in files.items()})
        if "anyway" in about:
            said = about["anyway"]
            trees = lgb.Booster(model_str=files["anyway.txt"].decode())
            anyway = Anyway(tuple(said["names"]), trees, said["most"], said["spread"])
        return cls(uplift, anyway, tuple(about["actions"]), about["horizon_days"], about["is_estimated"])


def actions_of(names: tuple[str, ...], configured: tuple[str, ...]) -> tuple[str, ...]:
    """What can be done: what the shop says, else what there are trials of, else a message by e-mail.

    >>> actions_of(("none", "spring by email"), ()), actions_of((), ())
    (('spring by email',), ('message by email',))
    """
    return configured or tuple(name for name in names if name != NONE) or (USUAL,)


def is_offer(name: str, offers: frozenset[str]) -> bool:
    """Whether an action gives something away."""
    return Action.of(name).what in offers
