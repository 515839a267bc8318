"""A change in words."""

from __future__ import annotations

from typing import Literal

from regulars.drift.changes import Change

Language = Literal["en", "zh"]

WHAT: dict[str, dict[Language, str]] = {
    "visits": {"en": "Visits", "zh": "访问次数"},
    "type": {"en": "Events {name} a visit", "zh": "每次访问的 {name} 事件"},
    "channel": {"en": "Events by channel {name} a visit", "zh": "每次访问中渠道 {name} 的事件"},
    "category": {"en": "Share of category {name} in rows with a product", "zh": "含商品的行中类目 {name} 的占比"},
    "hours": {"en": "Share of visits between {name} o'clock", "zh": "{name} 点之间的访问占比"},
    "new": {"en": "Share of customers who came for the first time", "zh": "首次出现的顾客占比"},
    "foreign": {"en": "Share of prices in another currency", "zh": "使用其他货币的价格占比"},
    "nobody": {"en": "Share of rows that name no customer", "zh": "未注明顾客的行占比"},
    "unseen": {"en": "Share of rows with a product not known a week ago", "zh": "一周前尚未出现的商品的行占比"},
    "repeated": {"en": "Share of rows that say the same again", "zh": "重复的行占比"},
    "dear": {
        "en": "Share of prices above a product's usual price by a quarter",
        "zh": "比商品平常价格高四分之一的价格占比",
    },
    "cheap": {
        "en": "Share of prices below a product's usual price by a fifth",
        "zh": "比商品平常价格低五分之一的价格占比",
    },
}
WHEN: dict[int, dict[Language, str]] = {
    1: {"en": "on {day}", "zh": "{day}"},
    7: {"en": "in the 7 days to {day}", "zh": "截至 {day} 的 7 天"},
}
TOLD: dict[Language, str] = {
    "en": "{what}, {when}: {found}; usual was {usual}.",
    "zh": "{what}，{when}：{found}；平常为 {usual}。",
}
COUNTED = ("visits",)
PER_VISIT = ("type", "channel")


def told(change: Change, language: Language = "en") -> str:
    """A change as a sentence, in English or Chinese."""
    what = WHAT[change.signal.kind][language].format(name=change.signal.name)
    when = WHEN[change.span][language].format(day=change.day)
    found, usual = (_shown(change, value) for value in (change.found, change.usual))
    return TOLD[language].format(what=what, when=when, found=found, usual=usual)


def _shown(change: Change, value: float) -> str:
    if change.signal.kind in COUNTED:
        return f"{value:,.0f}"
    rate = value / change.of if change.of else 0.0
    return f"{rate:.2g}" if change.signal.kind in PER_VISIT else f"{rate:.1%}"
