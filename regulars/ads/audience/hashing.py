"""E-mail addresses and telephone numbers as platforms match them: normalised, then SHA-256."""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256

PREFIXES = {
    "AT": "43", "AU": "61", "BE": "32", "BR": "55", "CA": "1", "CH": "41", "CN": "86", "CZ": "420", "DE": "49",
    "DK": "45", "ES": "34", "FI": "358", "FR": "33", "GB": "44", "GR": "30", "HK": "852", "HU": "36", "IE": "353",
    "IN": "91", "IT": "39", "JP": "81", "KR": "82", "MX": "52", "NL": "31", "NO": "47", "NZ": "64", "PL": "48",
    "PT": "351", "RO": "40", "SE": "46", "SG": "65", "TW": "886", "UA": "380", "US": "1", "ZA": "27",
}  # fmt: skip
"""Country calling codes (ITU E.164)."""
KEEPS_ZERO = {"IT"}
"""Where the first 0 of a national number is dialled from abroad too."""
GMAIL = ("gmail.com", "googlemail.com")
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def normal_email(text: str | None, platform: str) -> str | None:
    """An e-mail address as it is hashed; None where it is none.

    Both ask for small letters without spaces. Google asks too that dots and what follows a + are taken out before
    gmail.com and googlemail.com; Meta does not, and one hash would not match the other.

    Source
    ------
    Google Ads API, Enhanced conversions, "Normalize and hash"; Meta Marketing API, Customer file custom audiences,
    "Hashing and normalization".

    Examples
    --------
    >>> normal_email(" Ada.Love+ads@GMail.com ", "google"), normal_email(" Ada.Love+ads@GMail.com ", "meta")
    ('adalove@gmail.com', 'ada.love+ads@gmail.com')
    >>> normal_email("nobody", "google") is None
    True
    """
    said = unicodedata.normalize("NFC", text or "").strip().lower()
    if not ADDRESS.fullmatch(said):
        return None
    name, _, domain = said.rpartition("@")
    if platform == "google" and domain in GMAIL:
        name = name.split("+")[0].replace(".", "")
    return f"{name}@{domain}" if name else None


def normal_phone(text: str | None, country: str | None, platform: str) -> str | None:
    """A telephone number as it is hashed; None where it is none, or its country is not known.

    Google asks for E.164 (+44…), Meta for the same digits without the +.

    >>> normal_phone("020 7946 0000", "GB", "google"), normal_phone("+44 (0)20 7946-0000", None, "meta")
    ('+442079460000', '442079460000')
    >>> normal_phone("020 7946 0000", None, "google") is None
    True
    """
    said = unicodedata.normalize("NFKC", text or "").strip()
    is_international = said.startswith(("+", "00"))
    if is_international:
        said = said.replace("(0)", "")
    digits = re.sub(r"\D", "", said)
    if is_international:
        digits = digits.removeprefix("00") if said.startswith("00") else digits
    else:
        code = PREFIXES.get((country or "").upper())
        if code is None:
            return None
        national = digits if (country or "").upper() in KEEPS_ZERO else digits.removeprefix("0")
        digits = code + national
    if not 8 <= len(digits) <= 15:
        return None
    return f"+{digits}" if platform == "google" else digits


def hashed(text: str | None) -> str:
    """SHA-256 of a text in UTF-8, as 64 small hexadecimal digits; "" of none.

    >>> hashed("test@example.com")
    '973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b'
    """
    return "" if text is None else sha256(text.encode()).hexdigest()
