"""Which attempts do the shop's own rules and lists mean, and what would a rule have done?"""

from regulars.fraud.rule.entries import Entry
from regulars.fraud.rule.lists import Asked, Lists
from regulars.fraud.rule.matching import Index, Listed

__all__ = ["Asked", "Entry", "Index", "Listed", "Lists"]
