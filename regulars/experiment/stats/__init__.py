"""The statistics of experiments: pure functions of arrays and moments, one value a customer."""

from regulars.experiment.stats.balance import mismatch, sequential_mismatch, unsteadiness
from regulars.experiment.stats.bayes import Posterior, posterior
from regulars.experiment.stats.cuped import Adjusted, Health, adjusted
from regulars.experiment.stats.effects import Effect, difference, difference_of_shares
from regulars.experiment.stats.group_sequential import boundaries, crossing, spent
from regulars.experiment.stats.guardrails import Guardrail, non_inferior
from regulars.experiment.stats.moments import Arm, Moments, mean_of, ratio_of
from regulars.experiment.stats.multiplicity import benjamini_hochberg, e_benjamini_hochberg, holm
from regulars.experiment.stats.quantiles import quantile_of
from regulars.experiment.stats.regions import GeoLift, geo_lift
from regulars.experiment.stats.samples import customers_needed, detectable
from regulars.experiment.stats.sequences import log_e_value, mixture_for, reach, shares_sequence
from regulars.experiment.stats.shrinkage import Shrunk, shrink
from regulars.experiment.stats.winsorising import Cut, is_fragile

__all__ = [
    "Adjusted",
    "Arm",
    "Cut",
    "Effect",
    "GeoLift",
    "Guardrail",
    "Health",
    "Moments",
    "Posterior",
    "Shrunk",
    "adjusted",
    "benjamini_hochberg",
    "boundaries",
    "crossing",
    "customers_needed",
    "detectable",
    "difference",
    "difference_of_shares",
    "e_benjamini_hochberg",
    "geo_lift",
    "holm",
    "is_fragile",
    "log_e_value",
    "mean_of",
    "mismatch",
    "mixture_for",
    "non_inferior",
    "posterior",
    "quantile_of",
    "ratio_of",
    "reach",
    "sequential_mismatch",
    "shares_sequence",
    "shrink",
    "spent",
    "unsteadiness",
]
