"""What must not be done for whom, as rules with reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from regulars.lifecycle.actions.candidates import (
    AD,
    CALL,
    DISCOUNT,
    KINDS,
    LIST,
    MESSAGE,
    OFFER,
    RECOVERY,
    REVIEW,
    Action,
)

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Facts:
    """What is true of n customers, (n,) bool each.

    Attributes
    ----------
    objects : forbade marketing or profiling, or took consent back.
    held_out : is of the control group, for ever.
    farmer : is suspected of abusing promotions. victim : whose account may be in other hands.
    trouble : something went wrong lately, or a conversation is open: a complaint, a return.
    suspect : an order is held for review.
    buys_anyway : is likely to order within days, whatever is done.
    no_ads : may not be shown ads: objected, or no known adult.
    unasked : gave no consent to marketing, where `[sending] consent` asks for it, or is to be sent nothing.
    """

    objects: Mask
    held_out: Mask
    farmer: Mask
    victim: Mask
    trouble: Mask
    suspect: Mask
    buys_anyway: Mask
    no_ads: Mask
    unasked: Mask

    @classmethod
    def none(cls, count: int) -> Facts:
        """Nothing is true of anybody."""
        return cls(*(np.zeros(count, bool) for _ in fields(cls)))


@dataclass(frozen=True)
class Rule:
    """Of whom `fact` is true must have none of `kinds`."""

    fact: str
    kinds: tuple[str, ...]
    en: str
    zh: str


RULES = (
    Rule("held_out", KINDS, "is of the control group: nothing is done", "属于对照组：不做任何动作"),
    Rule("objects", (MESSAGE, OFFER, LIST, AD, CALL, DISCOUNT), "objected, or took consent back", "已反对或撤回同意"),
    Rule("victim", (MESSAGE, OFFER, DISCOUNT, AD, CALL), "the account may be in other hands", "账户可能被他人控制"),
    Rule("farmer", (OFFER, DISCOUNT), "is suspected of abusing promotions: no coupon", "涉嫌滥用促销：不发优惠券"),
    Rule("suspect", (MESSAGE, OFFER, DISCOUNT, AD), "an order is held for review first", "有订单待审核：先审核"),
    Rule("trouble", (MESSAGE, OFFER, DISCOUNT, AD, CALL), "something went wrong: service first", "出了问题：服务优先"),
    Rule("buys_anyway", (OFFER, DISCOUNT), "is about to buy anyway: no discount", "本来就会购买：不给折扣"),
    Rule("no_ads", (AD,), "may not be shown ads", "不可投放广告"),
    Rule("unasked", (MESSAGE, OFFER, CALL), "gave no consent to marketing", "未同意接收营销"),
)
"""The first that holds is the reason told. Service and review are open to who objected: they are no marketing."""
ONLY_IF = {RECOVERY: "trouble", REVIEW: "suspect"}
"""What an action presupposes: there is no recovery where nothing went wrong."""


def excluded(facts: Facts, actions: Sequence[Action]) -> npt.NDArray[np.int64]:
    """(n, actions) the number of the rule in `RULES` that forbids an action; -1 where none does, -2 where what the
    action presupposes is not so.

    >>> facts = Facts.none(1)
    >>> facts.farmer[0] = True
    >>> some = [Action("spring by email", OFFER, "email", "campaign"), Action("mail", MESSAGE, "email", "campaign")]
    >>> [RULES[k].en if k >= 0 else "" for k in excluded(facts, some)[0]]
    ['is suspected of abusing promotions: no coupon', '']
    """
    found = np.full((len(facts.objects), len(actions)), -1)
    for number, action in enumerate(actions):
        holds = [getattr(facts, rule.fact) & (action.kind in rule.kinds) for rule in RULES]
        any_holds = np.any(holds, axis=0)
        found[:, number] = np.where(any_holds, np.argmax(holds, axis=0), -1)
        if action.kind in ONLY_IF:
            found[~getattr(facts, ONLY_IF[action.kind]) & ~any_holds, number] = -2
    return found
