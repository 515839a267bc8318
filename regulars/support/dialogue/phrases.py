"""What the dialogue asks and says: English and Chinese."""

from __future__ import annotations

from datetime import datetime
from typing import Any

QUESTIONS: dict[str, tuple[str, str]] = {
    "identity": (
        "Before I can help with orders I need to know who you are: please tell me your e-mail, or your first and last "
        "name and your zip code.",
        "在处理订单之前，需要先确认您的身份：请提供您的邮箱，或者姓名和邮编。",
    ),
    "sign_in": (
        "I answer questions about the shop here. For your own orders and your account, please sign in first.",
        "我可以在这里回答有关商店的问题。涉及您的订单和账户的事，请先登录。",
    ),
    "identity_failed": (
        "I find no account with that. Please check it: your e-mail, or your first and last name and your zip code.",
        "没有找到对应的账户，请核对后再提供：您的邮箱，或者姓名和邮编。",
    ),
    "request": ("Thank you, {name}. What can I do for you?", "谢谢您，{name}。请问需要什么帮助？"),
    "not_understood": (
        "I am not sure what you would like. I can tell you about an order, cancel it, change its address, payment or "
        "items, and arrange a return or an exchange; or say that you want a person.",
        "我没有完全理解您的需求。我可以查询订单、取消订单、修改收货地址、支付方式或商品，办理退货或换货；您也可以要求人工客服。",
    ),
    "order": ("Which order do you mean? You have: {orders}.", "请问是哪个订单？您的订单有：{orders}。"),
    "no_orders": ("There is no order on your account.", "您的账户下没有订单。"),
    "reason": (
        "Why should order {order_id} be cancelled: {reasons}?",
        "请问为什么取消订单 {order_id}：{reasons}？",
    ),
    "items": ("Which items of order {order_id} do you mean? {items}.", "请问是订单 {order_id} 中的哪些商品？{items}。"),
    "variant": (
        "Which {name} would you like instead? There are: {variants}.",
        "请问想换成哪一款“{name}”？现有：{variants}。",
    ),
    "none_like": (
        "There is no {name} like that available. There are: {variants}.",
        "没有这样的“{name}”可选。现有：{variants}。",
    ),
    "payment": (
        "Which payment method should be used for order {order_id}? {ways}.",
        "订单 {order_id} 请用哪种支付方式？{ways}。",
    ),
    "payment_unknown": (
        "That is not among the payment methods on your account. Which should be used for order {order_id}? {ways}.",
        "您的账户下没有这种支付方式。订单 {order_id} 请用哪一种？{ways}。",
    ),
    "address": (
        "To which address? Please give street, city, state and zip code.",
        "请问改成哪个地址？请提供完整地址和邮编。",
    ),
    "amount": ("How much?", "请问金额是多少？"),
    "confirm": ("{summary}\nIs that right? Please answer yes or no.", "{summary}\n以上是否正确？请回答“是”或“否”。"),
    "yes_or_no": (
        "That is no plain yes, so nothing was changed. Please answer yes or no, or say what should be different.",
        "我没有把这当作确认，因此没有做任何更改。请回答“是”或“否”，或者告诉我需要改什么。",
    ),
    "choices": (
        "I am not sure what you mean. Would you like to: {choices}? Please answer with a number, or say it in other "
        "words.",
        "我不太确定您的意思。您是想：{choices}？请回复数字，或换一种说法。",
    ),
    "texts": (
        "I am not sure that we have the answer. Is it one of these: {choices}? Please answer with a number; or no, and "
        "a person goes on.",
        "我不确定有没有答案。您想问的是不是：{choices}？请回复数字；都不是请回复“不是”，由人工接手。",
    ),
    "more": ("Can I do anything else for you?", "请问还有什么可以帮您？"),
    "one_by_one": ("This one first, the rest after it:", "先办这一件，其余的随后办理："),
    "kept": ("Nothing was changed.", "没有做任何更改。"),
    "answered": (
        "I have that answer already. There is something else that waits for one:",
        "这个回答我已收到。还有一件事需要您确认：",
    ),
    "no_answer": (
        "I have found no answer to your question; say that you want a person, and one will answer it.",
        "您的问题我没有找到答案；如需解答，您可以要求人工客服。",
    ),
    "declined": ("Nothing was changed. What would you like instead?", "没有做任何更改。请问您想怎么处理？"),
    "cannot": ("This cannot be done: {why}", "无法办理：{why}"),
    "status": (
        "Order {order_id} is {status}: {items}; {total} in all.",
        "订单 {order_id} 的状态是“{status}”：{items}；合计 {total}。",
    ),
    "status_tracked": (
        "Order {order_id} is {status}: {items}; {total} in all. Tracking number: {tracking}.",
        "订单 {order_id} 的状态是“{status}”：{items}；合计 {total}。物流单号：{tracking}。",
    ),
    "proposed": (
        "Hello{name}, I have read your request and what was said so far, and am looking into it now.",
        "您好{name}，您的需求和之前的对话我都看到了，正在为您处理。",
    ),
    "proposed_sorry": (
        "Hello{name}, I am sorry that this went wrong. I have read what was said so far, and am putting it right now.",
        "您好{name}，很抱歉给您带来了不好的体验。之前的对话我都看到了，正在为您解决。",
    ),
    "dear": ("Thank you for being our customer.", "感谢您一直以来的支持。"),
    "urgent": ("I have marked it as urgent.", "已标记为紧急。"),
    "sorry": ("I am sorry about that.", "很抱歉给您带来不便。"),
    "with_person": ("A person has your message and will answer here.", "客服已收到您的消息，会在这里回复。"),
    "goodbye": (
        "Thank you. Goodbye! How satisfied are you with this conversation, from 1 (not at all) to 5 (very)?",
        "感谢您的咨询，再见！您对本次服务满意吗？请回复 1（很不满意）到 5（非常满意）。",
    ),
    "rated": ("Thank you for telling us.", "感谢您的评价。"),
}
"""By name: (English, Chinese)."""


def asked(question: str, language: str, **about: Any) -> str:
    """A question of the dialogue, by its name; in English where the language is not Chinese.

    >>> asked("amount", "en"), asked("amount", "zh")
    ('How much?', '请问金额是多少？')
    """
    return QUESTIONS[question][language == "zh"].format(**about)


def waiting_time(minutes: float | None, is_open: bool, opening: datetime | None, language: str) -> str:
    """How long a customer will wait, and out of hours from when on somebody is there.

    >>> waiting_time(16.0, True, None, "en")
    'The expected wait is about 16 minutes.'
    """
    zh = language == "zh"
    if minutes is None or (opening is None and not is_open):
        return "目前没有客服在线，客服上班后会回复您。" if zh else "Nobody is there now; you will be answered here."
    if is_open:
        count = max(round(minutes), 1)
        return f"预计等待约 {count} 分钟。" if zh else f"The expected wait is about {count} minutes."
    moment = f"{opening:%Y-%m-%d %H:%M %Z}"
    if zh:
        return f"目前不在客服工作时间，客服将于 {moment} 起回复您。"
    return f"Nobody is there at this hour; people are back on {moment}."
