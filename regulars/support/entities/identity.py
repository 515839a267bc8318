"""Who a message says that the customer is: an e-mail, or a name and a zip code. The desk finds out if it is."""

from __future__ import annotations

import re
from dataclasses import dataclass

_EMAIL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
_WORD = r"[^\W\d_][^\W\d_'\-]{0,39}"
_AFTER = r"(?=\s*(?:[,.;!]|$|\band\b|\bin\b|\bfrom\b|\bwith\b|\bliving\b|\bzip|\bpost|\bmy\b|\(|\d))"
_BEFORE = r"(?:\bname(?:'s| is|:)?|\bi am|\bi'm|\bthis is|\byou are|\bcalled)\s+"
_CAPITAL = r"[A-Z\u00c0-\u00de\u0100-\u024f\u0400-\u042f][^\W\d_'\-]{0,39}"
_SAID_NAME = re.compile(rf"(?i:{_BEFORE})({_CAPITAL}(?:\s+{_CAPITAL}){{1,3}}?)(?i:{_AFTER})")
_SAID_SMALL = re.compile(rf"{_BEFORE}({_WORD}(?:\s+{_WORD}){{1,3}}?){_AFTER}", re.IGNORECASE)
"""In small letters anything might be a name ("I am looking for"): only where a zip code follows."""
_BARE_NAME = re.compile(
    rf"^\W*({_WORD}(?:\s+{_WORD}){{1,3}}?)\s*(?:[,;]|\band\b|\bzip\b|\s)\s*(?:zip\s*(?:code)?\s*)?\W*\d"
)
_SAID_NAME_ZH = re.compile(
    r"(?:我叫|我是|姓名(?:是|为|:)?|名字(?:是|叫|:)?)\s*([\u3400-\u9fff·]{2,8}|[A-Za-z]+(?: [A-Za-z]+){1,3})"
)
_SAID_ZIP = re.compile(
    r"(?:\bzip(?:\s*code)?|\bpostal code|\bpostcode|邮编|邮政编码)(?:\s*(?:is|:|是|为))?\s*"
    r"([A-Z0-9][A-Z0-9\- ]{2,8}[A-Z0-9])\b",
    re.IGNORECASE,
)
_BARE_ZIP = re.compile(r"(?<![\w#-])(\d{5,6})(?![\w-])")


@dataclass(frozen=True)
class Identity:
    """What a message says of who the customer is; what it does not say is empty."""

    email: str = ""
    name: str = ""
    zip_code: str = ""

    @property
    def is_enough(self) -> bool:
        """Whether somebody can be looked for by it."""
        return bool(self.email or (self.name and self.zip_code))


def identity_in(text: str, name: str = "", zip_code: str = "") -> Identity:
    """Who does a message say that the customer is?

    Parameters
    ----------
    text : a cleaned message.
    name, zip_code : what earlier messages said.

    Examples
    --------
    >>> identity_in("My name is Ada Lovelace and my zip code is 76165. Cancel #W1234567.")
    Identity(email='', name='Ada Lovelace', zip_code='76165')
    >>> identity_in("It's ada@example.com.").email
    'ada@example.com'
    >>> identity_in("Ada Lovelace, 76165")
    Identity(email='', name='Ada Lovelace', zip_code='76165')
    >>> identity_in("我叫王小明，邮编 100081").name
    '王小明'
    """
    email = _EMAIL.search(text)
    code = _SAID_ZIP.search(text) or _BARE_ZIP.search(text)
    said = _SAID_NAME.search(text) or _SAID_NAME_ZH.search(text)
    said = said or (_SAID_SMALL.search(text) if code else None) or _BARE_NAME.search(text)
    return Identity(
        email=email[0] if email else "",
        name=" ".join(said[1].split()) if said else name,
        zip_code=code[1].strip() if code else zip_code,
    )
