"""Effects by causalml and EconML, in an environment of their own: called by `benchmarks.campaign`.

    python campaign_peers.py source.npz target.npz

`source` has for each part p: learn_p (n, k), arm_p (n,), outcome_p (n,), judge_p (j, k); `is_binary`, `arms`, and `which`
peers. `target` gets NAME/p: (j, arms - 1) effects. A peer that fails is left out, and says so.
"""

from __future__ import annotations

import sys
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from lightgbm import LGBMClassifier, LGBMRegressor

warnings.simplefilter("ignore")

SETTINGS = {
    "n_estimators": 60, "num_leaves": 8, "learning_rate": 0.05, "min_child_samples": 200, "verbose": -1, "n_jobs": 1,
}  # fmt: skip
"""As in the study whose figures are published beside: the same for each peer."""
Peer = Callable[..., Any]


def regressor() -> Any:
    """Trees for a mean."""
    return LGBMRegressor(**SETTINGS)


def classifier() -> Any:
    """Trees for a chance."""
    return LGBMClassifier(**SETTINGS)


def causalml(name: str) -> Peer:
    """A meta-learner of causalml."""

    def effects(learn: Any, arm: Any, outcome: Any, judge: Any, chance: Any, is_binary: bool) -> Any:
        from causalml.inference import meta

        kinds = {
            "S": lambda: meta.BaseSClassifier(classifier(), control_name=0) if is_binary else meta.BaseSRegressor(regressor(), control_name=0),
            "T": lambda: meta.BaseTClassifier(classifier(), control_name=0) if is_binary else meta.BaseTRegressor(regressor(), control_name=0),
            "X": lambda: meta.BaseXClassifier(outcome_learner=classifier(), effect_learner=regressor(), control_name=0) if is_binary else meta.BaseXRegressor(regressor(), control_name=0),
            "R": lambda: meta.BaseRClassifier(outcome_learner=classifier(), effect_learner=regressor(), control_name=0, random_state=0) if is_binary else meta.BaseRRegressor(regressor(), control_name=0, random_state=0),
            "DR": lambda: meta.BaseDRRegressor(regressor(), control_name=0),
        }  # fmt: skip
        model = kinds[name]()
        names = sorted(set(arm.tolist()))[1:]
        known = {number: np.full(len(learn), chance[number] / (chance[0] + chance[number])) for number in names}
        if name in ("S", "T"):
            model.fit(learn, arm, outcome)
            return model.predict(judge)
        model.fit(learn, arm, outcome, p=known)
        asked = {number: np.full(len(judge), chance[number] / (chance[0] + chance[number])) for number in names}
        return model.predict(judge, p=asked) if name == "X" else model.predict(judge)

    return effects


def econml(name: str) -> Peer:
    """An estimator of EconML."""

    def effects(learn: Any, arm: Any, outcome: Any, judge: Any, chance: Any, is_binary: bool) -> Any:
        from econml.dml import CausalForestDML
        from econml.dr import DRLearner, ForestDRLearner, LinearDRLearner
        from econml.metalearners import XLearner
        from sklearn.dummy import DummyClassifier

        known = {"model_propensity": DummyClassifier(), "model_regression": regressor(), "random_state": 0}
        kinds = {
            "LinearDRLearner": lambda: LinearDRLearner(**known),
            "DRLearner": lambda: DRLearner(**known, model_final=regressor()),
            "ForestDRLearner": lambda: ForestDRLearner(**known, n_estimators=200, min_samples_leaf=100, n_jobs=1),
            "CausalForestDML": lambda: CausalForestDML(
                model_y=regressor(), model_t=DummyClassifier(), discrete_treatment=True, n_estimators=200,
                min_samples_leaf=100, random_state=0, n_jobs=1,
            ),
            "XLearner": lambda: XLearner(models=regressor(), propensity_model=DummyClassifier()),
        }  # fmt: skip
        model = kinds[name]()
        if name == "XLearner":
            model.fit(outcome, arm, X=learn)
        else:
            model.fit(outcome, arm, X=learn)
        return np.column_stack([model.effect(judge, T0=0, T1=number) for number in range(1, len(chance))])

    return effects


PEERS: dict[str, Peer] = {
    **{f"causalml {name}": causalml(name) for name in ("S", "T", "X", "R", "DR")},
    **{
        f"econml {name}": econml(name)
        for name in ("LinearDRLearner", "DRLearner", "ForestDRLearner", "CausalForestDML", "XLearner")
    },
}


def main(source: str, target: str) -> None:
    """All parts by all peers asked for."""
    said = dict(np.load(source))
    chance = said["chance"]
    found = {}
    for name in said["which"].tolist():
        for part in range(int(said["parts"])):
            given = (said[f"{word}_{part}"] for word in ("learn", "arm", "outcome", "judge"))
            try:
                effects = np.asarray(PEERS[name](*given, chance, bool(said["is_binary"])), float)
            except Exception:
                print(f"{name} fails:\n{traceback.format_exc()[-800:]}", file=sys.stderr)
                break
            found[f"{name}/{part}"] = effects.reshape(-1, len(chance) - 1)
        print(name, "done", file=sys.stderr)
    np.savez(target, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
