"""What does the law of a customer's place allow of a price, and what must be said with it?"""

from regulars.pricing.law.own import drop, keep, own_rows
from regulars.pricing.law.quote import Quote
from regulars.pricing.law.table import MODES, STATUSES, Law, Mode, Row, Terms, names_of_countries, strictest

__all__ = [
    "MODES", "STATUSES", "Law", "Mode", "Quote", "Row", "Terms", "drop", "keep", "names_of_countries", "own_rows",
    "strictest",
]  # fmt: skip
