"""The code of a country from however it is written."""

from __future__ import annotations

import re

NAMES = {
    "AT": ("AUT", "Austria", "Österreich", "奥地利"), "AU": ("AUS", "Australia", "澳大利亚"),
    "BE": ("BEL", "Belgium", "België", "Belgique", "比利时"), "BR": ("BRA", "Brazil", "Brasil", "巴西"),
    "CA": ("CAN", "Canada", "加拿大"), "CH": ("CHE", "Switzerland", "Schweiz", "Suisse", "瑞士"),
    "CN": ("CHN", "China", "People's Republic of China", "中国"), "CZ": ("CZE", "Czechia", "Czech Republic", "捷克"),
    "DE": ("DEU", "Germany", "Deutschland", "德国"), "DK": ("DNK", "Denmark", "Danmark", "丹麦"),
    "ES": ("ESP", "Spain", "España", "西班牙"), "FI": ("FIN", "Finland", "Suomi", "芬兰"),
    "FR": ("FRA", "France", "法国"),
    "GB": ("GBR", "United Kingdom", "UK", "Great Britain", "England", "Scotland", "Wales", "英国"),
    "GR": ("GRC", "Greece", "EL", "希腊"), "HK": ("HKG", "Hong Kong", "香港"),
    "HU": ("HUN", "Hungary", "Magyarország", "匈牙利"), "IE": ("IRL", "Ireland", "Éire", "爱尔兰"),
    "IN": ("IND", "India", "印度"), "IT": ("ITA", "Italy", "Italia", "意大利"), "JP": ("JPN", "Japan", "日本"),
    "KR": ("KOR", "South Korea", "Korea", "韩国"), "MX": ("MEX", "Mexico", "México", "墨西哥"),
    "NL": ("NLD", "Netherlands", "Nederland", "荷兰"), "NO": ("NOR", "Norway", "Norge", "挪威"),
    "NZ": ("NZL", "New Zealand", "新西兰"), "PL": ("POL", "Poland", "Polska", "波兰"),
    "PT": ("PRT", "Portugal", "葡萄牙"), "RO": ("ROU", "Romania", "România", "罗马尼亚"),
    "SE": ("SWE", "Sweden", "Sverige", "瑞典"), "SG": ("SGP", "Singapore", "新加坡"),
    "TW": ("TWN", "Taiwan", "台湾"), "UA": ("UKR", "Ukraine", "Україна", "乌克兰"),
    "US": ("USA", "United States", "United States of America", "美国"), "ZA": ("ZAF", "South Africa", "南非"),
}  # fmt: skip
"""Other codes (ISO 3166-1 alpha-3) and names of countries, by their code (alpha-2)."""


def country_code(text: str | None) -> str:
    """ISO 3166-1 alpha-2; "" where the country is not known.

    >>> [country_code(each) for each in ("Germany", " de ", "usa", "日本", "LI", "somewhere", None)]
    ['DE', 'DE', 'US', 'JP', 'LI', '', '']
    """
    said = _plain(text or "")
    return _CODES.get(said, said.upper() if re.fullmatch(r"[a-z]{2}", said) else "")


def _plain(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


_CODES = {_plain(name): code for code, names in NAMES.items() for name in (code, *names)}
