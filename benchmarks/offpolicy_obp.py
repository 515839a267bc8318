"""What the estimators of obp (zr-obp) say of logs; run by `benchmarks.offpolicy`.

    python benchmarks/offpolicy_obp.py PACKAGE SOURCE TARGET

PACKAGE is the folder that holds obp, SOURCE an .npz of logs, TARGET an .npz to be written. Two reward models: obp's own,
a logistic regression, cross-fitted as in its documentation; and the one that ours uses, for the estimators alone.
"""

from __future__ import annotations

import sys
import types
import warnings
from importlib import import_module
from pathlib import Path

import numpy as np

FOLDS = 5
LAMBDAS = [2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 500.0, 1000.0, np.inf]
"""Ours, and of those in obp's examples the ones that differ from no limit here."""


def load(package: Path) -> tuple[types.ModuleType, types.ModuleType, types.ModuleType]:
    """The estimators, their tuning and the regression model.

    The packages' own `__init__` would import plots and neural policies too, which need what this does not.
    """
    for name in ("obp", "obp.ope"):
        module = types.ModuleType(name)
        module.__path__ = [str(package / name.replace(".", "/"))]
        sys.modules[name] = module
    return (
        import_module("obp.ope.estimators"),
        import_module("obp.ope.estimators_tuning"),
        import_module("obp.ope.regression_model"),
    )


def main(package: Path, source: Path, target: Path) -> None:
    """Read logs, write what each estimator says of each."""
    from sklearn.linear_model import LogisticRegression

    estimators, tuning, regression = load(package)
    logs = np.load(source)
    found: dict[str, list[float]] = {}
    for number in range(int(logs["logs"])):
        part = {
            name: logs[f"{name}_{number}"] for name in ("context", "action", "reward", "chance", "target", "expected")
        }
        actions = part["target"].shape[1]
        given = {
            "reward": part["reward"], "action": part["action"], "pscore": part["chance"],
            "action_dist": part["target"][:, :, None],
            # Left out, Switch-DR's own tuning fails (0.5.7).
            "position": np.zeros(len(part["action"]), int),
        }  # fmt: skip
        scaled = (part["context"] - part["context"].mean(axis=0)) / np.maximum(part["context"].std(axis=0), 1e-9)
        model = regression.RegressionModel(n_actions=actions, base_model=LogisticRegression(max_iter=200))
        own = model.fit_predict(
            context=scaled, action=part["action"], reward=part["reward"].astype(int), pscore=part["chance"],
            n_folds=FOLDS, random_state=number,
        )  # fmt: skip
        said = {
            "ipw": estimators.InverseProbabilityWeighting().estimate_policy_value(**given),
            "snipw": estimators.SelfNormalizedInverseProbabilityWeighting().estimate_policy_value(**given),
            "ipw, tuned": tuning.InverseProbabilityWeightingTuning(
                lambdas=LAMBDAS, tuning_method="slope"
            ).estimate_policy_value_with_tuning(**given),
        }
        for whose, expected in (("own reward model", own), ("our reward model", part["expected"][:, :, None])):
            modelled = {**given, "estimated_rewards_by_reg_model": expected}
            said[f"dm, {whose}"] = estimators.DirectMethod().estimate_policy_value(
                action_dist=given["action_dist"],
                estimated_rewards_by_reg_model=expected,
                position=given["position"],
            )
            for name, kind in (("dr", "DoublyRobust"), ("sndr", "SelfNormalizedDoublyRobust")):
                said[f"{name}, {whose}"] = getattr(estimators, kind)().estimate_policy_value(**modelled)
            for name, kind in (
                ("dr, tuned", "DoublyRobustTuning"), ("switch-dr, tuned", "SwitchDoublyRobustTuning"),
                ("dros, tuned", "DoublyRobustWithShrinkageTuning"),
            ):  # fmt: skip
                tuned = getattr(tuning, kind)(lambdas=LAMBDAS, tuning_method="slope")
                said[f"{name}, {whose}"] = tuned.estimate_policy_value_with_tuning(**modelled)
        for name, value in said.items():
            found.setdefault(name, []).append(float(value))
    np.savez(target, **{name: np.array(values) for name, values in found.items()})


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(*map(Path, sys.argv[1:4]))
