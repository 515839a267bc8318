"""E-mail addresses and telephone numbers as platforms match them: normalised, then SHA-256."""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256

from regulars.customers.countries import country_code

PREFIXES = {
    "AT": "43", "AU": "61", "BE": "32", "BR": "55", "CA": "1", "CH": "41", "CN": "86", "CZ": "420", "DE": "49",
    "DK": "45", "ES": "34", "FI": "358", "FR": "33", "GB": "44", "GR": "30", "HK": "852", "HU": "36", "IE": "353",
    "IN": "91", "IT": "39", "JP": "81", "KR": "82", "MX": "52", "NL": "31", "NO": "47", "NZ": "64", "PL": "48",
    "PT": "351", "RO": "40", "SE": "46", "SG": "65", "TW": "886", "UA": "380", "US": "1", "ZA": "27",
}  # fmt: skip
"""Country calling codes (ITU E.164)."""
TRUNK = {"CA": "1", "HU": "06", "IT": "", "US": "1"}
"""What stands before a number that is dialled inside the country, and not from abroad, where that is no 0."""
LONGEST = {
    "BR": 11, "CN": 11, "CZ": 9, "DK": 8, "ES": 9, "GR": 10, "HK": 8, "IN": 10, "IT": 11, "MX": 10, "NO": 8, "PL": 9,
    "PT": 9, "SG": 8,
}  # fmt: skip
"""Digits of a national number, at most, of countries that write it without a 0 before it."""
FEWEST = 6
"""Digits behind the country's code, at least."""
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

    A number may begin with the code of its country without a + before it. Google asks for E.164 (+44…), Meta for the
    same digits without the +.

    >>> normal_phone("020 7946 0000", "GB", "google"), normal_phone("+44 (0)20 7946-0000", None, "meta")
    ('+442079460000', '442079460000')
    >>> normal_phone("1 (212) 555-0100", "US", "google"), normal_phone("49 30 123456", "Germany", "google")
    ('+12125550100', '+4930123456')
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
        where = country_code(country)
        if where not in PREFIXES:
            return None
        digits = _from_abroad(digits, where)
    if not 8 <= len(digits) <= 15:
        return None
    return f"+{digits}" if platform == "google" else digits


def _from_abroad(digits: str, country: str) -> str:
    code, trunk = PREFIXES[country], TRUNK.get(country, "0")
    if trunk and digits.startswith(trunk):
        return code + digits.removeprefix(trunk)
    # Longer than a number of the country, or without the 0 that its numbers have: the code is there.
    if digits.startswith(code) and len(digits) > LONGEST.get(country, len(code) + FEWEST - 1):
        return digits
    return code + digits


def hashed(text: str | None) -> str:
    """SHA-256 of a text in UTF-8, as 64 small hexadecimal digits; "" of none.

    >>> hashed("test@example.com")
    '973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b'
    """
    return "" if text is None else sha256(text.encode()).hexdigest()
