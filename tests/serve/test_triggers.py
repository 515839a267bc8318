"""What events set off goes to the webhook and into the log, also over a crash."""

from __future__ import annotations

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import tomlkit

from regulars import Shop, clock
from regulars.webhook import SIGNATURE


def view(customer, product):
    return {"userId": customer, "event": "Product Viewed", "properties": {"product_id": product}}


@pytest.fixture
def receiver():
    """A webhook: its url, and what came."""
    came = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            came.append((json.loads(body), self.headers["idempotency-key"], self.headers[SIGNATURE]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", came
    server.shutdown()
    thread.join()
    server.server_close()


def with_settings(shop, **settings):
    path = shop.folder / "shop.toml"
    document = tomlkit.parse(path.read_text())
    document.setdefault("realtime", tomlkit.table()).update(settings)
    document["shop"]["private_networks"] = ["127.0.0.0/8"]
    path.write_text(tomlkit.dumps(document))
    return Shop.open(shop.folder)


def fired(shop):
    return [row["customer_id"] for row in shop.log.read("events").to_pylist() if row["type"] == "trigger_fired"]


def test_a_trigger_reaches_the_webhook_and_the_log_once(seen, start_of, receiver, wait_until):
    url, came = receiver
    shop = with_settings(seen, triggers=["keen: views >= 3", "at once: session_events >= 2"], webhook=url)
    server = start_of(shop)
    for _ in range(3):
        assert server.post("/v1/track", view("ada", "tea")).status_code == 200
    wait_until(lambda: len(came) == 2 and len(fired(shop)) == 2)
    assert [said["trigger"] for said, _, _ in came] == ["at once", "keen"]
    assert all(said["customer_id"] == "ada" and signature for said, _, signature in came)
    assert len({key for _, key, _ in came}) == 2
    server.stop()
    again = start_of(shop)
    assert again.post("/v1/track", view("ada", "tea")).status_code == 200
    again.stop()
    assert len(came) == len(fired(shop)) == 2


def test_of_whoever_objects_to_profiling_no_trigger_tells(seen, start_of, receiver, wait_until):
    url, came = receiver
    shop = with_settings(seen, triggers=["keen: views >= 2"], webhook=url)
    server = start_of(shop)
    objection = {"userId": "ada", "event": "Objection Made", "properties": {"review_body": "profiling"}}
    assert server.post("/v1/track", objection).status_code == 200
    for customer in ("ada", "bob"):
        for _ in range(2):
            assert server.post("/v1/track", view(customer, "tea")).status_code == 200
    wait_until(lambda: came and fired(shop))
    server.stop()
    assert [said["customer_id"] for said, _, _ in came] == fired(shop) == ["bob"]


def test_what_a_killed_server_had_not_told_the_next_one_tells(seen, start_of, receiver, wait_until):
    url, came = receiver
    shop = with_settings(seen, triggers=["keen: views >= 3"], webhook=url)
    server = start_of(shop, fold_seconds=0.1)
    server.stop()  # a snapshot of before
    server = start_of(shop, fold_seconds=0.1)
    live = server.serving.live
    live._telling.close()  # as if it had died before it told anything
    for _ in range(3):
        server.post("/v1/track", view("ada", "tea"))
    wait_until(lambda: server.serving.inbox.count() == 0)
    live.follower._save = lambda: None
    server.stop()
    assert not came
    start_of(shop)
    wait_until(lambda: len(came) == 1)
    assert came[0][0]["customer_id"] == "ada"


def test_a_server_that_fell_behind_the_log_goes_on_with_what_triggers_were_told(seen, start_of, wait_until):
    shop = with_settings(seen, triggers=["leaving: churn_risk >= 0.5 and views >= 2"])
    server = start_of(shop, fold_seconds=0.1)
    live, loop, inbox = server.serving.live, server._loop, server.serving.inbox
    follower = live.follower
    assert server.post("/v1/track", view("ada", "tea") | {"messageId": "first"}).status_code == 200
    loop.call_soon_threadsafe(follower.tell, "ada", {"churn_risk": 0.9}, clock.now(), "last night")
    asyncio.run_coroutine_threadsafe(follower._turn.acquire(), loop).result()
    missed = [
        {"type": "track", **view("ada", "pot")},
        {"type": "track", "userId": "bob", "event": "Objection Made", "properties": {"review_body": "profiling"}},
    ]
    assert server.post("/v1/batch", {"batch": missed}).status_code == 200
    wait_until(lambda: inbox.count() == 0)
    inbox._newest.clear()  # as if thousands had come since
    loop.call_soon_threadsafe(follower._turn.release)
    wait_until(lambda: fired(shop) == ["ada"])
    assert live.live.known("ada", clock.now())["views"] == 2
    assert live.consents.forbids("bob", "profiling")
