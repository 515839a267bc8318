"""The behaviour model where a shop has one: a shop without never waits for torch."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from regulars.errors import NotFoundError

if TYPE_CHECKING:
    from regulars.behavior import Kept
    from regulars.shop import Shop


def model_before(shop: Shop, moment: datetime) -> Kept | None:
    """The newest behaviour model that saw nothing from a moment on; None if there is none."""
    if not shop.models.versions("behavior"):
        return None
    from regulars.behavior import model_as_of  # noqa: PLC0415

    try:
        return model_as_of(shop, moment)
    except NotFoundError:
        return None
