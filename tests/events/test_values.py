"""Cells to numbers, money and text, and above all what is none."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.events.values import to_money, to_number, to_text


def number(cell: object, decimal: str = ".") -> float | str | None:
    """The number, None where nothing stands, "?" where none can be read."""
    values, unreadable = to_number(pa.array([cell]), decimal)
    return "?" if unreadable is not None and unreadable[0].as_py() else values[0].as_py()


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2.55", 2.55),
        (" -7 ", -7.0),
        ("(12.50)", -12.5),
        ("1,234,567.5", 1234567.5),
        ("£1,234.50", 1234.5),
        ("-€3", -3.0),
        ("12.5元", 12.5),
        ("CNY 12.5", 12.5),
        ("1\u00a0234", 1234.0),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("", None),
        ("N/A", None),
        ("NaN", "?"),
        ("inf", "?"),
        ("-Infinity", "?"),
        ("1e999", "?"),
        ("1,5", "?"),
        ("1,2345", "?"),
        ("1.2.3", "?"),
        ("12 apples", "?"),
        ("1e15", "?"),
        (float("nan"), "?"),
        (float("inf"), "?"),
        (3, 3.0),
        (True, 1.0),
        (Decimal("2.50"), 2.5),
    ],
)
def test_a_number(cell, expected):
    assert number(cell) == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("2,55", 2.55), ("1.234,50", 1234.5), ("1.234", 1234.0), ("1.5", 1.5), ("1,234,5", "?"), ("-0,5", -0.5)],
)
def test_a_number_with_a_decimal_comma(cell, expected):
    assert number(cell, ",") == expected


def money(cell: object) -> Decimal | str | None:
    values, unreadable = to_money(pa.array([cell]))
    return "?" if unreadable is not None and unreadable[0].as_py() else values[0].as_py()


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("9.99", Decimal("9.9900")),
        (9.99, Decimal("9.9900")),
        ("0.00005", Decimal("0.0000")),
        ("0.00016", Decimal("0.0002")),
        ("-3", Decimal("-3.0000")),
        (Decimal("1.23456"), Decimal("1.2346")),
        ("99999999999999", Decimal("99999999999999.0000")),
        ("100000000000000", "?"),
        ("nan", "?"),
        ("", None),
    ],
)
def test_money_has_four_digits(cell, expected):
    assert money(cell) == expected


@given(st.integers(-(10**12), 10**12))
def test_money_of_any_cents_is_exact(cents):
    assert money(f"{cents // 100}.{cents % 100:02d}" if cents >= 0 else f"-{-cents / 100:.2f}") == Decimal(cents) / 100


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("  tea ", "tea"),
        ("17850.0", "17850"),
        (17850.0, "17850"),
        (17850, "17850"),
        (1.5, "1.5"),
        (float("nan"), None),
        ("nan", None),
        ("null", None),
        ("\u3000茶\u3000", "茶"),
        ("1.00", "1.00"),
    ],
)
def test_text(cell, expected):
    assert to_text(pa.array([cell])).values.to_pylist() == [expected]


@given(st.lists(st.sampled_from(["1", " 1", "1.0", "", "x", None, "2,000", "nan"])))
def test_a_dictionary_gives_what_its_plain_column_gives(cells):
    plain = pa.array(cells, pa.string())
    for read in (to_text, to_number, to_money):
        expected, given_ = read(plain), read(plain.dictionary_encode())
        assert given_.values.to_pylist() == expected.values.to_pylist()
        if expected.unreadable is not None:
            assert given_.unreadable.to_pylist() == expected.unreadable.to_pylist()


@pytest.mark.parametrize(
    ("kind", "text", "money"),
    [
        (pa.decimal128(38, 18), "0.333333333333333333", "0.3333"),
        (pa.decimal256(60, 30), "12.5", "12.5000"),
        (pa.decimal128(38, 2), "123456789012345678901234.00", None),
    ],
)
def test_a_typed_amount_is_rounded_or_refused_whatever_its_precision(kind, text, money):
    values, unreadable = to_money(pa.array([Decimal(text), None], kind))
    assert [None if one is None else str(one) for one in values.to_pylist()] == [money, None]
    assert pc.fill_null(unreadable, False).to_pylist() == [money is None, False]


def test_a_number_too_large_for_an_integer_is_a_text_of_its_own():
    assert to_text(pa.array([1e20, 17850.0])).values.to_pylist() == ["1e+20", "17850"]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("1,00,000.50", 100000.5), ("12,34,567", 1234567.0), ("1\u2019234.50", 1234.5), ("\u22122", -2.0), ("2.50-", -2.5),
        ("CHF 4.50", 4.5), ("₹4.50", 4.5), ("R$ 4.50", 4.5), ("US$4.50", 4.5), ("4.50 kr", 4.5), ("-$4.50", -4.5),
        ("1,5", None), ("1,23", None), ("12-34", None), ("4.50 kg", None), ("--2", None),
    ],
)  # fmt: skip
def test_amounts_as_they_are_written_in_many_places(cell, expected):
    assert to_number(pa.array([cell])).values.to_pylist() == [expected]
