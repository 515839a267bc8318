"""What decides which products are shown, in plain words and from what is in force: for customers and for authorities.

The duty: Regulation (EU) 2022/2065 (Digital Services Act), articles 27 and 38; in China the provisions on algorithmic
recommendation (互联网信息服务算法推荐管理规定), articles 16 and 17.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from regulars.clock import moment_of
from regulars.recommend.dataset import model_in_use
from regulars.recommend.past import WEIGHTS
from regulars.recommend.reasons import OF_SOURCE

if TYPE_CHECKING:
    from regulars.config import RecommendSettings
    from regulars.recommend.model import RecommendModel
    from regulars.shop import Shop

SOURCES = {
    "en": {
        "own": "what you bought or looked at before, and how long ago",
        "covisitation": "what others chose who chose the same as you",
        "factors": "what customers with a taste like yours chose",
        "content": "products like those you chose, by category, brand and description",
        "popular": "what many choose these weeks",
        "worth": "how many order a product of those who look at it, and what that is worth to the shop",
        "behavior": "what often comes next after what you did last",
        "": "the price and how often you order",
    },
    "zh": {
        "own": "您买过或看过的商品，以及时间远近",
        "covisitation": "与您选择相同的顾客还选了什么",
        "factors": "与您喜好相近的顾客选了什么",
        "content": "与您选过的商品在类别、品牌和描述上相似的商品",
        "popular": "最近很多顾客选择的商品",
        "worth": "看过商品的顾客中有多少会下单，以及这对本店的价值",
        "behavior": "在您最近的行为之后常常出现的商品",
        "": "价格以及您的下单频率",
    },
}
"""The sources in words; the last is what belongs to none of them."""
WORDS = {
    "en": {
        "order": "Products are put in order by how likely you are to order them within {days} days, as far as it was "
        "learned from this shop's own orders until {until}. What counts, and how much of the order it decides:",
        "shown": "Products are put in order by how likely you are to take them up if they are shown to you, as "
        "far as it was learned from lists of this shop until {until}, and by what that is worth to the shop. What "
        "counts, and how much of the likelihood it decides:",
        "data": "Looked at: {events}, each under your customer number. Nothing is bought from others.",
        "exclude": "Never shown: products for which this is true: {rule}.",
        "adults": "Shown only to who is known to be 18 or older: products for which this is true: {rule}.",
        "returned": "What you sent back is not shown until you order it again.",
        "again": "What you had before is shown again only if this is true of it: {rule}.",
        "pin": "The shop puts {count} products first, whoever looks: {products}.",
        "caps": "A list holds at most {most} products of one {what}.",
        "diversity": "Lists are mixed, so that products are unlike each other ({share:.0%}).",
        "fresh": "{places} places of a list are kept for new products.",
        "explore": "In {share:.0%} of the lists the last product is drawn by chance, to learn whether it is liked.",
        "switch": "You can choose lists that do not look at what you did (not based on profiling), at any time and "
        "with no disadvantage: tell the shop that you object to profiling. Then you see what most customers choose.",
    },
    "zh": {
        "order": "商品按您在{days}天内下单的可能性排序，依据本店截至{until}的订单学习得出。起作用的因素及其占比：",
        "shown": "商品按展示给您时您选择它的可能性（依据本店截至{until}的列表学习得出）以及这对本店的价值排序。"
        "决定可能性的因素及其占比：",
        "data": "所用数据：您顾客编号下的{events}。不使用从他人购买的数据。",
        "exclude": "从不展示符合此条件的商品：{rule}。",
        "adults": "符合此条件的商品只向已知年满18岁的顾客展示：{rule}。",
        "returned": "您退回的商品在再次下单之前不会展示。",
        "again": "您拥有过的商品仅在符合此条件时再次展示：{rule}。",
        "pin": "本店将{count}件商品置于所有顾客列表的最前：{products}。",
        "caps": "一个列表中同一{what}的商品最多{most}件。",
        "diversity": "列表会混合彼此不同的商品（{share:.0%}）。",
        "fresh": "列表中为新品保留{places}个位置。",
        "explore": "{share:.0%}的列表中最后一件商品随机抽取，以了解它是否受欢迎。",
        "switch": "您可以随时选择不参考您行为的列表（不基于用户画像），不会因此受到不利对待："
        "只需告知本店您反对用户画像，此后您看到的是多数顾客选择的商品。",
    },
}
EVENTS = {
    "order_completed": {"en": "orders", "zh": "订单"},
    "product_added": {"en": "products in the cart", "zh": "购物车"},
    "product_added_to_wishlist": {"en": "wish lists", "zh": "心愿单"},
    "product_viewed": {"en": "product pages", "zh": "商品页浏览"},
    "product_clicked": {"en": "clicks", "zh": "点击"},
    "product_reviewed": {"en": "reviews", "zh": "评价"},
}
"""What is looked at, in words."""
CAPPED = {"en": {"category": "category", "brand": "brand"}, "zh": {"category": "类别", "brand": "品牌"}}


def parameters(shop: Shop, language: Literal["en", "zh"] | None = None) -> list[str]:
    """The main parameters of the lists, one sentence or line each, as they are in force now.

    Parameters
    ----------
    language : default that of [recommend] in shop.toml.

    Raises
    ------
    NotFoundError
        If there is no recommender in use.
    """
    settings = shop.config.recommend
    language = language or settings.language
    model = model_in_use(shop)
    words = WORDS[language]
    comma = ", " if language == "en" else "、"
    until = f"{moment_of(model.until):%Y-%m-%d}"
    said = [words["shown" if model.ranker.knows_chances else "order"].format(days=settings.horizon_days, until=until)]
    said += [f"- {SOURCES[language][name]}: {share:.0%}" for name, share in shares_of_order(model)]
    there = [EVENTS[name][language] for name in WEIGHTS if name in model.vocabulary.types]
    said.append(words["data"].format(events=comma.join(there)))
    said += _rules(settings, words, language)
    said.append(words["switch"])
    return said


def shares_of_order(model: RecommendModel) -> list[tuple[str, float]]:
    """How much of what the ranker learned each source explains (by gain), the most first; "" is what is of none."""
    gain = np.asarray(model.ranker.booster.feature_importance("gain"), float)
    place = {name: number for number, name in enumerate(model.names)}
    sources = [name.removeprefix("score_") for name in model.names if name.startswith("score_")]
    found = {
        name: float(sum(gain[place[n]] for n in (f"score_{name}", f"place_{name}", *OF_SOURCE.get(name, ()))))
        for name in sources
    }
    found[""] = float(gain.sum()) - sum(found.values())
    total = max(float(gain.sum()), 1e-9)
    return sorted(((name, value / total) for name, value in found.items()), key=lambda pair: -pair[1])


def _rules(settings: RecommendSettings, words: dict[str, str], language: str) -> list[str]:
    said = [words["exclude"].format(rule=rule) for rule in settings.exclude]
    if settings.adults_only:
        said.append(words["adults"].format(rule=settings.adults_only))
    if not settings.returned:
        said.append(words["returned"])
    if settings.again:
        said.append(words["again"].format(rule=settings.again))
    if settings.pin:
        said.append(words["pin"].format(count=len(settings.pin), products=", ".join(settings.pin)))
    for what, most in (("category", settings.most_per_category), ("brand", settings.most_per_brand)):
        if most:
            said.append(words["caps"].format(what=CAPPED[language][what], most=most))
    if settings.diversity:
        said.append(words["diversity"].format(share=settings.diversity))
    if settings.fresh:
        said.append(words["fresh"].format(places=settings.fresh))
    if settings.explore:
        said.append(words["explore"].format(share=settings.explore))
    return said
