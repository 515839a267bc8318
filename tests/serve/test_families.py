from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from regulars import Shop, clock
from regulars.client import AskError, Client
from regulars.events.schema import EVENTS
from regulars.experiment import Design, Experiments
from regulars.pricing.audit import audit
from regulars.serve.keys import Keys
from tests.language.conftest import serving

CSV = "creative_id,campaign,product_id,domain,width,height\na1,spring,tea,shop.example,300,250\na2,spring,pot,shop.example,300,250\n"
PROFILING = {"event": "Objection Made", "properties": {"review_body": "profiling"}}


def decisions(shop, name, rows, at=None):
    table = pa.Table.from_pylist([
        {"policy": "by hand", "propensity": 1.0, "inputs_hash": "0", "disclosure": None, "reasons": ["said so"], **row}
        for row in rows
    ])  # fmt: skip
    shop.tables.write(name, "decisions", table, at or clock.now())


def test_an_arm_is_the_same_at_every_call_and_noted_once(seen, start, wait_until):
    known = Experiments(seen.state, who="ada")
    known.create("spring", Design({"control": 1, "blue": 1}, primary_metric="revenue"))
    known.start("spring")
    server = start()
    ask = {"experiment": "spring", "customer_id": "ada"}
    wait_until(lambda: server.post("/v1/experiment/assign", ask).status_code == 200)
    arms = {server.post("/v1/experiment/assign", ask).json()["arm"] for _ in range(5)}
    assert len(arms) == 1
    looked = server.post("/v1/experiment/assign", ask | {"customer_id": "bob", "expose": False}).json()
    assert looked["propensity"] == 0.5
    missing = server.post("/v1/experiment/assign", ask | {"experiment": "autumn"})
    assert (missing.status_code, "spring" in missing.json()["detail"]) == (404, True)
    known.stop("spring")
    wait_until(lambda: server.post("/v1/experiment/assign", ask).status_code == 409)
    server.stop()
    met = [row for row in seen.log.read("events").to_pylist() if row["type"] == "experiment_viewed"]
    assert [(row["customer_id"], row["variant"], row["propensity"]) for row in met] == [("ada", *arms, 0.5)]


def test_support_answers_as_a_stream_of_events(seen, start, wait_until):
    server = start()
    wait_until(lambda: server.post("/v1/support/messages", {"message": "Hello"}).status_code == 200)
    answer = server.post("/v1/support/messages", {"message": "I want to speak to a person"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [dict(line.split(": ", 1) for line in part.splitlines()) for part in answer.text.strip().split("\n\n")]
    names = [event["event"] for event in events]
    assert (names[0], set(names[1:-1]), names[-1]) == ("conversation", {"text"}, "reply")
    conversation = json.loads(events[0]["data"])["conversation_id"]
    assert json.loads(events[-1]["data"])["made_by"] == "ai"
    again = {"message": "Thank you", "conversation_id": conversation}
    assert conversation in server.post("/v1/support/messages", again).text
    assert server.post("/v1/support/messages", again | {"conversation_id": "none"}).status_code == 404
    long = server.post("/v1/support/messages", {"message": "I want to speak to a person " + "x" * 200_000})
    assert (long.status_code, '"action":"hand_over"' in long.text.replace(" ", "")) == (200, True)
    assert server.post("/v1/support/messages", {"message": "x" * 300_000}).status_code == 413


def test_what_a_model_writes_arrives_sentence_by_sentence_and_then_as_ever(seen, start, wait_until, monkeypatch):
    days, food = "Unused goods may be sent back within 30 days.", "Opened food cannot be returned."
    written = [json.dumps({"text": text, "sources": [1]}) for text in (days, food, days)]
    is_read = threading.Event()

    def slow(asking):
        pieces = ['{"action": "answer", "sentences": [', written[0], ", ", written[1], ", ", written[2], "]}"]
        asking.begin()
        for piece in pieces:
            if piece == "]}":
                assert is_read.wait(30)
            said = {"choices": [{"delta": {"content": piece}}]}
            asking.wfile.write(b"data: " + json.dumps(said).encode() + b"\n\n")
        asking.wfile.write(b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n')

    (seen.folder / "knowledge").mkdir()
    (seen.folder / "knowledge" / "returns.md").write_text(
        "# Return period\nYou may send back unused goods within thirty days. Opened food cannot be returned.\n"
    )
    with serving() as endpoint:
        endpoint.behaviours = [slow]
        monkeypatch.setenv("REGULARS_LANGUAGE_URL", endpoint.url)
        monkeypatch.setenv("REGULARS_LANGUAGE_MODEL", "test")
        server = start()
        wait_until(lambda: server.post("/v1/support/messages", {"message": "Hello"}).status_code == 200, 240)
        asked = {"message": "how many days do I have to send goods back?"}
        events = []
        with server.client.stream("POST", "/v1/support/messages", json=asked) as answer:
            for line in answer.iter_lines():
                name, _, said = line.partition(": ")
                if name == "event":
                    events.append(said)
                elif name == "data":
                    events[-1] = (events[-1], json.loads(said))
                    if events[-1][0] == "so_far":
                        is_read.set()
    assert [name for name, _ in events] == ["conversation", "so_far", "so_far", "text", "text", "reply"]
    so_far = [said["text"] for name, said in events if name == "so_far"]
    whole = "\n".join(said["text"] for name, said in events if name == "text")
    assert so_far[0].endswith(f"\n{days} [1]")
    assert whole == f"{so_far[1]} {days} [1]"
    assert whole.startswith(so_far[0])


def test_support_needs_its_own_scope(seen, start):
    keys = Keys(seen.state)
    secrets = {scope: keys.create(scope, [scope], who="ada")[1] for scope in ("decide", "support")}
    server = start()

    def status(path, scope, body):
        return server.post(path, body, headers={"authorization": f"Bearer {secrets[scope]}"}).status_code

    assert status("/v1/support/messages", "decide", {"message": "Hello"}) == 403
    for path in ("/v1/churn", "/v1/segments", "/v1/campaign/next"):
        assert status(path, "support", {"customer_id": "ada"}) == 403
    for path in ("/v1/churn", "/v1/segments", "/v1/profile/ada"):
        assert server.client.get(path, headers={"authorization": f"Bearer {secrets['support']}"}).status_code == 403


@pytest.mark.parametrize("forbidden", [{"event": "Unsubscribed"}, PROFILING], ids=["marketing", "profiling"])
def test_a_contact_is_none_from_the_moment_it_is_forbidden(seen, start, forbidden):
    decisions(seen, "campaign", [{"customer_id": "ada", "action": "email", "channel": "email", "hour": 9}])
    server = start()
    ask = {"customer_id": "ada"}
    answer = server.post("/v1/campaign/next", ask)
    while answer.status_code == 503:
        answer = server.post("/v1/campaign/next", ask)
    assert (answer.json()["action"], answer.json()["hour"]) == ("email", 9)
    server.post("/v1/track", {"userId": "ada", **forbidden})
    assert server.post("/v1/campaign/next", ask).json()["action"] == "none"
    assert server.post("/v1/campaign/next", {"customer_id": "bob"}).json()["action"] == "none"


def test_new_nightly_lists_take_over_without_a_failed_request(seen, start, wait_until):
    server = start()
    ask = {"customer_id": "zoe", "k": 5, "explain": True}
    row = {"customer_id": "zoe", "action": "recommend", "products": ["cup"], "titles": ["Cup"]}
    decisions(seen, "recommend", [row])
    statuses = set()

    def nightly():
        answer = server.post("/v1/recommend", ask)
        statuses.add(answer.status_code)
        return {line["product_id"]: line["places"]["nightly"] for line in answer.json()["products"]}.get("cup")

    wait_until(lambda: nightly() == 1)
    assert statuses == {200}


def test_a_profile_has_the_last_event_in_it_and_is_not_sent_twice(seen, start):
    server = start()
    server.post("/v1/track", {"userId": "c1", "event": "Product Viewed", "properties": {"product_id": "tea"}})
    answer = server.client.get("/v1/profile/c1")
    assert answer.json()["live"]["views"] == 3

    def again():
        tag = {"if-none-match": server.client.get("/v1/profile/c1").headers["etag"]}
        return server.client.get("/v1/profile/c1", headers=tag).status_code

    assert 304 in (again(), again())  # twice: between the first two a minute may end
    assert server.client.get("/v1/profile/nobody").status_code == 404
    server.post("/v1/track", {"userId": "c1", "event": "Objection Made", "properties": {"review_body": "profiling"}})
    forbidden = server.client.get("/v1/profile/c1")
    assert forbidden.json()["live"] == {}
    tag = {"if-none-match": forbidden.headers["etag"]}
    assert server.client.get("/v1/profile/c1", headers=tag).status_code == 304


def test_a_bid_request_is_answered_and_its_notice_counts_once(seen, start, wait_until):
    (seen.folder / "ads").mkdir()
    (seen.folder / "ads" / "creatives.csv").write_text(CSV)
    decisions(seen, "ads", [{"customer_id": "ada", "action": "advertise", "value_cpm": 50.0}])
    server = start()
    ask = {
        "id": "r1", "at": 1, "imp": [{"id": "1", "banner": {"w": 300, "h": 250}, "bidfloorcur": "EUR"}],
        "user": {"buyeruid": "ada"}, "site": {"domain": "news.example"},
    }  # fmt: skip
    wait_until(lambda: server.post("/v1/ads/bid", ask | {"id": "r0", "test": 1}).status_code in (200, 204))
    answer = server.post("/v1/ads/bid", ask)
    assert answer.status_code == 200, answer.text
    bid = answer.json()["seatbid"][0]["bid"][0]
    told = {"bid_id": bid["id"], "won": True, "price": bid["price"] / 2000}
    assert [server.post("/v1/ads/notice", told).json()["was_known"] for _ in range(2)] == [True, False]
    assert server.post("/v1/ads/bid", ask | {"id": "r2", "user": {"buyeruid": "bob"}}).status_code == 204
    assert server.post("/v1/ads/bid", {"imp": []}).status_code == 422


@pytest.mark.parametrize("purpose", ["ads", "marketing", "profiling"])
def test_an_objection_counts_for_the_next_bid(seen, start, wait_until, purpose):
    (seen.folder / "ads").mkdir()
    (seen.folder / "ads" / "creatives.csv").write_text(CSV)
    decisions(seen, "ads", [{"customer_id": who, "action": "advertise", "value_cpm": 50.0} for who in ("ada", "bob")])
    server = start()
    ask = {
        "at": 1, "imp": [{"id": "1", "banner": {"w": 300, "h": 250}, "bidfloorcur": "EUR"}],
        "site": {"domain": "news.example"}, "test": 1,
    }  # fmt: skip

    def bid(number: int, who: str) -> int:
        return server.post("/v1/ads/bid", ask | {"id": f"r{number}", "user": {"buyeruid": who}}).status_code

    wait_until(lambda: bid(0, "ada") == 200)
    server.post("/v1/track", {"userId": "ada", "event": "Objection Made", "properties": {"review_body": purpose}})
    assert [bid(1, "ada"), bid(2, "bob")] == [204, 200]


def test_a_price_is_told_with_what_must_stand_beside_it(shop, record, start, wait_until):
    record(shop, {"type": "order_completed", "customer_id": "bob", "product_id": "tea", "title": "Tea", "unit_price": 4.5,
                  "quantity": 1, "time": "2024-05-01T12:00:00Z", "order_id": "o1"})  # fmt: skip
    server = start()
    ask = {"product_id": "tea", "customer_id": "ada", "session_id": "s"}
    wait_until(lambda: server.post("/v1/price", ask).status_code == 200)
    answer = server.post("/v1/price", ask)
    assert (float(answer.json()["price"]), answer.json()["personalised"]) == (4.5, False)
    assert server.post("/v1/price", {"product_id": "none"}).status_code == 404
    server.stop()
    lines = audit(shop, customer_id="ada").to_pylist()
    assert {
        (line["what"], line["price"], line["list_price"], line["session_id"], line["problem"]) for line in lines
    } == {("shown", Decimal("4.5"), Decimal("4.5"), "s", "")}


def test_an_objection_counts_for_the_next_price(shop, record, start_of, wait_until):
    said = {"customer_id": "ada", "time": datetime(2024, 5, 1, 12, tzinfo=UTC)}
    tea = {"product_id": "tea", "title": "Tea", "unit_price": 4.5, "unit_cost": 1.0, "quantity": 1, "order_id": "o1"}
    record(shop, {"type": "order_completed", **tea, "customer_id": "ada", "time": "2024-05-01T12:00:00Z"})
    decided = {
        "capability": "pricing", "mode": "personal", "share": 0.2, "policy": "by hand", "reasons": ["said so"],
        "horizon_days": 10_000, "model_version": 1,
    }  # fmt: skip
    rows = [
        {"event_id": kind, "line": 0, "received_at": said["time"], "type": kind, "properties": json.dumps(notes), "propensity": 1.0, **said}
        for kind, notes in (("customer_identified", {"country": "US", "state": "NY"}), ("decision_made", decided))
    ]  # fmt: skip
    shop.log.append(pa.Table.from_pylist(rows, schema=EVENTS), "by hand")
    (shop.folder / "shop.toml").write_text('[pricing]\nmode = "personal"\nmax_discount = 0.3\n')
    server = start_of(Shop.open(shop.folder))
    ask = {"product_id": "tea", "customer_id": "ada", "session_id": "s"}
    wait_until(lambda: server.post("/v1/price", ask).status_code == 200)
    before = server.post("/v1/price", ask).json()
    assert (float(before["price"]), before["personalised"]) == (3.6, True)
    assert before["disclosure"]
    server.post("/v1/track", {"userId": "ada", "event": "Objection Made", "properties": {"review_body": "pricing"}})
    after = server.post("/v1/price", ask).json()
    assert (float(after["price"]), after["personalised"], after["disclosure"]) == (4.5, False, None)


def test_products_are_found_by_words(seen, start, wait_until):
    server = start()
    wait_until(lambda: server.post("/v1/search", {"query": "tea"}).status_code == 200, seconds=60)
    found = server.post("/v1/search", {"query": "a pot", "k": 1}).json()["products"]
    assert [line["product_id"] for line in found] == ["pot"]
    assert server.post("/v1/search", {"query": " "}).status_code == 422


def test_who_is_leaving_is_told_one_by_one_and_page_by_page(own_tea_shop, start_of, wait_until):
    server = start_of(own_tea_shop)
    wait_until(lambda: server.client.get("/v1/churn").status_code == 200, seconds=120)
    rows, cursor = [], None
    while True:
        page = server.client.get("/v1/churn", params={"limit": 100} | ({"cursor": cursor} if cursor else {})).json()
        rows += page["customers"]
        cursor = page["next"]
        if cursor is None:
            break
    risks = [row["churn_probability"] for row in rows]
    assert len({row["customer_id"] for row in rows}) == len(rows) > 200
    assert risks == sorted(risks, reverse=True)
    one = server.post("/v1/churn", {"customer_id": rows[0]["customer_id"]}).json()
    assert one["churn_probability"] == risks[0]
    several = {"requests": [{"customer_id": row["customer_id"]} for row in rows[:3]]}
    found = server.post("/v1/churn/batch", several).json()["answers"]
    assert [each["churn_probability"] for each in found] == risks[:3]
    assert server.client.get("/v1/churn", params={"cursor": "x"}).status_code == 422
    wait_until(lambda: server.client.get("/v1/segments").status_code == 200, seconds=60)
    customer = rows[0]["customer_id"]
    assert server.post("/v1/segments", {"customer_id": customer}).json()["rfm_cell"]
    assert server.post("/v1/segments", {"customer_id": "nobody"}).status_code == 404
    wait_until(lambda: server.client.get(f"/v1/profile/{customer}").json()["features"], seconds=60)
    page = server.client.get(f"/v1/profile/{customer}", params={"explain": True}).json()["page"]
    assert page["sentences"]
    server.post(
        "/v1/track", {"userId": customer, "event": "Objection Made", "properties": {"review_body": "profiling"}}
    )
    for path, said in (("/v1/churn", "churn_probability"), ("/v1/segments", "rfm_cell")):
        answer = server.post(path, {"customer_id": customer}).json()
        assert (answer[said], "object" in answer["note"]) == (None, True)
        first = server.client.get(path, params={"limit": 1000}).json()["customers"]
        assert {row[said] for row in first if row["customer_id"] == customer} <= {None}


def test_every_route_is_documented(server):
    text = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")
    described = server.client.get("/openapi.json").json()["paths"]
    decisions = [
        path
        for path, about in described.items()
        if about.get("post", about.get("get"))["tags"][0] not in ("ingest", "operation")
    ]
    missing = [path for path in decisions if not path.endswith("/batch") and f"{path}`" not in text]
    assert len(decisions) > 20
    assert missing == []


def test_a_client_asks_after_what_it_has_sent(seen, start):
    server = start()
    with Client(server.url) as client:
        client.track("ada", "Product Viewed", {"product_id": "tea"})
        found = client.ask("/v1/recommend", {"customer_id": "ada", "k": 1})
        assert found["products"][0]["product_id"] == "pot"
        with pytest.raises(AskError, match="422"):
            client.ask("/v1/recommend", {})
