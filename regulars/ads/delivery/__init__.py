"""May this person see this ad here and now, and which creative? Caps, gaps, exclusions, brand safety, rotation."""

from regulars.ads.delivery.bought import Bought
from regulars.ads.delivery.caps import Cap, Exposures
from regulars.ads.delivery.context import context
from regulars.ads.delivery.dayparts import DayParts
from regulars.ads.delivery.exclusion import REASONS, excluded
from regulars.ads.delivery.placement import BrandSafety, Placement
from regulars.ads.delivery.places import Places
from regulars.ads.delivery.rotation import Creative, Pick, Rotation

__all__ = [
    "REASONS", "Bought", "BrandSafety", "Cap", "Creative", "DayParts", "Exposures", "Pick", "Placement", "Places",
    "Rotation", "context", "excluded",
]  # fmt: skip
