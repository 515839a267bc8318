"""Which prices to try, with which chance, so that their effect can be learned without bias?"""

from regulars.pricing.explore.chances import by_customer, by_product_and_time, drawn, evenly, lot, thompson
from regulars.pricing.explore.switchback import Effect, read_switchback

__all__ = ["Effect", "by_customer", "by_product_and_time", "drawn", "evenly", "lot", "read_switchback", "thompson"]
