"""What can be done for a customer: something, by a channel; or nothing."""

from __future__ import annotations

import re
from typing import NamedTuple

from regulars.config import CHANNELS, CampaignSettings

NONE = "none"
"""The arm of who is left alone."""
LEFT_ALONE = frozenset((NONE, "control", "holdout", "hold-out"))
"""What arms of experiments are called that leave customers alone."""
USUAL = "message by email"
"""What a pilot tries where the shop says nothing."""


class Action(NamedTuple):
    """What ("message", the id of a campaign, or an offer) by which channel; "" where that is not known."""

    what: str
    channel: str

    @classmethod
    def of(cls, name: str) -> Action:
        """From its name.

        >>> Action.of("spring by email"), Action.of("leaflet")
        (Action(what='spring', channel='email'), Action(what='leaflet', channel=''))
        """
        found = re.fullmatch(rf"(.+) by ({'|'.join(CHANNELS)})", name)
        return cls(found[1], found[2]) if found else cls(name, "")

    @property
    def name(self) -> str:
        """As people write it."""
        return f"{self.what} by {self.channel}" if self.channel else self.what


def cost_of(name: str, settings: CampaignSettings) -> float:
    """What an action costs for one customer, in the shop's currency; nothing to leave alone, or by no channel known.

    What an offer takes off the price is no part of it: that is missing from the margin that comes.

    >>> cost_of("spring by sms", CampaignSettings(sms_cost=0.1)), cost_of("none", CampaignSettings())
    (0.1, 0.0)
    """
    channel = Action.of(name).channel
    return float(getattr(settings, f"{channel}_cost")) if channel else 0.0
