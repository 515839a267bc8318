"""Features against answers worked out by hand, on a log that fits in the head."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars import Shop
from regulars.config import ShopSettings
from regulars.customers import Identities
from regulars.engine import Engine
from regulars.events.schema import CATALOGUE, EVENTS, TIME
from regulars.profile.dataset import absent, compute, features_as_of
from regulars.profile.features import FEATURES

Row = dict[str, Any]

NOW = datetime(2024, 7, 1, 11, 30, tzinfo=UTC)
TEA = {"product_id": "tea", "category": "drink", "brand": "Nord"}
CUP = {"product_id": "cup", "category": "ware", "brand": "Nord"}
JAM = {"product_id": "jam"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def happened(kind: str, customer: str, time: str, **more: Any) -> Row:
    return {"type": kind, "customer_id": customer, "time": at(time).isoformat(), **more}


def line(customer: str, order: str, time: str, product: Row, price: float, quantity: float = 1, **more: Any) -> Row:
    paid = {"unit_price": price, "quantity": quantity, "order_id": order}
    return happened("order_completed", customer, time, **product, **paid, **more)


# Ada: three orders, sixty and ninety-one days apart, the last thirty days before NOW. All at 11:30 in
# Greenwich; in June that is 12:30 in London. 2 January was a Tuesday, 2 March and 1 June Saturdays.
ADA = [
    line("ada", "a1", "2024-01-02 11:30", TEA, 10.0),
    line("ada", "a1", "2024-01-02 11:30", CUP, 5.0, 2),
    line("ada", "a2", "2024-03-02 11:30", TEA, 8.0),
    line("ada", "a3", "2024-06-01 11:30", TEA, 9.0),
    line("ada", "a3", "2024-06-01 11:30", CUP, 5.0),
    happened("order_refunded", "ada", "2024-06-11 11:30", **CUP, order_id="a3", unit_price=5.0, quantity=1),
]
# Bob never bought. Carl: a visit with a filled cart and no order, one with an order, one only to look.
BOB = [happened("product_viewed", "bob", "2024-06-26 11:30", **JAM)]
CARL = [
    happened("product_viewed", "carl", "2024-05-01 10:00", **JAM, session_id="s1", channel="web", device_id="phone"),
    happened("product_viewed", "carl", "2024-05-01 10:01", **CUP, session_id="s1", channel="web", device_id="phone"),
    happened("product_added", "carl", "2024-05-01 10:02", **JAM, session_id="s1", channel="web", device_id="phone"),
    happened("product_added", "carl", "2024-06-21 11:30", **JAM, session_id="s2", channel="app", device_id="phone"),
    line("carl", "c1", "2024-06-21 11:31", JAM, 3.0, session_id="s2", channel="web", device_id="desk"),
    happened("product_removed", "carl", "2024-06-21 11:32", **JAM),
    happened("product_viewed", "carl", "2024-06-26 11:30", **JAM, session_id="s3"),
    happened("product_viewed", "carl", "2024-06-29 11:30", **JAM, session_id="s3"),
    happened("products_searched", "carl", "2024-06-15 10:00"),
    happened("products_searched", "carl", "2024-04-15 10:00"),
    *(happened("message_sent", "carl", f"2024-06-0{day} 10:00") for day in (1, 2, 3, 4)),
    happened("message_sent", "carl", "2024-01-01 10:00"),
    happened("message_opened", "carl", "2024-06-21 11:30"),
    happened("message_clicked", "carl", "2024-06-21 11:30"),
    happened("support_asked", "carl", "2024-02-01 10:00"),
    happened("support_asked", "carl", "2024-06-21 11:30"),
]


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory, record: Callable[..., Any]) -> Shop:
    """Ada, Bob and Carl, in a shop in London."""
    shop = Shop.create(tmp_path_factory.mktemp("three") / "shop", ShopSettings(timezone="Europe/London"))
    record(shop, *ADA, *BOB, *CARL)
    return shop


def ask(shop: Shop, *pairs: tuple[str, datetime]) -> list[Row]:
    who, when = zip(*pairs, strict=True)
    table = pa.table({"customer_id": pa.array(who), "as_of": pa.array(when, TIME)})
    return features_as_of(shop, table).to_pylist()


@pytest.fixture(scope="module")
def as_of_now(three: Shop) -> dict[str, Row]:
    return {row["customer_id"]: row for row in ask(three, *((who, NOW) for who in ("ada", "bob", "carl")))}


ENTROPY_3_2 = -(0.6 * math.log(0.6) + 0.4 * math.log(0.4))
ENTROPY_1_2 = -(1 / 3 * math.log(1 / 3) + 2 / 3 * math.log(2 / 3))


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        ("orders", 3), ("orders_7d", 0), ("orders_30d", 1), ("orders_60d", 1), ("orders_90d", 1),
        ("orders_180d", 2), ("orders_365d", 3), ("orders_previous_90d", 1),
        ("spend", 42), ("spend_30d", 14), ("spend_90d", 14), ("spend_180d", 22), ("spend_365d", 42),
        ("spend_previous_90d", 8),
        ("order_value_mean", 14), ("order_value_highest", 20), ("order_value_last", 14),
        ("order_value_spread", math.sqrt(24) / 14),
        ("recency_days", 30), ("tenure_days", 181), ("orders_per_month", 3 / (181 / 30.4375)),
        ("gap_mean_days", 75.5), ("gap_spread_days", 15.5), ("gap_regularity", 15.5 / 75.5),
        ("gap_longest_days", 91), ("gap_last_days", 91), ("overdue", 30 / 75.5),
        ("order_days", 3), ("order_months", 3), ("order_months_365d", 3),
        ("lines_mean", 5 / 3), ("lines_last", 2), ("units_mean", 2), ("units_highest", 3), ("single_line_share", 1 / 3),
        ("price_mean", 7.4), ("price_highest", 10), ("price_spread", math.sqrt(4.24) / 7.4),
        # Tea was 10, so 8 is a discount; then 9 was usual. The cup was 5 and is 5.
        ("price_level", (0.8 + 1 + 1) / 3), ("discount_share", 1 / 3),
        ("morning_share", 2 / 3), ("afternoon_share", 1 / 3), ("evening_share", 0), ("hour_mean", (11 + 11 + 12) / 3),
        ("weekend_share", 2 / 3), ("weekday_entropy", ENTROPY_1_2 / math.log(7)),
        ("products", 2), ("product_top_share", 0.6), ("product_entropy", ENTROPY_3_2), ("product_repeat_share", 0.6),
        ("products_90d", 2),
        ("categories", 2), ("category_top_share", 0.6), ("category_entropy", ENTROPY_3_2), ("categories_90d", 2),
        ("brands", 1), ("brand_top_share", 1), ("brand_entropy", 0),
        ("refunds", 1), ("refunds_90d", 1), ("refunded", 5), ("refund_recency_days", 20),
    ],
)  # fmt: skip
def test_orders_of_ada(as_of_now: dict[str, Row], feature: str, expected: float) -> None:
    assert as_of_now["ada"][feature] == pytest.approx(expected, abs=6e-5)


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        ("views", 4), ("views_30d", 2), ("views_7d", 2), ("viewed_products", 2), ("view_recency_days", 2),
        ("cart_adds", 2), ("cart_adds_30d", 1), ("cart_recency_days", 10), ("cart_remove_share", 0.5),
        ("view_to_cart_share", 0.5),
        ("sessions", 3), ("sessions_30d", 2), ("session_recency_days", 2), ("session_events_mean", 7 / 3),
        ("cart_abandonment", 0.5),
        ("searches", 2), ("searches_30d", 1),
        ("messages_90d", 4), ("message_open_share", 0.2), ("message_click_share", 0.2),
        ("message_open_recency_days", 10),
        ("support_contacts", 2), ("support_contacts_90d", 1), ("support_recency_days", 10),
        ("channels", 2), ("channel_top_share", 0.8), ("devices", 2), ("device_top_share", 0.8),
        ("orders", 1), ("gap_mean_days", None), ("gap_last_days", None), ("overdue", None),
        ("price_level", None), ("discount_share", None), ("refunds", 0), ("refund_recency_days", None),
    ],
)  # fmt: skip
def test_visits_of_carl(as_of_now: dict[str, Row], feature: str, expected: float | None) -> None:
    found = as_of_now["carl"][feature]
    assert found == (expected if expected is None else pytest.approx(expected, abs=6e-5))


def test_who_never_bought_has_zero_orders_and_no_average(as_of_now: dict[str, Row]) -> None:
    bob = as_of_now["bob"]
    assert (bob["orders"], bob["spend"], bob["spend_30d"], bob["products"]) == (0, 0, 0, 0)
    nothing_to_say = ["order_value_mean", "recency_days", "tenure_days", "overdue", "price_mean", "weekend_share"]
    assert [bob[name] for name in nothing_to_say] == [None] * 6


def test_an_event_at_the_as_of_time_is_not_yet_known(three: Shop) -> None:
    moment = at("2024-03-02 11:30")
    earlier, later = ask(three, ("ada", moment), ("ada", moment + timedelta(microseconds=1)))
    assert (earlier["orders"], later["orders"]) == (1, 2)
    assert (earlier["recency_days"], later["recency_days"]) == (60, 0)


def test_a_feature_is_absent_before_its_evidence_begins_and_never_zero(three: Shop) -> None:
    """The log's first search is of 15 April, its first refund of 11 June."""
    rows = ask(three, *(("ada", at(day)) for day in ("2024-04-01", "2024-04-16", "2024-07-01")))
    assert [row["searches"] for row in rows] == [None, 0, 0]
    assert [row["refunds"] for row in rows] == [None, None, 1]


def test_a_feature_that_the_log_never_had_evidence_for_is_no_column(three: Shop) -> None:
    (row,) = ask(three, ("ada", NOW))
    assert "reviews" not in row
    assert absent(three, NOW)["reviews"] == "reviews"


def test_many_moments_of_one_customer_come_back_in_the_order_asked(three: Shop) -> None:
    asked = [("ada", at("2024-06-02")), ("carl", NOW), ("ada", at("2024-01-03")), ("nobody", NOW), ("ada", NOW)]
    rows = ask(three, *asked)
    assert [(row["customer_id"], row["as_of"]) for row in rows] == asked
    assert [row["orders"] for row in rows] == [3, 1, 1, 0, 3]


def test_features_of_one_customer_do_not_depend_on_who_else_is_asked_for(
    three: Shop, as_of_now: dict[str, Row]
) -> None:
    (alone,) = ask(three, ("ada", NOW))
    assert alone == as_of_now["ada"]


def test_many_customers_at_one_moment_take_another_way_to_the_same_features(
    three: Shop, as_of_now: dict[str, Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regulars.profile.dataset.MANY", 1)
    rows = ask(three, *((who, NOW) for who in ("carl", "ada", "nobody", "ada", "bob")))
    assert [row["customer_id"] for row in rows] == ["carl", "ada", "nobody", "ada", "bob"]
    for row in rows:
        assert row["orders"] == 0 if row["customer_id"] == "nobody" else row == as_of_now[row["customer_id"]]
    # An event at the moment is not known by this way either.
    moment = at("2024-03-02 11:30")
    assert [row["orders"] for row in ask(three, ("ada", moment), ("bob", moment))] == [1, 0]


def test_no_pairs_give_no_rows(three: Shop) -> None:
    pairs = pa.table({"customer_id": pa.array([], pa.string()), "as_of": pa.array([], TIME)})
    assert features_as_of(three, pairs).num_rows == 0


def test_guests_are_no_customers(shop: Shop, record: Callable[..., Any]) -> None:
    guest = {**line("", "g1", "2024-06-01 11:30", JAM, 100.0), "customer_id": None}
    record(shop, line("ada", "a1", "2024-06-01 11:30", JAM, 3.0), guest)
    assert shop.customers(NOW)["customer_id"].to_pylist() == ["ada"]
    (row,) = ask(shop, ("ada", NOW))
    assert row["spend"] == 3


def test_there_are_a_hundred_features_each_with_a_name_of_its_own() -> None:
    assert len({feature.name for feature in FEATURES}) == len(FEATURES) == 100


def test_a_shop_that_records_everything_has_all_features_with_their_meaning(
    tea_shop: Shop, tea_as_of: datetime
) -> None:
    table = tea_shop.tables.of("profile", tea_shop.customers(tea_as_of))
    assert table.column_names == ["customer_id", "as_of", *(feature.name for feature in FEATURES)]
    for feature in FEATURES:
        metadata = table.schema.field(feature.name).metadata
        assert metadata[b"meaning"].decode() == feature.meaning
        assert metadata[b"unit"].decode() == feature.unit
        assert metadata.get(b"window_days") == (feature.window_days and str(feature.window_days).encode())
        assert table[feature.name].null_count < table.num_rows, f"{feature.name} is absent for all"


# A second way to the same numbers: plain Python over a list.

START = datetime(2024, 1, 1, tzinfo=UTC)
orders_of = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.integers(0, 24 * 200),  # hours after START
        st.sampled_from(["tea", "cup", "jam"]),
        st.integers(1, 3),
        st.integers(1, 2000),  # cents
        st.booleans(),  # an order, or a view
    ),
    min_size=1,
    max_size=25,
)


def plain(rows: list[tuple[str, int, str, int, int, bool]], customer: str, hour: int) -> Row:
    mine = sorted(row for row in rows if row[0] == customer and row[1] < hour)
    lines = [row for row in mine if row[5]]
    hours = sorted({row[1] for row in lines})  # lines of one hour are one order
    value = {h: sum(row[3] * row[4] / 100 for row in lines if row[1] == h) for h in hours}
    ages = [(hour - h) / 24 for h in hours]
    gaps = [(b - a) / 24 for a, b in pairwise(hours)]
    views = [row for row in mine if not row[5]]
    return {
        "orders": len(hours),
        "orders_30d": sum(age <= 30 for age in ages),
        "orders_previous_90d": sum(90 < age <= 180 for age in ages),
        "spend": sum(value.values()),
        "spend_90d": sum(v for v, age in zip(value.values(), ages, strict=True) if age <= 90),
        "order_value_last": value[hours[-1]] if hours else None,
        "recency_days": ages[-1] if ages else None,
        "tenure_days": ages[0] if ages else None,
        "gap_mean_days": sum(gaps) / len(gaps) if gaps else None,
        "gap_longest_days": max(gaps, default=None),
        "units_highest": max((sum(r[3] for r in lines if r[1] == h) for h in hours), default=None),
        "products": len({row[2] for row in lines}),
        "weekend_share": sum((START + timedelta(hours=h)).weekday() >= 5 for h in hours) / len(hours)
        if hours
        else None,
        "views": len(views),
        "viewed_products": len({row[2] for row in views}),
    }


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder: Path = tmp_path_factory.mktemp("engine")
    return Engine(spill=folder, memory="1GB", threads=1)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(rows=orders_of, hours=st.lists(st.integers(1, 24 * 210), min_size=1, max_size=3))
def test_features_are_those_of_plain_python(
    engine: Engine, rows: list[tuple[str, int, str, int, int, bool]], hours: list[int]
) -> None:
    log = pa.Table.from_pylist(
        [
            {
                "event_id": str(number),
                "line": 0,
                "time": START + timedelta(hours=hour),
                "received_at": START,
                "customer_id": who,
                "type": "order_completed" if is_order else "product_viewed",
                "product_id": product,
                "quantity": float(quantity),
                "unit_price": None,
                "order_id": f"{who}-{hour}" if is_order else None,
            }
            for number, (who, hour, product, quantity, _, is_order) in enumerate(rows)
        ],
        schema=EVENTS,
    )
    prices = pa.array([row[4] / 100 for row in rows]).cast(EVENTS.field("unit_price").type)
    log = log.set_column(log.column_names.index("unit_price"), EVENTS.field("unit_price"), prices)
    asked = [(who, hour) for who in "ab" for hour in hours]
    pairs = pa.table(
        {
            "customer_id": [who for who, _ in asked],
            "as_of": pa.array([START + timedelta(hours=hour) for _, hour in asked], TIME),
        }
    )
    events = engine.table(log)
    nobody = Identities.of(engine, events)
    found = compute(engine, events, engine.table(CATALOGUE.empty_table()), pairs, "UTC", nobody).to_pylist()
    for row, (who, hour) in zip(found, asked, strict=True):
        # Evidence is of the shop, whoever gave it: before it, all of a kind is absent.
        has_orders = any(r[5] and r[1] < hour for r in rows)
        has_views = any(not r[5] and r[1] < hour for r in rows)
        for name, expected in plain(rows, who, hour).items():
            is_known = has_views if "view" in name else has_orders
            wanted = expected if is_known and expected is not None else None
            assert row.get(name) == (None if wanted is None else pytest.approx(wanted, abs=1e-4)), (name, who, hour)
