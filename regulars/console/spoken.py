"""Sentences that capabilities wrote in one language, in that of who asks.

Reasons, names and warnings stand in tables and in decisions as words of the language that the shop had then. A page
translates them at its edge, by the pairs of texts that their writers hold, and those of `words/sentences.toml`. What no
pair fits stays as it is: names of products and of people, and what people wrote.
"""

from __future__ import annotations

import math
import re
import string
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any, NamedTuple

from regulars.campaign import reasons as campaign_reasons
from regulars.console.words import catalogue
from regulars.customers.countries import NAMES as NAMES_OF_COUNTRIES
from regulars.fraud import reasons as fraud_reasons
from regulars.fraud.features.named import MEASURE_BY_NAME, RATIO_BY_NAME
from regulars.fraud.features.terms import OTHERS
from regulars.fraud.features.words import meaning, said, unit
from regulars.fraud.graph import wording as fraud_rings
from regulars.lifecycle import words as lifecycle_words
from regulars.lifecycle.stages import map as stages
from regulars.pricing import words as pricing_words
from regulars.profile import wording as profile_words
from regulars.profile.features import FEATURES
from regulars.recommend import reasons as recommend_reasons
from regulars.segment import naming
from regulars.segment.traits import TRAITS

WRITERS: tuple[Mapping[str, Any], ...] = (
    recommend_reasons.WORDS, campaign_reasons.WORDS, fraud_reasons.NAMED, fraud_reasons.UNUSUAL, fraud_rings.WORDS,
    lifecycle_words.SAID, stages.WORDS, stages.NAMES, pricing_words.SAID, naming.WORDS, profile_words.WORDS,
)  # fmt: skip
"""{language: text, or {key: text}} each."""
OURS, EVENTS = "sentences.", "events."
DEEPEST = 3
"""Sentences in sentences."""
MANY = 7777.0
"""A figure that stands for any other in a sentence of fraud, and for days where it is seconds."""
_FIGURES = re.compile(r"7,777\.00|7777\.0|777700 %|7,777 days|7,777天|7,777")
_BETWEEN = re.compile(r"([-+]?[\d.,]+) to ([-+]?[\d.,]+)")
_CHINESE = re.compile("[\u4e00-\u9fff]+")
_WORD = re.compile("[a-z]{2}")
_PARTS = re.compile(r"(; |(?<=[.!?。！？])\s*)")
_PLACED = ("title", "description", "text", "datasets", "values", "domain", "legend", "axis", "header")
"""Where a chart says something: all else of it are names of fields and looks."""


class _Rule(NamedTuple):
    pattern: re.Pattern[str]
    text: str

    def said(self, text: str, language: str, depth: int) -> str | None:
        found = self.pattern.fullmatch(text)
        if found is None:
            return None
        places = {name: _spoken(value, language, depth + 1) for name, value in found.groupdict().items()}
        return "".join(
            literal + (places[_group(name)] if name is not None else "")
            for literal, name, _, _ in string.Formatter().parse(self.text)
        )


def spoken(text: str, language: str) -> str:
    """A sentence in a language, where it is known; else as it is.

    >>> spoken("You bought it 3 times, last 12 days ago.", "zh")
    '您买过它3次，最近一次在12天前。'
    >>> spoken("days since the last order: 75 (typically 30)", "zh"), spoken("Earl Grey", "zh")
    ('距最近一次下单的天数：75（通常为30）', 'Earl Grey')
    """
    return _spoken(text, language, 0)


def spoken_chart(spec: Any, language: str) -> Any:
    """The same chart of Vega-Lite, its titles and texts in a language; fields and looks are left alone."""
    return _walked(spec, language, is_said=False)


def _walked(part: Any, language: str, *, is_said: bool) -> Any:
    if isinstance(part, dict):
        # A list to sort by has values, which are said; else it is the name of a field.
        placed = {name for name in part if name in _PLACED or (name == "sort" and isinstance(part[name], list))}
        return {name: _walked(each, language, is_said=is_said or name in placed) for name, each in part.items()}
    if isinstance(part, list):
        return [_walked(each, language, is_said=is_said) for each in part]
    return spoken(part, language) if is_said and isinstance(part, str) else part


@lru_cache(maxsize=20_000)
def _spoken(text: str, language: str, depth: int) -> str:
    bare = text.strip()
    if not bare or depth > DEEPEST:
        return text
    exact, rules = _rules(language)
    known = exact.get(bare) or exact.get(bare[:1].lower() + bare[1:])
    if known or (language == "zh") != bool(_WORD.search(bare)):
        return known or text
    for rule in rules:
        found = rule.said(bare, language, depth)
        if found is not None:
            return found
    listed = [_spoken(each, language, depth + 1) for each in bare.split(", ")]
    if len(listed) > 1 and not set(listed) & set(bare.split(", ")):
        return ("、" if language == "zh" else ", ").join(listed)
    parts = _PARTS.split(bare)
    if len(parts) < 3 or depth:
        figures = _BETWEEN.sub(r"\1至\2", text) if language == "zh" else text
        return text if _WORD.search(figures) else figures  # half a sentence is none
    said = [_spoken(part, language, depth + 1) if place % 2 == 0 else part for place, part in enumerate(parts)]
    return "".join(said)


@cache
def _rules(language: str) -> tuple[Mapping[str, str], tuple[_Rule, ...]]:
    """What says the same in a language: texts without places, and those with, the most particular first."""
    other = "en" if language == "zh" else "zh"
    exact: dict[str, str] = {}
    rules: list[tuple[int, _Rule]] = []
    for texts in _pairs():
        source, target = texts[other], texts[language]
        parts = list(string.Formatter().parse(source))
        names = [name for _, name, _, _ in parts if name is not None]
        if not names:
            exact.setdefault(source, target)
            continue
        literals = sum(len(literal) for literal, *_ in parts)
        if literals < 2 or not {n for _, n, _, _ in string.Formatter().parse(target) if n is not None} <= set(names):
            continue
        rules.append((-literals, _Rule(_pattern(parts), target)))
    rules.sort(key=lambda each: each[0])
    return exact, tuple(rule for _, rule in rules)


def _pattern(parts: Iterable[tuple[str, str | None, str | None, str | None]]) -> re.Pattern[str]:
    written, seen = "", set()
    for literal, name, _, _ in parts:
        written += re.escape(literal)
        if name is None:
            continue
        # What is counted is a figure: "four days" is the name that somebody gave a step.
        any_ = r"[-+]?[\d.,]+" if name == "count" else ".+?"
        written += f"(?P={_group(name)})" if name in seen else f"(?P<{_group(name)}>{any_})"
        seen.add(name)
    return re.compile(written, re.DOTALL)


def _group(name: str) -> str:
    """The name of a place as a regular expression may have it."""
    return "place_" + re.sub(r"\W", "_", name)


def _pairs() -> Iterator[Mapping[str, str]]:
    yield from (texts for key, texts in catalogue().items() if key.startswith(OURS))
    for key, texts in catalogue().items():
        if key.startswith(EVENTS):
            yield {"en": key.removeprefix(EVENTS), "zh": texts["zh"]}
    for words in WRITERS:
        yield from _pairs_of(words["en"], words["zh"])
    yield from _pairs_of_fraud()
    yield from _pairs_of_countries()
    for name, trait in TRAITS.items():
        yield {"en": _meaning_of_feature(name), "zh": trait.meaning}
        yield from ({"en": one[0], "zh": one[1]} for one in (trait.low, trait.high))


def _pairs_of_countries() -> Iterator[Mapping[str, str]]:
    for names in NAMES_OF_COUNTRIES.values():
        chinese = next(name for name in names if _CHINESE.fullmatch(name))
        yield from ({"en": name, "zh": chinese} for name in names if name != chinese)


def _pairs_of_fraud() -> Iterator[Mapping[str, str]]:
    """What reasons and rules say of each column of attempts, figures as places."""
    for name in (*MEASURE_BY_NAME, *RATIO_BY_NAME, *OTHERS):
        yield {"en": meaning(name), "zh": meaning(name, "zh")}
        many = MANY * (86400 if unit(name) == "seconds" else 1)
        for value in (0.0, 1.0, many, math.nan):
            texts = {"en": said(name, value), "zh": said(name, value, "zh")}
            yield {language: _FIGURES.sub("{figure}", text) for language, text in texts.items()}


def _pairs_of(english: Any, chinese: Any) -> Iterator[Mapping[str, str]]:
    if isinstance(english, str) and isinstance(chinese, str):
        yield {"en": english, "zh": chinese}
    elif isinstance(english, Mapping):
        for name in english.keys() & chinese.keys():
            yield from _pairs_of(english[name], chinese[name])
    elif isinstance(english, tuple | list):
        for one, other in zip(english, chinese, strict=False):
            yield from _pairs_of(one, other)


def _meaning_of_feature(name: str) -> str:
    return next(feature.meaning for feature in FEATURES if feature.name == name)
