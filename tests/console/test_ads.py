"""The ads screen, over a shop whose ads were shown this morning."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from regulars import Shop
from regulars.ads.delivered import delivered
from regulars.config import ShopSettings
from regulars.customers.by_hand import present


@pytest.fixture(scope="module")
def hostile_shop(tmp_path_factory, record):
    """In Shanghai spring was shown four times today and clicked once; summer once; yesterday does not count."""
    shop = Shop.create(tmp_path_factory.mktemp("ads") / "shop", ShopSettings(timezone="Asia/Shanghai"))
    ad = {"type": "ad_shown", "customer_id": "ada", "campaign_id": "spring", "unit_price": 0.5}
    times = ("01T08:00", "01T17:00", "02T08:30", "02T09:00", "02T10:00")
    rows = [{**ad, "time": f"2024-05-{each}:00Z"} for each in times]
    rows.append({**ad, "campaign_id": "summer", "time": "2024-05-02T10:10:00Z"})
    rows.append({**ad, "type": "ad_clicked", "unit_price": None, "time": "2024-05-02T10:20:00Z"})
    record(shop, *rows)
    (shop.folder / "ads").mkdir()
    (shop.folder / "ads" / "creatives.csv").write_text(
        "creative_id,campaign,product_id,domain,width,height\nred,spring,tea,tea.example,300,250\n"
    )
    return shop


@pytest.fixture
def growth(browser_of):
    return browser_of("growth")


def test_a_day_is_counted_by_campaign_and_hour(console):
    morning = datetime(2024, 5, 2, tzinfo=ZoneInfo("Asia/Shanghai"))
    rows = delivered(console.shop, morning, present(console.shop)).to_pylist()
    assert [(row["campaign"], row["hour"], row["shown"], row["clicked"], row["spend"]) for row in rows] == [
        ("spring", 1, 1, 0, 0.5), ("spring", 16, 1, 0, 0.5), ("spring", 17, 1, 0, 0.5), ("spring", 18, 1, 1, 0.5),
        ("summer", 18, 1, 0, 0.5),
    ]  # fmt: skip


def test_today_has_campaigns_pace_and_caps(growth):
    text = growth.get("/ads").text
    assert "2 rows" in text
    assert "25 %" in text  # one click of four
    assert "2.50" in text
    assert "Hour (Asia/Shanghai)" in text
    assert "No bids are made in this process" in text
    assert "Nothing was decided yet" in text


def test_the_newest_decision_is_told(growth, console):
    table = pa.table({"customer_id": ["ada", "bob", "cy"], "action": ["advertise", "advertise", "hold out"]})
    console.shop.tables.write("ads", "decisions", table, present(console.shop))
    assert "Held out by lot" in growth.get("/ads").text


def test_creatives_are_those_of_the_file(growth):
    text = growth.get("/ads/creatives").text
    assert "300 × 250" in text
    assert "tea.example" in text


def test_lift_says_what_it_needs(growth):
    assert "regulars decide ads" in growth.get("/ads/lift/found").text
    assert growth.get("/ads/lift/found?days=much").status_code == 400
