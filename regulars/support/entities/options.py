"""The options that a message names: "size L", "the glass one", "brighter", "not waterproof"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from regulars.support.order.things import Variant

_BARELY = {"yes", "no", "none"}
"""Values that say nothing without the name of their option."""
_LETTERS = {"s": "small", "m": "medium", "l": "large", "xl": "extra[ -]?large", "xs": "extra[ -]?small"}
_SCALES = (
    ("xs", "s", "m", "l", "xl", "xxl"),
    ("none", "low", "medium", "high"),
    ("portable", "small", "medium", "large", "full size"),
    ("basic", "standard", "professional"),
    ("beginner", "intermediate", "expert"),
    ("no", "yes"),
)
"""From less to more."""
_UNITS = {"ml": 0.001, "l": 1.0, "tb": 1024.0, "gb": 1.0, "mb": 1 / 1024, "cm": 0.01, "m": 1.0, "mm": 0.001}
_SIZES = (
    "size", "capacity", "screen size", "storage", "diameter", "length", "height", "pieces", "frame size", "room size",
    "weight range", "piece count", "kit size", "ram", "容量", "尺寸", "尺码", "大小", "长度",
)  # fmt: skip
_MORE: dict[str, tuple[str, ...]] = {
    r"bigg(?:er|est)|larg(?:er|est)|(?:更|最)?大(?:一点|一些|点)的?|更大|最大": _SIZES,
    r"bright(?:er|est)|更亮|最亮|亮一点|亮一些": ("brightness", "亮度"),
    r"long(?:er|est)|更长|最长": ("length", "battery life", "长度", "续航"),
    r"tall(?:er|est)|更高": ("height", "backrest height", "高度"),
    r"heav(?:ier|iest)|更重": ("weight range", "weight", "重量"),
    r"thick(?:er|est)|更厚": ("thickness", "厚度"),
    r"fast(?:er|est)": ("processor", "speed", "speed settings"),
    r"sharp(?:er|est)": ("resolution",),
    r"hard(?:er|est)|more difficult": ("difficulty level",),
}
_LESS: dict[str, tuple[str, ...]] = {
    r"small(?:er|est)|更小|最小|小一点|小一些": _SIZES,
    r"dimm(?:er|est)|less bright|更暗|暗一点": ("brightness", "亮度"),
    r"short(?:er|est)|更短": ("length", "height", "长度"),
    r"light(?:er|est) weight|更轻": ("weight range", "weight", "重量"),
    r"thinn(?:er|est)|更薄": ("thickness", "厚度"),
    r"eas(?:ier|iest)|less difficult": ("difficulty level",),
}
_CHEAP = re.compile(
    r"cheap(?:er|est)|less expensive|least expensive|lowest price|更便宜|最便宜|便宜一点", re.IGNORECASE
)
_DEAR = re.compile(r"more expensive|most expensive|pric(?:ier|iest)|更贵|最贵", re.IGNORECASE | re.ASCII)
_EXTREME = re.compile(r"est\b|^least|^most|^最|lowest", re.IGNORECASE | re.ASCII)
PRICE = "price"


@dataclass(frozen=True)
class Comparison:
    """More or less of something than what was bought, or the most or least that there is."""

    options: tuple[str, ...]
    """Of the first of these that the product has; `PRICE` alone is its price."""
    is_more: bool
    is_extreme: bool


@dataclass
class Wanted:
    """What a text says that an item is or should be."""

    options: dict[str, str] = field(default_factory=dict)
    """{option: value}."""
    either: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    """Values that several options have: (options, value), true of any of them."""
    comparisons: list[Comparison] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is said."""
        return not (self.options or self.either or self.comparisons)

    def fits(self, options: Mapping[str, str]) -> bool:
        """Whether an item has the values; comparisons are for `narrowed`."""
        return all(options.get(name) == value for name, value in self.options.items()) and all(
            any(options.get(name) == value for name in names) for names, value in self.either
        )


def options_in(text: str, variants: Iterable[Variant]) -> Wanted:
    """Which options of a product does a text name?

    Parameters
    ----------
    text : the part of a message that is about one item.
    variants : all items of the product: a text can only name what there is.

    Examples
    --------
    >>> lamps = [
    ...     Variant(item_id="1", options={"color": "black", "brightness": "low", "waterproof": "no"}, price=10),
    ...     Variant(item_id="2", options={"color": "white", "brightness": "high", "waterproof": "yes"}, price=12),
    ... ]
    >>> options_in("a white one, brightness: high, not waterproof", lamps).options
    {'brightness': 'high', 'waterproof': 'no', 'color': 'white'}
    >>> options_in("brighter and cheaper", lamps).comparisons[1].options
    ('brightness', '亮度')
    """
    values = _values(variants)
    wanted, left = Wanted(), text
    # What is said with the name of its option comes first, and is taken out: "room size small" is no frame size.
    pairs = [(name, value) for name, there in values.items() for value in there]
    pairs.sort(key=lambda pair: (-len(pair[0]) - len(pair[1]), pair))
    for name, value in pairs:
        for pattern in _beside(name, value):
            left, is_there = _take(pattern, left)
            if is_there:
                wanted.options.setdefault(name, value)
    left = _yes_and_no(values, wanted, left)
    left = _compared(wanted, left)
    owners: dict[str, list[str]] = {}
    for name, value in pairs:
        if value.casefold() not in _BARELY:
            owners.setdefault(value, []).append(name)
    for value in sorted(owners, key=lambda one: (-len(one), one)):
        left, is_there = _take(_bare(value), left)
        names = [name for name in owners[value] if name not in wanted.options]
        if is_there and len(names) == 1:
            wanted.options[names[0]] = value
        elif is_there and names:
            wanted.either.append((tuple(sorted(names)), value))
    return wanted


def narrowed(wanted: Wanted, bought: Variant, variants: Iterable[Variant]) -> list[Variant]:
    """The items that fit what is wanted in place of one that was bought, the ones most like that first.

    Parameters
    ----------
    bought : what is given up: what a text does not speak of should stay as it is.
    variants : the items that can be had.

    Returns
    -------
    Those that keep most of the other options; several only if they are equally like it.
    """
    fitting = [one for one in variants if wanted.fits(one.options)]
    for comparison in wanted.comparisons:
        fitting = _by_comparison(comparison, bought, fitting)
    if wanted.comparisons and not (wanted.options or wanted.either) and len(fitting) > 1:
        fitting = [one for one in fitting if one.item_id != bought.item_id] or fitting
    kept = {
        one.item_id: sum(bought.options.get(name) == value for name, value in one.options.items()) for one in fitting
    }
    most = max(kept.values(), default=0)
    return [one for one in fitting if kept[one.item_id] == most]


def _values(variants: Iterable[Variant]) -> dict[str, set[str]]:
    values: dict[str, set[str]] = {}
    for one in variants:
        for name, value in one.options.items():
            values.setdefault(name, set()).add(value)
    return values


def _take(pattern: re.Pattern[str], text: str) -> tuple[str, bool]:
    """The text without what matches, and whether anything did."""
    left, count = pattern.subn(" , ", text)
    return left, count > 0


@lru_cache(maxsize=8192)
def _beside(name: str, value: str) -> tuple[re.Pattern[str], ...]:
    option, said = _loose(name), _spelt(value)
    between = r"['\"]?\s*(?:is|as|of|being|are|为|是|:|=|to be|to|改成|换成)?\s*['\"]?"
    after = re.compile(rf"(?<!\w)(?:{option}){between}(?:{said})(?![\w%])", re.IGNORECASE | re.ASCII)
    if value.casefold() in _BARELY:
        return (after,)
    return after, re.compile(rf"(?<![\w.])(?:{said})[\s-]+(?:{option})(?!\w)", re.IGNORECASE | re.ASCII)


@lru_cache(maxsize=8192)
def _bare(value: str) -> re.Pattern[str]:
    if re.fullmatch(r"[A-Z]{1,3}", value) and value.casefold() in _LETTERS:
        # A single letter only as a capital: "s" ends many a word, and "M" begins none.
        return re.compile(rf"(?<![\w'.]){value}(?![\w'.])|(?<!\w)(?i:{_LETTERS[value.casefold()]})(?!\w)", re.ASCII)
    return re.compile(rf"(?<![\w.#-])(?:{_spelt(value)})(?![\w%])", re.IGNORECASE | re.ASCII)


def _spelt(value: str) -> str:
    """A value as people may write it: with or without hyphens, a unit close to its number or apart."""
    letters = _LETTERS.get(value.casefold()) if len(value) < 3 else None
    spelt = _loose(value)
    short = re.match(r"(\d[\d.]*)\s?([A-Za-z]+)\s+\S", value)
    if short:  # "512GB SSD" is called 512GB
        spelt += rf"|{re.escape(short[1])}[\s-]*{short[2]}"
    return f"{spelt}|{letters}" if letters else spelt


def _loose(text: str) -> str:
    parts = re.findall(r"\d+(?:\.\d+)?|[^\W\d_]+|[^\w\s-]", text)
    spelt = r"[\s-]*".join(re.escape(part) for part in parts)
    spelt = re.sub(r"(?<=[a-z])s$", "s?", spelt)
    return re.sub(r"gr[ae]y", "gr[ae]y", spelt, flags=re.IGNORECASE | re.ASCII)


def _yes_and_no(values: Mapping[str, set[str]], wanted: Wanted, text: str) -> str:
    """Options that are there or not: "waterproof", "not waterproof", "without backlight"."""
    for name, there in values.items():
        if name in wanted.options:
            continue
        no = next((value for value in there if value.casefold() in ("no", "none") or value.startswith("not ")), None)
        yes = next((value for value in there if value.casefold() == "yes"), None)
        option = _loose(name).replace("resistance", "resist(?:ance|ant)")
        if no is not None:
            text, is_there = _take(_any_of(rf"(?:no|not|non|without|无|没有|不)[\s-]*(?:{option})"), text)
            if is_there:
                wanted.options[name] = no
                continue
        if yes is not None:
            text, is_there = _take(_any_of(rf"(?:{option})"), text)
            if is_there:
                wanted.options[name] = yes
    return text


@lru_cache(maxsize=1024)
def _any_of(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w]){pattern}(?!\w)", re.IGNORECASE | re.ASCII)


def _compared(wanted: Wanted, text: str) -> str:
    for pattern, is_more in ((_CHEAP, False), (_DEAR, True)):
        match = pattern.search(text)
        if match:
            wanted.comparisons.append(Comparison((PRICE,), is_more, bool(_EXTREME.search(match[0]))))
            text = pattern.sub(" , ", text)
    for table, is_more in ((_LESS, False), (_MORE, True)):
        for words, options in table.items():
            found = _any_of(f"(?:{words})") if words.isascii() else re.compile(words, re.IGNORECASE | re.ASCII)
            match = found.search(text)
            if match:
                wanted.comparisons.append(Comparison(options, is_more, bool(_EXTREME.search(match[0]))))
                text = found.sub(" , ", text)
    return text


def _by_comparison(comparison: Comparison, bought: Variant, variants: list[Variant]) -> list[Variant]:
    ranked = [(rank, one) for one in variants if (rank := _rank(comparison, bought, one)) is not None]
    own = _rank(comparison, bought, bought)
    if comparison.is_extreme:
        best = (max if comparison.is_more else min)((rank for rank, _ in ranked), default=None)
        return [one for rank, one in ranked if rank == best]
    if own is None:
        return [one for _, one in ranked]
    return [one for rank, one in ranked if (rank > own if comparison.is_more else rank < own)]


def _rank(comparison: Comparison, bought: Variant, variant: Variant) -> float | None:
    if comparison.options == (PRICE,):
        return float(variant.price)
    there = {name.casefold(): name for name in bought.options}
    name = next((there[option] for option in comparison.options if option in there), None)
    return None if name is None else amount_of(variant.options.get(name, ""))


def amount_of(value: str) -> float | None:
    """How much a value of an option is, to be compared with others of that option; None if it is no amount.

    >>> amount_of("750ml") < amount_of("1.5L"), amount_of("low") < amount_of("high"), amount_of("red")
    (True, True, None)
    """
    said = value.casefold()
    number = re.match(r"(\d+(?:\.\d+)?)\s*([a-z]*)", said)
    if number:
        return float(number[1]) * _UNITS.get(number[2], 1.0)
    for scale in _SCALES:
        if said in scale:
            return float(scale.index(said))
    digits = re.search(r"\d+", said)
    return float(digits[0]) if digits else None
