"""What a page can say, in English and Chinese: each sentence with the facts in it and the events that it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from regulars.language.verify import WEEKDAYS, Fact
from regulars.profile.own import Evidence
from regulars.units import shown

STAGES: dict[str, dict[str, str]] = {
    "en": {
        "prospect": "has not ordered yet",
        "new": "is new",
        "active": "is active",
        "growing": "is active and buying more than before",
        "cooling": "is cooling: later than three of four customers come back",
        "lapsed": "has lapsed: later than nineteen of twenty customers come back",
        "won back": "has come back after a long pause",
    },
    "zh": {
        "prospect": "尚未下单",
        "new": "是新顾客",
        "active": "很活跃",
        "growing": "很活跃，而且比以前买得更多",
        "cooling": "正在变冷：四分之三的顾客早已回购",
        "lapsed": "已经流失：二十位顾客中有十九位早已回购",
        "won back": "停顿很久之后又回来了",
    },
}
STAGE_NAMES = {
    "prospect": "潜在顾客", "new": "新顾客", "active": "活跃", "growing": "增长", "cooling": "变冷", "lapsed": "流失",
    "won back": "赢回",
}  # fmt: skip

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "stage": "This customer {stage}.",
        "orders": "{orders} in {tenure}, the last {recency} ago.",
        "spend": "Spent {spend} in all.",
        "spend_above": "Spent {spend} in all, more than {above} of customers.",
        "overdue": "Usually orders every {gap}: overdue.",
        "about_due": "Usually orders every {gap}: about due.",
        "not_due": "Usually orders every {gap}: not due yet.",
        "next_order": "The next order is expected around {expected} ({sure}: from {earliest} to {latest}).",
        "refunds": "Gave back {refunds}, {refunded} in all.",
        "category": "Likes {name}: {share} of choices, {of_all} in the shop.",
        "brand": "Chooses {name}: {share} of choices, {of_all} in the shop.",
        "style": "Likes the style “{name}”: {share} of choices, {of_all} in the shop.",
        "next_category": "Will most likely choose {name} next: {share}, {of_all} in the shop.",
        "pays_less": "Pays {apart} less than others in the same categories.",
        "pays_more": "Pays {apart} more than others in the same categories.",
        "below_list": "Buys below list price: {share} of purchases, {of_all} in the shop.",
        "at_list": "Seldom buys below list price: {share} of purchases, {of_all} in the shop.",
        "discounts": "Buys at a discount: {share} of lines.",
        "hour": "Most often active from {begin} to {end}: {share} of the time.",
        "weekday": "Most often active on {day}: {share} of days.",
        "channel": "Comes most often through {name}: {share} of days.",
        "weekend": "Orders mostly at the weekend.",
        "household": "Takes {pieces} an order, on {devices}.",
        "objected": "Does not want to be profiled: no decision is made about this customer.",
        "was_stage": "From “{before}” to “{after}” in the last {days}.",
        "more_orders": "{after} in the last {days}, {before} in the {days} before.",
        "more_spend": "Spent {after} in the last {days}, {before} in the {days} before.",
        "more_views": "{after} in the last {days}, {before} in the {days} before.",
        "first_kind": "Chose {name} for the first time in the last {days}.",
        "nothing": "Nothing in the last {days}.",
    },
    "zh": {
        "stage": "这位顾客{stage}。",
        "orders": "{tenure}内下了{orders}，最近一次在{recency}前。",
        "spend": "总共消费{spend}。",
        "spend_above": "总共消费{spend}，超过{above}的顾客。",
        "overdue": "通常每隔{gap}下单：已经过期。",
        "about_due": "通常每隔{gap}下单：差不多该来了。",
        "not_due": "通常每隔{gap}下单：还没到时候。",
        "next_order": "预计下次下单在{expected}前后（{sure}：{earliest}至{latest}）。",
        "refunds": "退回{refunds}，共{refunded}。",
        "category": "喜欢{name}：占其选择的{share}，全店为{of_all}。",
        "brand": "常选{name}：占其选择的{share}，全店为{of_all}。",
        "style": "喜欢“{name}”风格：占其选择的{share}，全店为{of_all}。",
        "next_category": "接下来最可能选{name}：{share}，全店为{of_all}。",
        "pays_less": "在同类商品中比其他顾客少付{apart}。",
        "pays_more": "在同类商品中比其他顾客多付{apart}。",
        "below_list": "常以低于标价的价格购买：占{share}，全店为{of_all}。",
        "at_list": "很少以低于标价的价格购买：占{share}，全店为{of_all}。",
        "discounts": "常买打折商品：占订单行的{share}。",
        "hour": "最常在{begin}到{end}活动：占{share}。",
        "weekday": "最常在{day}活动：占活动日的{share}。",
        "channel": "最常从{name}来：占活动日的{share}。",
        "weekend": "多在周末下单。",
        "household": "平均每单{pieces}，使用{devices}。",
        "objected": "不愿被画像：不会对这位顾客作任何决定。",
        "was_stage": "最近{days}从“{before}”变为“{after}”。",
        "more_orders": "最近{days}{after}，再往前{days}{before}。",
        "more_spend": "最近{days}消费{after}，再往前{days}消费{before}。",
        "more_views": "最近{days}{after}，再往前{days}{before}。",
        "first_kind": "最近{days}首次选了{name}。",
        "nothing": "最近{days}没有动静。",
    },
}
"""What can be said, by language."""

COUNTED = {
    "en": {
        "days": ("{} day", "{} days"), "orders": ("{} order", "{} orders"), "products": ("{} product", "{} products"),
        "pieces": ("{} piece", "{} pieces"), "devices": ("{} device", "{} devices"),
        "views": ("{} product page seen", "{} product pages seen"),
    },
    "zh": {
        "days": ("{}天",) * 2, "orders": ("{}个订单",) * 2, "products": ("{}件商品",) * 2, "pieces": ("{}件",) * 2,
        "devices": ("{}台设备",) * 2, "views": ("看了{}个商品页",) * 2,
    },
}  # fmt: skip
"""One and several of what is counted."""
DAY_NAMES = "一二三四五六日"
WHOLE = ("days", "orders", "products", "devices", "views")
"""What has no fractions in words."""


@dataclass(frozen=True)
class Sentence:
    """Something said of a customer.

    Attributes
    ----------
    about : which sentence it is, a key of `WORDS`.
    facts : all that it says.
    evidence : the events that it rests on.
    """

    about: str
    text: str
    facts: tuple[Fact, ...]
    evidence: Evidence | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        facts = {
            fact.name: fact.value.isoformat() if isinstance(fact.value, date) else fact.value for fact in self.facts
        }
        rests_on = None if self.evidence is None else self.evidence.to_dict()
        return {"about": self.about, "text": self.text, "facts": facts, "rests_on": rests_on}


@dataclass(frozen=True)
class Words:
    """A language, and the currency of amounts.

    Examples
    --------
    >>> facts = [Fact("orders", 3, "orders"), Fact("tenure", 200.2, "days"), Fact("recency", 1, "days")]
    >>> for language in ("en", "zh"):
    ...     print(Words(language, "GBP").say("orders", facts).text)
    3 orders in 200 days, the last 1 day ago.
    200天内下了3个订单，最近一次在1天前。
    """

    language: str
    currency: str

    def say(
        self, about: str, facts: list[Fact], evidence: Evidence | None = None, unsaid: tuple[Fact, ...] = ()
    ) -> Sentence:
        """A sentence of facts, named as its blanks are; `unsaid` are those that stand in it as words already."""
        text = WORDS[self.language][about].format(**{fact.name: self.shown(fact) for fact in facts})
        return Sentence(about, text, (*facts, *unsaid), evidence)

    def shown(self, fact: Fact) -> str:
        """A fact as people read it, with what it counts."""
        value, unit = fact.value, fact.unit
        if isinstance(value, str):
            return value
        if isinstance(value, date):
            return f"{value:%Y-%m-%d}"
        if unit == "hour":
            return f"{int(value):02d}:00"
        if unit == "weekday":
            return f"周{DAY_NAMES[int(value)]}" if self.language == "zh" else WEEKDAYS[int(value)].capitalize()
        if unit in COUNTED[self.language]:
            number = f"{value:,.0f}" if unit in WHOLE else shown(value, unit)
            one, several = COUNTED[self.language][unit]
            return (one if number == "1" else several).format(number)
        return shown(value, unit, self.currency)
