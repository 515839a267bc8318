"""Ads that the server wins: kept in the log before they are acknowledged, and known again after a restart."""

from __future__ import annotations

import html
import json
import math
from datetime import timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from regulars import Shop, clock
from regulars.ads.creatives import creatives_of
from regulars.ads.delivery import context
from regulars.ads.delivery.context import FEATURES
from regulars.ads.live import desk
from regulars.events.erased import Erased

CSV = """creative_id,campaign,product_id,domain,width,height
a1,spring,tea,shop.example,300,250
a2,spring,pot,shop.example,300,250
"""
ASK = {
    "at": 2, "imp": [{"id": "1", "banner": {"w": 300, "h": 250}, "bidfloorcur": "EUR"}],
    "site": {"domain": "news.example"},
}  # fmt: skip
PEOPLE = [f"c{number}" for number in range(20)]


@pytest.fixture
def selling(seen):
    """A shop that has decided to bid for some customers, five a thousand impressions, of a budget of 50 a day."""
    (seen.folder / "ads").mkdir()
    (seen.folder / "ads" / "creatives.csv").write_text(CSV)
    rows = [
        {"customer_id": who, "action": "advertise", "value_cpm": 5000.0, "policy": "by hand", "propensity": 1.0,
         "inputs_hash": "0", "disclosure": None, "reasons": ["said so"]}
        for who in PEOPLE
    ]  # fmt: skip
    seen.tables.write("ads", "decisions", pa.Table.from_pylist(rows), clock.now())
    return seen


@pytest.fixture
def begun(start_of, selling, wait_until):
    """begun(): a server that bids."""

    def begin(**settings):
        server = start_of(Shop.open(selling.folder), **settings)
        wait_until(lambda: server.serving.live.ads.peek() is not None)
        return server

    return begin


def bid(server, number, who, **more):
    """The price for a thousand, None without a bid."""
    answer = server.post("/v1/ads/bid", {**ASK, "id": number, "user": {"buyeruid": who}, **more})
    assert answer.status_code in (200, 204), answer.text
    return answer.json()["seatbid"][0]["bid"][0]["price"] if answer.status_code == 200 else None


def told(server, number, **said):
    return server.post("/v1/ads/notice", {"bid_id": f"{number}/1", "won": True, **said}).json()["was_known"]


def pacer(server):
    return server.serving.live.ads.get().campaigns[0].pacer


def test_a_win_and_a_click_are_in_the_log_with_what_they_cost(selling, begun):
    server = begun()
    assert bid(server, "r1", "c1") is not None
    assert [told(server, "r1", price=2.5) for _ in range(2)] == [True, False]
    assert [told(server, "r1", clicked=True) for _ in range(2)] == [True, False]
    server.stop()
    rows = [row for row in selling.log.read("events").to_pylist() if row["type"] in ("ad_shown", "ad_clicked")]
    assert [(row["event_id"], row["type"], row["customer_id"], row["campaign_id"], row["channel"]) for row in rows] == [
        ("r1/1-shown", "ad_shown", "c1", "spring", "display"), ("r1/1-clicked", "ad_clicked", "c1", "spring", "display")
    ]  # fmt: skip
    assert (float(rows[0]["unit_price"]), rows[1]["unit_price"], rows[0]["product_id"]) == (2.5, None, None)
    assert 0 < rows[0]["propensity"] <= 1
    assert '"creative_id":"a' in rows[0]["properties"].replace(" ", "")
    assert len(json.loads(rows[0]["properties"])["context"]) == FEATURES


def test_a_server_that_begins_anew_knows_which_creatives_were_clicked_where(selling, begun):
    server = begun()
    picked = {}
    for number, who in enumerate(PEOPLE):
        assert bid(server, f"r{number}", who, device={"devicetype": 4}) == 5000.0
        picked[number] = server.serving.live.ads.get()._placed[f"r{number}/1"].pick.creative.creative_id
        assert told(server, f"r{number}", price=0.01)
        if picked[number] == "a1":
            assert told(server, f"r{number}", clicked=True)
    server.stop()
    assert set(picked.values()) == {"a1", "a2"}
    with clock.held_at(clock.now() + timedelta(hours=2)):
        (campaign,) = desk(selling, creatives_of(selling).creatives, "shop.example", clock.now()).campaigns
    chances = campaign.rotation.chances(context(clock.now(), device="phone"))
    assert chances["a1"] > 0.9


@pytest.mark.parametrize("is_folded", [True, False])
def test_a_server_that_begins_anew_knows_what_was_spent_and_seen(selling, begun, is_folded, wait_until):
    server = begun(fold_seconds=600)
    for number in range(9):
        assert bid(server, f"r{number}", f"c{number}") is not None
        assert told(server, f"r{number}", price=5.0)
    # The shop tells of one of them too, by the same id.
    again = {"userId": "c8", "event": "Ad Shown", "messageId": "r8/1-shown", "properties": {"cost": 5.0}}
    assert server.post("/v1/track", again).status_code == 200
    assert server.serving.live.ads.get().exposures.count("c8", clock.now()) == 1
    if is_folded:
        server.stop()
        server = begun()
    else:  # as one that was killed before it brought them into the log
        server.serving.live.advertising._desk = None
        server.serving.live.ads.age()
        wait_until(lambda: server.serving.live.advertising._desk is not None)
    for number in range(10, 14):
        bid(server, f"s{number}", f"c{number}")
    assert 0 < pacer(server).reserved <= 5.0 + 1e-9
    assert bid(server, "t1", "c0") is None  # half an hour must lie between two


def test_ads_of_other_channels_count_for_caps(selling, begun):
    server = begun()
    assert (
        server.post("/v1/track", {"userId": "c2", "event": "Ad Shown", "properties": {"cost": 0.01}}).status_code == 200
    )
    assert [bid(server, f"r{who}", who) is None for who in ("c2", "c3")] == [True, False]


def ordered(who, product, kind="Order Completed", number="o1"):
    said = {"order_id": number, "products": [{"product_id": product, "price": 4, "quantity": 1}]}
    return {"userId": who, "event": kind, "messageId": f"{kind}-{who}-{product}-{number}", "properties": said}


def shown(server, number, who):
    """Of which product an ad is bid for; None without a bid."""
    answer = server.post("/v1/ads/bid", {**ASK, "id": number, "user": {"buyeruid": who}})
    if answer.status_code == 204:
        return None
    creative = answer.json()["seatbid"][0]["bid"][0]["crid"]
    assert server.post("/v1/ads/notice", {"bid_id": f"{number}/1", "won": False}).status_code == 200
    return {"a1": "tea", "a2": "pot"}[creative]


def test_a_creative_is_chosen_by_where_it_would_stand(selling, begun):
    server = begun()
    assert bid(server, "r1", "c1", device={"devicetype": 4}, app={"bundle": "game"}) is not None
    pick = server.serving.live.ads.get()._placed["r1/1"].pick
    local = clock.now().astimezone(ZoneInfo(selling.config.shop.timezone))
    near = min(
        math.dist(pick.context, context(local - timedelta(minutes=ago), device="phone", is_app=True)) for ago in (0, 1)
    )
    assert near < 1e-9


def test_whom_the_lot_keeps_from_ads_has_a_ghost_in_the_log_where_a_bid_would_have_been(selling, begun):
    rows = selling.tables.read("ads", "decisions").to_pylist()
    held = [
        {**row, "action": "hold out" if row["customer_id"] in ("c2", "c3", "c4") else row["action"]} for row in rows
    ]
    selling.tables.write("ads", "decisions", pa.Table.from_pylist(held), clock.now())
    server = begun()
    assert bid(server, "r1", "c1") == 5000.0
    for number in range(2):  # a second one on that day says nothing new
        assert bid(server, f"g{number}", "c2") is None
    assert bid(server, "t1", "c4", test=1) is None
    big = [{"id": "1", "banner": {"w": 970, "h": 600}}]
    assert bid(server, "n1", "c3", imp=big) is None  # no creative fits: there would not have been a bid
    pacers = [one.pacer for one in server.serving.live.ads.get().campaigns]
    assert sum(one.reserved for one in pacers) == pytest.approx(5.0)
    assert server.post("/v1/track", ordered("c3", "cup")).status_code == 200
    assert bid(server, "n2", "c3") is None  # who ordered just now would not have been shown one
    assert server.post("/v1/track", {"userId": "c5", "event": "Ad Bid"}).status_code == 400  # the shop's own to say
    for number in range(5, 14):
        bid(server, f"r{number}", f"c{number}")
    assert bid(server, "n3", "c4") is None  # nothing is left of the budget
    server.stop()
    log = selling.log.read("events").to_pylist()
    bids = [
        (row["event_id"], row["customer_id"], row["outcome"], row["campaign_id"], row["channel"])
        for row in log
        if row["type"] == "ad_bid"
    ]
    assert bids[:2] == [
        ("r1/1-bid", "c1", "bid", "spring", "display"),
        ("g0/1-bid", "c2", "ghost", "spring", "display"),
    ]
    assert {who for _, who, outcome, *_ in bids if outcome == "ghost"} == {"c2"}
    assert '"bid":5.0' in next(row["properties"] for row in log if row["event_id"] == "g0/1-bid").replace(" ", "")


@pytest.mark.parametrize("is_folded", [True, False])
def test_what_a_customer_has_is_not_advertised_from_the_next_bid_on(selling, begun, is_folded, wait_until):
    settings = selling.folder / "shop.toml"
    settings.write_text(settings.read_text().replace("[ads]\n", "[ads]\nbought_days = 0\n"))
    server = begun(fold_seconds=600)
    assert {shown(server, f"r{number}", "c1") for number in range(30)} == {"tea", "pot"}
    assert server.post("/v1/track", ordered("c1", "tea")).status_code == 200
    assert {shown(server, f"s{number}", "c1") for number in range(30)} == {"pot"}
    assert server.post("/v1/track", ordered("c1", "pot")).status_code == 200
    assert shown(server, "t1", "c1") is None
    assert {shown(server, f"u{number}", "c2") for number in range(30)} == {"tea", "pot"}
    if is_folded:
        server.stop()
        server = begun()
    else:  # as one that was killed before it brought them into the log
        live = server.serving.live.advertising
        live._bought.forget(["c1"])
        live._desk = None
        server.serving.live.ads.age()
        wait_until(lambda: live._desk is not None)
    assert shown(server, "v1", "c1") is None
    assert server.post("/v1/track", ordered("c1", "tea", "Order Refunded")).status_code == 200
    assert shown(server, "w1", "c1") == "tea"


def test_who_orders_sees_no_ad_for_so_many_days(selling, begun):
    server = begun()
    assert server.post("/v1/track", ordered("c1", "cup")).status_code == 200
    assert [shown(server, f"r{who}", who) is None for who in ("c1", "c2")] == [True, False]


def test_who_is_erased_is_forgotten_by_the_desk(selling, begun):
    server = begun()
    assert bid(server, "r1", "c1") is not None
    assert server.post("/v1/track", ordered("c1", "cup")).status_code == 200
    assert server.serving.live.ads.get().known() == {"c1"}
    live = server.serving.live
    live._forget(Erased("salt", {}).with_ids(["c1"], clock.now()))
    assert live.ads.get().known() == set()
    assert not live.advertising._bought.customers


def test_another_campaign_in_the_file_has_what_is_left_of_the_day(selling, begun, wait_until):
    server = begun()
    for number in range(9):
        assert bid(server, f"r{number}", f"c{number}") is not None
        assert told(server, f"r{number}", price=5.0)
    (selling.folder / "ads" / "creatives.csv").write_text(CSV.replace("spring", "summer"))
    wait_until(lambda: server.serving.live.ads.get().campaigns[0].name == "summer")
    for number in range(10, 14):
        bid(server, f"s{number}", f"c{number}")
    assert 45.0 < 45.0 + pacer(server).reserved <= 50.0 + 1e-9


def test_an_exchange_and_a_browser_tell_what_came_of_a_bid(selling, begun):
    head, *lines = CSV.split()
    links = ",https://img.example/tea.png,https://tea.example/spring"
    (selling.folder / "ads" / "creatives.csv").write_text(
        "\n".join([f"{head},image,url", *(f"{x}{links}" for x in lines)])
    )
    settings = selling.folder / "shop.toml"
    settings.write_text(settings.read_text().replace("[ads]\n", '[ads]\naddress = "http://shop.example/api"\n'))
    server = begun()
    answer = server.post("/v1/ads/bid", {**ASK, "id": "r 1", "user": {"buyeruid": "c1"}})
    offered = answer.json()["seatbid"][0]["bid"][0]

    def path(url: str, price: str = "") -> str:
        return url.removeprefix("http://shop.example/api").replace("${AUCTION_PRICE}", price)

    def spent() -> float:
        return pacer(server).spent

    won = path(offered["nurl"], "2500.0")  # for a thousand
    assert server.client.get(won.replace("token=", "token=x")).status_code == 404
    assert spent() == 0
    assert [server.client.get(won).status_code for _ in range(2)] == [204, 204]
    assert spent() == pytest.approx(2.5)
    click = path(html.unescape(offered["adm"]).split('"')[1])
    for url in (click, click.replace("token=", "token=x")):
        led = server.client.get(url, follow_redirects=False)
        assert (led.status_code, led.headers["location"]) == (302, "https://tea.example/spring")
    assert server.client.get(click.split("&creative")[0] + "&creative=other").status_code == 404
    server.post("/v1/ads/bid", {**ASK, "id": "r2", "user": {"buyeruid": "c2"}})
    lost = offered["lurl"].replace("r%201", "r2")
    assert server.client.get(path(lost)).status_code == 404  # another bid's token
    assert pacer(server).reserved == pytest.approx(5.0)
    server.stop()
    kinds = [row["type"] for row in selling.log.read("events").to_pylist()]
    assert [kind for kind in kinds if kind in ("ad_shown", "ad_clicked")] == ["ad_shown", "ad_clicked"]


def test_a_price_that_cannot_be_read_or_is_above_the_bid_costs_the_bid(selling, begun):
    settings = selling.folder / "shop.toml"
    settings.write_text(settings.read_text().replace("[ads]\n", '[ads]\naddress = "http://shop.example"\n'))
    server = begun()
    for number, price in enumerate(["${AUCTION_PRICE}", "99999", "nan"], 1):
        answer = server.post("/v1/ads/bid", {**ASK, "id": f"r{number}", "user": {"buyeruid": f"c{number}"}})
        url = answer.json()["seatbid"][0]["bid"][0]["burl"].removeprefix("http://shop.example")
        before = pacer(server).spent + pacer(server).reserved
        assert server.client.get(url.replace("${AUCTION_PRICE}", price)).status_code == 204
        assert pacer(server).spent == pytest.approx(before)
