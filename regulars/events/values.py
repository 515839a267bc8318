"""Cells to values: text, numbers and money out of what people put into files.

Each function takes a column as it came (text, or typed where the file is) and gives the values and a
mask of the cells that could not be read. A dictionary-encoded column is read once per distinct value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from regulars.events.schema import MONEY


class Values(NamedTuple):
    """Values of a column, and which cells could not be read (None: all could)."""

    values: pa.Array
    unreadable: pa.Array | None


Convert = Callable[[pa.Array], Values]

NULL_WORDS = pa.array(["", "null", "NULL", "Null", "none", "None", "N/A", "n/a", "\\N", "(not set)"])
"""Cells that say "nothing here"."""
NULL_TEXTS = pa.concat_arrays([NULL_WORDS, pa.array(["nan", "NaN", "NAN"])])
"""The same for texts; where a number belongs, NaN is a mistake and is refused."""

TEN_THOUSANDTH = pa.scalar("0.0001").cast(pa.decimal128(4, 4))
LARGEST_MONEY = 1e14 - 1
LARGEST_NUMBER = 1e15
CODES = "|".join((
    "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "INR", "JPY", "KRW", "MXN", "NOK",
    "NZD", "PLN", "RMB", "SEK", "SGD", "TRY", "TWD", "USD", "ZAR", "Rs[.]?", "Kč", "kr", "zł",
))  # fmt: skip
SIGNS = rf"[\s\x{{a0}}\x{{202f}}'’\p{{Sc}}元]|[A-Z]{{1,2}}\$|^({CODES})|({CODES})$"
"""What stands in and around amounts and says nothing of how much it is."""


def by_dictionary(values: pa.Array, convert: Convert, *, keep: bool = False) -> Values:
    """Apply a conversion to each distinct value of a dictionary-encoded column, once.

    keep: give the result dictionary-encoded again (for texts).
    """
    if not pa.types.is_dictionary(values.type):
        return convert(values)
    distinct, unreadable = convert(values.dictionary)
    # An empty cell has no code, and nothing in it that could not be read.
    bad = None if unreadable is None else pc.fill_null(unreadable.take(values.indices), False)
    if keep and distinct.equals(values.dictionary):
        return Values(values, bad)
    if keep:
        # Texts that became equal share a code again, and nothing has none.
        codes = distinct.dictionary_encode()
        return Values(pa.DictionaryArray.from_arrays(codes.indices.take(values.indices), codes.dictionary), bad)
    return Values(distinct.take(values.indices), bad)


def to_text(values: pa.Array) -> Values:
    """Trimmed text; the words for nothing are null; a whole number written as 17850.0 is 17850."""
    if pa.types.is_dictionary(values.type):
        return by_dictionary(values, to_text, keep=True)
    if pa.types.is_floating(values.type):
        is_whole = pc.and_(pc.less(pc.abs(values), 2.0**63), pc.equal(pc.floor(values), values))
        whole = pc.if_else(is_whole, values, None).cast(pa.int64(), safe=False).cast(pa.string())
        other = pc.if_else(pc.is_nan(values), None, values).cast(pa.string())
        return Values(pc.coalesce(whole, other), None)
    texts = pc.utf8_trim_whitespace(values.cast(pa.string()))
    if pc.any(pc.ends_with(texts, ".0")).as_py():  # hardly ever, and to look is a tenth of the pattern's work
        texts = pc.replace_substring_regex(texts, r"^(\d+)\.0$", r"\1")
    return Values(pc.if_else(pc.is_in(texts, NULL_TEXTS), None, texts), None)


def to_number(values: pa.Array, decimal: str = ".") -> Values:
    """float64; thousands separators and currency signs are dropped; NaN, infinity and 10^15 are unreadable."""
    if pa.types.is_dictionary(values.type):
        return by_dictionary(values, lambda distinct: to_number(distinct, decimal))
    if not _is_numeric(values.type):
        texts = _plain_number(values, decimal)
        is_number = pc.match_substring_regex(texts, r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$")
        numbers = pc.if_else(is_number, texts, None).cast(pa.float64())
        unreadable = pc.and_(pc.is_valid(texts), pc.is_null(numbers))
    else:
        numbers = values.cast(pa.float64(), safe=False)
        unreadable = pc.is_null(numbers, nan_is_null=True)
        unreadable = pc.and_(unreadable, pc.is_valid(values))
    too_large = pc.fill_null(pc.greater_equal(pc.abs(numbers), LARGEST_NUMBER), False)
    unreadable = pc.or_(unreadable, too_large)
    return Values(pc.if_else(unreadable, None, numbers), unreadable)


YES = pa.array(["yes", "y", "true", "t", "1", "granted", "given", "subscribed", "on", "是", "同意", "已同意"])
NO = pa.array(["no", "n", "false", "f", "0", "withdrawn", "denied", "refused", "unsubscribed", "off", "否", "不同意"])


def to_truth(values: pa.Array) -> Values:
    """Truth values; upper and lower case are alike."""
    if pa.types.is_dictionary(values.type):
        return by_dictionary(values, to_truth)
    words = pc.utf8_lower(to_text(values).values)
    is_yes, is_no = pc.is_in(words, YES), pc.is_in(words, NO)
    truths = pc.if_else(pc.or_(is_yes, is_no), is_yes, None)
    return Values(truths, pc.and_(pc.is_valid(words), pc.is_null(truths)))


def to_money(values: pa.Array, decimal: str = ".") -> Values:
    """decimal(18,4), rounded half to even at the fourth digit; else as `to_number`."""
    if pa.types.is_dictionary(values.type):
        return by_dictionary(values, lambda distinct: to_money(distinct, decimal))
    numbers, unreadable = to_number(values, decimal)
    too_large = pc.fill_null(pc.greater(pc.abs(numbers), LARGEST_MONEY), False)
    unreadable = pc.or_(unreadable, too_large)
    if pa.types.is_decimal(values.type):
        exact = pc.if_else(unreadable, None, values)
        return Values(pc.round(exact, 4, "half_to_even").cast(MONEY), unreadable)
    return Values(_decimal(pc.if_else(too_large, None, numbers)), unreadable)


def _decimal(numbers: pa.Array) -> pa.Array:
    # Through integers of 1/10,000: a cast from float to decimal refuses what is not exact.
    # The whole part goes by itself, for a float has no digits left for the cents of 10^13 times 10,000.
    units = pc.floor(numbers)
    parts = pc.round(pc.multiply(pc.subtract(numbers, units), 10_000.0), 0, "half_to_even").cast(pa.int64())
    cents = pc.add(pc.multiply(units.cast(pa.int64()), 10_000), parts)
    return pc.multiply(cents.cast(pa.decimal128(19, 0)), TEN_THOUSANDTH).cast(MONEY)


def _plain_number(values: pa.Array, decimal: str) -> pa.Array:
    """Digits, sign, point and exponent only; null where there is nothing."""
    texts = pc.utf8_trim_whitespace(values.cast(pa.string()))
    texts = pc.if_else(pc.is_in(texts, NULL_WORDS), None, texts)
    texts = pc.replace_substring(texts, "\u2212", "-")
    texts = pc.replace_substring_regex(texts, r"^\((.+)\)$|^(.+)-$", r"-\1\2")  # as books write a minus
    texts = pc.replace_substring_regex(texts, SIGNS, "")
    separator = "." if decimal == "," else ","
    # Only where they part the number into thousands, or as in India (12,34,567): 1,5 is a mistake here, not 15.
    pairs = r"|\d{1,2}(,\d{2})*,\d{3}" if separator == "," else ""
    thousands = rf"^[+-]?(\d{{1,3}}([{separator}]\d{{3}})+{pairs})([{decimal}]\d*)?$"
    is_parted = pc.match_substring_regex(texts, thousands)
    texts = pc.if_else(is_parted, pc.replace_substring(texts, separator, ""), texts)
    return pc.replace_substring(texts, ",", ".") if decimal == "," else texts


def _is_numeric(kind: pa.DataType) -> bool:
    types = pa.types
    tests = (types.is_integer, types.is_floating, types.is_decimal, types.is_boolean)
    return any(test(kind) for test in tests)


def plain(values: pa.Array) -> pa.Array:
    """A column without its dictionary."""
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values


def encoded(values: pa.Array) -> pa.DictionaryArray:
    """A column with a dictionary."""
    return values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
