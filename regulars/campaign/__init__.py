"""Whom to contact with what, when and through which channel, and what did it earn?

Uplift learned from the shop's own lots; an allocation under budget and consent, of which a part is drawn by lot so that
the next model can learn from it; journeys, offers, copy and sending; and what each campaign brought beside those left
alone.
"""

from regulars.campaign.decide import decide
from regulars.campaign.evaluate import evaluate, learn

__all__ = ["decide", "evaluate", "learn"]
