"""Numbers written as words are read as the numbers they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.language.numerals import chinese, english

ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def in_english(number: int) -> str:
    if number < 20:
        return ONES[number]
    if number < 100:
        return TENS[number // 10 - 2] + (f"-{ONES[number % 10]}" if number % 10 else "")
    if number < 1000:
        return f"{ONES[number // 100]} hundred" + (f" and {in_english(number % 100)}" if number % 100 else "")
    return f"{in_english(number // 1000)} thousand" + (f" {in_english(number % 1000)}" if number % 1000 else "")


def in_chinese(number: int) -> str:
    if number < 10:
        return "零一二三四五六七八九"[number]
    for size, sign in ((10_000, "万"), (1000, "千"), (100, "百"), (10, "十")):
        if number >= size:
            head = in_chinese(number // size)
            rest = number % size
            gap = "零" if rest and rest < size // 10 else ""
            return head + sign + gap + (in_chinese(rest) if rest else "")
    raise AssertionError


@given(st.integers(0, 999_999))
def test_english(number: int) -> None:
    assert [numeral.value for numeral in english(f"In all {in_english(number)} orders.")] == [number]


@given(st.integers(2, 99_999_999))
def test_chinese(number: int) -> None:
    assert [numeral.value for numeral in chinese(f"共{in_chinese(number)}个订单")] == [number]


@pytest.mark.parametrize("text", ["no one", "each one of them", "someone, everyone", "oneness, tension, often"])
def test_words_that_count_nothing(text: str) -> None:
    assert list(english(text)) == []


@pytest.mark.parametrize("text", ["一直", "最近一次", "上一单", "十分", "每一天", "一个人", "三明治"])
def test_signs_that_count_nothing(text: str) -> None:
    assert list(chinese(text)) == []
