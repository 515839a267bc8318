"""One customer's page: what it says, what it rests on, and that it says nothing that it does not know."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from regulars import Shop
from regulars.errors import InputError, NotEnoughError, NotFoundError
from regulars.profile import Page, page, profiles, showing, verify
from regulars.profile.base import Base, Sample
from regulars.profile.features import FEATURES
from regulars.profile.labels import LABELS_ZH
from regulars.profile.measure import measure_in_use
from regulars.units import shown

NOW = datetime(2024, 7, 1, tzinfo=UTC)
GetPage = Callable[..., Page]


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


@pytest.fixture(scope="module")
def ada(small: Shop) -> Page:
    return page(small, "ada", NOW)


def text(found: object) -> str:
    console = Console(width=160, color_system=None)
    with console.capture() as capture:
        console.print(found)
    return capture.get()


def test_the_page_says_who_this_is_in_sentences(ada: Page) -> None:
    assert ada.stage == "active"
    # In a shop of three her spend is the highest: two in three have less, and ranks are rounded down to 5 %.
    assert ada.sentences == (
        "This customer is active.",
        "2 orders in 121 days, the last 21 days ago.",
        "Spent 1,234.50 EUR in all, more than 65 % of customers.",
        "Usually orders every 100 days: not due yet.",
        "Buys at a discount: 100 % of lines.",
    )


def test_a_feature_is_known_or_absent_with_its_reason_and_never_both(lamp_page: GetPage) -> None:
    found = lamp_page("[red]looker[/]")
    assert set(found.features) | set(found.absent) == {feature.name for feature in FEATURES}
    assert not set(found.features) & set(found.absent)
    assert found.absent["gap_mean_days"] == "too little is known of this customer yet"
    assert found.absent["searches"] == "the log has no products_searched events"


def test_the_page_shows_features_with_meaning_and_says_once_what_the_log_lacks(ada: Page) -> None:
    said = text(ada)
    assert "days since the last order" in said
    assert said.count("products_searched events") == 1
    assert "ada, as of 2024-07-01 00:00 UTC" in said
    assert "next order: the shop needs 20 customers with orders on two days; has 1" in said


def test_a_name_that_looks_like_markup_is_shown_as_it_is(lamp_page: GetPage) -> None:
    assert "[red]looker[/], as of" in text(lamp_page("[red]looker[/]"))


def test_an_unknown_customer_is_refused_with_similar_ids(small: Shop) -> None:
    with pytest.raises(NotFoundError, match=r'no customer "adda" .*Similar ids: ada, adam'):
        page(small, "adda", NOW)


def test_a_customer_of_later_is_not_known_yet(small: Shop) -> None:
    with pytest.raises(NotFoundError, match=r'no customer "adam" with an event before 2024-06-01.*Similar ids: ada\.'):
        page(small, "adam", datetime(2024, 6, 1, tzinfo=UTC))


def test_a_language_that_there_is_not_is_refused(small: Shop) -> None:
    with pytest.raises(InputError, match=r'no language "fr"\. There are: en, zh'):
        page(small, "ada", NOW, language="fr")


def test_profiles_of_all_are_one_row_a_customer_with_the_stage_first(small: Shop) -> None:
    table = profiles(small, NOW)
    assert table.column_names[:3] == ["customer_id", "stage", "orders"]
    assert dict(zip(table["customer_id"].to_pylist(), table["stage"].to_pylist(), strict=True)) == {
        "[red]bob[/]": "new", "ada": "active", "adam": "new",
    }  # fmt: skip
    with pytest.raises(NotEnoughError, match="no customer has an order before 2020"):
        profiles(small, datetime(2020, 1, 1, tzinfo=UTC))


def test_a_customer_of_habits_is_told_by_them(lamp_page: GetPage) -> None:
    gina = lamp_page("gina")
    about = {sentence.about: sentence.text for sentence in gina.said}
    assert about["category"].startswith("Likes Garden: ")
    assert about["brand"].startswith("Chooses Oak: ")
    assert about["pays_less"].endswith(" less than others in the same categories.")
    assert about["below_list"].startswith("Buys below list price: ")
    assert about["hour"].startswith("Most often active from 18:00 to 21:00: ")
    assert about["channel"].startswith("Comes most often through app: ")
    assert about["next_category"].startswith("Will most likely choose Garden next: ")
    # Told by list prices, not by what products cost before as well.
    assert "discounts" not in about
    known = gina.known
    assert known.sensitivity == "high"
    # She orders every twenty days, and did so seventeen days ago.
    assert known.next_order is not None
    assert known.next_order.earliest < NOW + timedelta(days=3) < known.next_order.latest


def test_each_sentence_rests_on_events_that_can_be_looked_up(lamp_page: GetPage) -> None:
    gina = lamp_page("gina")
    assert all(sentence.evidence is not None for sentence in gina.said)
    by_about = {sentence.about: sentence for sentence in gina.said}
    orders = by_about["orders"].evidence
    assert orders is not None
    assert (orders.events, f"{orders.first:%Y-%m-%d}", f"{orders.last:%Y-%m-%d}") == (9, "2024-01-05", "2024-06-13")
    assert len(orders.newest) == 3
    # One look at a cup is no choice of plants.
    category = by_about["category"].evidence
    assert category is not None
    assert category.events == 9


def test_what_the_page_says_is_in_its_facts(lamp_page: GetPage) -> None:
    gina = lamp_page("gina")
    for sentence in (*gina.said, *gina.changes):
        assert verify(sentence.text, gina.facts) == (), sentence.text


def test_what_changed_in_the_last_thirty_days_is_told(lamp_page: GetPage) -> None:
    changes = [sentence.text for sentence in lamp_page("gina").changes]
    assert "1 order in the last 30 days, 2 orders in the 30 days before." in changes
    assert "Chose Kitchen for the first time in the last 30 days." in changes


def test_the_history_grows_month_by_month(lamp_page: GetPage) -> None:
    history = lamp_page("gina").history
    assert [row["as_of"][:10] for row in history] == [f"2024-{month:02d}-01" for month in range(2, 8)]
    assert [row["orders"] for row in history] == [2, 3, 5, 6, 8, 9]
    assert all(row["stage"] for row in history)


def test_a_customer_known_by_views_alone_is_a_prospect_with_interests(lamp_page: GetPage) -> None:
    looker = lamp_page("[red]looker[/]")
    assert looker.stage == "prospect"
    assert looker.known.interests["category"][0].name == "Garden"
    assert looker.known.interests["category"][0].orders == 0
    assert looker.untold["next_order"] == "needs 2 days with an order; has 0"
    assert looker.untold["changes"] == "needs 30 days since the first event; has 4"
    assert looker.changes == ()
    assert looker.quality is not None
    assert looker.quality.known < 0.3
    assert looker.quality.missing[0] == "orders"


@pytest.mark.parametrize("customer", ["shy", "erased"])
def test_of_who_objected_nothing_but_that_is_shown(lamp_shop: Shop, lamp_page: GetPage, customer: str) -> None:
    """Of an erased customer nothing is left but the objection that keeps it away."""
    found = lamp_page(customer)
    assert found.sentences == ("Does not want to be profiled: no decision is made about this customer.",)
    assert set(found.to_dict()) == {"customer_id", "as_of", "language", "stage", "sentences", "said"}
    assert found.to_dict()["stage"] is None
    assert "days since the last order" not in text(found)
    assert page(lamp_shop, customer, NOW, language="zh").sentences == ("不愿被画像：不会对这位顾客作任何决定。",)


def test_the_page_as_json_says_the_same(lamp_page: GetPage) -> None:
    found = lamp_page("gina")
    said = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert said["sentences"] == list(found.sentences)
    assert said["features"] == found.features
    assert said["said"][1]["facts"] == {"orders": 9.0, "tenure": 177.2049, "recency": 17.2049}
    assert said["said"][1]["rests_on"]["events"] == 9
    assert said["known"]["interests"]["category"][0]["name"] == "Garden"
    assert said["known"]["next_order"]["pauses"] == 8
    assert said["quality"]["missing"] == []


def test_the_page_on_a_terminal_says_how_sure_it_is_and_what_it_rests_on(lamp_page: GetPage) -> None:
    said = text(lamp_page("gina"))
    assert "9 orders in 177 days, the last 17 days ago.  " in said
    assert "9 events, the last 2024-06-13" in said
    assert "9 orders, 9 occasions" in said
    assert "preferred weekday" in said
    assert "no preference" in said
    in_chinese = text(replace(lamp_page("gina"), language="zh"))
    assert "偏好星期" in in_chinese
    assert "无偏好" in in_chinese
    assert "9个订单，9次选择" in in_chinese
    # No heading that the code shows is without its Chinese.
    labels = set(re.findall(r'label\("([^"]+)"', Path(showing.__file__).read_text("utf-8")))
    assert labels - set(LABELS_ZH) == set()


def test_a_writer_is_believed_only_as_far_as_the_facts_go(lamp_page: GetPage) -> None:
    gina = lamp_page("gina")
    assert gina.reworded(lambda request: "A lover of Garden with nine orders.") == "A lover of Garden with nine orders."
    told = " ".join(gina.sentences)
    assert gina.reworded(lambda request: "A lover of Garden with twelve orders.") == told
    assert gina.reworded(lambda request: "") == told


def test_what_the_shop_is_like_goes_round_through_json(lamp_shop: Shop) -> None:
    base = measure_in_use(lamp_shop, NOW).base
    assert Base.from_dict(json.loads(json.dumps(base.to_dict()))) == base
    assert set(base.kinds["category"].share) == {"Garden", "Kitchen", "Lamps"}
    assert Base.of(lamp_shop, Sample.of(lamp_shop, datetime(2020, 1, 1, tzinfo=UTC))) == Base()


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [(0.256, "share", "26 %"), (1234.5, "money", "1,234.50"), (3.0, "orders", "3"), (2.5, "days", "2.50")],
)
def test_values_are_shown_as_people_read_them(value: float, unit: str, expected: str) -> None:
    assert shown(value, unit) == expected
