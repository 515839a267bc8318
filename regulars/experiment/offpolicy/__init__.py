"""What a policy would have earned, from a log of another that chose by chance with known propensities.

Every estimator weighs each logged decision by how much more often the policy in question would have made it:
w = target / logged. `value` is the one to use: it chooses among them. Where the log cannot speak for a policy, all of
them refuse.
"""

from regulars.experiment.offpolicy.choice import slope
from regulars.experiment.offpolicy.decisions import Decided, context_of, decided
from regulars.experiment.offpolicy.estimators import Estimate, doubly_robust, ips, snips
from regulars.experiment.offpolicy.logged import Logged
from regulars.experiment.offpolicy.overlap import Overlap, OverlapError, overlap
from regulars.experiment.offpolicy.policy import policy_of, target_of
from regulars.experiment.offpolicy.value import Comparison, compare, methods, value

__all__ = [
    "Comparison", "Decided", "Estimate", "Logged", "Overlap", "OverlapError", "compare", "context_of", "decided",
    "doubly_robust", "ips", "methods", "overlap", "policy_of", "slope", "snips", "target_of", "value",
]  # fmt: skip
