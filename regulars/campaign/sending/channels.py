"""The channels that a shop has set up, and a customer's address in each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from regulars.campaign.sending.channel import Channel
from regulars.campaign.sending.smtp import Mail
from regulars.campaign.sending.webhook import SECRET, Webhook

if TYPE_CHECKING:
    from regulars.shop import Shop

HOOKED = ("sms", "push", "wechat")
NAMES = ("email", *HOOKED)


def channels(shop: Shop) -> dict[str, Channel]:
    """Those that `[sending]` sets up, by name.

    Raises
    ------
    ConfigError
        If one is set up by halves.
    """
    settings = shop.config.sending
    found: dict[str, Channel] = {"email": Mail(settings)} if settings.smtp else {}
    for name in HOOKED:
        url = getattr(settings, f"{name}_webhook")
        if url:
            secret, near = shop.state.secret(SECRET), shop.config.shop.private_networks
            found[name] = Webhook(f"{name}_webhook", url, secret, settings.timeout_seconds, near)
    return found


def address_of(channel: str, customer: Mapping[str, Any]) -> str | None:
    """Where a customer is reached by a channel; None where nowhere. Push and WeChat know customers by their ids.

    >>> address_of("email", {"email": "ada@tea.example"}), address_of("sms", {"phone": None}), address_of("push", {})
    ('ada@tea.example', None, '')
    """
    if channel in ("push", "wechat"):
        return ""
    found = customer.get({"email": "email", "sms": "phone"}[channel])
    return str(found) if found else None
