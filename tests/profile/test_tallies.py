"""What customers did, summed up: worked out by hand on a log that fits in the head."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from regulars.customers import Identities
from regulars.engine import Engine
from regulars.evaluation import leak_check
from regulars.events.schema import CATALOGUE, EVENTS, TIME
from regulars.profile import tallies
from regulars.profile.dataset import source_of
from regulars.profile.styles import styles

NOW = datetime(2024, 7, 1, tzinfo=UTC)
START = datetime(2024, 1, 1, tzinfo=UTC)

Tally = Callable[..., Any]
TALLIES = (tallies.gaps, tallies.habits, tallies.prices, tallies.interests)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return Engine(spill=tmp_path_factory.mktemp("engine"), memory="1GB", threads=1)


def event(days_ago: float, kind: str, product: str | None, **more: Any) -> dict[str, Any]:
    number = f"{days_ago}-{kind}-{product}-{sorted(more.items())}"
    price = more.pop("price", 10)
    return {
        "event_id": number, "line": 0, "time": NOW - timedelta(days=days_ago), "received_at": NOW, "customer_id": "ada",
        "type": kind, "product_id": product, "quantity": 1.0,
        "unit_price": None if price is None else Decimal(str(price)), **more,
    }  # fmt: skip


def product(name: str, category: str | None, list_price: int | None, since: datetime = START, **more: Any) -> Any:
    price = None if list_price is None else Decimal(list_price)
    return {"product_id": name, "category": category, "list_price": price, "valid_from": since, **more}


def tallied(engine: Engine, tally: Tally, events: list[dict[str, Any]], catalogue: list[Any]) -> list[Any]:
    """The rows of a tally as of NOW, of ada."""
    rows = engine.table(pa.Table.from_pylist(events, schema=EVENTS))
    said = engine.table(pa.Table.from_pylist(catalogue, schema=CATALOGUE))
    pairs = pa.table({"customer_id": ["ada"], "as_of": pa.array([NOW], TIME)})
    source = source_of(engine, rows, said, pairs, "UTC", Identities.of(engine, rows), START)
    return engine.to_arrow(tally(source)).to_pylist()


CUPS = [product(f"cup{k}", "Cups", 10) for k in range(3)] + [product("lamp", "Lamps", 20), product("gift", None, None)]


def test_a_basket_is_one_choice_spread_over_its_lines_and_looking_counts_a_tenth(engine: Engine) -> None:
    events = [
        *(event(0.01, "order_completed", f"cup{k}", order_id="one") for k in range(3)),
        event(0.01, "order_completed", "lamp", order_id="one"),
        event(0.01, "order_completed", "gift", order_id="one"),
        *(event(0.1 * k, "product_viewed", "lamp") for k in range(1, 6)),
    ]
    rows = {row["name"]: row for row in tallied(engine, tallies.interests, events, CUPS)}
    # Of four described lines three are cups; five looks of a day are one tenth of an order.
    assert rows["Cups"]["weight"] == pytest.approx(0.75, abs=0.002)
    assert rows["Lamps"]["weight"] == pytest.approx(0.25 + 0.1, abs=0.002)
    assert rows["Lamps"]["total"] == pytest.approx(1.1, abs=0.002)
    assert (rows["Cups"]["orders"], rows["Lamps"]["orders"], rows["Lamps"]["occasions"]) == (1, 1, 2)


def test_each_kind_is_told_by_itself(engine: Engine) -> None:
    said = [
        *(product(f"p{k}", "Cups" if k % 2 else "Lamps", 1, brand="Volta", title="pink") for k in range(6)),
        *(product(f"q{k}", "Cups", 1, title="plain") for k in range(6)),
    ]
    bought = [event(0.01, "order_completed", name, order_id="one") for name in ("p1", "p2", "q1")]
    rows = {(row["kind"], row["name"]): row for row in tallied(engine, tallies.interests, bought, said)}
    # Of lines that have no brand or style, none is told: what is left counts as the whole order.
    told = {key: round(row["weight"], 2) for key, row in rows.items()}
    assert told == {
        ("category", "Cups"): 0.67,
        ("category", "Lamps"): 0.33,
        ("brand", "Volta"): 1.0,
        ("style", "pink"): 1.0,
    }


def test_after_ninety_days_a_choice_counts_half(engine: Engine) -> None:
    events = [event(90, "order_completed", "lamp", order_id="old")]
    (row,) = tallied(engine, tallies.interests, events, CUPS)
    assert row["weight"] == pytest.approx(0.5)
    assert row["age_days"] == pytest.approx(90)


def test_pauses_lie_between_days_not_between_orders_of_a_day(engine: Engine) -> None:
    events = [event(days, "order_completed", "lamp", order_id=str(days)) for days in (40, 39.9, 30, 10)]
    (row,) = tallied(engine, tallies.gaps, events, CUPS)
    assert row["order_days"] == 3
    assert row["log_sum"] == pytest.approx(math.log(10) + math.log(20))
    assert row["log_square_sum"] == pytest.approx(math.log(10) ** 2 + math.log(20) ** 2)
    assert (row["last_days"], row["first_days"]) == (10, 40)


def test_midnight_tells_no_hour_and_what_is_done_to_a_customer_no_habit(engine: Engine) -> None:
    events = [
        event(10, "order_completed", "lamp", order_id="dated", channel="web"),
        event(9.5, "product_viewed", "lamp", channel="app"),
        event(9.48, "product_viewed", "lamp", channel="app"),
        event(3.3, "message_sent", None, channel="email"),
        event(3.2, "message_opened", None, channel="email"),
    ]
    rows = tallied(engine, tallies.habits, events, CUPS)
    by_habit: dict[str, dict[str, int]] = {"hour": {}, "weekday": {}, "channel": {}}
    for row in rows:
        by_habit[row["habit"]][row["name"]] = row["days"]
    assert by_habit["hour"] == {"12": 1, "19": 1}
    # 21 June 2024 was a Friday, 27 June a Thursday.
    assert by_habit["weekday"] == {"4": 1, "3": 1}
    assert by_habit["channel"] == {"web": 1, "app": 1}


def test_a_line_is_discounted_by_the_list_price_of_its_day(engine: Engine) -> None:
    later = NOW - timedelta(days=15)
    catalogue = [*CUPS, product("cup0", "Cups", 10, since=NOW - timedelta(days=18)), product("cup0", "Cups", 12, later)]
    events = [
        event(20, "order_completed", "cup0", order_id="full", price=10),
        event(10, "order_completed", "cup0", order_id="below", price=10),
        event(10, "order_completed", "lamp", order_id="below", price=20),
        event(5, "order_completed", "gift", order_id="unlisted", price=1),
    ]
    (row,) = tallied(engine, tallies.prices, events, catalogue)
    assert row["listed_orders"] == 2
    assert row["discounted_sum"] == pytest.approx(0.5)


@pytest.mark.parametrize("price", [-3, 0, None])
def test_a_price_that_is_none_is_left_out(engine: Engine, price: float | None) -> None:
    events = [
        event(20, "order_completed", "cup0", order_id="odd", price=price),
        event(10, "order_completed", "cup1", order_id="paid", price=5),
    ]
    (row,) = tallied(engine, tallies.prices, events, CUPS)
    assert (row["listed_orders"], row["compared_orders"]) == (1, 1)
    assert row["level_sum"] == pytest.approx(0)


def test_prices_are_compared_with_what_others_paid_in_the_category(engine: Engine) -> None:
    events = [
        event(20, "order_completed", "cup0", order_id="hers", price=5),
        event(19, "order_completed", "cup1", order_id="theirs", price=20, customer_id="bob"),
    ]
    (row,) = tallied(engine, tallies.prices, events, CUPS)
    # The geometric mean of 5 and 20 is 10.
    assert row["level_sum"] == pytest.approx(math.log(0.5))


def test_who_did_nothing_has_no_rows(engine: Engine) -> None:
    events = [event(20, "order_completed", "cup0", order_id="theirs", customer_id="bob")]
    for tally in TALLIES:
        assert tallied(engine, tally, events, CUPS) == []


TITLES = [
    *(product(f"t{k}", "Cups", 1, title=f"The Pink cup {k}粉色茶杯") for k in range(4)),
    *(product(f"l{k}", "Lamps", 1, title=f"PINK lamp no. {k} 粉色台灯") for k in range(4)),
    *(product(f"o{k}", "Lamps", 1, title=f"old thing {k}") for k in range(9)),
]


def test_styles_are_words_of_several_products_across_categories(engine: Engine) -> None:
    found: dict[str, set[str]] = {}
    for row in tallied(engine, styles, [], TITLES):
        found.setdefault(row["name"], set()).add(row["product_id"])
    # "cup" and 茶杯 are kinds of product, "old thing" is of lamps alone, "the" and "no" hold words together.
    assert set(found) == {"pink", "粉色"}
    assert found["pink"] == found["粉色"] == {f"{letter}{k}" for letter in "tl" for k in range(4)}


def test_without_categories_any_word_of_several_products_is_a_style(engine: Engine) -> None:
    titles = [{**row, "category": None} for row in TITLES]
    assert {row["name"] for row in tallied(engine, styles, [], titles)} >= {"pink", "粉色"}


@pytest.mark.parametrize("tally", TALLIES)
def test_nothing_after_the_moment_is_counted(engine: Engine, tally: Tally) -> None:
    half = NOW - timedelta(days=25)
    events = [
        event(days, kind, "cup0", order_id=str(days) if kind == "order_completed" else None, channel="web")
        for days in range(1, 50, 3)
        for kind in ("order_completed", "product_viewed")
    ]
    rows = engine.table(pa.Table.from_pylist(events, schema=EVENTS))
    said = engine.table(pa.Table.from_pylist(CUPS, schema=CATALOGUE))
    pairs = pa.table({"customer_id": ["ada"], "as_of": pa.array([half], TIME)})

    def compute(seen: Any) -> pa.Table:
        source = source_of(engine, seen, said, pairs, "UTC", Identities.of(engine, seen), START)
        return engine.to_arrow(tally(source))

    check = leak_check(compute, rows, half)
    assert check.passed, check.detail
    assert compute(rows).num_rows
