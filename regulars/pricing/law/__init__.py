"""What does the law of a customer's place allow of a price, and what must be said with it?"""

from regulars.pricing.law.own import drop, keep, own_rows
from regulars.pricing.law.quote import Quote
from regulars.pricing.law.table import MODES, STATUSES, Law, Mode, Row, Terms, strictest

__all__ = [
    "MODES", "STATUSES", "Law", "Mode", "Quote", "Row", "Terms", "drop", "keep", "own_rows",
    "strictest",
]  # fmt: skip
