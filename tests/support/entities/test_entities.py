"""What a message names, in English and Chinese."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.support.entities import (
    addresses,
    amounts,
    cleaned,
    days,
    identity_in,
    order_numbers,
    payments,
    products_named,
)
from regulars.support.entities.options import narrowed, options_in
from regulars.support.entities.product_names import MOST
from regulars.support.order import PaymentMethod, Variant

KNOWN = ["#W1234567", "#W7654321"]
WAYS = [
    PaymentMethod(id="credit_card_1", source="credit_card", brand="visa", last_four="9212"),
    PaymentMethod(id="gift_card_2", source="gift_card"),
    PaymentMethod(id="paypal_3", source="paypal"),
]


@given(st.text(max_size=300))
def test_whatever_is_read_nothing_fails_and_places_are_in_the_text(text: str) -> None:
    said = cleaned(text)
    assert cleaned(said) == said
    said.encode()
    identity_in(said)
    for found in (
        order_numbers(said, KNOWN), payments(said, WAYS), products_named(said, ["Desk Lamp", "茶壶"]), addresses(said),
        amounts(said), days(said, date(2024, 5, 1)),
    ):  # fmt: skip
        assert all(0 <= one.start < one.end <= len(said) for one in found)  # type: ignore[attr-defined]


@pytest.mark.parametrize("said", ["#W1234567", "w1234567", "1234567", "订单W1234567的", "order #W1234567, please"])
def test_an_order_is_found_however_its_number_is_written(said: str) -> None:
    assert [one.order_id for one in order_numbers(cleaned(said), KNOWN)] == ["#W1234567"]


def test_what_looks_like_an_order_but_is_none_is_told_apart() -> None:
    assert [(one.order_id, one.is_known) for one in order_numbers("#W0000000 and 99999", KNOWN)] == [
        ("#W0000000", False)
    ]


@pytest.mark.parametrize(
    ("said", "ids"),
    [
        ("credit_card_1", "credit_card_1"), ("my Visa", "credit_card_1"), ("the card ending in 9212", "credit_card_1"),
        ("礼品卡", "gift_card_2"), ("gift cards", "gift_card_2"), ("Pay Pal account", "paypal_3"), ("尾号9212", "credit_card_1"),
    ],
)  # fmt: skip
def test_a_payment_method_is_found_by_what_people_call_it(said: str, ids: str) -> None:
    assert [one.ids for one in payments(said, WAYS)] == [(ids,)]


def test_a_payment_method_that_the_customer_does_not_have_is_none_of_theirs() -> None:
    assert [one.ids for one in payments("credit_card_999 or amex", WAYS)] == [(), ()]


@pytest.mark.parametrize("said", ["原路退回", "the original payment method", "the card I used", "same payment method"])
def test_the_original_payment_method_is_meant(said: str) -> None:
    assert payments(said, WAYS)[0].is_original


@pytest.mark.parametrize(
    ("said", "street", "zip_code"),
    [
        ("ship it to 12 Oak Street, Suite 4, Denver, CO 80279, USA", "12 Oak Street", "80279"),
        ("change to 9 N. Lake Shore Dr., Chicago, IL 60611", "9 N. Lake Shore Dr.", "60611"),
        ("{'address1': '12 Oak Street', 'address2': 'Suite 4', 'city': 'Denver', 'state': 'CO', 'zip': '80279'}", "12 Oak Street", "80279"),
    ],
)  # fmt: skip
def test_an_address_is_found(said: str, street: str, zip_code: str) -> None:
    found = addresses(said)
    assert [(one.address.address1, one.address.zip) for one in found] == [(street, zip_code)]


@pytest.mark.parametrize("said", ["please cancel 2 of them", "I ordered 3 lamps on the road", "改成红色的"])
def test_no_address_where_there_is_none(said: str) -> None:
    assert addresses(said) == []


def test_amounts_and_days() -> None:
    assert [one.amount for one in amounts("$1,250.50, 20元 and 3 lamps, #W1234567")] == [
        Decimal("1250.50"),
        Decimal(20),
    ]
    assert [one.day for one in days("昨天, 2024-02-30, Feb 29th 2024", date(2024, 5, 1))] == [
        date(2024, 4, 30),
        date(2024, 2, 29),
    ]


@pytest.mark.parametrize(
    ("said", "name", "zip_code", "email"),
    [
        ("My name is Ada Lovelace and my zip code is 78762.", "Ada Lovelace", "78762", ""),
        ("I am Ada Lovelace, living in 78762", "Ada Lovelace", "78762", ""),
        ("You are Ada Lovelace in 78762. You are kind and want a lamp.", "Ada Lovelace", "78762", ""),
        ("i am ada lovelace, zip 78762", "ada lovelace", "78762", ""),
        ("I am looking for my order, in a hurry", "", "", ""),
        ("Ada Lovelace 78762", "Ada Lovelace", "78762", ""),
        ("it is ADA@example.com!", "", "", "ADA@example.com"),
        ("我叫王小明,邮编是100081", "王小明", "100081", ""),
    ],
)
def test_who_it_is(said: str, name: str, zip_code: str, email: str) -> None:
    found = identity_in(said)
    assert (found.name, found.zip_code, found.email) == (name, zip_code, email)


def items(*rows: dict[str, str]) -> list[Variant]:
    return [Variant(item_id=str(place), options=row, price=10 + place) for place, row in enumerate(rows)]


SHIRTS = items(
    {"color": "red", "size": "M", "style": "v-neck"}, {"color": "red", "size": "L", "style": "v-neck"},
    {"color": "space grey", "size": "L", "style": "crew neck"}, {"color": "red", "size": "XL", "style": "crew neck"},
)  # fmt: skip


@pytest.mark.parametrize(
    ("said", "options"),
    [
        ("a large one", {"size": "L"}), ("size XL", {"size": "XL"}), ("in L", {"size": "L"}), ("extra large", {"size": "XL"}),
        ("{'size': 'M'}", {"size": "M"}), ("space gray", {"color": "space grey"}), ("V neck, it's red", {"style": "v-neck", "color": "red"}),
        ("I'm well", {}), ("a small one", {}), ("颜色换成red的", {"color": "red"}),
    ],
)  # fmt: skip
def test_options_are_found_by_their_values(said: str, options: dict[str, str]) -> None:
    assert options_in(said, SHIRTS).options == options


BOTTLES = items(
    {"capacity": "500ml", "waterproof": "no"}, {"capacity": "1.5L", "waterproof": "yes"}, {"capacity": "750ml", "waterproof": "yes"},
)  # fmt: skip


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("a bigger one", ["2", "1"]), ("the biggest", ["1"]), ("not waterproof", ["0"]), ("a waterproof one", ["1", "2"]),
        ("cheaper", []), ("more expensive and bigger than this, but 750 ml", ["2"]), ("更大的", ["1", "2"]),
    ],
)  # fmt: skip
def test_more_or_less_of_something_is_measured(said: str, found: list[str]) -> None:
    fitting = narrowed(options_in(said, BOTTLES), BOTTLES[0], BOTTLES)
    assert sorted(one.item_id for one in fitting) == sorted(found)


def test_what_is_not_spoken_of_stays_as_it_is() -> None:
    assert [one.item_id for one in narrowed(options_in("in size L", SHIRTS), SHIRTS[0], SHIRTS)] == ["1"]


def test_the_longest_name_wins_and_several_may_be_meant() -> None:
    names = ["Desk Lamp", "Lamp Shade", "Tea Kettle", "Electric Kettle", "Vacuum Cleaner", "Bookshelf", "陶瓷茶壶"]
    found = [one.names for one in products_named("lamp shades, the kettle, my vacuum, both bookshelves, 茶壶", names)]
    assert found == [
        ("Lamp Shade",),
        ("Electric Kettle", "Tea Kettle"),
        ("Vacuum Cleaner",),
        ("Bookshelf",),
        ("陶瓷茶壶",),
    ]


def test_of_thousands_of_products_named_some_are_heeded() -> None:
    assert len(products_named("the lamp, the kettle, " * 2_000, ["Desk Lamp", "Tea Kettle"])) == MOST
