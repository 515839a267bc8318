"""What does the law of a customer's place allow of a price, and what must be said with it?"""

from regulars.pricing.law.quote import Quote
from regulars.pricing.law.table import MODES, Law, Mode, Row, Terms, strictest

__all__ = ["MODES", "Law", "Mode", "Quote", "Row", "Terms", "strictest"]
