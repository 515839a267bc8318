"""The code of a country from however it is written."""

from __future__ import annotations

import re

NAMES = {
    "AT": ("Austria", "Österreich", "奥地利"), "AU": ("Australia", "澳大利亚"),
    "BE": ("Belgium", "België", "Belgique", "比利时"), "BG": ("Bulgaria", "保加利亚"),
    "BR": ("Brazil", "Brasil", "巴西"), "CA": ("Canada", "加拿大"),
    "CH": ("Switzerland", "Schweiz", "Suisse", "瑞士"),
    "CN": ("China", "People's Republic of China", "中国", "中华人民共和国"), "CY": ("Cyprus", "塞浦路斯"),
    "CZ": ("Czechia", "Czech Republic", "捷克"), "DE": ("Germany", "Deutschland", "德国"),
    "DK": ("Denmark", "Danmark", "丹麦"), "EE": ("Estonia", "爱沙尼亚"), "ES": ("Spain", "España", "西班牙"),
    "FI": ("Finland", "Suomi", "芬兰"), "FR": ("France", "法国"),
    "GB": ("United Kingdom", "UK", "Great Britain", "England", "Scotland", "Wales", "英国"),
    "GR": ("Greece", "EL", "希腊"), "HK": ("Hong Kong", "香港"), "HR": ("Croatia", "Hrvatska", "克罗地亚"),
    "HU": ("Hungary", "Magyarország", "匈牙利"), "IE": ("Ireland", "Éire", "爱尔兰", "EIRE"),
    "IL": ("Israel", "以色列"), "IN": ("India", "印度"), "IS": ("Iceland", "冰岛"),
    "IT": ("Italy", "Italia", "意大利"), "JP": ("Japan", "日本"), "KR": ("South Korea", "Korea", "韩国"),
    "LT": ("Lithuania", "立陶宛"), "LU": ("Luxembourg", "卢森堡"), "LV": ("Latvia", "拉脱维亚"),
    "MT": ("Malta", "马耳他"), "MX": ("Mexico", "México", "墨西哥"), "NL": ("Netherlands", "Nederland", "荷兰"),
    "NO": ("Norway", "Norge", "挪威"), "NZ": ("New Zealand", "新西兰"), "PL": ("Poland", "Polska", "波兰"),
    "PT": ("Portugal", "葡萄牙"), "RO": ("Romania", "România", "罗马尼亚"), "SE": ("Sweden", "Sverige", "瑞典"),
    "SG": ("Singapore", "新加坡"), "SI": ("Slovenia", "斯洛文尼亚"), "SK": ("Slovakia", "斯洛伐克"),
    "TW": ("Taiwan", "台湾"), "UA": ("Ukraine", "Україна", "乌克兰"),
    "US": ("United States", "United States of America", "美国", "USA"), "ZA": ("South Africa", "南非"),
}  # fmt: skip
"""By which names countries stand in shops' data, by code (ISO 3166-1 alpha-2): English first, Chinese among them."""
ALPHA_3 = {
    "AT": "AUT", "AU": "AUS", "BE": "BEL", "BG": "BGR", "BR": "BRA", "CA": "CAN", "CH": "CHE", "CN": "CHN",
    "CY": "CYP", "CZ": "CZE", "DE": "DEU", "DK": "DNK", "EE": "EST", "ES": "ESP", "FI": "FIN", "FR": "FRA",
    "GB": "GBR", "GR": "GRC", "HK": "HKG", "HR": "HRV", "HU": "HUN", "IE": "IRL", "IL": "ISR", "IN": "IND",
    "IS": "ISL", "IT": "ITA", "JP": "JPN", "KR": "KOR", "LT": "LTU", "LU": "LUX", "LV": "LVA", "MT": "MLT",
    "MX": "MEX", "NL": "NLD", "NO": "NOR", "NZ": "NZL", "PL": "POL", "PT": "PRT", "RO": "ROU", "SE": "SWE",
    "SG": "SGP", "SI": "SVN", "SK": "SVK", "TW": "TWN", "UA": "UKR", "US": "USA", "ZA": "ZAF",
}  # fmt: skip
"""Their codes of three letters."""


def known_country(text: str | None) -> str:
    """ISO 3166-1 alpha-2 of a country of `NAMES`; "" of any other.

    >>> [known_country(each) for each in ("Germany", "deu", "EIRE", "LI", None)]
    ['DE', 'DE', 'IE', '', '']
    """
    return _CODES.get(_plain(text or ""), "")


def country_code(text: str | None) -> str:
    """ISO 3166-1 alpha-2; "" where the country is not known.

    >>> [country_code(each) for each in ("Germany", " de ", "usa", "日本", "LI", "somewhere", None)]
    ['DE', 'DE', 'US', 'JP', 'LI', '', '']
    """
    said = _plain(text or "")
    return known_country(text) or (said.upper() if re.fullmatch(r"[a-z]{2}", said) else "")


def _plain(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


_CODES = {_plain(name): code for code, names in NAMES.items() for name in (code, ALPHA_3[code], *names)}
