"""Who gets which offer through which channel when, for most money, within budget, stock, contact limits and floors?"""

from regulars.campaign.allocation.allocate import Allocation, allocate, by_prices
from regulars.campaign.allocation.dual import descend
from regulars.campaign.allocation.problem import Floor, Limit, Problem
from regulars.campaign.allocation.receipts import receipts

__all__ = ["Allocation", "Floor", "Limit", "Problem", "allocate", "by_prices", "descend", "receipts"]
