"""A customer is erased while the server runs: it goes on answering, and forgets."""

from __future__ import annotations

import uuid

from regulars import Shop
from regulars.privacy.erase import erase

ADA, ORDER, QUESTION = "ada.lovelace@tea.example", "order-ada-1", "where is my osmanthus parcel?"


def track(server, customer, event, **properties):
    call = {"userId": customer, "event": event, "messageId": str(uuid.uuid4()), "properties": properties}
    assert server.post("/v1/track", call).status_code == 200
    return call["messageId"]


def test_a_running_server_forgets_who_is_erased_and_goes_on(seen, start, wait_until):
    server = start(fold_seconds=0.2)
    message = track(server, ADA, "Order Completed", order_id=ORDER, products=[{"product_id": "tea", "price": 4.5}])
    track(server, ADA, "Product Viewed", product_id="tea")
    track(server, "bob", "Product Viewed", product_id="milk")
    track(server, ADA, "Support Asked", review_body=QUESTION)
    objection = {"userId": ADA, "event": "Objection Made", "properties": {"review_body": "profiling"}}
    server.post("/v1/track", objection)
    live = server.serving.live
    assert live.consents.forbids(ADA, "profiling")
    erase(Shop.open(server.shop.folder), [ADA])
    wait_until(lambda: ADA not in live.live.store.names())
    assert not live.consents.forbids(ADA, "profiling")
    answer = server.post("/v1/recommend", {"customer_id": "bob", "k": 1})
    assert answer.status_code == 200
    assert [line["product_id"] for line in answer.json()["products"]] == ["cup"]
    track(server, "bob", "Product Viewed", product_id="tea")  # it takes events as before
    server.stop()
    found = []
    for path in sorted(server.shop.folder.rglob("*")):
        data = path.read_bytes() if path.is_file() else b""
        marks = (ADA, ORDER, QUESTION, message)
        found += [(path.name, mark) for mark in marks if mark.encode() in data]
    assert found == []
    left = Shop.open(server.shop.folder).log.read("events")
    assert ADA not in left["customer_id"].to_pylist()
    views = [row["customer_id"] for row in left.to_pylist() if row["type"] == "product_viewed"]
    assert views.count("bob") == 2


def test_the_prices_that_an_erased_customer_was_told_are_forgotten(shop, record, start, wait_until):
    record(shop, {"type": "order_completed", "customer_id": "zoe", "product_id": "tea", "unit_price": 4.5, "quantity": 1,
                  "time": "2024-05-01T12:00:00Z", "order_id": "o1"})  # fmt: skip
    server = start(fold_seconds=0.2)
    for who in (ADA, "bob"):
        ask = {"product_id": "tea", "customer_id": who, "session_id": f"of {who}"}
        wait_until(lambda ask=ask: server.post("/v1/price", ask).status_code == 200)
    told = server.serving.live.quotes
    assert {asking.customer_id for asking in told._desk._told} == {ADA, "bob"}
    erase(Shop.open(server.shop.folder), [ADA])
    wait_until(lambda: {asking.customer_id for asking in told._desk._told} == {"bob"})
