"""What sets each segment apart, in words: a name and a paragraph, from figures only, in English and Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from regulars.segment.dataset import INTERESTS, Known, column_stack
from regulars.segment.traits import TRAITS
from regulars.units import shown

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEAST = 0.4
"""Standard deviations between a segment and the rest, below which a figure tells nothing of it."""
TOLD = 4
"""Figures in a paragraph."""
IN_NAME = 2
LANGUAGES = ("en", "zh")


WORDS = {
    "en": {
        "size": "{count} customers, {share} of all.",
        "fact": "{meaning}: {inside} on average, {outside} for the others.",
        "interest": "Interest in {category}: {inside}, {outside} for the others.",
        "loves": "{category}",
        "plain": "Like the others",
        "plainly": "No figure sets them far apart from the others.",
        "join": ", ",
    },
    "zh": {
        "size": "{count}位顾客，占全部的{share}。",
        "fact": "{meaning}：平均{inside}，其他顾客{outside}。",
        "interest": "对{category}的兴趣：{inside}，其他顾客{outside}。",
        "loves": "偏爱{category}",
        "plain": "与其他顾客相近",
        "plainly": "没有哪个数字与其他顾客相差很大。",
        "join": "、",
    },
}


@dataclass(frozen=True)
class Fact:
    """One figure of a segment beside that of all others.

    Attributes
    ----------
    feature : its name, or of an interest the category.
    difference : in standard deviations of all customers; above 0 where the segment has more.
    """

    feature: str
    is_interest: bool
    meaning: str
    unit: str
    inside: float = 0.0
    outside: float = 0.0
    difference: float = 0.0

    def told(self, language: str, currency: str) -> str:
        """As a sentence."""
        inside, outside = (shown(value, self.unit, currency) for value in (self.inside, self.outside))
        if self.is_interest:
            return WORDS[language]["interest"].format(category=self.feature, inside=inside, outside=outside)
        meaning = self.meaning if language == "en" else TRAITS[self.feature].meaning
        text = WORDS[language]["fact"].format(meaning=meaning, inside=inside, outside=outside)
        return text[0].upper() + text[1:]

    def named(self, language: str) -> str:
        """As a part of a name."""
        if self.is_interest:
            return WORDS[language]["loves"].format(category=self.feature)
        trait = TRAITS[self.feature]
        return (trait.high if self.difference > 0 else trait.low)[LANGUAGES.index(language)]

    @property
    def theme(self) -> str:
        """What it is about."""
        return "interest" if self.is_interest else TRAITS[self.feature].theme


def facts(known: Known, label: Ints, count: int) -> list[list[Fact]]:
    """What sets each of so many segments apart, the farthest first.

    Parameters
    ----------
    label : (n,) the segment of each customer, below 0 for none.
    """
    names = [name for name in TRAITS if name in known.profiles.column_names]
    values = column_stack(known.profiles, tuple(names))
    said = [Fact(name, False, *_meaning(known, name)) for name in names]
    if INTERESTS in known.columns:
        values = np.hstack([values, known.columns[INTERESTS] ** 2])
        said += [Fact(name, True, name, "share") for name in known.names[INTERESTS]]
    # Where a few have very much, the logarithm says how far apart two groups are.
    level = np.log1p(np.maximum(values, 0))
    # Not nanstd: of a column that nobody has, it warns.
    spread = _spread(level)
    found = []
    for number in range(count):
        inside, outside = _means(values, label == number), _means(values, label != number)
        apart = (_means(level, label == number) - _means(level, label != number)) / spread
        order = np.argsort(-np.abs(np.nan_to_num(apart)), kind="stable")
        found.append(
            [
                replace(said[k], inside=float(inside[k]), outside=float(outside[k]), difference=float(apart[k]))
                for k in order.tolist()
                if np.isfinite(apart[k]) and abs(apart[k]) >= LEAST and not (said[k].is_interest and apart[k] < 0)
            ]
        )
    return found


def names_of(known: Sequence[Sequence[Fact]], language: str) -> list[str]:
    """A name for each segment, no two the same.

    >>> often = Fact("orders_per_month", False, "orders a month", "orders", 3.0, 1.0, 1.5)
    >>> large = Fact("order_value_mean", False, "average order value", "money", 90.0, 30.0, 1.0)
    >>> names_of([[often, large], []], "en")
    ['Frequent, large orders', 'Like the others']
    >>> names_of([[often, large], []], "zh")
    ['下单频繁、客单价高', '与其他顾客相近']
    """
    words = WORDS[language]
    found: list[str] = []
    for segment in known:
        parts = [fact.named(language) for fact in _by_theme(segment)]
        for length in range(IN_NAME, max(len(parts), IN_NAME) + 1):
            name = words["join"].join(parts[:length]) or words["plain"]
            name = name[0].upper() + name[1:]
            if name not in found:
                break
        found.append(distinct(name, found))
    return found


def distinct(name: str, taken: Sequence[str]) -> str:
    """The name, with a number where it is taken.

    >>> distinct("Frequent", ["Frequent"])
    'Frequent (2)'
    """
    number, made = 1, name
    while made in taken:
        number += 1
        made = f"{name} ({number})"
    return made


def paragraph(segment: Sequence[Fact], count: int, total: int, language: str, currency: str) -> str:
    """How many there are and what sets them apart."""
    words = WORDS[language]
    size = words["size"].format(count=f"{count:,}", share=shown(count / max(total, 1), "share"))
    sentences = [fact.told(language, currency) for fact in _by_theme(segment)[:TOLD]] or [words["plainly"]]
    return (" " if language == "en" else "").join([size, *sentences])


def _meaning(known: Known, name: str) -> tuple[str, str]:
    """What a feature says, and its unit."""
    about = known.profiles.schema.field(name).metadata or {}
    return about.get(b"meaning", name.encode()).decode(), about.get(b"unit", b"").decode()


def _by_theme(segment: Sequence[Fact]) -> list[Fact]:
    chosen: dict[str, Fact] = {}
    for fact in segment:
        chosen.setdefault(fact.theme, fact)
    return list(chosen.values())


def _means(values: Floats, rows: npt.NDArray[np.bool_]) -> Floats:
    some = values[rows]
    known = np.isfinite(some)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = np.where(known, some, 0).sum(axis=0) / known.sum(axis=0)
    return found


def _spread(level: Floats) -> Floats:
    every = np.ones(len(level), bool)
    middle = _means(level, every)
    found = np.sqrt(_means((level - middle) ** 2, every))
    return np.where(found > 1e-9, found, np.nan)
