"""A desk that begins anew has learned of creatives what the log tells of them, and what the click model foresees."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from regulars import Shop
from regulars.ads.delivery import Creative, Rotation, context
from regulars.ads.delivery.context import FEATURES, Device
from regulars.ads.live import desk
from regulars.events.schema import EVENTS

START = datetime(2024, 5, 1, 12, tzinfo=UTC)
NULLABLE = pa.schema([field.with_nullable(True) for field in EVENTS])
PHONE, DESKTOP = (context(START, device=device) for device in ("phone", "desktop"))
CREATIVES = [Creative(name, "spring", "tea") for name in ("red", "blue", "new")]


def told(kind: str, number: int, at: datetime, said: dict[str, Any]) -> dict[str, Any]:
    return {
        "event_id": f"{number}-{kind}", "line": 0, "time": at, "received_at": at, "type": kind, "customer_id": f"c{number}",
        "campaign_id": "spring", "properties": json.dumps(said),
    }  # fmt: skip


def shown(
    number: int, creative: str, at: datetime, is_clicked: bool, device: Device | None = None
) -> Iterator[dict[str, Any]]:
    """An ad as the server notes it, or, without a device, as a platform tells of it."""
    said = {} if device is None else {"context": context(at, device=device)}
    yield told("ad_shown", number, at, {"creative_id": creative, **said})
    if is_clicked:
        yield told("ad_clicked", number, at + timedelta(minutes=2), {"creative_id": creative})


def weeks(seed: int = 0, end: datetime = START) -> Iterator[dict[str, Any]]:
    """In three weeks red is clicked on phones, blue on desktops."""
    rng = random.Random(seed)
    for number in range(600):
        at = end - timedelta(days=21) * (1 - number / 600) - timedelta(hours=2)
        creative, device = rng.choice(["red", "blue"]), rng.choice(["phone", "desktop"])
        is_liked = (creative == "red") == (device == "phone")
        yield from shown(1000 * seed + number, creative, at, rng.random() < (0.3 if is_liked else 0.03), device)


@pytest.fixture
def bidding(shop: Shop) -> Shop:
    return decided(shop)


def decided(shop: Shop, **said: str) -> Shop:
    """With a decision about one customer, of which more may be said."""
    row = {"customer_id": "ada", "action": "advertise", "value_cpm": 5.0, "click_probability": 0.15, "policy": "by hand",
           "propensity": 1.0, "inputs_hash": "0", "disclosure": None, "reasons": ["said so"]}  # fmt: skip
    table = pa.Table.from_pylist([row]).replace_schema_metadata(said)
    shop.tables.write("ads", "decisions", table, START)
    return shop


def append(shop: Shop, rows: Iterator[dict[str, Any]]) -> None:
    shop.log.append(pa.Table.from_pylist(sorted(rows, key=lambda row: row["time"]), schema=NULLABLE), "shown")


def rotation(shop: Shop, at: datetime = START) -> Rotation:
    return desk(shop, CREATIVES, "tea.example", at).campaigns[0].rotation


def test_what_was_clicked_where_is_known_after_a_restart(bidding: Shop) -> None:
    append(bidding, weeks())
    known = rotation(bidding)
    phone, desktop = known.chances(PHONE), known.chances(DESKTOP)
    assert phone["red"] > 5 * phone["blue"]
    assert desktop["blue"] > 5 * desktop["red"]
    assert phone["new"] > 0.1  # nothing is known of it: it gets its chance


def test_a_desk_that_begins_anew_chooses_as_one_that_went_on(bidding: Shop) -> None:
    append(bidding, weeks())
    anew = rotation(bidding)
    lived = Rotation("spring", CREATIVES, features=FEATURES, click_share=anew.click_share)
    rows = list(weeks())
    clicked = {row["customer_id"] for row in rows if row["type"] == "ad_clicked"}
    for row in rows:
        if row["type"] == "ad_shown":
            said = json.loads(row["properties"])
            (creative,) = (one for one in CREATIVES if one.creative_id == said["creative_id"])
            pick = lived.pick(said["context"], at=row["time"], among=[creative])
            lived.seen(lived.shown(pick, at=row["time"]), clicked=row["customer_id"] in clicked, at=row["time"])
    lived.settle(START)
    for where in (PHONE, DESKTOP):
        assert anew.chances(where) == pytest.approx(lived.chances(where), abs=0.02)


def test_nothing_of_the_future_or_of_an_hour_that_is_not_over_is_known(bidding: Shop) -> None:
    append(bidding, weeks())
    before = rotation(bidding).chances(PHONE)
    append(bidding, weeks(seed=1, end=START + timedelta(days=22)))
    late = START - timedelta(minutes=30)
    append(bidding, (row for number in range(50) for row in shown(9000 + number, "blue", late, True, "phone")))
    assert rotation(bidding).chances(PHONE) == pytest.approx(before)
    assert rotation(bidding, START + timedelta(hours=2)).chances(PHONE)["blue"] > 2 * before["blue"]


def test_ads_of_platforms_count_by_their_hour_and_old_ones_no_more(bidding: Shop) -> None:
    def ads(days: int) -> Iterator[dict[str, Any]]:
        at = START - timedelta(days=days)
        for number in range(200):
            for place, creative in enumerate(("red", "blue")):
                yield from shown(1000 * days + 2 * number + place, creative, at, creative == "red" and number % 3 == 0)

    append(bidding, ads(90))
    chances = rotation(bidding).chances(DESKTOP)
    assert chances["red"] == pytest.approx(chances["blue"])
    append(bidding, ads(7))
    chances = rotation(bidding).chances(context(START))
    assert chances["red"] > 10 * chances["blue"]


def test_a_live_bid_knows_after_which_creative_orders_follow(shop: Shop) -> None:
    decided(shop, creatives='{"red": 1.5, "blue": 0.5}', orders='{"red": 0.4, "blue": 1.6}')
    ours = desk(shop, CREATIVES, "tea.example", START)
    found = [ours.valuer.value("ada", one, None, START) for one in CREATIVES]  # type: ignore[arg-type]
    assert found == pytest.approx([0.005 * 1.5 * 0.4, 0.005 * 0.5 * 1.6, 0.005])


def test_what_the_click_model_foresees_is_what_a_rotation_begins_with(shop: Shop) -> None:
    factors = {"red": 1.5, "blue": 0.5}
    decided(shop, creatives=json.dumps(factors))
    ours = desk(shop, CREATIVES, "tea.example", START)
    red, blue, new = (ours.valuer.value("ada", one, None, START) for one in CREATIVES)  # type: ignore[arg-type]
    assert (red, blue, new) == pytest.approx((0.0075, 0.0025, 0.005))
    chances = ours.campaigns[0].rotation.chances(PHONE)
    assert chances["red"] > 1.5 * chances["blue"]
    assert chances["new"] > 0.1
    append(shop, weeks())
    assert rotation(shop).chances(DESKTOP)["blue"] > 3 * rotation(shop).chances(DESKTOP)["red"]  # what came goes before


def test_a_creative_that_comes_to_a_running_desk_begins_with_what_is_foreseen_of_it(shop: Shop) -> None:
    decided(shop, creatives='{"red": 1.0, "blue": 1.0, "good": 3.0, "bad": 0.1}')
    append(shop, weeks())
    ours = desk(shop, CREATIVES[:2], "tea.example", START)
    more = [*CREATIVES[:2], *(Creative(name, "spring", "tea") for name in ("good", "bad"))]
    anew = desk(shop, more, "tea.example", START)
    expected = anew.campaigns[0].rotation.chances(PHONE)
    anew.go_on_from(ours, START)
    found = anew.campaigns[0].rotation.chances(PHONE)
    assert found == pytest.approx(expected, abs=0.02)
    assert found["good"] > 5 * found["bad"]
    gone = desk(shop, CREATIVES[:1], "tea.example", START)
    gone.go_on_from(anew, START)
    back = desk(shop, more, "tea.example", START)
    back.go_on_from(gone, START)
    assert back.campaigns[0].rotation.chances(PHONE) == pytest.approx(found)  # nothing counts twice
