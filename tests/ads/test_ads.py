"""The capability on a shop: clicks are learned, whoever may not see ads is left out, lift finds what was added."""

from __future__ import annotations

import json
import random
import re
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from regulars import Shop
from regulars.ads.audience import hashed
from regulars.ads.creatives import creatives_of
from regulars.ads.credit import incremental_share
from regulars.ads.dataset import impressions
from regulars.ads.delivery import Cap, Creative, Exposures, Placement
from regulars.ads.lift import lift
from regulars.ads.live import Decided, desk
from regulars.ads.model import AdsModel
from regulars.ads.openrtb import answer
from regulars.ads.paths import paths
from regulars.ads.patterns import patterns
from regulars.ads.permitted import permitted
from regulars.ads.training import in_use, train
from regulars.behaving.vectors import Tried
from regulars.errors import ConfigError, CorruptLogError, InputError, NotEnoughError, NotFoundError
from regulars.experiment import Design, Experiments

Record = Callable[..., Any]
Cli = Callable[..., tuple[int, str, str]]


def ads_shown(as_of: datetime) -> list[dict[str, Any]]:
    """Even customers click half of what they see, the others a twentieth, of red more than of blue; before the moment and
    after it."""
    rng = random.Random(1)
    rows = []
    for number in range(900):
        customer = number % 260
        at = as_of - timedelta(days=70) + timedelta(days=90) * number / 900
        creative, liked = ("red", 1.4) if number // 2 % 2 else ("blue", 0.6)
        shared = {
            "customer_id": f"c{customer:03d}", "campaign_id": f"k{number % 2}", "channel": "social",
            "properties.creative_id": f"{creative}{number % 2}",
        }  # fmt: skip
        rows.append({"type": "ad_shown", "time": at.isoformat(), "unit_price": 0.02, **shared})
        if rng.random() < liked * (0.5 if customer % 2 == 0 else 0.05):
            rows.append({"type": "ad_clicked", "time": (at + timedelta(seconds=9)).isoformat(), **shared})
    return rows


@pytest.fixture(scope="module")
def ads_shop(tea_shop: Shop, tea_as_of: datetime, record: Record, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("ads") / "shop"
    shop = Shop.open(shutil.copytree(tea_shop.folder, folder))
    said = tea_as_of - timedelta(days=1)
    record(
        shop,
        {"type": "objection_made", "customer_id": "c000", "text": "ads", "time": said.isoformat()},
        {"type": "consent_withdrawn", "customer_id": "c002", "text": "profiling", "time": said.isoformat()},
        {"type": "customer_identified", "customer_id": "c004", "time": said.isoformat(),
         "properties.birthday": "2015-03-01", "properties.email": "kid@tea.example"},
        {"type": "customer_identified", "customer_id": "c006", "time": said.isoformat(),
         "properties.age": "34", "properties.email": "Six@Tea.example"},
        {"type": "support_asked", "customer_id": "c008", "time": said.isoformat()},
    )  # fmt: skip
    record(shop, *ads_shown(tea_as_of))
    settings = shop.folder / "shop.toml"
    text = settings.read_text()
    assert "# bought_days = 7\n" in text
    settings.write_text(text.replace("# bought_days = 7\n", "bought_days = 0\n"))
    shop = Shop.open(folder)
    shop.learn("ads", tea_as_of)
    shop.models.use("ads", 1)
    shop.decide("ads", tea_as_of)
    return shop


def test_clicks_are_matched_to_the_ad_before_them(ads_shop: Shop, tea_as_of: datetime) -> None:
    found = impressions(ads_shop, tea_as_of)
    assert found.table["as_of"].to_pylist() == sorted(found.table["as_of"].to_pylist())
    even = [one % 2 == 0 for one in (int(each[1:]) for each in found.table["customer_id"].to_pylist())]
    share = [sum(c for c, e in zip(found.clicked, even, strict=True) if e == is_even) for is_even in (True, False)]
    assert share[0] > 4 * share[1] > 0
    assert max(found.table["as_of"].to_pylist()) < tea_as_of - timedelta(days=1)


def test_which_creative_is_clicked_is_learned_and_told_to_live_bids(ads_shop: Shop, tea_as_of: datetime) -> None:
    found = impressions(ads_shop, tea_as_of)
    assert set(found.table["creative"].to_pylist()) == {"red0", "blue0", "red1", "blue1"}
    creatives = patterns(ads_shop, tea_as_of).creatives
    assert {name: each.campaign for name, each in creatives.items()} == {
        f"{name}{number}": f"k{number}" for name in ("red", "blue") for number in (0, 1)
    }
    assert creatives["red0"].factor > 1.3 * creatives["blue0"].factor
    shown = Counter(found.table["creative"].to_pylist())
    mean = sum(each.factor * shown[name] for name, each in creatives.items()) / sum(shown.values())
    assert mean == pytest.approx(1.0)
    table = ads_shop.tables.read("ads", "decisions")
    said = json.loads((table.schema.metadata or {})[b"creatives"])
    assert said == {name: pytest.approx(each.factor, abs=1e-4) for name, each in creatives.items()}
    creative = {name: Creative(name, "k0", "tea1") for name in ("red0", "blue0", "new")}
    worth = Decided(table, Exposures([]))
    value = {
        name: worth.value(table["customer_id"][0].as_py(), one, Placement(), tea_as_of)
        for name, one in creative.items()
    }
    assert value["red0"] / value["blue0"] == pytest.approx(said["red0"] / said["blue0"])
    assert value["red0"] / value["new"] == pytest.approx(said["red0"])


def test_a_decision_is_worth_the_mean_creative(ads_shop: Shop, tea_as_of: datetime) -> None:
    clicks, learned = in_use(ads_shop, tea_as_of).clicks, patterns(ads_shop, tea_as_of)
    assert clicks is not None
    ads = impressions(ads_shop, tea_as_of)
    fields = ads.fields()
    by_creative = {
        name: clicks.model.predict(
            clicks.rows(
                ads_shop, ads.table, fields | {"creative": [name] * len(ads.clicked), "campaign": [each.campaign] * len(ads.clicked)}
            )
        ).mean()
        for name, each in learned.creatives.items()
    }  # fmt: skip
    shown = Counter(fields["creative"])
    mean = sum(by_creative[name] * shown[name] for name in by_creative) / len(ads.clicked)
    for name, each in learned.creatives.items():
        assert by_creative[name] / mean == pytest.approx(each.factor, rel=0.15)


def test_a_click_that_names_its_creative_is_of_the_ad_that_showed_it(shop: Shop, record: Record) -> None:
    at = datetime(2024, 5, 1, 12, tzinfo=UTC)
    ada = {"customer_id": "ada", "campaign_id": "k"}
    rows = [
        {"type": kind, "time": (at + timedelta(minutes=minutes)).isoformat(), "properties.creative_id": name, **ada}
        for kind, minutes, name in (
            ("ad_shown", 0, "red"), ("ad_shown", 1, 7), ("ad_clicked", 2, "red"), ("ad_shown", 60, "red"), ("ad_shown", 61, 7),
            ("ad_clicked", 62, None),
        )
    ]  # fmt: skip
    record(shop, *rows)
    found = impressions(shop, at + timedelta(days=2))
    assert found.table["creative"].to_pylist() == ["red", "7", "red", "7"]
    assert found.clicked.tolist() == [1, 0, 0, 1]


def test_the_report_judges_orders_and_clicks_beside_their_baselines(ads_shop: Shop) -> None:
    card = ads_shop.models.get("ads", 1).card
    named = {metric["name"]: metric for metric in card["report"]["metrics"]}
    assert [check["passed"] for check in card["report"]["checks"]] == [True]
    assert named["AUROC"]["value"] > 0.6
    assert named["click log loss"]["value"] < named["click log loss"]["baseline"]
    assert "click_losses" in card["about"]


def test_an_impression_is_worth_what_who_clicks_brings(ads_shop: Shop, tea_as_of: datetime) -> None:
    model, table = in_use(ads_shop, tea_as_of), ads_shop.tables.read("ads", "decisions")
    level = model.after_click.level
    assert level != 0.0
    rows = table.to_pylist()
    assert all((row["order_after_click"] > row["order_probability"]) == (level > 0) for row in rows)
    orders = json.loads((table.schema.metadata or {})[b"orders"])
    assert orders.keys() == model.after_click.creatives.keys() == {"red0", "blue0", "red1", "blue1"}
    assert all((each - level) * (orders[name] - 1) > -1e-4 for name, each in model.after_click.creatives.items())
    share = float((table.schema.metadata or {})[b"incremental"].split(b":")[0])
    for row in rows[:20]:
        worth = 1000 * row["click_probability"] * row["margin_after_click"] * share
        assert row["value_cpm"] == pytest.approx(worth, rel=0.02)


def test_whoever_may_not_see_ads_is_left_out(ads_shop: Shop, tea_as_of: datetime) -> None:
    found = permitted(ads_shop, tea_as_of)
    ids = set(found.pairs["customer_id"].to_pylist())
    assert ids.isdisjoint({"c000", "c002", "c004", "c008"})
    assert "c006" in ids
    assert found.left_out == found.reasons.total() >= 4
    assert found.reasons["is not of age: no profiling for ads"] == 1


def test_who_has_all_that_is_advertised_is_left_out(
    ads_shop: Shop, tea_as_of: datetime, tmp_path: Path, record: Record, cli: Cli
) -> None:
    shop = Shop.open(shutil.copytree(ads_shop.folder, tmp_path / "shop"))
    people = {"zoe": 20, "zed": 40, "zac": 400}

    def told(kind: str, who: str, days: int) -> dict[str, Any]:
        at = (tea_as_of - timedelta(days=days)).isoformat()
        line = {"product_id": "pot", "quantity": 1, "unit_price": 20.0, "order_id": f"{who}-1"}
        return {"type": kind, "customer_id": who, "time": at, **line}

    record(
        shop,
        *(told("order_completed", who, days) for who, days in people.items()),
        told("order_refunded", "zed", 30),
        *({"type": "customer_identified", "customer_id": who, "time": tea_as_of.isoformat(),
           "properties.email": f"{who}@tea.example"} for who in people),
    )  # fmt: skip

    def left(*products: str) -> set[str]:
        return people.keys() & set(permitted(shop, tea_as_of, products).pairs["customer_id"].to_pylist())

    assert left("pot") == {"zed", "zac"}  # what went back, or is long ago, may be shown again
    assert left("pot", "tea1") == left() == people.keys()
    assert permitted(shop, tea_as_of, ["pot"]).reasons["bought what is advertised already"] == 1

    def decided() -> set[str]:
        shop.decide("ads", tea_as_of)
        return people.keys() & set(shop.tables.read("ads", "decisions")["customer_id"].to_pylist())

    assert decided() == people.keys()
    out = tmp_path / "list.csv"
    asked = (
        "ads",
        "audience",
        "--out",
        out,
        "--shop",
        shop.folder,
        "--as-of",
        f"{tea_as_of + timedelta(days=1):%Y-%m-%d}",
    )
    rows = shop.tables.read("ads", "decisions").to_pylist()
    listed = {row["customer_id"] for row in rows if row["action"] == "advertise"} & people.keys()
    for more, gone in (((), set()), (("--product", "pot"), {"zoe"})):
        assert cli(*asked, *more)[0] == 0
        assert {who for who in people if hashed(f"{who}@tea.example") in out.read_text()} == listed - gone
    (shop.folder / "ads").mkdir()
    (shop.folder / "ads" / "creatives.csv").write_text(
        "creative_id,campaign,product_id,domain\nred,k0,pot,tea.example\n"
    )
    assert decided() == {"zed", "zac"}


def test_decisions_hold_some_out_by_lot_and_value_falls(ads_shop: Shop) -> None:
    table = ads_shop.tables.read("ads", "decisions")
    values = table["value_cpm"].to_pylist()
    assert values == sorted(values, reverse=True)
    assert min(values) > 0
    chance = {row["action"]: row["propensity"] for row in table.to_pylist()}
    assert chance == {"advertise": 0.9, "hold out": 0.1}
    share = table["action"].to_pylist().count("hold out") / table.num_rows
    assert 0.03 < share < 0.2
    assert all(row["reasons"] for row in table.slice(0, 5).to_pylist())


def test_a_shop_bids_live_for_whom_it_decided(ads_shop: Shop, tea_as_of: datetime) -> None:
    rows = ads_shop.tables.read("ads", "decisions").to_pylist()
    shown = next(row for row in rows if row["action"] == "advertise")
    held = next(row for row in rows if row["action"] == "hold out")
    creatives = [Creative(name, "tea", "new tea") for name in ("red", "blue")]  # who has a product is not shown it
    ours = desk(ads_shop, creatives, "tea.example", tea_as_of)

    def asked(customer: str) -> bytes | None:
        body = {"id": customer, "imp": [{"id": "1"}], "user": {"buyeruid": customer}, "at": 1}
        return answer(json.dumps(body).encode(), ours, tea_as_of)

    bid = json.loads(asked(shown["customer_id"]) or b"{}")["seatbid"][0]["bid"][0]
    most = shown["value_cpm"] * json.loads(ads_shop.tables.read("ads", "decisions").schema.metadata[b"hours"])[121]
    local = tea_as_of.astimezone(ZoneInfo(ads_shop.config.shop.timezone))
    assert local.weekday() * 24 + local.hour == 121
    assert 0 < bid["price"] <= most * 1.001
    assert asked(held["customer_id"]) is None
    assert asked("nobody") is None


def test_hours_and_what_was_seen_move_live_values() -> None:
    night = datetime(2024, 6, 3, 3, tzinfo=UTC)  # a Monday
    hours = [0.5 if hour < 6 else 1.1 for hour in range(168)]
    decided = pa.table(
        {"customer_id": ["ada"], "action": ["advertise"], "value_cpm": [8.0], "ads_seen": [1]},
        metadata={"hours": json.dumps(hours), "fatigue": "[1.0, 0.8, 0.2]"},
    )
    seen = Exposures([Cap(9, timedelta(days=7))])
    worth, red, place = Decided(decided, seen), Creative("red", "tea", "tea1"), Placement()
    assert worth.value("ada", red, place, night) == pytest.approx(0.01 * 0.5)
    seen.add("ada", "tea", night)
    seen.add("ada", "tea", night)
    assert worth.value("ada", red, place, night + timedelta(hours=9)) == pytest.approx(0.01 * 1.1 * 0.2)
    assert worth.value("ada", red, place, night + timedelta(days=9, hours=9)) == pytest.approx(0.01 * 1.1)
    assert worth.value("bo", red, place, night) == 0


def in_zone(folder: Path, zone: str) -> Shop:
    """A shop whose hours are those of another time zone."""
    settings = folder / "shop.toml"
    text, count = re.subn(r'(?m)^timezone = "[^"]+"', f'timezone = "{zone}"', settings.read_text())
    assert count == 1
    settings.write_text(text)
    return Shop.open(folder)


def test_hours_are_those_of_the_shops_clock_before_and_after_it_is_changed(shop: Shop, record: Record) -> None:
    evening = ("2024-03-30T19:30:00", "2024-03-31T18:30:00", "2024-10-26T18:30:00", "2024-10-27T19:30:00")  # 20:30
    night = ("2024-03-31T00:30:00", "2024-03-31T01:30:00", "2024-10-27T00:30:00", "2024-10-27T01:30:00")
    record(shop, *({"type": "ad_shown", "customer_id": "ada", "time": f"{at}+00:00"} for at in (*evening, *night)))
    shop = in_zone(shop.folder, "Europe/Berlin")
    found = impressions(shop, datetime(2024, 12, 1, tzinfo=UTC)).table.select(["as_of", "hour", "weekday"]).to_pylist()
    told = {f"{row['as_of']:%Y-%m-%dT%H:%M:%S}": (row["hour"], row["weekday"]) for row in found}
    assert [told[at] for at in evening] == [("20", "5"), ("20", "6"), ("20", "5"), ("20", "6")]
    # Two o'clock is left out in spring, and comes twice in autumn.
    assert [told[at] for at in night] == [("1", "6"), ("3", "6"), ("2", "6"), ("2", "6")]


def test_a_live_bid_looks_at_the_clock_that_hours_were_learned_by() -> None:
    hours = [1.0] * 168
    hours[6 * 24 + 20] = 1.5  # on Sundays at eight in the evening
    said = {"hours": json.dumps(hours), "timezone": "Europe/Berlin"}
    decided = pa.table({"customer_id": ["ada"], "action": ["advertise"], "value_cpm": [8.0]}, metadata=said)
    worth, red = Decided(decided, Exposures([])), Creative("red", "tea", "tea1")
    moments = [
        datetime(2024, month, day, hour, tzinfo=UTC)
        for month, day, hour in ((3, 24, 19), (3, 31, 18), (3, 31, 19), (10, 20, 18), (10, 27, 19), (10, 27, 18))
    ]
    found = [worth.value("ada", red, Placement(), at) / 0.008 for at in moments]
    assert found == pytest.approx([1.5, 1.5, 1.0, 1.5, 1.5, 1.0])


def test_hours_are_learned_and_decided_by_the_shops_clock(ads_shop: Shop, tea_as_of: datetime, tmp_path: Path) -> None:
    shop = in_zone(Path(shutil.copytree(ads_shop.folder, tmp_path / "shop")), "Asia/Shanghai")
    shop.learn("ads", tea_as_of)
    shop.models.use("ads", 2)
    shop.decide("ads", tea_as_of)
    said = shop.tables.read("ads", "decisions").schema.metadata
    assert said[b"timezone"] == b"Asia/Shanghai"
    before, after = (patterns(one, tea_as_of).hours for one in (ads_shop, shop))
    assert json.loads(said[b"hours"]) == pytest.approx(after.round(4).tolist())
    assert float(np.corrcoef(np.roll(before, 8), after)[0, 1]) > float(np.corrcoef(before, after)[0, 1])


def test_a_new_desk_knows_who_has_seen_ads(ads_shop: Shop, tea_as_of: datetime) -> None:
    creatives = [Creative(name, "k0", "tea1") for name in ("red", "blue")]
    ours = desk(ads_shop, creatives, "tea.example", tea_as_of)
    shown = [one for one in ads_shown(tea_as_of) if one["type"] == "ad_shown"]
    late = [one for one in shown if timedelta() < tea_as_of - datetime.fromisoformat(one["time"]) < timedelta(days=7)]
    assert ours.exposures.count(late[0]["customer_id"], tea_as_of) == 1
    decided = ads_shop.tables.read("ads", "decisions").select(["customer_id", "ads_seen"]).to_pylist()
    assert {row["ads_seen"] for row in decided} == {0, 1}


ZONES = ("Europe/London", "Asia/Shanghai", "America/Los_Angeles")


@pytest.mark.parametrize("zone", ZONES)
def test_a_desk_that_begins_anew_has_what_is_left_of_the_day(
    ads_shop: Shop, tea_as_of: datetime, tmp_path: Path, zone: str
) -> None:
    shop = in_zone(Path(shutil.copytree(ads_shop.folder, tmp_path / "shop")), zone)
    noon = tea_as_of.replace(hour=12)
    morning = datetime.combine(noon.astimezone(ZoneInfo(zone)).date(), time(), ZoneInfo(zone))
    shown = [
        one
        for one in ads_shown(tea_as_of)
        if one["type"] == "ad_shown" and morning <= datetime.fromisoformat(one["time"]) < noon
    ]
    spent, of_all = (
        sum(one["unit_price"] for one in shown if one["campaign_id"] in names) for names in (("k0",), ("k0", "k1"))
    )
    assert 0 < spent < of_all
    creatives = [
        Creative(f"{name} {campaign}", campaign, "tea1") for name in ("red", "blue") for campaign in ("k0", "k9")
    ]
    first, new = desk(shop, creatives, "tea.example", noon).campaigns
    assert (first.pacer.spent, new.pacer.spent) == (pytest.approx(spent), 0.0)
    assert first.pacer.start == morning
    assert first.pacer.ask("much", 1000.0, noon).most == pytest.approx((50.0 - of_all) / 2)  # k1 is no more
    assert first.pacer.curve.plan.std() > 0  # of the hours in which ads were shown in the weeks before


def test_publishers_and_shop_refuse_each_other_by_the_settings(
    ads_shop: Shop, tea_as_of: datetime, tmp_path: Path
) -> None:
    shop = Shop.open(shutil.copytree(ads_shop.folder, tmp_path / "shop"))
    settings = shop.folder / "shop.toml"
    said = 'categories = ["IAB8-18"]\nrefused_categories = ["IAB9"]\nrefused_domains = ["spam.example"]\n'
    settings.write_text(settings.read_text().replace("[ads]\n", f"[ads]\n{said}"))
    creatives = [Creative(name, "tea", "tea1") for name in ("red", "blue")]
    safety = desk(Shop.open(shop.folder), creatives, "tea.example", tea_as_of).safety
    assert safety.refusal(Placement("news.example")) is None
    for place in (
        Placement("news.example", blocked_categories=("IAB8",)),
        Placement("news.example", categories=("IAB9-5",)),
        Placement("news.example", categories=("IAB25-3",)),  # sensitive: always
        Placement("a.spam.example"),
    ):
        assert safety.refusal(place) is not None


def test_values_take_from_the_hold_out_what_ads_bring(ads_shop: Shop, tea_as_of: datetime) -> None:
    before = incremental_share(ads_shop, tea_as_of)
    assert (before.value, before.error) == (0.1, 0.1)
    after = incremental_share(ads_shop, tea_as_of + timedelta(days=31))
    assert 0 <= after.value <= 1
    assert after.error < before.error
    assert "a hold-out since" in after.source
    assert b"nothing was measured yet" in ads_shop.tables.read("ads", "decisions").schema.metadata[b"incremental"]


def test_what_ads_cost_and_claim_is_of_the_days_of_the_margin(
    ads_shop: Shop, tea_as_of: datetime, tmp_path: Path, record: Record
) -> None:
    shop = Shop.open(shutil.copytree(ads_shop.folder, tmp_path / "shop"))
    decided = shop.tables.read("ads", "decisions").to_pylist()
    treated = {row["customer_id"] for row in decided if row["action"] == "advertise"}
    shown = [
        one
        for one in ads_shown(tea_as_of)
        if one["type"] == "ad_shown"
        and one["customer_id"] in treated
        and tea_as_of <= datetime.fromisoformat(one["time"]) < tea_as_of + timedelta(days=5)
    ]
    before = incremental_share(shop, tea_as_of + timedelta(days=31))
    later = (tea_as_of + timedelta(days=35)).isoformat()
    record(
        shop,
        *({"type": kind, "customer_id": who, "campaign_id": "k0", "time": later, "unit_price": 0.02}
          for who in sorted(treated) for kind in ("ad_shown", "ad_clicked")),
    )  # fmt: skip
    found = [lift(shop, tea_as_of + timedelta(days=days), 5).found.spend for days in (6, 40)]
    assert found == pytest.approx([0.02 * len(shown)] * 2)
    after = incremental_share(shop, tea_as_of + timedelta(days=40))
    assert (after.value, after.error) == pytest.approx((before.value, before.error))


def test_lift_is_read_from_ghosts_beside_those_bid_for(shop: Shop, record: Record, cli: Cli) -> None:
    """Ads bring 6 more for who is reached, a third of all; all others order a lot, or not, whatever is done."""
    rng, rows = random.Random(0), []
    decided, met = datetime(2024, 5, 1, tzinfo=UTC), datetime(2024, 5, 4, tzinfo=UTC)

    def told(kind: str, who: str, at: datetime, **more: Any) -> None:
        rows.append({"type": kind, "customer_id": who, "time": at.isoformat(), **more})

    def ordered(who: str, at: datetime, price: float) -> None:
        line = {"order_id": f"{who}-{at:%d}", "product_id": "tea", "quantity": 1}
        told("order_completed", who, at, **line, unit_price=price)

    for number in range(1200):
        who, is_out, is_met = f"c{number:04d}", number % 2 == 0, number % 3 == 0
        said = {"event_id": f"ads-1-{who}", "outcome": "hold out" if is_out else "advertise", "propensity": 0.5}
        told("decision_made", who, decided, **said)
        ordered(who, decided + timedelta(days=1), 1000.0 if is_met else 1.0)  # before the bid: no effect of it
        base = (4.0 if is_out else 10.0) if is_met else 400.0 * (rng.random() < 0.5)
        ordered(who, met + timedelta(days=2), base + rng.random())
        if is_met:
            for day in (0, 1):
                told("ad_bid", who, met + timedelta(days=day), outcome="ghost" if is_out else "bid")
        if is_met and not is_out:
            told("ad_shown", who, met, unit_price=0.5, campaign_id="k")
    for is_decision in (True, False):
        record(shop, *(row for row in rows if (row["type"] == "decision_made") == is_decision))
    found = lift(shop, met + timedelta(days=20), 10)
    assert (found.is_by_ghosts, found.since, found.found.treated, found.found.control) == (True, met, 200, 200)
    assert found.found.effect.low < 6.0 < found.found.effect.high
    assert found.found.effect.difference == pytest.approx(6.0, abs=0.5)
    assert found.found.spend == pytest.approx(100.0)
    assert found.found.is_sound
    early = lift(shop, decided + timedelta(days=10), 8)  # no bid is old enough: all are compared, from the decision on
    assert (early.is_by_ghosts, early.since, early.found.treated) == (False, decided, 600)
    code, text, _ = cli("ads", "lift", "--shop", shop.folder, "--days", 2, "--json")
    assert (code, json.loads(text)["is_by_ghosts"]) == (0, True)


def test_the_report_tells_hours_and_fatigue(ads_shop: Shop, cli: Cli, tea_as_of: datetime, tmp_path: Path) -> None:
    page = tmp_path / "ads.html"
    said = ("--as-of", f"{tea_as_of:%Y-%m-%d}", "--out", page, "--json")
    code, text, _ = cli("ads", "report", "--shop", ads_shop.folder, *said)
    assert code == 0
    assert "How soon do people tire?" in page.read_text()
    found = json.loads(text)
    assert (len(found["hours"]), found["fatigue"][0]) == (168, 1.0)
    assert found["fatigue"] == sorted(found["fatigue"], reverse=True)


def test_regions_with_ads_are_set_beside_those_without(cli: Cli, tmp_path: Path) -> None:
    rng, rows = random.Random(0), ["period,region,outcome,treated"]
    for week in range(20):
        common = 100 + 5 * rng.random() + week
        for number in range(8):
            more = 10 if number == 0 and week >= 12 else 0
            rows.append(f"w{week:02d},r{number},{common + rng.random() + more:.3f},{int(number == 0)}")
    file = tmp_path / "regions.csv"
    file.write_text("\n".join(rows) + "\n")
    code, text, _ = cli("ads", "regions", file, "--start", "w12", "--json")
    assert code == 0
    assert json.loads(text)["lift"] == pytest.approx(80, abs=8)
    code, text, _ = cli("ads", "regions", file, "--start", "w12")
    assert "In 1 regions ads added" in text
    code, _, said = cli("ads", "regions", file, "--start", "w99")
    assert 'no period "w99"' in said
    file.write_text("\n".join(rows[:-1]) + "\n")
    code, _, said = cli("ads", "regions", file, "--start", "w12")
    assert 'region "r7" has 0 rows of period w19' in said


def test_a_lot_says_which_regions_have_ads_and_what_they_added(
    shop: Shop, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A lot of its own each time would now and then leave too few regions without ads to compare with.
    monkeypatch.setattr("regulars.experiment.registry.experiments.secrets.token_hex", lambda size: "a1" * size)
    known = Experiments(shop.state, who="mei")
    known.create("geo", Design({"no ads": 1, "ads": 1}))
    arm = known.start("geo").plan(None)
    names = [f"USA-{number}" for number in range(16)]
    rng, rows = random.Random(0), ["period,region,outcome"]
    for week in range(20):
        common = 100 + 5 * rng.random() + week
        for name in names:
            more = 10 if arm.arm(name) == "ads" and week >= 12 else 0
            rows.append(f"w{week:02d},{name},{common + rng.random() + more:.3f}")
    file = tmp_path / "sales.csv"
    file.write_text("\n".join(rows) + "\n")
    said = ("ads", "regions", file, "--start", "w12", "--shop", shop.folder, "--json", "--experiment")
    code, text, _ = cli(*said, "geo")
    found = json.loads(text)
    assert code == 0
    assert found["regions_with_ads"] == sum(arm.arm(name) == "ads" for name in names)
    assert found["lift"] / found["regions_with_ads"] == pytest.approx(80, abs=8)
    known.create("later", Design({"no ads": 1, "ads": 1}))
    assert "was not started" in cli(*said, "later")[1]


def test_a_file_of_creatives_says_where_campaigns_run(shop: Shop) -> None:
    file = shop.folder / "ads" / "creatives.csv"
    file.parent.mkdir()
    head = "creative_id,campaign,product_id,domain,places,region_lot\n"
    file.write_text(head + "red,k0,tea,tea.example,DEU USA-NY,\nblue,k0,tea,tea.example,,\n")
    places = creatives_of(shop).places["k0"]
    assert [places.holds(each) for each in ("DEU", "USA-NY", "USA-CA", None)] == [True, True, False, False]
    file.write_text(head + "red,k0,tea,tea.example,DEU,\nblue,k0,tea,tea.example,USA-NY,\n")
    places = creatives_of(shop).places["k0"]
    assert [places.holds(each) for each in ("DEU", "USA-NY", "USA-CA")] == [True, True, False]
    file.write_text(head + "red,k0,tea,tea.example,Germany,\n")
    with pytest.raises(ConfigError, match='line 2: place "Germany": a country of three letters'):
        creatives_of(shop)
    file.write_text(head + "red,k0,tea,tea.example,,geo\n")
    with pytest.raises(ConfigError, match="line 2: "):
        creatives_of(shop)
    known = Experiments(shop.state, who="mei")
    known.create("geo", Design({"no ads": 1, "ads": 1}))
    arm = known.start("geo").plan(None)
    file.write_text(head + "red,k0,tea,tea.example,,geo\nblue,k0,tea,tea.example,USA,\n")
    places = creatives_of(shop).places["k0"]
    assert not places.holds("DEU")
    assert all(places.holds(f"USA-{k}") == (arm.arm(f"USA-{k}") == "ads") for k in range(20))
    file.write_text(head + "red,k0,tea,tea.example,,geo\nblue,k0,tea,tea.example,,later\n")
    known.create("later", Design({"no ads": 1, "ads": 1}))
    known.start("later")
    with pytest.raises(ConfigError, match='line 3: campaign "k0" has the lot of "geo" already'):
        creatives_of(shop)


@pytest.mark.parametrize("zone", ZONES)
def test_a_day_is_set_beside_its_plan(ads_shop: Shop, cli: Cli, tea_as_of: datetime, tmp_path: Path, zone: str) -> None:
    shop = in_zone(Path(shutil.copytree(ads_shop.folder, tmp_path / "shop")), zone)
    day = tea_as_of - timedelta(days=2)
    page = tmp_path / "pace.html"
    code, text, _ = cli("ads", "pace", "--on", f"{day:%Y-%m-%d}", "--out", page, "--shop", shop.folder, "--json")
    found = json.loads(text)
    shown = [
        at
        for one in ads_shown(tea_as_of)
        if one["type"] == "ad_shown"
        and (at := datetime.fromisoformat(one["time"]).astimezone(ZoneInfo(zone))).date() == day.date()
    ]
    assert code == 0
    assert found["spent"] == pytest.approx([0.02 * sum(at.hour <= hour for at in shown) for hour in range(24)])
    assert found["planned"][0] == 0
    assert found["planned"][-1] == pytest.approx(found["budget"])
    assert found["over"] == 0 <= found["apart"] <= 1
    assert "Is the budget spent as planned?" in page.read_text()
    assert f"Hour of the day ({zone})" in page.read_text()
    code, _, said = cli("ads", "pace", "--on", "2019-01-01", "--shop", ads_shop.folder)
    assert "no ad_shown with a price on 2019-01-01" in said


def test_chances_follow_what_came_since_they_were_learned(ads_shop: Shop, tea_as_of: datetime) -> None:
    then, later = (in_use(ads_shop, tea_as_of + timedelta(days=days)).clicks for days in (0, 19))
    assert then is not None
    assert later is not None
    came = impressions(ads_shop, tea_as_of + timedelta(days=19), tea_as_of)
    told = sum(part.sum() for part in later.model.calibration.told)
    assert told > sum(part.sum() for part in then.model.calibration.told)
    before, after = (
        abs(one.model.predict(one.of(ads_shop, came)).mean() - came.clicked.mean()) for one in (then, later)
    )
    assert after <= before + 1e-9
    again = in_use(ads_shop, tea_as_of + timedelta(days=19)).clicks
    assert again is not None
    assert again.model.calibration.level == later.model.calibration.level


def test_a_model_of_an_older_program_says_what_to_do(ads_shop: Shop) -> None:
    kept = ads_shop.models.get("ads", 1)
    files = {name: kept.read(name) for name in kept.card["files"]}
    files["model.json"] = files["model.json"].replace(b'"format": 5', b'"format": 4')
    with pytest.raises(CorruptLogError, match="Learn anew: regulars learn ads"):
        AdsModel.from_files(files)


@pytest.mark.parametrize("helps", [True, False])
def test_behaviour_vectors_are_used_where_they_foresee_better(
    ads_shop: Shop, tea_as_of: datetime, tmp_path: Path, keep_behavior_model: Callable[..., None], helps: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    shop = Shop.open(shutil.copytree(ads_shop.folder, tmp_path / "shop"))
    keep_behavior_model(shop, tea_as_of - timedelta(days=95))
    monkeypatch.setattr(Tried, "help", helps)
    found = train(shop, tea_as_of, 30)
    assert set(found.tried) == {"orders", "clicks"}
    assert sum("Vectors of behaviour model 1" in note for note in found.notes) == 2
    assert found.model.clicks is not None
    assert (found.model.vectors is not None) == (found.model.clicks.vectors is not None) == helps
    assert found.model.is_named.all() == (not helps)
    again = AdsModel.from_files(found.model.to_files())
    kept = shop.models.save("ads", again.to_files(), {"until": tea_as_of.isoformat(), "about": {}, "report": {}})
    shop.models.use("ads", kept.version)
    decided = shop.decide("ads", tea_as_of).table
    assert not any("behav" in reason for why in decided["reasons"].to_pylist() for reason in why)


def test_attribution_and_lift_are_printed_with_what_they_are(ads_shop: Shop, cli: Cli, tea_as_of: datetime) -> None:
    code, text, _ = cli("ads", "attribution", "--shop", ads_shop.folder, "--days", 60)
    assert code == 0
    assert "attributed, not caused" in text
    assert any(one.channels for one in paths(ads_shop, ads_shop.now, 60))
    code, text, _ = cli("ads", "lift", "--shop", ads_shop.folder, "--days", 20, "--json")
    assert code == 0
    found = json.loads(text)
    assert found["return_low"] < found["return_on_spend"] < found["return_high"]
    assert found["treated"] + found["held_out"] == ads_shop.tables.read("ads", "decisions").num_rows
    code, _, said = cli("ads", "lift", "--shop", ads_shop.folder, "--days", 300)
    assert code == NotEnoughError.exit_code
    assert "0 customers were decided about 300 days ago" in said


def test_an_audience_holds_no_address_and_nobody_who_objected(
    ads_shop: Shop, cli: Cli, tea_as_of: datetime, tmp_path: Path, record: Record
) -> None:
    shop = Shop.open(shutil.copytree(ads_shop.folder, tmp_path / "shop"))
    rows = shop.tables.read("ads", "decisions").to_pylist()
    may = set(permitted(shop, tea_as_of + timedelta(days=1)).pairs["customer_id"].to_pylist())
    chosen = [row["customer_id"] for row in rows if row["action"] == "advertise" and row["customer_id"] in may][:3]
    held = next(row["customer_id"] for row in rows if row["action"] == "hold out")
    said = {"type": "customer_identified", "time": tea_as_of.isoformat()}
    record(
        shop,
        *({**said, "customer_id": who, "properties.email": f"{who}@Tea.example"} for who in (*chosen, held)),
        {"type": "objection_made", "customer_id": chosen[0], "text": "ads", "time": tea_as_of.isoformat()},
    )
    at = f"{tea_as_of + timedelta(days=1):%Y-%m-%d}"
    out = tmp_path / "list.csv"
    code, text, _ = cli("ads", "audience", "--out", out, "--shop", shop.folder, "--as-of", at, "--json")
    assert code == 0
    written = out.read_text()
    for who, is_listed in ((chosen[0], False), (chosen[1], True), (chosen[2], True), (held, False)):
        assert (hashed(f"{who}@tea.example") in written) is is_listed
    assert json.loads(text)["written"] == written.count("\n") - 1
    assert "@" not in written


def test_budgets_and_replays_come_from_files(cli: Cli, tmp_path: Path) -> None:
    spend = tmp_path / "spend.csv"
    rows = [
        f"{name},{x},{300 * (1 - 2.718281828 ** (-x / scale)):.4f}"
        for name, scale in (("a", 100), ("b", 200))
        for x in (0, 50, 100, 200, 400)
    ]
    spend.write_text("campaign,spend,margin\n" + "\n".join(rows) + "\n")
    code, text, _ = cli("ads", "split", spend, "--budget", 150, "--out", tmp_path / "split.html", "--json")
    assert code == 0
    assert "Incremental margin" in (tmp_path / "split.html").read_text()
    found = json.loads(text)
    assert found["a"]["marginal"] == pytest.approx(found["b"]["marginal"], rel=0.02)
    auctions = tmp_path / "auctions.csv"
    auctions.write_text("value,bid,won,rival\n2,1.5,1,1\n2,1.5,0,3\n2,1.5,1,\n")
    code, text, _ = cli("ads", "replay", auctions, "--auction", "second", "--json")
    assert code == 0
    assert json.loads(text)["won"] == 2
    auctions.write_text("value,bid,won\n2,x,1\n")
    code, _, said = cli("ads", "replay", auctions)
    assert code != 0
    assert 'line 2: bid is "x"; a number is expected' in said
    code, _, said = cli("ads", "split", auctions, "--budget", 5)
    assert 'no column "campaign". Found: value, bid, won' in said
    code, _, _ = cli("ads", "split", tmp_path / "none.csv", "--budget", 5)
    assert code == NotFoundError.exit_code


@pytest.mark.parametrize(
    ("said", "head"),
    [
        (("split", "--budget", 5), "campaign,spend,margin"),
        (("regions", "--start", "w1"), "period,region,outcome,treated"),
        (("replay",), "value,bid,won"),
    ],
)
def test_a_file_of_headers_alone_says_so(cli: Cli, tmp_path: Path, said: tuple[Any, ...], head: str) -> None:
    (tmp_path / "empty.csv").write_text(head + "\n")
    code, _, error = cli("ads", said[0], tmp_path / "empty.csv", *said[1:])
    assert code == InputError.exit_code
    assert "there are no rows" in " ".join(error.split())


def test_a_log_without_ads_says_so_and_takes_the_setting(tea_shop: Shop, tea_as_of: datetime, tmp_path: Path) -> None:
    assert len(impressions(tea_shop, tea_as_of).clicked) == 0
    folder = shutil.copytree(tea_shop.folder, tmp_path / "shop")
    settings = folder / "shop.toml"
    settings.write_text(settings.read_text().replace("[ads]\n", "[ads]\nclick_share = 0.03\n"))
    shop = Shop.open(folder)
    shop.learn("ads", tea_as_of)
    assert "0 ads were shown and 0 clicked" in json.dumps(shop.models.get("ads", 1).card)
    shop.models.use("ads", 1)
    shop.decide("ads", tea_as_of)
    assert set(shop.tables.read("ads", "decisions")["click_probability"].to_pylist()) == {0.03}
