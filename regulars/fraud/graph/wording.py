"""Why a group looks like a ring, in words: English and Chinese."""

from __future__ import annotations

from typing import Literal

import numpy as np

from regulars.fraud.graph.evidence import HABITS, SIGNS
from regulars.fraud.graph.rings import NAMES, WEIGHTS, Rings, nearest

Language = Literal["en", "zh"]

TOLD = 0.5
"""Signs that add less than so much to the log-odds are not told."""
SOON = 1.0
"""Days: accounts that were opened within so few are told of."""
SHARED = {
    "en": {
        "devices": ("device", "devices"),
        "cards": ("card", "cards"),
        "addresses": ("address", "addresses"),
        "phones": ("phone", "phones"),
        "ips": ("IP", "IPs"),
    },
    "zh": {
        "devices": ("台设备",) * 2,
        "cards": ("张支付卡",) * 2,
        "addresses": ("个地址",) * 2,
        "phones": ("个电话",) * 2,
        "ips": ("个 IP",) * 2,
    },
}
WORDS = {
    "en": {
        "size": "{customers} customers share {shared}",
        "nothing": "nothing but the hour and the IP at which they opened accounts",
        "shared_card": "{count} of them pay with a card that another uses",
        "coupon": "coupons: {count}, on {of} orders; the shop's usual share is {usual}",
        "refunded": "refunds: {count}, on {of} orders; the shop's usual share is {usual}",
        "declined": "{count} of {of} payments were declined; the shop's usual share is {usual}",
        "cards": "{count} of {of} payments came with one more card; the shop's usual share is {usual}",
        "failed": "{count} of {of} sign-ins failed; the shop's usual share is {usual}",
        "fraud": "{count} of {of} payments are known frauds; the shop's usual share is {usual}",
        "taken": "accounts of others that it came into, the first sign-in failing: {count}",
        "opened": "{count} of the accounts were opened within {hours:.1f} hours",
    },
    "zh": {
        "size": "{customers} 位顾客共用 {shared}",
        "nothing": "同一 IP 且在同一小时内开户，此外没有共用",
        "shared_card": "其中 {count} 位使用的支付卡也被他人使用",
        "coupon": "{of} 笔订单用了 {count} 次优惠券；全店通常为 {usual}",
        "refunded": "{of} 笔订单有 {count} 次退款；全店通常为 {usual}",
        "declined": "{of} 次付款中有 {count} 次被拒；全店通常为 {usual}",
        "cards": "{of} 次付款中有 {count} 次换了新卡；全店通常为 {usual}",
        "failed": "{of} 次登录中有 {count} 次失败；全店通常为 {usual}",
        "fraud": "{of} 次付款中有 {count} 次已确认为欺诈；全店通常为 {usual}",
        "taken": "在登录失败后进入了 {count} 个他人账户",
        "opened": "其中 {count} 个账户在 {hours:.1f} 小时内开立",
    },
}


def why(rings: Rings, ring: int, language: Language = "en") -> list[str]:
    """What speaks for a ring, the strongest first; what they share always comes first."""
    words = WORDS[language]
    row = rings.table.slice(ring - 1, 1).to_pylist()[0]
    group = int(rings.group[ring - 1])
    known = rings.evidence
    shared = [f"{row[name]} {SHARED[language][name][row[name] != 1]}" for name in NAMES.values() if row[name]]
    joint = ("、" if language == "zh" else ", ").join(shared)
    found = [words["size"].format(customers=row["customers"], shared=joint or words["nothing"])]
    adds = known.values[group] * np.array([WEIGHTS[sign] for sign in SIGNS])
    for place in np.argsort(-adds, kind="stable"):
        sign = SIGNS[place]
        if sign in HABITS and adds[place] > TOLD:
            count, of = known.count[sign][group], known.of[sign][group]
            found.append(words[sign].format(count=f"{count:,.0f}", of=f"{of:,.0f}", usual=f"{known.usual[sign]:.1%}"))
        elif sign == "shared_card" and adds[place] > TOLD:
            found.append(words[sign].format(count=known.cards[group]))
    if row["taken"]:
        found.append(words["taken"].format(count=row["taken"]))
    if row["opened_days"] is not None and row["opened_days"] <= SOON:
        found.append(
            words["opened"].format(count=int(nearest(rings.groups.customers[group])), hours=row["opened_days"] * 24)
        )
    return found
