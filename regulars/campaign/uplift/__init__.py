"""Who is moved by a contact, who would have bought anyway, and what does it earn to contact the right ones?"""

from regulars.campaign.uplift.evidence import evidence_of
from regulars.campaign.uplift.judged import Judged, judge
from regulars.campaign.uplift.learners import LEARNERS
from regulars.campaign.uplift.measures import Ranked, auuc_score, qini_score, targeting
from regulars.campaign.uplift.model import Effects, Tried, UpliftModel, fit
from regulars.campaign.uplift.observational import Overlap, comparable, e_value, estimated_propensity, observed
from regulars.campaign.uplift.policy import Curve, Difference, Value, best_within, difference, gain_curve, value
from regulars.campaign.uplift.trial import Trial

__all__ = [
    "LEARNERS",
    "Curve",
    "Difference",
    "Effects",
    "Judged",
    "Overlap",
    "Ranked",
    "Trial",
    "Tried",
    "UpliftModel",
    "Value",
    "auuc_score",
    "best_within",
    "comparable",
    "difference",
    "e_value",
    "estimated_propensity",
    "evidence_of",
    "fit",
    "gain_curve",
    "judge",
    "observed",
    "qini_score",
    "targeting",
    "value",
]
