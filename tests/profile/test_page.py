"""One customer's page: what it says, and that it says nothing that it does not know."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from regulars import Shop
from regulars.errors import NotEnoughError, NotFoundError
from regulars.profile import page, profiles
from regulars.profile.features import FEATURES
from regulars.profile.page import shown

NOW = datetime(2024, 7, 1, tzinfo=UTC)


def bought(customer: str, day: str, price: float) -> dict[str, Any]:
    return {
        "type": "order_completed", "customer_id": customer, "time": f"{day}T10:00:00Z", "order_id": f"{customer}{day}",
        "product_id": "tea", "unit_price": price,
    }  # fmt: skip


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, record: Callable[..., Any]) -> Shop:
    """Ada has two orders, a hundred days apart; Adam one; [red]bob[/] has a name that is also markup."""
    shop = Shop.create(tmp_path_factory.mktemp("page") / "shop")
    record(
        shop,
        bought("ada", "2024-03-02", 1000.0),
        bought("ada", "2024-06-10", 234.5),
        bought("adam", "2024-06-30", 3.0),
        bought("[red]bob[/]", "2024-06-30", 4.0),
    )
    return shop


def text(found: object) -> str:
    console = Console(width=120, color_system=None)
    with console.capture() as capture:
        console.print(found)
    return capture.get()


def test_the_page_says_who_this_is_in_sentences(small: Shop) -> None:
    found = page(small, "ada", NOW)
    assert found.stage == "active"
    # In a shop of three her spend is the highest: two in three have less, and ranks are rounded down to 5 %.
    assert found.sentences == (
        "This customer is active.",
        "2 orders in 121 days, the last 21 days ago.",
        "Spent 1,234.50 EUR in all, more than 65 % of customers.",
        "Usually orders every 100 days: not due yet.",
        "Buys at a discount: 100 % of lines.",
    )


def test_one_order_is_one_order(small: Shop) -> None:
    found = page(small, "adam", NOW)
    assert found.sentences[:2] == ("This customer is new.", "1 order in 1 day, the last 1 day ago.")


def test_a_feature_is_known_or_absent_with_its_reason_and_never_both(small: Shop) -> None:
    found = page(small, "adam", NOW)
    assert set(found.features) | set(found.absent) == {feature.name for feature in FEATURES}
    assert not set(found.features) & set(found.absent)
    assert found.absent["gap_mean_days"] == "too little is known of this customer yet"
    assert found.absent["searches"] == "the log has no products_searched events"


def test_the_page_shows_features_with_meaning_and_says_once_what_the_log_lacks(small: Shop) -> None:
    said = text(page(small, "ada", NOW))
    assert "days since the last order" in said
    assert said.count("products_searched events") == 1
    assert "ada, as of 2024-07-01 00:00 UTC" in said


def test_a_name_that_looks_like_markup_is_shown_as_it_is(small: Shop) -> None:
    assert "[red]bob[/], as of" in text(page(small, "[red]bob[/]", NOW))


def test_the_page_as_json_says_the_same(small: Shop) -> None:
    found = page(small, "ada", NOW)
    said = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert said["customer_id"] == "ada"
    assert said["as_of"] == NOW.isoformat()
    assert said["features"] == found.features
    assert said["sentences"] == list(found.sentences)


def test_the_page_is_as_of_its_moment(small: Shop) -> None:
    before = page(small, "ada", datetime(2024, 6, 10, 10, tzinfo=UTC))
    assert before.features["orders"] == 1
    assert page(small, "ada", NOW).features["orders"] == 2


def test_an_unknown_customer_is_refused_with_similar_ids(small: Shop) -> None:
    with pytest.raises(NotFoundError, match=r'no customer "adda" .*Similar ids: ada, adam'):
        page(small, "adda", NOW)


def test_a_customer_of_later_is_not_known_yet(small: Shop) -> None:
    with pytest.raises(NotFoundError, match=r'no customer "adam" with an event before 2024-06-01.*Similar ids: ada\.'):
        page(small, "adam", datetime(2024, 6, 1, tzinfo=UTC))


def test_profiles_of_all_are_one_row_a_customer_with_the_stage_first(small: Shop) -> None:
    table = profiles(small, NOW)
    assert table.column_names[:3] == ["customer_id", "stage", "orders"]
    assert dict(zip(table["customer_id"].to_pylist(), table["stage"].to_pylist(), strict=True)) == {
        "[red]bob[/]": "new", "ada": "active", "adam": "new",
    }  # fmt: skip
    with pytest.raises(NotEnoughError, match="no customer has an order before 2020"):
        profiles(small, datetime(2020, 1, 1, tzinfo=UTC))


def test_a_rhythm_learned_later_is_not_used_for_an_earlier_moment(tea_shop: Shop, tea_as_of: datetime) -> None:
    """Who asks for a day before the shop learned gets the measure of that day."""
    customer = tea_shop.customers(tea_as_of)["customer_id"][0].as_py()
    early = tea_as_of - timedelta(days=100)
    assert page(tea_shop, customer, early).features["tenure_days"] < 60


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [(0.256, "share", "26 %"), (1234.5, "money", "1,234.50"), (3.0, "orders", "3"), (2.5, "days", "2.50")],
)
def test_values_are_shown_as_people_read_them(value: float, unit: str, expected: str) -> None:
    assert shown(value, unit) == expected
