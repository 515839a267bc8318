"""Bid requests: what is needed is asked for by name, what is not known is ignored, what the law says is obeyed."""

from __future__ import annotations

import base64
import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.ads.bidding import Bidder
from regulars.ads.delivery import BrandSafety, Cap, Creative, Exposures, Placement, Places, Rotation, context
from regulars.ads.delivery.context import FEATURES
from regulars.ads.openrtb import Campaign, Desk, Notices, answer, read
from regulars.ads.pacing import Pacer, SpendCurve
from regulars.errors import InputError

MORNING = datetime(2024, 5, 1, tzinfo=UTC)


class Worth:
    """Ada is worth more than a stranger; Eve may not be shown anything."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []

    def value(self, customer: str | None, creative: Creative, place: Placement, at: datetime) -> float:
        self.asked.append(customer)
        return 0.02 if customer == "ada" else 0.005

    def may_see(self, customer: str) -> bool:
        return customer != "eve"

    def is_held_out(self, customer: str) -> bool:
        return customer == "hal"


def desk(budget: float = 1.0, currency: str = "USD") -> tuple[Desk, Worth]:
    creatives = [Creative("wide", "spring", "tea", 728, 90), Creative("box", "spring", "tea", 300, 250)]
    spring = Campaign("spring", Rotation("spring", creatives), Bidder("second"), Pacer(budget, SpendCurve(), MORNING))
    worth = Worth()
    safety = BrandSafety("tea.example", own_categories=("IAB8",))
    return Desk([spring], worth, safety, Exposures([Cap(2, timedelta(days=1))]), currency), worth


def body(number: str = "r1", **more: Any) -> bytes:
    said = {
        "id": number,
        "imp": [{"id": "1", "banner": {"format": [{"w": 300, "h": 250}]}, "bidfloor": 1.0, "pmp": {"x": 1}}],
        "user": {"buyeruid": "ada"},
        "at": 2,
        "some_new_field": {"a": [1, 2]},
    }
    return json.dumps({**said, **more}).encode()


def consent(*purposes: int, version: int = 2) -> str:
    """A consent string with these purposes allowed, all else 0."""
    bits = f"{version:06b}" + "0" * 146 + "".join(str(int(one in purposes)) for one in range(1, 25)) + "0" * 64
    return base64.urlsafe_b64encode(int(bits, 2).to_bytes(len(bits) // 8, "big")).decode().rstrip("=")


@pytest.mark.parametrize(
    ("geo", "bids"),
    [
        ({"country": "USA", "region": "NY"}, True), ({"country": "usa", "region": "US-NY"}, True),
        ({"country": "USA", "region": "CA"}, False), ({"country": "DEU"}, True), ({}, False),
    ],
)  # fmt: skip
def test_a_campaign_runs_at_its_places_alone(geo: dict[str, str], bids: bool) -> None:
    ours, _ = desk()
    ours.campaigns[0].places = Places(("USA-NY", "DEU"))
    assert (answer(body(device={"geo": geo}), ours, MORNING) is not None) == bids
    assert (answer(body("r2", user={"buyeruid": "ada", "geo": geo}), ours, MORNING) is not None) == bids


def test_a_request_says_where_an_ad_would_stand() -> None:
    phone = read(body(device={"devicetype": 4}, app={"bundle": "game"}, imp=[{"id": "1", "banner": {"pos": 3}}]))
    assert (phone.device, phone.placement.is_app, phone.impressions[0].view) == ("phone", True, -1.0)
    other = read(body(device={"devicetype": "x"}, site={"domain": "a.example"}, imp=[{"id": "1", "instl": 1}]))
    assert (other.device, other.placement.is_app, other.impressions[0].view) == (None, False, 1.0)
    bare = read(body())
    assert (bare.device, bare.placement.is_app, bare.impressions[0].view) == (None, False, 0.0)


def test_creatives_are_chosen_by_device_and_hour_of_the_shops_clock() -> None:
    creatives = [Creative(name, "spring", "tea") for name in ("poster", "story")]
    rotation = Rotation("spring", creatives, features=FEATURES, click_share=0.3)
    spring = Campaign("spring", rotation, Bidder("second"), Pacer(1000.0, SpendCurve(), MORNING))
    zone = ZoneInfo("Asia/Shanghai")
    ours = Desk([spring], Worth(), BrandSafety("tea.example"), Exposures([]), "USD", zone=zone)
    rng = random.Random(0)
    for number in range(1200):
        at = MORNING + timedelta(minutes=number)
        device = rng.choice((2, 4))
        said = body(f"r{number}", device={"devicetype": device}, imp=[{"id": "1"}])
        creative = json.loads(answer(said, ours, at) or b"")["seatbid"][0]["bid"][0]["crid"]
        assert ours.won(f"r{number}/1", 0.001, at)
        clicked = rng.random() < (0.4 if (creative == "story") == (device == 4) else 0.1)
        assert ours.seen(f"r{number}/1", clicked=clicked, at=at)
    noon = MORNING.astimezone(zone)
    assert rotation.chances(context(noon, device="phone"))["story"] > 0.8
    assert rotation.chances(context(noon, device="desktop"))["poster"] > 0.8
    assert ours.chances(MORNING) == rotation.chances(context(noon))


def test_a_bid_is_answered_in_the_exchange_s_own_terms() -> None:
    notices = Notices("https://shop.example", lambda bid_id: f"signed-{len(bid_id)}")
    found = json.loads(answer(body(), desk()[0], MORNING, notices=notices) or b"")
    bid = found["seatbid"][0]["bid"][0]
    assert found["id"] == "r1"
    assert (bid["impid"], bid["crid"], bid["price"], bid["adomain"]) == ("1", "box", 20.0, ["tea.example"])
    won = "https://shop.example/v1/ads/won?bid=r1%2F1&token=signed-4&price=${AUCTION_PRICE}"
    assert bid["nurl"] == bid["burl"] == won
    assert bid["lurl"] == "https://shop.example/v1/ads/lost?bid=r1%2F1&token=signed-4&least=${AUCTION_MIN_TO_WIN}"
    assert "adm" not in bid


def test_a_creative_with_a_picture_brings_its_markup() -> None:
    ours, _ = desk()
    box = Creative("box", "spring", "tea", 300, 250, 'https://img.example/a.png?"', "https://tea.example/?a=1&b=2")
    ours.campaigns[0].rotation.change(Rotation("spring", [box]))
    notices = Notices("https://shop.example", lambda bid_id: "t")
    plain, told = (
        json.loads(answer(body(number), ours, MORNING, notices=each) or b"")["seatbid"][0]["bid"][0]["adm"]
        for number, each in (("r1", None), ("r2", notices))
    )
    picture = '<img src="https://img.example/a.png?&quot;" width="300" height="250" alt="">'
    assert plain == f'<a href="https://tea.example/?a=1&amp;b=2" target="_blank">{picture}</a>'
    clicked = "https://shop.example/v1/ads/clicked?bid=r2%2F1&amp;token=t&amp;creative=box"
    assert told == f'<a href="{clicked}" target="_blank">{picture}</a>'


@pytest.mark.parametrize(
    "more",
    [
        {"imp": [{"id": "1", "banner": {"w": 160, "h": 600}}]},  # no creative of this size
        {"imp": [{"id": "1", "bidfloor": 500.0}]},
        {"imp": [{"id": "1", "bidfloor": 0.1, "bidfloorcur": "JPY"}]},
        {"cur": ["JPY"]},
        {"bcat": ["IAB8"]},
        {"site": {"domain": "x.example", "cat": ["IAB25-2"]}},
        {"site": {"domain": "x.example", "cat": ["483"], "cattax": 7}},
        {"bcat": ["1062"], "cattax": 2},
        {"user": {"buyeruid": "eve"}},
        {"imp": [{"id": "1", "video": {"mimes": ["video/mp4"], "w": 300, "h": 250}}]},
        {"imp": [{"id": "1", "banner": None, "native": {"request": "{}"}}]},
    ],
)
def test_no_bid_where_there_must_be_none(more: dict[str, Any]) -> None:
    assert answer(body(**more), desk()[0], MORNING) is None


@pytest.mark.parametrize(
    "more",
    [
        {"regs": {"coppa": 1}},
        {"device": {"lmt": 1}},
        {"device": {"dnt": 1}},
        {"regs": {"gdpr": 1}},
        {"regs": {"us_privacy": "1YYN"}},
        {"regs": {"ext": {"gpc": "1"}}},
        {"regs": {"gdpr": 1}, "user": {"buyeruid": "ada", "consent": consent(1, 4)}},
        {"regs": {"gdpr": 1}, "user": {"buyeruid": "ada", "consent": consent(1, 3, 4, version=1)}},
        {"regs": {"gdpr": 1}, "user": {"buyeruid": "ada", "ext": {"consent": "1"}}},
        {"user": {"buyeruid": "ada", "consent": consent()}},
        {"device": {"geo": {"country": "DEU"}}},
        {"regs": {"gpp": "DBABMA~x", "gpp_sid": [2]}},
        {
            "regs": {"gpp": "DBABBg~BVVqAAAAAAA", "gpp_sid": [7]},
            "user": {"buyeruid": "ada", "consent": consent(1, 3, 4)},
        },
        {"regs": {"ext": {"gpp": "DBABBg~BVVqAAAAAAA"}}},
    ],
)
def test_who_may_not_be_profiled_is_a_stranger(more: dict[str, Any]) -> None:
    ours, worth = desk()
    found = json.loads(answer(body(**more), ours, MORNING) or b"")
    assert found["seatbid"][0]["bid"][0]["price"] == 5.0
    assert worth.asked == [None]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"regs": {"gdpr": 0}, "device": {"geo": {"country": "DEU"}}},
        {"regs": {"gdpr": 1}, "user": {"buyeruid": "ada", "consent": consent(1, 3, 4) + ".IFoEUQQgAIQ"}},
        {"device": {"geo": {"country": "FRA"}}, "user": {"buyeruid": "ada", "consent": consent(1, 2, 3, 4)}},
        {"regs": {"gpp": "DBAA", "gpp_sid": [-1]}},
    ],
)
def test_who_allows_it_is_known(more: dict[str, Any]) -> None:
    ours, worth = desk()
    assert answer(body(**more), ours, MORNING)
    assert worth.asked == ["ada"]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"{", "not valid JSON"),
        (b"[]", "a JSON object"),
        (b'{"imp": [{"id": "1"}]}', 'no "id"'),
        (b'{"id": 5, "imp": [{"id": "1"}]}', 'no "id"'),
        (b'{"id": "r"}', 'no "imp"'),
        (b'{"id": "r", "imp": [{}]}', r'imp\[0\]: no "id"'),
        (b'{"id": "r", "imp": [{"id": "1", "bidfloor": -1}]}', r"imp\[0\]: bidfloor = -1"),
        (b'{"id": "r", "imp": [{"id": "1", "bidfloor": 1' + b"0" * 400 + b"}]}", r"bidfloor = 10+: an amount from 0"),
        (b'{"id": "r", "imp": [{"id": "1"}, {"id": "1"}]}', "two impressions have one id"),
        (b'{"id": "r", "imp": [{"id": "1"}], "at": 3}', "at = 3"),
        (b'{"id": "r", "imp": [{"id": "1"}], "at": [1]}', r"at = \[1\]"),
        (b'{"id": "r", "imp": [{"id": "1"}], "site": 5}', "site is no JSON object"),
        (b'{"id": "r", "imp": [{"id": "1"}], "bcat": "IAB1"}', "bcat is no list"),
        (b'{"id": "r", "imp": [{"id": "1"}], "user": {"buyeruid": 7}}', "buyeruid = 7"),
        (b" " * 300_000, "at most"),
    ],
)
def test_a_request_that_cannot_be_read_says_where(raw: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read(raw)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["id", "imp", "banner", "format", "w", "h", "user", "regs", "ext", "site", "cat", "cur", "at"]),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(JSON)
@settings(max_examples=150)
def test_whatever_comes_is_read_or_refused(said: Any) -> None:
    raw = json.dumps(said).encode()
    try:
        found = read(raw)
    except InputError:
        with pytest.raises(InputError, match=r"^bid request"):
            read(raw)
    else:
        assert found.impressions


def test_who_bids_the_worth_bids_less_where_the_own_bid_is_paid() -> None:
    ours, _ = desk(budget=100.0)
    price = {}
    for number, more in (("said first", {"at": 1}), ("said second", {"at": 2}), ("not said", {"at": None})):
        found = json.loads(answer(body(number, **more, user={}), ours, MORNING) or b"")
        price[number] = found["seatbid"][0]["bid"][0]["price"]
    assert price["said second"] == price["not said"] == 5.0
    assert 0 < price["said first"] < 5.0
    # What a loss tells of rivals is learned by the bidder that bid.
    assert ours.lost("said first/1", MORNING, rival=0.004)
    spring = ours.campaigns[0]
    assert spring.bidder_of("first") is spring.bidder_of("first") is not spring.bidder


def test_a_bid_that_nobody_tells_of_for_an_hour_was_lost() -> None:
    ours, _ = desk()
    for number in ("r1", "r2"):
        assert answer(body(number), ours, MORNING) is not None
    assert answer(body("r3"), ours, MORNING + timedelta(minutes=59)) is None  # two may be seen in a day
    later = MORNING + timedelta(minutes=61)
    assert answer(body("r4"), ours, later) is not None
    assert ours.exposures.count("ada", later) == 1
    assert not ours.won("r1/1", 0.01, later)
    assert ours.won("r4/1", 0.01, later)


def test_other_creatives_take_over_money_and_bids_that_wait() -> None:
    before, _ = desk(budget=0.05)
    assert answer(body("r1", user={}), before, MORNING) is not None
    before.won("r1/1", 0.004, MORNING)
    assert answer(body("r2", user={}), before, MORNING) is not None
    after, _ = desk(budget=0.05)
    after.go_on_from(before, MORNING)
    pacer = after.campaigns[0].pacer
    assert (pacer.spent, pacer.reserved) == (0.004, 0.005)
    assert after.won("r2/1", 0.005, MORNING)
    assert pacer.spent == pytest.approx(0.009)
    assert after.seen("r1/1", clicked=True, at=MORNING)


def test_a_notice_that_comes_late_overspends_nothing() -> None:
    ours, _ = desk(budget=0.05)
    waiting: list[tuple[datetime, str]] = []
    for minute in range(0, 180, 5):
        at = MORNING + timedelta(minutes=minute)
        while waiting and waiting[0][0] <= at:
            assert ours.won(waiting.pop(0)[1], 0.005, at)
        if answer(body(f"r{minute}", user={}), ours, at) is not None:
            waiting.append((at + timedelta(minutes=40), f"r{minute}/1"))
    pacer = ours.campaigns[0].pacer
    assert 0.04 < pacer.spent + pacer.reserved <= 0.05 + 1e-12


def of(campaign: str, budget: float, at: datetime = MORNING) -> Campaign:
    one = Creative(f"{campaign} box", campaign, "tea", 300, 250)
    return Campaign(campaign, Rotation(campaign, [one]), Bidder("second"), Pacer(budget, SpendCurve(), at))


def test_another_name_of_a_campaign_brings_no_other_budget() -> None:
    first, worth = desk(budget=0.012)
    assert answer(body("r1", user={}), first, MORNING) is not None
    assert first.won("r1/1", 0.004, MORNING)
    assert answer(body("r2", user={}), first, MORNING) is not None  # waits for its notice
    made = Desk([of("summer", 0.006), of("winter", 0.006)], worth, first.safety, first.exposures, "USD")
    made.go_on_from(first, MORNING)
    assert [one.pacer.ask("much", 1.0, MORNING).most for one in made.campaigns] == pytest.approx([0.0015, 0.0015])
    tomorrow = MORNING + timedelta(days=1)
    for one in made.campaigns:
        one.pacer.lost("much", MORNING)
    assert [one.pacer.ask("more", 1.0, tomorrow).most for one in made.campaigns] == pytest.approx([0.006, 0.006])


def test_what_was_learned_of_creatives_outlives_a_change_of_them() -> None:
    before, worth = desk(budget=100.0)
    rotation = before.campaigns[0].rotation
    for _ in range(300):
        pick = rotation.pick(at=MORNING)
        rotation.seen(rotation.shown(pick, at=MORNING), clicked=pick.creative.creative_id == "box", at=MORNING)
    liked = rotation.chances()["box"]
    creatives = [Creative(name, "spring", "tea", 300, 250) for name in ("box", "wide", "new")]
    spring = Campaign("spring", Rotation("spring", creatives), Bidder("second"), Pacer(100.0, SpendCurve(), MORNING))
    after = Desk([spring], worth, before.safety, before.exposures, "USD")
    after.go_on_from(before, MORNING)
    (campaign,) = after.campaigns
    assert campaign.rotation.creatives["wide"].width == 300
    chances = campaign.rotation.chances()
    assert liked > 0.9
    assert chances["box"] > 5 * chances["wide"]
    assert chances["new"] > 0


def test_one_creative_is_shown_without_a_choice() -> None:
    first, worth = desk()
    ours = Desk([of("spring", 1.0)], worth, first.safety, first.exposures, "USD")
    assert json.loads(answer(body(), ours, MORNING) or b"")["seatbid"][0]["bid"][0]["crid"] == "spring box"
    assert ours.won("r1/1", 0.01, MORNING)
    assert ours.campaigns[0].rotation.chances() == {"spring box": 1.0}
    ours.campaigns[0].rotation.change(Rotation("spring", [Creative("other", "spring", "tea")]))
    assert ours.campaigns[0].rotation.chances() == {"other": 1.0}


def test_a_clock_that_is_set_back_stands_still_and_bids_go_on() -> None:
    ours, _ = desk()
    assert answer(body("r1", user={}), ours, MORNING + timedelta(hours=2)) is not None
    assert answer(body("r2", user={}), ours, MORNING) is not None
    assert ours.won("r2/1", 0.005, MORNING)
    assert ours.lost("r1/1", MORNING)
    assert ours.campaigns[0].pacer.spent == 0.005


def test_a_win_without_a_price_costs_what_was_bid() -> None:
    ours, _ = desk()
    assert answer(body(), ours, MORNING) is not None
    assert ours.won("r1/1", None, MORNING)
    assert ours.campaigns[0].pacer.spent == pytest.approx(0.02)


def test_who_was_erased_is_in_no_bid_that_waits() -> None:
    ours, _ = desk()
    for number in ("r1", "r2"):
        assert answer(body(number), ours, MORNING) is not None
    assert ours.won("r2/1", 0.01, MORNING)
    assert ours.known() == {"ada"}
    ours.forget({"ada"})
    assert ours.exposures.count("ada", MORNING) == 0
    assert ours.known() == set()
    assert ours.won("r1/1", 0.01, MORNING)


def test_caps_budget_and_notices_go_together() -> None:
    ours, _ = desk(budget=0.03)
    (campaign,) = ours.campaigns
    assert answer(body("a"), ours, MORNING)
    assert campaign.pacer.reserved == pytest.approx(0.02)
    assert ours.won("a/1", 0.012, MORNING)
    assert not ours.won("a/1", 0.012, MORNING)
    assert campaign.pacer.spent == pytest.approx(0.012)
    assert answer(body("b"), ours, MORNING)
    assert answer(body("c"), ours, MORNING) is None  # the cap of two, one of them a bid under way
    assert ours.lost("b/1", MORNING, rival=0.05)
    assert answer(body("d"), ours, MORNING)
    assert campaign.pacer.spent + campaign.pacer.reserved <= 0.03 + 1e-12
    assert ours.seen("a/1", clicked=True, at=MORNING)
    assert not ours.seen("a/1", clicked=True, at=MORNING)
    with pytest.raises(InputError, match="was answered already"):
        answer(body("d"), ours, MORNING)


def test_a_test_request_spends_nothing() -> None:
    ours, _ = desk()
    assert answer(body(test=1), ours, MORNING)
    assert ours.campaigns[0].pacer.reserved == 0.0


def test_what_nobody_clicks_for_an_hour_counts_as_not_clicked() -> None:
    ours, _ = desk(budget=100.0)
    shown = []
    for number in range(120):
        at = MORNING + timedelta(minutes=2 * number)
        found = answer(body(f"r{number}", imp=[{"id": "1"}], user={"buyeruid": f"c{number}"}), ours, at)
        assert found is not None
        bid = json.loads(found)["seatbid"][0]["bid"][0]
        shown.append(bid["crid"])
        assert ours.won(bid["id"], 0.0001, at)
        if bid["crid"] == "box":
            assert ours.seen(bid["id"], clicked=True, at=at)
    first = f"r{shown.index('wide')}/1"
    assert not ours.seen(first, clicked=True, at=at)
    assert shown[60:].count("box") > 50
