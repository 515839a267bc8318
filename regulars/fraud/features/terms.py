"""What entities, rows and columns of attempts are called in English and in Chinese, and how numbers are read."""

from __future__ import annotations

from typing import Literal, NamedTuple

from regulars.fraud.features.declared import DAY, HOUR, LARGE, MINUTE
from regulars.units import shown

Language = Literal["en", "zh"]


class Words(NamedTuple):
    """The same in English and in Chinese."""

    en: str
    zh: str


class Entity(NamedTuple):
    """How an entity is spoken of.

    Attributes
    ----------
    shared : behind what shares it: attempts "with this device".
    own : by itself: "this device" has had only frauds.
    one, many : counted: 1 "device", 2 "devices".
    zh, counted_zh : in Chinese, the one at hand and counted.
    """

    shared: str
    own: str
    one: str
    many: str
    zh: str
    counted_zh: str


def _entity(preposition: str, one: str, many: str, zh: str, counted_zh: str) -> Entity:
    return Entity(f"{preposition} this {one}", f"this {one}", one, many, f"该{zh}", counted_zh)


def _pair(own: Entity, shared: Entity, zh: str) -> Entity:
    return Entity(f"{own.shared} {shared.shared}", f"{own.own} {shared.shared}", "", "", zh, "")


ENTITIES: dict[str, Entity] = {
    "customer": _entity("by", "customer", "customers", "顾客", "位不同顾客"),
    "device": _entity("with", "device", "devices", "设备", "台不同设备"),
    "ip": _entity("from", "IP address", "IP addresses", "IP地址", "个不同IP地址"),
    "ip_range": _entity("from", "IP range", "IP ranges", "IP段", "个不同IP段"),
    "payment": _entity("with", "card or account", "cards or accounts", "支付账户", "个不同支付账户"),
    "address": _entity("to", "address", "addresses", "地址", "个不同地址"),
    "phone": _entity("with", "phone number", "phone numbers", "电话号码", "个不同电话号码"),
    "email": _entity("with", "e-mail address", "e-mail addresses", "邮箱", "个不同邮箱"),
    "email_domain": _entity("with", "e-mail domain", "e-mail domains", "邮箱域名", "个不同邮箱域名"),
    "product": _entity("for", "product", "products", "商品", "种不同商品"),
    "merchant": _entity("at", "merchant or terminal", "merchants or terminals", "商户或终端", "个不同商户或终端"),
}
ENTITIES["amount_band"] = Entity("of about this amount", "this amount", "", "", "相近金额", "")
ENTITIES |= {
    f"customer_{other}": _pair(ENTITIES["customer"], ENTITIES[other], f"该顾客在{ENTITIES[other].zh}上")
    for other in ("device", "address", "payment")
}


class Row(NamedTuple):
    """What a kind of row is called: one, several, and in Chinese, where 次 counts them."""

    one: str
    many: str
    zh: str


_TIMES_USUAL = f"over {LARGE:g} × the usual amount"
ROWS: dict[str, Row] = {
    "attempt": Row("attempt", "attempts", "尝试"),
    "declined": Row("declined attempt", "declined attempts", "被拒付的尝试"),
    "fraud": Row("known fraud", "known frauds", "已知欺诈"),
    "label": Row("attempt of known outcome", "attempts of known outcome", "已有定论的尝试"),
    "large_fraud": Row(
        f"known fraud of {_TIMES_USUAL}", f"known frauds of {_TIMES_USUAL}", f"超过平常金额{LARGE:g}倍的已知欺诈"
    ),
    "usual_fraud": Row("known fraud of a usual amount", "known frauds of a usual amount", "平常金额的已知欺诈"),
    "usual_label": Row(
        "honest attempt or fraud of a usual amount",
        "honest attempts and frauds of a usual amount",
        "正常或平常金额欺诈的尝试",
    ),
    "large": Row(f"attempt of {_TIMES_USUAL}", f"attempts of {_TIMES_USUAL}", f"超过平常金额{LARGE:g}倍的尝试"),
    "sign_in_failed": Row("failed sign-in", "failed sign-ins", "失败登录"),
    "signed_up": Row("account opened", "accounts opened", "账户注册"),
    "coupon": Row("coupon used", "coupons used", "用券"),
    "refunded": Row("refund", "refunds", "退款"),
    "address_changed": Row("change of address", "changes of address", "更改地址"),
}

OTHERS: dict[str, Words] = {
    "amount": Words("the amount, in the shop's currency", "金额(店铺货币)"),
    "time": Words("when it was tried", "尝试的时间"),
    "hour": Words("the hour of the day in the shop's time zone, 0 to 23", "店铺时区的小时,0至23"),
    "weekday": Words("the day of the week in the shop's time zone, 1 (Monday) to 7", "店铺时区的星期,1(周一)至7"),
    "type": Words("the event: payment_attempted, order_completed or signed_up", "事件类型"),
    "customer_id": Words("the customer", "顾客"),
    "order_id": Words("the order", "订单"),
    "payment_id": Words("the card or account paid with", "支付账户"),
    "device_id": Words("the device", "设备"),
    "ip": Words("the IP address", "IP地址"),
    "ip_range": Words("the /24 of an IPv4 address, the /64 of an IPv6 one", "IPv4地址的/24段,IPv6地址的/64段"),
    "product_id": Words("the product, the dearest of several", "商品,多件时取最贵的"),
    "address": Words("the address it goes to, in lower case without punctuation", "收货地址,小写且无标点"),
    "phone": Words("the phone number, without punctuation", "电话号码,无标点"),
    "email": Words("the e-mail address, in lower case", "邮箱,小写"),
    "email_domain": Words("what stands behind the @ of the e-mail address", "邮箱@之后的域名"),
    "merchant": Words("the merchant or terminal", "商户或终端"),
    "channel": Words("the channel: web, app, …", "渠道"),
    "name": Words("the name given", "填写的姓名"),
    "has_coupon": Words("whether a coupon was used", "是否用券"),
    "account_age": Words("seconds since the account was opened", "账户注册以来的秒数"),
    "email_digits": Words("share of digits before the @ of the e-mail address", "邮箱@之前数字所占份额"),
    "email_length": Words("letters before the @ of the e-mail address", "邮箱@之前的字符数"),
    "email_disorder": Words("disorder of the e-mail address, in bits a letter", "邮箱的混乱程度,每字符比特数"),
    "name_digits": Words("share of digits in the name", "姓名中数字所占份额"),
    "name_length": Words("letters of the name", "姓名的字符数"),
    "name_disorder": Words("disorder of the name, in bits a letter", "姓名的混乱程度,每字符比特数"),
    "ip_malformed": Words("whether the IP address is none, 0 or 1", "IP地址是否无效,0或1"),
    "ip_private": Words("whether the IP address is of no public network, 0 or 1", "IP地址是否为非公网地址,0或1"),
    "distance_km": Words("kilometres from the customer to where it goes", "顾客与送达地之间的公里数"),
    "last_place_km": Words("kilometres from where the customer last tried", "与顾客上次尝试地点的公里数"),
    "last_place_kmh": Words("kilometres an hour since the customer last tried", "自顾客上次尝试以来的时速,公里"),
    "behavior_surprise": Words("how unusual the hour before was for the customer (nats)", "此前一小时的行为有多不寻常"),
    "anomaly_tails": Words("how unusual it is, by how far out its figures are", "按各项数字的极端程度看有多不寻常"),
    "anomaly_forest": Words("how unusual it is, by how easily it is set apart", "按与其他尝试区分的难易看有多不寻常"),
    "risk": Words("the model's probability of fraud, 0 to 1", "模型给出的欺诈概率,0至1"),
    "listed_allow": Words("whether anything of it is on the allow list", "是否在白名单上"),
    "listed_block": Words("whether anything of it is on the block list", "是否在黑名单上"),
    "listed_watch": Words("whether anything of it is on the watch list", "是否在观察名单上"),
    "listed_reason": Words("which entries of lists it meets, with their notes", "命中的名单条目及备注"),
}
"""What attempts say of themselves, and what is said of them beside features."""


def of_property(name: str) -> Entity:
    """How attempts are spoken of that share a property only this shop has, such as the browser."""
    return Entity(f"with this {name}", f"this {name}", "", "", f"该{name}", "")


def length(seconds: float) -> Words:
    """How long, in the largest unit of which it is one or more.

    >>> length(3600), length(9.4 * 86400), length(20).en
    (Words(en='1 hour', zh='1小时'), Words(en='9 days', zh='9天'), '20 seconds')
    """
    for unit_seconds, one, zh in (
        (DAY, "day", "天"),
        (HOUR, "hour", "小时"),
        (MINUTE, "minute", "分钟"),
        (1, "second", "秒"),
    ):
        if seconds >= unit_seconds or unit_seconds == 1:
            count = int(seconds // unit_seconds)
            return Words(f"{count:,} {one}{'' if count == 1 else 's'}", f"{count:,}{zh}")
    raise AssertionError("the last unit fits any length")


def number(value: float, unit: str, currency: str = "") -> Words:
    """A value as it is read, by its unit as `words.unit` gives it.

    >>> number(93784, "seconds").en, number(0.034, "share").en, number(12.5, "money", "GBP").en
    ('1 day', '3.4 %', '12.50 GBP')
    """
    match unit:
        case "seconds":
            return length(value)
        case "share":
            text = f"{value:.1%}".replace(".0%", "%").replace("%", " %")
        case "times":
            text = f"{value:,.1f}" if value < 10 else f"{value:,.0f}"
        case _:
            text = shown(value, unit, currency)
    return Words(text, text)
