"""What rotations begin with: what the click model foresees of each creative, and what the log tells of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from regulars.ads.dataset import shown
from regulars.ads.delivery import Rotation, context
from regulars.ads.delivery.context import FEATURES, USUAL
from regulars.ads.delivery.rotation import HALF_LIFE_DAYS
from regulars.ads.openrtb.desk import CLICK_WITHIN

if TYPE_CHECKING:
    from regulars.shop import Shop

MEMORY = timedelta(days=4 * HALF_LIFE_DAYS)
"""What is older would count less than a sixteenth."""
DAY = timedelta(days=1)


def remember(shop: Shop, rotations: Sequence[Rotation], factors: Mapping[str, float], start: datetime) -> None:
    """Let rotations begin with what was foreseen, and what came of ads for customers of the log before a moment.

    Parameters
    ----------
    factors : by creative, clicks foreseen over those of the mean one; one that is not in it is new.
    """
    known = [(rotation, name) for rotation in rotations for name in rotation.creatives]
    for rotation, name in known:
        if name in factors:
            rotation.expect(name, factors[name], USUAL, at=start)
    seen, clicked = shown(shop, start, start - MEMORY, CLICK_WITHIN)
    zone, moments = ZoneInfo(shop.config.shop.timezone), seen["time"].to_pylist()
    told = zip(seen["context"].to_pylist(), moments, strict=True)
    contexts = np.array([_context(text, at.astimezone(zone)) for text, at in told]).reshape(-1, FEATURES)
    ages = np.array([(start - at) / DAY for at in moments])
    campaign, creative = (np.array(seen[name].to_pylist(), object) for name in ("campaign_id", "creative"))
    for rotation, name in known:
        rows = (campaign == rotation.campaign) & (creative == name)
        if rows.any():
            rotation.recall(name, contexts[rows], clicked[rows], ages[rows], at=start)


def _context(text: str | None, at: datetime) -> tuple[float, ...]:
    """As it was noted; of an ad that was shown by others, of which nothing is noted, by its hour alone."""
    try:
        found = tuple(float(each) for each in json.loads(text or "[]"))
    except (ValueError, TypeError):
        found = ()
    return found if len(found) == FEATURES and all(-1 <= each <= 1 for each in found) else context(at)
