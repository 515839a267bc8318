"""What each prediction needs, of the customer and of the shop: the one place that says it.

The page, its JSON and docs/profile.md read it here. What is not met is told with what there is:
"needs 2 days with an order; has 1".
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import NamedTuple


class Measure(NamedTuple):
    """What is counted.

    Attributes
    ----------
    is_of_shop : of the shop, else of the customer.
    """

    is_of_shop: bool
    english: str
    chinese: str


MEASURES: dict[str, Measure] = {
    "order_days": Measure(False, "days with an order", "个下过单的日子"),
    "occasions": Measure(False, "orders or days of looking at products so described", "次有此类说明的购买或浏览"),
    "compared_orders": Measure(False, "orders of products with a category and a price", "个商品有类别和价格的订单"),
    "listed_orders": Measure(False, "orders of products with a list price", "个商品有标价的订单"),
    "active_days": Measure(False, "days on which they did something", "个有活动的日子"),
    "timed_acts": Measure(False, "hours in which they did something, the time of day being known", "个有活动的钟点"),
    "channel_days": Measure(False, "days of using a channel that is known", "个渠道已知的日子"),
    "known_days": Measure(False, "days since the first event", "天（从首次出现算起）"),
    "shop_customers": Measure(True, "customers with an order", "位下过单的顾客"),
    "shop_repeaters": Measure(True, "customers with orders on two days", "位在两个日子下过单的顾客"),
    "shop_regulars": Measure(True, "customers with orders on three days", "位在三个日子下过单的顾客"),
    "shop_days": Measure(True, "days from its first order to its last", "天的订单历史"),
    "shop_kinds": Measure(True, "kinds that more than one customer chose", "种有多位顾客选择的说明"),
    "shop_compared": Measure(
        True, "customers with two orders of products with a category and a price", "位有两个此类订单的顾客"
    ),
    "shop_listed": Measure(True, "customers with an order of a product with a list price", "位买过有标价商品的顾客"),
    "shop_channels": Measure(True, "channels in use", "个在用的渠道"),
}
"""What can be needed, in words that follow a number."""

NEEDS: dict[str, dict[str, int]] = {
    "category_interests": {"occasions": 2, "shop_kinds": 2, "shop_customers": 20},
    "brand_interests": {"occasions": 2, "shop_kinds": 2, "shop_customers": 20},
    "style_interests": {"occasions": 2, "shop_kinds": 2, "shop_customers": 20},
    "price_level": {"compared_orders": 2, "shop_compared": 20},
    "discount_affinity": {"listed_orders": 2, "shop_listed": 20},
    "preferred_hour": {"timed_acts": 5},
    "preferred_weekday": {"active_days": 5},
    "preferred_channel": {"channel_days": 5, "shop_channels": 2},
    "next_order": {"order_days": 2, "shop_repeaters": 20, "shop_regulars": 10, "shop_days": 90},
    "next_category": {"occasions": 2, "shop_kinds": 2, "shop_customers": 20},
    "nearest_customers": {"shop_customers": 20},
    "changes": {"known_days": 30},
}
"""{prediction: {measure: the least}}."""

REASONS = {
    "en": ("needs {least} {what}; has {has}", "the shop needs {least} {what}; has {has}", "; "),
    "zh": ("需要{least}{what}，现有{has}", "本店需要{least}{what}，现有{has}", "；"),
}


def why_absent(prediction: str, has: Mapping[str, float], language: str = "en") -> str | None:
    """Why a prediction cannot be made; None where all that it needs is there.

    What the shop lacks is told alone: more orders of this customer would not mend it.

    Parameters
    ----------
    has : {measure: how many there are}; one that is missing counts as none.

    Examples
    --------
    >>> why_absent("next_order", {"order_days": 1, "shop_repeaters": 90, "shop_regulars": 40, "shop_days": 365})
    'needs 2 days with an order; has 1'
    >>> why_absent("preferred_hour", {"timed_acts": 12}) is None
    True
    """
    of_customer, of_shop, between = REASONS[language]
    unmet: dict[bool, list[str]] = {True: [], False: []}
    for name, least in NEEDS[prediction].items():
        there = has.get(name, 0)
        if isnan(there) or there < least:
            measure = MEASURES[name]
            words = of_shop if measure.is_of_shop else of_customer
            what = measure.chinese if language == "zh" else measure.english
            said = words.format(least=least, what=what, has=0 if isnan(there) else int(there))
            unmet[measure.is_of_shop].append(said)
    # What the shop lacks cannot be mended by any customer.
    return between.join(unmet[True] or unmet[False]) or None
