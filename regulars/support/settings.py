"""What the settings of a shop say to support: where its orders and texts are, the policy, the hours."""

from __future__ import annotations

import os
from datetime import date, time
from decimal import Decimal
from typing import TYPE_CHECKING

from regulars.errors import ConfigError
from regulars.language.search import Index
from regulars.support.handover import Hours
from regulars.support.knowledge import Knowledge
from regulars.support.order import Backend, OwnTables, Policy
from regulars.support.order.webhook import Webhooks

if TYPE_CHECKING:
    from regulars.config import SupportSettings
    from regulars.shop import Shop

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


SECRET = "REGULARS_SUPPORT_SECRET"  # noqa: S105  (its name)
"""In the environment: what signs requests to the shop's own system."""


def backend_of(shop: Shop) -> Backend:
    """Where the shop's customers and orders lie: in its own system where it names one, else in tables here.

    Raises
    ------
    ConfigError
        If the system's address is no https, or there is no secret.
    """
    url = shop.config.support.system
    if not url:
        return OwnTables(shop.state)
    secret = os.environ.get(SECRET, "")
    if not secret:
        raise ConfigError(f"[support] system = {url!r} needs the secret that both sides know, in {SECRET}.")
    return Webhooks(url, secret, private_networks=shop.config.shop.private_networks)


def policy_of(settings: SupportSettings) -> Policy:
    """What support may do, by the settings.

    >>> from regulars.config import SupportSettings
    >>> policy_of(SupportSettings(hand_over_above=200)).hand_over_above
    Decimal('200.0')
    """
    return Policy(
        refund_limit=Decimal(str(settings.refund_limit)),
        coupon_limit=Decimal(str(settings.coupon_limit)),
        hand_over_above=Decimal(str(settings.hand_over_above)) if settings.hand_over_above else None,
        identify_in_words=settings.identify_in_words,
    )


def hours_of(settings: SupportSettings, zone: str) -> Hours:
    """When people answer, by the settings."""
    return Hours(
        zone=zone,
        days=tuple(DAYS.index(day) for day in settings.days),
        opens=time.fromisoformat(settings.opens),
        closes=time.fromisoformat(settings.closes),
        holidays=frozenset(map(date.fromisoformat, settings.holidays)),
        people=settings.people,
        minutes_each=settings.minutes_each,
    )


def knowledge_of(shop: Shop) -> Knowledge | None:
    """The shop's own texts; None where it has no folder of them."""
    folder = shop.folder / shop.config.support.knowledge
    if not folder.is_dir():
        return None
    cache = shop.folder / "cache"
    return Knowledge(
        folder, Index.of(shop.config.language, cache / "knowledge.parquet", shop.state), cache / "knowledge"
    )
