"""Bid requests: what is needed is asked for by name, what is not known is ignored, what the law says is obeyed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.ads.bidding import Bidder
from regulars.ads.delivery import BrandSafety, Cap, Creative, Exposures, Placement, Places, Rotation
from regulars.ads.openrtb import Campaign, Desk, answer, read
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


def test_a_bid_is_answered_in_the_exchange_s_own_terms() -> None:
    found = json.loads(answer(body(), desk()[0], MORNING, notice_url="https://shop.example/ads") or b"")
    bid = found["seatbid"][0]["bid"][0]
    assert found["id"] == "r1"
    assert (bid["impid"], bid["crid"], bid["price"], bid["adomain"]) == ("1", "box", 20.0, ["tea.example"])
    assert bid["nurl"] == "https://shop.example/ads/won?bid=r1%2F1&price=${AUCTION_PRICE}"


@pytest.mark.parametrize(
    "more",
    [
        {"imp": [{"id": "1", "banner": {"w": 160, "h": 600}}]},  # no creative of this size
        {"imp": [{"id": "1", "bidfloor": 500.0}]},
        {"imp": [{"id": "1", "bidfloor": 0.1, "bidfloorcur": "JPY"}]},
        {"cur": ["JPY"]},
        {"bcat": ["IAB8"]},
        {"site": {"domain": "x.example", "cat": ["IAB25-2"]}},
        {"user": {"buyeruid": "eve"}},
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
    ],
)
def test_who_may_not_be_profiled_is_a_stranger(more: dict[str, Any]) -> None:
    ours, worth = desk()
    found = json.loads(answer(body(**more), ours, MORNING) or b"")
    assert found["seatbid"][0]["bid"][0]["price"] == 5.0
    assert worth.asked == [None]


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
    after.go_on_from(before)
    pacer = after.campaigns[0].pacer
    assert (pacer.spent, pacer.reserved) == (0.004, 0.005)
    assert after.won("r2/1", 0.005, MORNING)
    assert pacer.spent == pytest.approx(0.009)
    assert after.seen("r1/1", clicked=True, at=MORNING)


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
