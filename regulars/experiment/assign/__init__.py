"""Who gets which arm? A salted hash of the customer's id tells, the same everywhere and for ever."""

from regulars.experiment.assign.hashing import place, places
from regulars.experiment.assign.plan import Arm, Holdout, Plan

__all__ = ["Arm", "Holdout", "Plan", "place", "places"]
