"""What a policy would have brought, from logs of another: beside obp, where the truth is known.

    python -m benchmarks.offpolicy            all data sets (about ten minutes on two cores)
    python -m benchmarks.offpolicy digits     some of: digits, "breast cancer", wine, banking77, hillstrom

A classification is a decision: the class chosen is the action, and it brings 1 if it is right. Of Hillstrom the actions
are the three arms, and what an arm brings is a visit, with the chance that trees learned from all customers. For each of
100 seeds two policies are learned from three tenths of the customers, and a log is drawn of one from the others. Logs that
cannot speak for the other are refused, and left out for the peers too; how many is said.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.offpolicy_worlds import SIZES, rows_of, world
from benchmarks.peer_environment import environment
from benchmarks.report import Row, save
from regulars.experiment.offpolicy import Estimate, OverlapError, methods
from regulars.experiment.offpolicy.rewards import expect

SEEDS = 100
FIRST = 50_000
"""Of the seeds. What the estimators have fixed was tried out on seeds below: these had no part in it."""
CASE = "off-policy, classification-to-bandit"
OBP = ("--no-deps", "--ignore-requires-python", "obp==0.5.7")
"""Its last version pins Python below 3.11 and versions of libraries; its estimators need none of that."""


def bench(name: str, seeds: int = SEEDS) -> list[Row]:
    """Relative RMSE of ours and of the peers, and how often ours has the truth inside its interval."""
    rows = rows_of(name)
    truths: list[float] = []
    ours: dict[str, list[Estimate]] = {}
    logs: dict[str, Any] = {}
    for seed in range(seeds):
        there = world(rows, FIRST + seed)
        logged, target = there.log(SIZES[name], np.random.default_rng([FIRST, seed]))
        try:
            said = methods(logged, target)
        except OverlapError as refused:
            print(f"{name}, seed {seed}: {refused}", flush=True)
            continue
        for method, found in said.items():
            ours.setdefault(method, []).append(found)
        part = {
            "context": logged.context, "action": logged.action, "reward": logged.reward, "chance": logged.propensity,
            "target": target, "expected": expect(logged).of_actions,
        }  # fmt: skip
        logs |= {f"{key}_{len(truths)}": values for key, values in part.items()}
        truths.append(there.value)
    truth = np.array(truths)
    logs["logs"] = len(truths)
    error = {method: _error(np.array([one.value for one in found]), truth) for method, found in ours.items()}
    inside = {
        method: float(np.mean([one.low <= value <= one.high for one, value in zip(found, truth, strict=True)]))
        for method, found in ours.items()
    }
    sure = [one.sure_low <= value <= one.sure_high for one, value in zip(ours["chosen"], truth, strict=True)]  # type: ignore[operator]
    effective = np.mean([one.overlap.effective for one in ours["chosen"]])
    print(f"{name}: worth {truth.mean():.3f}, effective {effective:,.0f}; ours {error}, inside {inside}", flush=True)
    peers = {f"obp {method}": _error(values, truth) for method, values in _obp(logs).items()}
    return [
        Row(CASE, f"relative rmse, {name}", "lower", error["chosen"], peers),
        *(
            Row(CASE, f"relative rmse, {name}, our {method}", "lower", value)
            for method, value in error.items()
            if method != "chosen"
        ),
        Row(CASE, f"refused of {seeds}, {name}", "lower", float(seeds - len(truths))),
        Row(CASE, f"coverage, {name}", "higher", inside["chosen"]),
        Row(CASE, f"coverage, {name}, of the sure interval", "higher", float(np.mean(sure))),
    ]  # fmt: skip


def _error(values: np.ndarray, truth: np.ndarray) -> float:
    return float(np.sqrt(np.mean((values / truth - 1) ** 2)))


def _obp(logs: dict[str, Any]) -> dict[str, np.ndarray]:
    python = environment("obp", OBP)
    package = next((python.parents[1] / "lib").glob("python*")) / "site-packages"
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "logs.npz", Path(folder) / "found.npz"
        np.savez(source, **logs)
        script = Path(__file__).parent / "offpolicy_obp.py"
        command = [sys.executable, "-W", "ignore", "-P", str(script), str(package), str(source), str(target)]
        subprocess.run(command, check=True, stdout=sys.stderr)
        return dict(np.load(target))


if __name__ == "__main__":
    for each in sys.argv[1:] or list(SIZES):
        save("experiment", bench(each))
