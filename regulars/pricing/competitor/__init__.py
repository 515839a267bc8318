"""What do competitors ask for the same products, where do we stand, and how do we answer?"""

from regulars.pricing.competitor.book import FRESH_DAYS, Competitors, Imported, Match, matches_of, seen_between
from regulars.pricing.competitor.index import Index, Undercut, by_category, lowest, undercuts
from regulars.pricing.competitor.matching import Proposal, by_title
from regulars.pricing.competitor.rule import ALL, Response, Simulated, in_use, simulate, use

__all__ = [
    "ALL", "FRESH_DAYS", "Competitors", "Imported", "Index", "Match", "Proposal", "Response", "Simulated", "Undercut",
    "by_category", "by_title", "in_use", "lowest", "matches_of", "seen_between", "simulate", "undercuts", "use",
]  # fmt: skip
