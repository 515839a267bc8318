"""What is an impression worth, and what should be bid for it? On plain arrays, learning from win and lose."""

from regulars.ads.bidding.advertiser import Advertiser, Ask
from regulars.ads.bidding.bidder import Bidder
from regulars.ads.bidding.clicks import OnlineClicks
from regulars.ads.bidding.dual import Dual
from regulars.ads.bidding.rivals import RivalBids

__all__ = ["Advertiser", "Ask", "Bidder", "Dual", "OnlineClicks", "RivalBids"]
