"""Auctions to try bidders in: a market whose truth is known, and replays of logs."""

from regulars.ads.auction.competitors import BestReply, Fixed, Learner, Perturbed, rivals
from regulars.ads.auction.market import Market
from regulars.ads.auction.oracle import Oracle
from regulars.ads.auction.play import Outcome, Seat, play
from regulars.ads.auction.replay import AuctionLog, Replayed, replay

__all__ = [
    "AuctionLog", "BestReply", "Fixed", "Learner", "Market", "Oracle", "Outcome", "Perturbed", "Replayed", "Seat",
    "play", "replay", "rivals",
]  # fmt: skip
