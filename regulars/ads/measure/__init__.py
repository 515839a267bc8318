"""What did ads bring that would not have come anyway? By experiment; attribution stands beside it, labelled as such."""

from regulars.ads.measure.attribution import LABEL, Path, attribute
from regulars.ads.measure.curves import Fatigue, Saturation
from regulars.ads.measure.ghost import GhostLift, ghost_lift
from regulars.ads.measure.split import Share, next_split
from regulars.experiment.stats import GeoLift, geo_lift

__all__ = [
    "LABEL", "Fatigue", "GeoLift", "GhostLift", "Path", "Saturation", "Share", "attribute", "geo_lift", "ghost_lift",
    "next_split",
]  # fmt: skip
