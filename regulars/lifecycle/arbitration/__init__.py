"""Which customers get which action on which day, when money, contacts, people and stock are scarce?"""

from regulars.lifecycle.arbitration.receipts import Receipts, receipts
from regulars.lifecycle.arbitration.schedule import Schedule, Share, Use
from regulars.lifecycle.arbitration.solve import Solved, solve

__all__ = ["Receipts", "Schedule", "Share", "Solved", "Use", "receipts", "solve"]
