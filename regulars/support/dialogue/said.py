"""What of a language model's own words may be said to a customer: what its tools told, and plain questions.

Everything here is a refusal. What passes need not be true; but it promises nothing, says of nothing that it is or will
be done, asks for no card and no code, and names no place to go to.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from math import isfinite
from typing import Any

from regulars.language.numerals import chinese, english
from regulars.language.verify import Fact, verify
from regulars.support.answer.claims import is_denial, promised, strange
from regulars.support.answer.sentences import sentences
from regulars.support.dialogue.languages import language_of
from regulars.support.order.wording import word

TOLD = frozenset(("order_id", "status", "name", "price", "amount", "price_difference", "ordered_on", "tracking"))
"""Fields whose values may be said; of options all values."""
_MONEY = frozenset(("price", "amount", "price_difference"))
_COUNTED = {"lines": ("items", "products"), "found": ("orders",)}

_DONE = re.compile(
    r"\b(?:done|all set|taken care|sorted|settled|complete\w*|finish\w*|success\w*|stopped|void\w*|halted|through|"
    r"on (?:its|the|their) way|issued|granted|booked|arranged|made|sent|put|took|gave|gone|went|paid|closed|"
    r"back)\b|"
    r"\b(?!(?:need|red|bed|speed|seed|feed|ordered)\b)\w+ed\b|"
    # What was, or will be, done by whoever speaks; and what is yet to come.
    r"\b(?:i|we)(?:'|\s+)(?:ve|have|ll|will|d|had|did|m|am|re|are|can|could|just|already|shall|promise)\b|"
    r"\b(?:will|'ll|won't|going to|soon|shortly|later|by then|automatically)\b|"
    r"已|了(?![解])|完成|成功|办好|搞定|处理好|退回|退还|为您|给您|帮您|将|会(?!员)|马上|稍后|尽快",
    re.IGNORECASE,
)
"""Words of what was done or will be, though every word that ends as "stopped" does is one."""
_ASKS = re.compile(
    r"\b(?:pay|paying|payments?(?! methods?\b)|(?<!gift )cards?|passwords?|passcodes?|pin|codes?|cvv|cvc|transfer|bank|"
    r"iban|click|visit|call|log ?in|sign in|dial|download|install|link|website|site|e-?mail|phone)\b|"
    r"支付(?!方式)|付款(?!方式)|密码|验证码|转账|汇款|点击|银行|卡号|拨打|致电|链接|网站|邮箱|电话|下载|登录|微信",
    re.IGNORECASE,
)
"""What a customer is never asked for, nor sent to, in words that no code of ours has written."""
_TOO = re.compile(
    r"\b(?:too|also|all|both|every|each|same|likewise|as well|like|others?)\b|也|都|同样|全部|一样", re.IGNORECASE
)
"""Words that would tell an order's state of another."""
STATE = "\1"
"""Stands where an order's state was told rightly, with its number."""
PLAIN = """
a an and are at below both called contain contains cost costs date day each eur euros first following for from gbp
has have here holds in include includes is it items item its last latest list named newest number numbers of oldest
on one ones or order ordered orders other others pounds price prices product products second see that the there
these they this those to total totals tracking two usd was with yen you your yours cny dollars yuan i my we
"""
_PLAIN_WORDS = frozenset(PLAIN.split())
_PLAIN_ZH = frozenset(
    "您你的有订单号件商品是在和与共合计总价格元块个一二三四五六七八九十两笔这那第为分别物流单日月年里面都每各"
)
"""All words, or signs, that a statement has beside what was told."""
_QUESTION = re.compile(r"[?？]$")


def borne(text: str, found: Sequence[Mapping[str, Any]]) -> str:
    """The sentences of a text that may be said, after what tools told; "" where any says too much.

    A statement has to name something that was told, with its order where it tells a state, and has no word beside it
    but the plainest. One that names nothing ("Hello!") is left out. A question is English or Chinese.

    Parameters
    ----------
    found : what tools answered.

    Examples
    --------
    >>> found = [{"found": {"order_id": "#W1", "status": "pending", "ordered_on": "2024-05-01"}}]
    >>> borne("Hello! Order #W1 is pending. Shall I show you the others?", found)
    'Order #W1 is pending. Shall I show you the others?'
    >>> borne("Order #W1 is pending. It is stopped.", found), borne("All done, your order #W1 is stopped.", found)
    ('', '')
    """
    facts, kept = facts_of(found), list[str]()
    numbers = [fact.value for fact in facts if fact.name == "order_id" and isinstance(fact.value, str)]
    told = "\n".join(str(fact.value) for fact in facts)
    for written in sentences(text):
        sentence = _plain(written)
        without_states = _without_states(sentence, found)
        bare = _without_names(without_states, found)
        if strange(sentence, told) or verify(without_states, facts) or promised(bare, ""):
            return ""
        if STATE in bare and (_TOO.search(bare) or any(number in bare for number in numbers)):
            return ""
        if _DONE.search(bare) or _ASKS.search(bare):
            return ""
        if _QUESTION.search(sentence):
            # Lists of words say nothing of a language that they are not of.
            if language_of(sentence, "") not in ("en", "zh"):
                return ""
        elif bare == sentence and not _has_number(bare):
            continue
        elif is_denial(bare) or not _is_plain(bare, facts):
            return ""
        kept.append(written)
    return " ".join(kept)


def _without_states(text: str, found: Any) -> str:
    """A text without what it says rightly of an order's state: "#W1 is delivered"."""
    for order in objects(found):
        number, status = str(order.get("order_id") or ""), str(order.get("status") or "")
        if number and status:
            names = "|".join(map(re.escape, (status, word(status, "zh"))))
            of = re.escape(number.removeprefix("#"))
            told = rf"#?{of}[\s(:,]*(?:\b(?:is|was)\b|状态)?[是为:\s]*(?:{names})(?![A-Za-z])"
            text = re.sub(told, STATE, text, flags=re.IGNORECASE)
    return text


def _without_names(text: str, found: Any) -> str:
    """A text without the names that the shop gave its products: words in these promise nothing."""
    names = {_plain(str(one["name"])) for one in objects(found) if "product_id" in one and one.get("name")}
    for name in sorted(names, key=len, reverse=True):
        text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", "\0", text, flags=re.IGNORECASE)
    return text


def _is_plain(text: str, facts: Sequence[Fact]) -> bool:
    """Whether a statement has no word of its own but the plainest."""
    for value in sorted({str(one.value) for one in facts if one.unit == "text" and one.name != "status"}, key=len)[
        ::-1
    ]:
        text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(_plain(value))}(?![A-Za-z0-9])", "", text, flags=re.IGNORECASE)
    for numeral in (*english(text), *chinese(text)):
        text = text[: numeral.start] + " " * (numeral.end - numeral.start) + text[numeral.end :]
    words = re.findall(r"[\u3400-\u9fff]|[^\W\d_\u3400-\u9fff]+", text.casefold())
    return all(word in _PLAIN_WORDS or word in _PLAIN_ZH for word in words)


def _has_number(text: str) -> bool:
    return any(sign.isdigit() for sign in text) or any(True for _ in (*english(text), *chinese(text)))


def facts_of(found: Any) -> list[Fact]:
    """What tools told, as facts that may be said: amounts, days, names, and how many there are of a list.

    >>> facts_of([{"order_id": "#W1", "lines": [{"name": "Desk Lamp", "price": "20.00", "item_id": "77"}]}])[2:4]
    [Fact(name='lines', value=1, unit='items'), Fact(name='lines', value=1, unit='products')]
    """
    return list(_facts("", found))


def _facts(name: str, value: Any) -> Iterator[Fact]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "options" and isinstance(inner, Mapping):
                yield from (Fact(key, str(one), "text") for one in inner.values())
            else:
                yield from _facts(str(key), inner)
        prices = [one.get("price") for one in value.get("lines") or () if isinstance(one, Mapping)]
        amounts = [float(price) for price in prices if price is not None and _is_number(price)]
        if amounts:
            yield Fact("total", round(sum(amounts), 2), "money")
    elif isinstance(value, list | tuple):
        if name in _COUNTED:
            yield from (Fact(name, len(value), unit) for unit in _COUNTED[name])
        for inner in value:
            yield from _facts(name, inner)
    elif name not in TOLD:
        return
    elif _is_number(value):
        yield Fact(name, float(value), "money" if name in _MONEY else "text")
    elif isinstance(value, str):
        yield from _of_text(name, value)


def _of_text(name: str, value: str) -> Iterator[Fact]:
    try:
        yield Fact(name, date.fromisoformat(value[:10]), "date")
    except ValueError:
        yield Fact(name, value, "text")
        # "#W1001" is also written "W1001".
        if value.startswith("#"):
            yield Fact(name, value[1:], "text")


def _is_number(value: Any) -> bool:
    try:
        return not isinstance(value, bool) and isfinite(float(value))
    except (TypeError, ValueError, OverflowError):
        return False


def objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """All objects in what tools told, those in others too."""
    if isinstance(value, Mapping):
        yield value
        for inner in value.values():
            yield from objects(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from objects(inner)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).replace("’", "'")
