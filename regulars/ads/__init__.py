"""Whose attention is worth a bid, how much, and what did ads bring that would not have come anyway?

Chances to click and to order, bids in first- and second-price auctions, pacing, caps, creatives, bid requests answered
live, lift by hold-out. Most of it works on plain arrays, without a shop: docs/ads.md.
"""

from regulars.ads.decide import decide
from regulars.ads.evaluate import evaluate, learn

__all__ = ["decide", "evaluate", "learn"]
