"""What tells who somebody is never leaves, comes back as it was, and other numbers stay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.language.pseudonyms import Pseudonyms


@pytest.mark.parametrize(
    "secret",
    [
        "ada@tea.example", "ada.lovelace+shop@mail.tea.co.uk", "+44 20 7946 0958", "13812345678", "138-1234-5678",
        "020 7946 0958", "(555) 123-4567", "#W2378156", "ORD-2024-0001", "4111 1111 1111 1111", "4111111111111111",
        "GB29NWBK60161331926819", "DE89 3704 0044 0532 0130 00", "123e4567-e89b-12d3-a456-426614174000", "987654321",
    ],
)  # fmt: skip
@pytest.mark.parametrize("around", ["{}", "It is {}.", "我的是{}，谢谢", "({})", "a {}, b", "See {}!"])
def test_addresses_numbers_and_ids_are_found(secret: str, around: str) -> None:
    hidden = Pseudonyms()
    text = around.format(secret)
    sent = hidden.hide(text)
    assert secret not in sent
    assert not [
        digits for digits in ("7946", "1234", "4111", "NWBK", "3704", "e89b", "0001", "2378156") if digits in sent
    ]
    assert hidden.restore(sent) == text


@pytest.mark.parametrize(
    "text",
    [
        "30 days",
        "£1,299.00",
        "2024-05-01",
        "10.5 %",
        "19:30",
        "1,000,000 customers",
        "3 for 2",
        "A4",
        "12345",
        "5/6 years",
        "100%",
        "1299.00 EUR",
    ],
)
def test_prices_dates_and_counts_stay(text: str) -> None:
    assert Pseudonyms().hide(text) == text


def test_known_names_are_hidden_in_any_case_and_in_chinese() -> None:
    hidden = Pseudonyms({"NAME": ["Ada Lovelace", "李小龙"], "ID": ["C42"], "ADDRESS": ["1 Tea Lane, Leeds"]})
    sent = hidden.hide("ADA LOVELACE (李小龙先生, c42) of 1 tea lane, leeds; Adam stays")
    assert sent == "[NAME_1] ([NAME_2]先生, [ID_1]) of [ADDRESS_1]; Adam stays"
    assert hidden.restore(sent) == "ADA LOVELACE (李小龙先生, c42) of 1 tea lane, leeds; Adam stays"


def test_the_same_has_the_same_pseudonym_through_a_conversation() -> None:
    hidden = Pseudonyms()
    assert hidden.hide("a@tea.example b@tea.example") == "[EMAIL_1] [EMAIL_2]"
    assert hidden.hide("b@tea.example") == "[EMAIL_2]"


def test_nobody_can_write_a_pseudonym() -> None:
    hidden = Pseudonyms()
    hidden.hide("a@tea.example")
    assert hidden.restore(hidden.hide("[EMAIL_1]")) == "(EMAIL_1)"


@given(st.text(max_size=200), st.lists(st.text("abAB 李-", min_size=2, max_size=8), max_size=3))
def test_what_was_hidden_comes_back(text: str, names: list[str]) -> None:
    hidden = Pseudonyms({"NAME": names})
    text = text.replace("[", "(")
    assert hidden.restore(hidden.hide(text)) == text


def test_long_texts_of_digits_take_no_time() -> None:
    for text in (
        "1" * 20_000,
        "1 " * 10_000,
        "a@" * 10_000,
        "a." * 10_000,
        "+1(" * 5_000,
        "AB12 " * 4_000,
        "A-" * 10_000,
    ):
        Pseudonyms({"NAME": ["a b"]}).hide(text)
