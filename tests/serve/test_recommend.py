from __future__ import annotations

import json

import pytest

from regulars import clock
from regulars.serve.keys import Keys


def view(customer, product, **about):
    return {"userId": customer, "event": "Product Viewed", "properties": {"product_id": product}, **about}


def products(answer):
    assert answer.status_code == 200, answer.text
    return [line["product_id"] for line in answer.json()["products"]]


def test_a_view_changes_the_next_list(seen, start):
    server = start()
    ask = {"customer_id": "ada", "k": 1}
    for product, follows in (("tea", "pot"), ("milk", "cup")) * 5:
        assert server.post("/v1/track", view("ada" + product, product)).status_code == 200
        answer = server.post("/v1/recommend", ask | {"customer_id": "ada" + product})
        assert products(answer) == [follows]
        assert answer.json()["products"][0]["reason"].startswith("who looked at")


def test_a_visitor_who_becomes_known_keeps_the_session(seen, start):
    server = start()
    server.post("/v1/track", {**view("", "tea"), "userId": None, "anonymousId": "v1"})
    assert products(server.post("/v1/recommend", {"anonymous_id": "v1", "k": 1})) == ["pot"]
    server.post("/v1/identify", {"userId": "ada", "anonymousId": "v1"})
    assert products(server.post("/v1/recommend", {"customer_id": "ada", "k": 1})) == ["pot"]


def test_an_objection_is_obeyed_by_the_next_request(seen, start):
    server = start()
    server.post("/v1/track", view("ada", "tea"))
    ask = {"customer_id": "ada", "k": 3}
    assert server.post("/v1/recommend", ask).json()["personalised"]
    assert not server.post("/v1/recommend", ask | {"personalised": False}).json()["personalised"]
    server.post("/v1/track", {"userId": "ada", "event": "Objection Made", "properties": {"review_body": "profiling"}})
    answer = server.post("/v1/recommend", ask).json()
    assert not answer["personalised"]
    assert "objects" in answer["note"]
    assert all("looked at" not in line["reason"] for line in answer["products"])
    server.post(
        "/v1/track", {"userId": "ada", "event": "Objection Withdrawn", "properties": {"review_body": "profiling"}}
    )
    assert server.post("/v1/recommend", ask).json()["personalised"]


def test_rules_filters_and_exclusions_hold(seen, start):
    server = start()
    server.post("/v1/track", view("ada", "tea"))
    ask = {"customer_id": "ada", "k": 5}
    assert "pot" not in products(server.post("/v1/recommend", ask | {"exclude": ["pot"]}))
    assert products(server.post("/v1/recommend", ask | {"where": 'title = "Cup"'})) == ["cup"]
    wrong = server.post("/v1/recommend", ask | {"where": "colour ="})
    assert (wrong.status_code, wrong.headers["content-type"]) == (422, "application/problem+json")


def test_what_was_sent_back_is_not_shown_again(seen, start):
    server = start()
    server.post("/v1/track", view("ada", "tea"))
    back = {"order_id": "o1", "products": [{"product_id": "pot", "price": 3, "quantity": 1}]}
    server.post("/v1/track", {"userId": "ada", "event": "Order Refunded", "properties": back})
    assert "pot" not in products(server.post("/v1/recommend", {"customer_id": "ada", "k": 5}))


def test_decisions_and_outcomes_are_in_the_log(seen, start):
    server = start(fold_seconds=0.2)
    server.post("/v1/track", view("ada", "tea"))
    made = server.post("/v1/recommend", {"customer_id": "ada", "k": 2, "explain": True}).json()
    name = made["recommendation_id"]
    assert made["products"][0]["places"] == {"live": 1, "nightly": None}
    for outcome in ({"outcome": "shown"}, {"outcome": "clicked", "product_id": "pot"}):
        assert server.post(f"/v1/decisions/{name}/outcome", outcome).status_code == 200
    feedback = server.serving.live.live.feedback
    assert feedback.seen.sum() == 1
    assert server.post("/v1/decisions/none/outcome", {"outcome": "shown"}).status_code == 404
    server.stop()
    rows = [row for row in seen.log.read("events").to_pylist() if row["time"].year > 2024]
    kinds = [row["type"] for row in rows]
    assert sorted(set(kinds)) == ["decision_made", "product_clicked", "product_list_viewed", "product_viewed"]
    decision = next(row for row in rows if row["type"] == "decision_made")
    assert (decision["event_id"], decision["propensity"], decision["outcome"]) == (
        name,
        made["propensity"],
        "recommend",
    )
    said = json.loads(decision["properties"])
    assert (said["capability"], said["products"]) == ("recommend", [line["product_id"] for line in made["products"]])


def test_the_same_is_decided_once(seen, start):
    server = start()
    key = {"idempotency-key": "k1"}
    first = server.post("/v1/recommend", {"customer_id": "ada"}, headers=key)
    again = server.post("/v1/recommend", {"customer_id": "ada"}, headers=key)
    assert first.content == again.content
    assert server.post("/v1/recommend", {"customer_id": "bob"}, headers=key).status_code == 422
    other = server.post("/v1/recommend", {"customer_id": "ada"})
    assert other.json()["recommendation_id"] != first.json()["recommendation_id"]


def test_a_batch_answers_each_in_its_order(seen, start):
    server = start()
    server.post("/v1/track", view("ada", "tea"))
    server.post("/v1/track", view("bob", "milk"))
    asked = {"requests": [{"customer_id": name, "k": 1} for name in ("ada", "bob")]}
    answers = server.post("/v1/recommend/batch", asked).json()["answers"]
    assert [each["products"][0]["product_id"] for each in answers] == ["pot", "cup"]


def test_a_server_that_starts_again_knows_what_the_last_one_knew(seen, start):
    server = start()
    server.post("/v1/track", view("ada", "tea"))
    server.stop()
    # What came and was acknowledged while nobody kept a snapshot is in the log or in the inbox.
    again = start()
    assert again.serving.live.live.known("ada", clock.now())["events"] == 1
    again.post("/v1/track", view("ada", "milk", messageId="m7"))
    again.post("/v1/track", view("ada", "milk", messageId="m7"))
    assert again.serving.live.live.known("ada", clock.now())["events"] == 2


def test_only_keys_that_may_decide_are_answered(seen, start):
    keys = Keys(seen.state)
    secrets = {scope: keys.create(scope, [scope], who="ada")[1] for scope in ("ingest", "decide", "support", "admin")}
    server = start()
    found = {
        scope: server.post(
            "/v1/recommend", {"customer_id": "ada"}, headers={"authorization": f"Bearer {secret}"}
        ).status_code
        for scope, secret in secrets.items()
    }
    assert found == {"ingest": 403, "decide": 200, "support": 403, "admin": 403}


@pytest.mark.parametrize(
    "body", [{}, {"customer_id": ""}, {"customer_id": "a", "k": 0}, {"customer_id": "a", "x": 1}, []]
)
def test_what_is_wrong_is_named(refusing, body):
    answer = refusing.post("/v1/recommend", body)
    assert answer.status_code == 422
    assert answer.json()["detail"]


def test_an_empty_shop_shows_nothing(server):
    assert products(server.post("/v1/recommend", {"customer_id": "ada"})) == []
