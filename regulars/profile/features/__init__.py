"""The features of a profile, declared: each with its name, meaning, unit, window and what it needs."""

from regulars.profile.features import activity, kinds, orders
from regulars.profile.features.feature import Feature

__all__ = ["FEATURES", "LEVELS", "Feature"]

LEVELS: dict[str, tuple[Feature, ...]] = {
    "orders": orders.FEATURES,
    "products": kinds.PRODUCTS,
    "categories": kinds.CATEGORIES,
    "brands": kinds.BRANDS,
    "channels": kinds.CHANNELS,
    "devices": kinds.DEVICES,
    "sessions": activity.SESSIONS,
    "activity": activity.FEATURES,
}
"""The features by the rows that they are computed from (see each module, and `regulars.profile.levels`)."""

FEATURES: tuple[Feature, ...] = tuple(feature for level in LEVELS.values() for feature in level)
"""All features, in the order of their columns."""
