"""Lists of people for ad platforms: addresses as hashes, normalised as Google and Meta ask."""

from regulars.ads.audience.export import PLATFORMS, write
from regulars.ads.audience.hashing import hashed, normal_email, normal_phone

__all__ = ["PLATFORMS", "hashed", "normal_email", "normal_phone", "write"]
