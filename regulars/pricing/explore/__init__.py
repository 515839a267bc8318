"""Which prices to try, with which chance, so that their effect can be learned without bias?"""

from regulars.pricing.explore.chances import by_customer, by_product_and_time, drawn, evenly, lot, thompson
from regulars.pricing.explore.discounts import Strength, strength
from regulars.pricing.explore.switchback import Effect, read_switchback

__all__ = [
    "Effect", "Strength", "by_customer", "by_product_and_time", "drawn", "evenly", "lot", "read_switchback", "strength",
    "thompson",
]  # fmt: skip
