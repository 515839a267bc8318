"""Who gets which of several ways by chance, what was found, and what would another policy have brought?

An experiment is written down (`Experiments`), its customers exposed (`assign_all`), and read (`analyse`); a log of
decisions that knew their chances (`decided`) tells what another policy would have brought (`value`, `compare`).
"""

from regulars.experiment.analysis import Result, Verdict, analyse
from regulars.experiment.assign import Arm, Holdout, Plan, place, places
from regulars.experiment.bandits import Bandit, BetaThompson, LinearThompson, LinearUCB, NormalThompson
from regulars.experiment.exposure import Assigned, assign_all, expose, exposures, jumps
from regulars.experiment.metrics import READY, Measure, Metric, named
from regulars.experiment.offpolicy import (
    Comparison,
    Decided,
    Estimate,
    Logged,
    Overlap,
    OverlapError,
    compare,
    context_of,
    decided,
    doubly_robust,
    ips,
    methods,
    overlap,
    policy_of,
    snips,
    target_of,
    value,
)
from regulars.experiment.plan import AnalysisPlan
from regulars.experiment.power import past, run_time
from regulars.experiment.registry import Design, Experiment, Experiments, StartedError

__all__ = [
    "READY", "AnalysisPlan", "Arm", "Assigned", "Bandit", "BetaThompson", "Comparison", "Decided", "Design", "Estimate",
    "Experiment", "Experiments", "Holdout", "LinearThompson", "LinearUCB", "Logged", "Measure", "Metric",
    "NormalThompson", "Overlap", "OverlapError", "Plan", "Result", "StartedError", "Verdict", "analyse", "assign_all",
    "compare", "context_of", "decided", "doubly_robust", "expose", "exposures", "ips", "jumps", "methods", "named",
    "overlap", "past", "place", "places", "policy_of", "run_time", "snips", "target_of", "value",
]  # fmt: skip
