"""The features that segments are told apart by, in words."""

from __future__ import annotations

from typing import NamedTuple


class Trait(NamedTuple):
    """A feature in words: of those with little of it and with much, in English and Chinese, and what it says in
    Chinese. Of traits of one theme, one is enough."""

    theme: str
    low: tuple[str, str]
    high: tuple[str, str]
    meaning: str


TRAITS = {
    "recency_days": Trait(
        "recency", ("recent", "最近来过"), ("long away", "久未下单"),
        "距最近一次下单的天数",
    ),
    "tenure_days": Trait(
        "tenure", ("new", "新来"), ("of old", "老顾客"),
        "距首次下单的天数",
    ),
    "orders": Trait(
        "orders", ("few orders", "订单少"), ("many orders", "订单多"),
        "订单数",
    ),
    "orders_per_month": Trait(
        "orders", ("seldom", "下单稀疏"), ("frequent", "下单频繁"),
        "每月订单数",
    ),
    "spend": Trait(
        "spend", ("low spend", "花费低"), ("high spend", "花费高"),
        "累计花费",
    ),
    "order_value_mean": Trait(
        "basket", ("small orders", "客单价低"), ("large orders", "客单价高"),
        "平均每单金额",
    ),
    "lines_mean": Trait(
        "basket", ("short baskets", "每单商品少"), ("long baskets", "每单商品多"),
        "平均每单商品行数",
    ),
    "units_mean": Trait(
        "units", ("single pieces", "按件购买"), ("in bulk", "批量购买"),
        "平均每单件数",
    ),
    "price_mean": Trait(
        "price", ("low prices", "买低价商品"), ("high prices", "买高价商品"),
        "所购商品的平均价格",
    ),
    "price_spread": Trait(
        "price", ("even prices", "价位集中"), ("mixed prices", "价位分散"),
        "所购商品价格的离散程度",
    ),
    "discount_share": Trait(
        "discount", ("full price", "少用折扣"), ("at a discount", "偏爱折扣"),
        "折扣购买的比例",
    ),
    "product_repeat_share": Trait(
        "repeat", ("ever new products", "常买新品"), ("the same again", "重复购买"),
        "重复购买同一商品的比例",
    ),
    "product_entropy": Trait(
        "variety", ("few products", "商品单一"), ("many products", "商品多样"),
        "商品的多样程度",
    ),
    "category_entropy": Trait(
        "variety", ("few categories", "类别单一"), ("many categories", "类别多样"),
        "类别的多样程度",
    ),
    "brand_entropy": Trait(
        "brands", ("few brands", "品牌单一"), ("many brands", "品牌多样"),
        "品牌的多样程度",
    ),
    "single_line_share": Trait(
        "basket", ("several products an order", "每单多件商品"), ("one product an order", "每单一件商品"),
        "只有一行的订单比例",
    ),
    "refunds": Trait(
        "refunds", ("hardly returns", "很少退货"), ("returns often", "退货多"),
        "退货商品数",
    ),
    "cancellations": Trait(
        "cancels", ("hardly cancels", "很少取消"), ("cancels often", "取消多"),
        "取消的订单数",
    ),
    "morning_share": Trait(
        "hour", ("not in the morning", "上午很少下单"), ("mornings", "上午下单"),
        "上午下单的比例",
    ),
    "evening_share": Trait(
        "hour", ("not in the evening", "晚上很少下单"), ("evenings", "晚上下单"),
        "晚上下单的比例",
    ),
    "weekend_share": Trait(
        "weekday", ("weekdays", "工作日下单"), ("weekends", "周末下单"),
        "周末下单的比例",
    ),
    "session_events_mean": Trait(
        "visits", ("short visits", "访问短"), ("long visits", "访问长"),
        "平均每次访问的事件数",
    ),
    "view_to_cart_share": Trait(
        "carts", ("looks around", "多看少加购"), ("straight to the cart", "看了就加购"),
        "浏览后加入购物车的比例",
    ),
    "cart_abandonment": Trait(
        "carts", ("finishes orders", "很少弃购"), ("abandons carts", "常弃购"),
        "弃购的访问比例",
    ),
    "message_open_share": Trait(
        "messages", ("opens no messages", "少看消息"), ("opens messages", "爱看消息"),
        "打开消息的比例",
    ),
    "coupons": Trait(
        "coupons", ("no coupons", "少用优惠券"), ("uses coupons", "爱用优惠券"),
        "使用的优惠券数",
    ),
    "support_contacts": Trait(
        "support", ("no questions", "少问客服"), ("asks service", "常问客服"),
        "向客服提问的次数",
    ),
}  # fmt: skip
"""Their meaning in English is the profile's own."""
