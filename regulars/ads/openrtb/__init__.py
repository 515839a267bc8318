"""Bidding live: a bid request of OpenRTB 2.6 in, a bid out, in a few milliseconds. No HTTP here: bytes to bytes."""

from regulars.ads.openrtb.answer import Notices, answer
from regulars.ads.openrtb.desk import Campaign, Desk, Valuer
from regulars.ads.openrtb.request import BidRequest, Impression, read

__all__ = ["BidRequest", "Campaign", "Desk", "Impression", "Notices", "Valuer", "answer", "read"]
