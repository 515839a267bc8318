"""What would another policy have brought, and is one better than the other? Honest answers from randomised logs."""

from regulars.experiment.offpolicy import Estimate, Overlap, doubly_robust, ips, overlap, snips

__all__ = ["Estimate", "Overlap", "doubly_robust", "ips", "overlap", "snips"]
