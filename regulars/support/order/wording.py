"""An action in words, before it is done, after it, and when it is refused: English and Chinese."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from regulars.support.order.actions import (
    Action,
    Cancel,
    ChangeAddress,
    ChangeDefaultAddress,
    ChangeItems,
    ChangePayment,
    Coupon,
    EraseData,
    Exchange,
    ExportData,
    Refund,
    Return,
    Unsubscribe,
)
from regulars.support.order.policy import REASONS, Change, RefusedError
from regulars.support.order.things import Customer, Line, Order, PaymentMethod

ZH_REASONS: dict[str, str] = {
    "not_identified": "需要先确认您的身份。",
    "sign_in": "请先登录，然后即可办理。",
    "other_customer": "一次对话只能办理一位顾客的事务。",
    "too_many_tries": "身份核对失败次数过多，需要人工客服协助。",
    "unknown_order": "您的账户下没有订单 {order_id}。",
    "wrong_state": "订单 {order_id} 的状态是“{status}”，只有在“{needed}”时才能这样操作。",
    "unknown_reason": "取消订单需要以下原因之一：{reasons}。“{given}”不在其中。",
    "not_in_order": "订单 {order_id} 中没有这么多件商品 {item_id}。",
    "unequal_lists": "换出的商品有 {old} 件，换入的有 {new} 件，两者须一一对应。",
    "unknown_item": "“{name}”没有编号为 {item_id} 的款式。",
    "not_available": "“{name}”的款式 {item_id} 目前缺货。",
    "same_item": "商品 {item_id} 与订单中的相同。",
    "unknown_payment": "您的账户下没有支付方式 {payment_method_id}。",
    "same_payment": "订单 {order_id} 已经用 {payment_method_id} 支付。",
    "balance_too_low": "礼品卡 {payment_method_id} 的余额为 {balance}，需要 {amount}。",
    "refund_elsewhere": "订单 {order_id} 的退款只能退回原支付方式或礼品卡。",
    "nothing_paid": "订单 {order_id} 没有可以更换支付方式的款项。",
    "same_address": "订单 {order_id} 的收货地址已经是这个地址。",
    "over_limit": "{amount} 超过了 {limit} 的上限，需要人工客服处理。",
    "needs_person": "这项操作涉及 {amount}；超过 {limit} 须由人工客服决定。",
    "not_confirmed": "您还没有确认。",
    "superseded": "此后又有了新的方案，请以新的为准。",
    "changed_meanwhile": "情况在此期间有了变化，请重新确认。",
    "had_coupon": "您在过去一年内已经领取过客服优惠券。",
    "not_undone": "这项操作（{action}）无法撤销。",
    "not_offered": "本店不在此提供这项服务（{action}）。",
}
_ZH_WORDS = {
    "pending": "待处理", "pending (items modified)": "待处理（商品已修改）", "processed": "已处理",
    "delivered": "已送达", "cancelled": "已取消", "return requested": "已申请退货",
    "exchange requested": "已申请换货", "no longer needed": "不再需要", "ordered by mistake": "误下单",
}  # fmt: skip


def money(amount: Decimal) -> str:
    """An amount as people read it.

    >>> money(Decimal("1234.5"))
    '1,234.50'
    """
    return f"{amount:,.2f}"


def word(text: str, language: str) -> str:
    """A state of an order or a reason, in the customer's language.

    >>> word("delivered", "zh"), word("delivered", "en")
    ('已送达', 'delivered')
    """
    return _ZH_WORDS.get(text, text) if language == "zh" else text


def refusal(error: RefusedError, language: str) -> str:
    """Why something cannot be done, for the customer."""
    about = {
        name: money(value) if isinstance(value, Decimal) else word(value, language) if isinstance(value, str) else value
        for name, value in error.about.items()
    }
    return (ZH_REASONS if language == "zh" else REASONS)[error.reason].format(**about)


def way_shown(way: PaymentMethod, language: str) -> str:
    """A payment method, so that the customer knows which it is and nobody else learns more.

    >>> way_shown(PaymentMethod(id="credit_card_1", source="credit_card", brand="visa", last_four="9212"), "en")
    'Visa ending in 9212 (credit_card_1)'
    """
    zh = language == "zh"
    if way.last_four:
        card = way.brand.title() or ("银行卡" if zh else "card")
        return f"{card}（尾号 {way.last_four}，{way.id}）" if zh else f"{card} ending in {way.last_four} ({way.id})"
    names = {"gift_card": ("gift card", "礼品卡"), "paypal": ("PayPal", "PayPal")}
    name = names.get(way.source, (way.source.replace("_", " "),) * 2)[zh]
    return f"{name}（{way.id}）" if zh else f"{name} ({way.id})"


def restated(change: Change, language: str) -> str:
    """What would be done, with all that matters of it: what the customer is asked to confirm."""
    head = _head(change, language)
    money = _money(change, language)
    return f"{head} {money}".strip() if language != "zh" else f"{head}{money}"


def _head(change: Change, language: str) -> str:
    action, order = change.action, change.before
    about: dict[str, object] = {"order_id": order.order_id if order is not None else ""}
    if isinstance(action, ChangeAddress | ChangeDefaultAddress):
        about["to"] = action.address.shown()
    if isinstance(action, ChangePayment):
        about["way"] = _way(change.customer, action.payment_method_id, language)
    if isinstance(action, Refund | Coupon):
        about["amount"] = money(action.amount)
    if isinstance(action, Cancel) and order is not None:
        about["reason"] = word(action.reason, language)
        about["items"] = _lines(order.lines, language)
    if isinstance(action, Return) and order is not None:
        about["items"] = _lines(_picked(order, action.item_ids), language)
    if isinstance(action, ChangeItems | Exchange):
        about["items"] = _swaps(change, language)
    return _HEADS[action.name][language == "zh"].format(**about)


_HEADS: dict[str, tuple[str, str]] = {
    Cancel.name: (
        "Cancel order {order_id} ({items}), because: {reason}.",
        "取消订单 {order_id}（{items}），原因：{reason}。",
    ),
    ChangeAddress.name: ("Send order {order_id} to: {to}.", "把订单 {order_id} 的收货地址改为：{to}。"),
    ChangeDefaultAddress.name: ("Change the address in your profile to: {to}.", "把您账户的默认地址改为：{to}。"),
    ChangePayment.name: ("Pay order {order_id} with {way}.", "订单 {order_id} 改用{way}支付。"),
    ChangeItems.name: (
        "Change items of order {order_id}: {items}. This can be done once, and after it the order cannot be changed or "
        "cancelled: please make sure that all items to change are listed.",
        "修改订单 {order_id} 的商品：{items}。此修改只能进行一次，之后订单不能再改或取消；请确认要改的商品都已列出。",
    ),
    Exchange.name: (
        "Exchange items of order {order_id}: {items}. This can be done once: please make sure that all items to "
        "exchange are listed.",
        "订单 {order_id} 换货：{items}。换货只能申请一次；请确认所有要换的商品都已列出。",
    ),
    Return.name: ("Return from order {order_id}: {items}.", "订单 {order_id} 退货：{items}。"),
    Refund.name: ("Refund {amount} of order {order_id}.", "为订单 {order_id} 退款 {amount}。"),
    Coupon.name: ("Give you a coupon of {amount}.", "送您一张 {amount} 的优惠券。"),
    Unsubscribe.name: ("Stop all advertising to you.", "停止向您发送营销信息。"),
    ExportData.name: ("Ask for a copy of all data that we keep about you.", "申请获取本店保存的您的全部数据副本。"),
    EraseData.name: (
        "Ask that all data that we keep about you be erased; this cannot be undone.",
        "申请删除本店保存的您的全部数据，此操作无法撤销。",
    ),
}


def _money(change: Change, language: str) -> str:
    zh, ways = language == "zh", change.customer.payment_methods
    if isinstance(change.action, Coupon):
        return ""
    parts = []
    for name, amount in change.moved.items():
        way = _way(change.customer, name, language)
        if amount < 0:
            parts.append(f"{way}支付 {money(-amount)}" if zh else f"{money(-amount)} is paid with {way}")
            continue
        if isinstance(change.action, Return | Exchange):
            when = "收到退货后" if zh else "once the items are back"
        elif name in ways and ways[name].is_gift_card:
            when = "立即到账" if zh else "at once"
        else:
            when = ""  # how long a bank takes is nobody's here to promise
        if zh:
            parts.append(f"{money(amount)} 退回{way}" + f"（{when}）" * bool(when))
        else:
            parts.append(f"{money(amount)} goes back to {way} {when}".strip())
    if parts:
        return "；".join(parts) + "。" if zh else "; ".join(parts) + "."
    if isinstance(change.action, ChangeItems | Exchange):
        return "价格没有差额。" if zh else "There is no difference in price."
    return ""


def _swaps(change: Change, language: str) -> str:
    separator, to = ("；", " 换成 ") if language == "zh" else ("; ", " to ")
    return separator.join(f"{old.shown()}{to}{new.shown()}" for old, new in change.swaps)


def _picked(order: Order, item_ids: Sequence[str]) -> list[Line]:
    wanted = Counter(item_ids)
    picked: list[Line] = []
    for line in order.lines:
        if wanted[line.item_id] > 0:
            wanted[line.item_id] -= 1
            picked.append(line)
    return picked


def _lines(lines: Sequence[Line], language: str) -> str:
    return ("；" if language == "zh" else "; ").join(line.shown() for line in lines)


def _way(customer: Customer, name: str, language: str) -> str:
    way = customer.payment_methods.get(name)
    return name if way is None else way_shown(way, language)


def done(action: Action, order: Order | None, language: str) -> str:
    """That an action is done, and what comes next."""
    zh = language == "zh"
    number = order.order_id if order is not None else ""
    said: dict[str, tuple[str, str]] = {
        Cancel.name: (f"Order {number} is cancelled.", f"订单 {number} 已取消。"),
        ChangeAddress.name: (f"Order {number} has its new address.", f"订单 {number} 的收货地址已更新。"),
        ChangeDefaultAddress.name: ("Your profile has its new address.", "您的默认地址已更新。"),
        ChangePayment.name: (f"Order {number} is paid otherwise now.", f"订单 {number} 的支付方式已更改。"),
        ChangeItems.name: (f"The items of order {number} are changed.", f"订单 {number} 的商品已修改。"),
        Return.name: (
            f"The return for order {number} is requested.",
            f"订单 {number} 的退货申请已提交。",
        ),
        Exchange.name: (
            f"The exchange for order {number} is requested.",
            f"订单 {number} 的换货申请已提交。",
        ),
        Refund.name: (f"The refund for order {number} is on its way.", f"订单 {number} 的退款已办理。"),
        Coupon.name: ("Your coupon is granted; you get it from a person.", "优惠券已批准，将由客服发给您。"),
        Unsubscribe.name: ("You get no more advertising.", "已停止向您发送营销信息。"),
        ExportData.name: (
            "Your request for your data is noted; you hear within a month.",
            "您的数据副本申请已登记，一个月内答复。",
        ),
        EraseData.name: (
            "Your request for erasure is noted; you hear within a month.",
            "您的数据删除申请已登记，一个月内答复。",
        ),
    }
    return said[action.name][zh]
