"""Is a message a plain yes? Only then is anything changed: so what is more than a yes, or less, is none."""

from __future__ import annotations

import re
from collections.abc import Collection

LONGEST = 200
"""Characters: a yes is short."""

YES = """
yes yeah yep yup sure ok okay y confirm confirmed correct proceed affirmative absolutely agreed definitely
correct ahead да oui sí si sim ja evet tak ano igen はい 네 예 نعم हाँ हां ใช่ vâng ya ναι כן так
"""
BESIDE = """
i we you it that this these those of the a an to and is are be do so with for as please thanks thank
everything looks look good great right fine perfect go want would like d s m will ll my your them me
order orders action actions details detail above listed described stated restated summary
make them now sounds happy continue submit process have done it's that's merci gracias obrigado danke bitte por
favor s'il vous plaît пожалуйста
"""
NAMING = {
    "cancel": "cancel cancellation",
    "change_address": "change changes update modification modifications address",
    "change_payment": "change changes update modification modifications payment",
    "change_items": "change changes update modification modifications item items",
    "change_default_address": "change changes update modification modifications address",
    "return": "return returns item items",
    "exchange": "exchange exchanges item items",
    "refund": "refund",
}
"""Words beside a yes that name what is agreed to; of all else they would mean another thing."""
NO = """
no nope nah not don't dont cancel stop never wrong wait нет non não nein hayır nie ne いいえ
아니요 لا नहीं ไม่ không tidak όχι לא ні
"""
_YES, _BESIDE, _NO = set(YES.split()), set(BESIDE.split()), set(NO.split())
_NAMING = set(" ".join(NAMING.values()).split())
_YES_ZH = re.compile(
    r"(?:我?(?:是|是的|对|对的|好|好的|好吧|行|可以|确认|确定|同意|没错|没问题|没有问题|正确|嗯|请(?:继续|执行|办理|操作|处理)|"
    r"就这样|这样可以|麻烦(?:了|你了|您了)?|谢谢(?:你|您)?|继续|办理吧?|执行吧?)[啊呀吧了的呢哦]?[,,、。.!!~\s]*)+"
)
_ONLY_THANKS_ZH = re.compile(r"(?:谢谢(?:你|您)?|麻烦(?:了|你了|您了)?|[,,、。.!!~\s])+")
_NO_ZH = re.compile(r"(?:不|不是|不要|不用|不行|不可以|不对|不确认|不同意|别|算了|取消|错了|先不|等等|等一下)")


def is_yes(message: str, actions: Collection[str] = ()) -> bool:
    """Does a customer agree, with nothing added?

    Parameters
    ----------
    actions : the names of what is agreed to. Who names one of several agrees to that alone: that is no plain yes.

    Examples
    --------
    >>> [is_yes(said) for said in ("Yes, please go ahead.", "是的，确认")]
    [True, True]
    >>> [is_yes(said) for said in ("Yes, but use PayPal", "yes?", "maybe", "不可以")]
    [False, False, False, False]
    >>> [is_yes("Yes, exchange it", of) for of in (["exchange"], ["return"], ["exchange", "cancel"])]
    [True, False, False]
    """
    said = message.strip().casefold()
    if not said or len(said) > LONGEST or "?" in said or "？" in said:
        return False
    compact = said.replace("，", ",")
    if _YES_ZH.fullmatch(compact):
        return _ONLY_THANKS_ZH.fullmatch(compact) is None
    words = _words(said)
    naming = {word for word in words if word not in _YES and word not in _BESIDE}
    return any(word in _YES for word in words[:3]) and all(
        naming <= set(NAMING.get(action, "").split()) for action in actions or ("",)
    )


def is_no(message: str) -> bool:
    """Does a customer refuse what was shown, with nothing added?

    >>> [is_no(said) for said in ("No, thanks", "不要", "no longer needed", "Yes")]
    [True, True, False, False]
    """
    said = message.strip().casefold()
    if not said or len(said) > LONGEST:
        return False
    if len(said) <= 12 and _NO_ZH.match(said):
        return True
    words = _words(said)
    return bool(words) and words[0] in _NO and all(word in _NO or word in _BESIDE or word in _NAMING for word in words)


def _words(said: str) -> list[str]:
    return re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+", said.replace("’", "'"))
