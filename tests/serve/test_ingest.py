from __future__ import annotations

import gzip
import json
import socket
from datetime import UTC, datetime, timedelta

import pytest

from regulars import clock
from regulars.serve import body
from regulars.serve.routes import ingest

VIEW = {"userId": "ada", "event": "Product Viewed", "properties": {"product_id": "tea", "price": 4.5}}


def waiting(server) -> list[dict]:
    return [json.loads(entry.body) for entry in server.serving.inbox.read(0)]


def assert_problem(answer, status: int, *words: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == status
    assert document["request_id"] == answer.headers["x-request-id"]
    for word in words:
        assert word in document["detail"]


def test_each_kind_of_call_is_kept_before_it_is_acknowledged(server):
    paths = [(path, kind) for kind in ingest.EXAMPLES if kind != "batch" for path in (kind, ingest.SHORT[kind])]
    for number, (path, kind) in enumerate(paths, 1):
        answer = server.post(f"/v1/{path}", ingest.EXAMPLES[kind])
        assert (answer.status_code, answer.json()) == (200, {"success": True})
        kept = waiting(server)
        assert len(kept) == number
        assert kept[-1]["type"] == kind
        assert kept[-1]["messageId"]


def test_what_is_taken_in_is_in_the_log_after_the_server_stops(start, shop):
    server = start()
    order = {"order_id": "o1", "products": [{"product_id": "tea", "price": 4.5, "quantity": 2}]}
    calls = [
        {"type": "identify", "userId": "ada", "anonymousId": "v-1", "traits": {"city": "Kyoto"}},
        {"type": "track", **VIEW},
        {"type": "track", "userId": "ada", "event": "Order Completed", "properties": order},
    ]
    assert server.post("/v1/batch", {"batch": calls}).json() == {"success": True}
    server.serving.close()
    table = shop.log.read("events", ["type", "customer_id", "product_id", "unit_price", "properties"]).to_pylist()
    assert sorted(row["type"] for row in table) == ["customer_identified", "order_completed", "product_viewed"]
    assert {row["customer_id"] for row in table} == {"ada"}
    (identified,) = [row for row in table if row["type"] == "customer_identified"]
    assert json.loads(identified["properties"]) == {"city": "Kyoto"}


def test_events_are_folded_while_the_server_runs(start, shop, wait_until):
    server = start(fold_seconds=0.1)
    server.post("/v1/track", VIEW)
    wait_until(lambda: shop.log.version == 1 and server.serving.inbox.count() == 0)


def test_a_message_that_is_sent_again_counts_once(start, shop):
    server = start()
    for _ in range(3):
        server.post("/v1/track", VIEW | {"messageId": "m1", "timestamp": "2024-05-01T10:00:00Z"})
    server.serving.close()
    assert shop.log.read("events").num_rows == 1


def test_the_clock_of_the_sender_is_set_right_by_when_it_sent(server):
    now = clock.now()
    slow = now - timedelta(hours=2)
    sent = VIEW | {"timestamp": (slow - timedelta(minutes=10)).isoformat(), "sentAt": slow.isoformat()}
    server.post("/v1/track", sent)
    said = {name: value for name, value in sent.items() if name != "sentAt"}
    server.post("/v1/batch", {"batch": [{"type": "track", **said}], "sentAt": slow.isoformat()})
    server.post("/v1/track", said)
    one, two, three = (datetime.fromisoformat(call["timestamp"]) for call in waiting(server))
    assert one == two == now - timedelta(minutes=10)
    assert three == slow - timedelta(minutes=10)


def test_unknown_fields_are_kept_among_the_properties(server):
    server.post("/v1/track", VIEW | {"plan": "gold", "integrations": {"All": False}})
    server.post("/v1/identify", {"userId": "ada", "tier": 2, "traits": {"city": "Kyoto"}})
    track, identify = waiting(server)
    assert track["properties"] == {"plan": "gold", "product_id": "tea", "price": 4.5}
    assert identify["traits"] == {"tier": 2, "city": "Kyoto"}
    assert "integrations" not in track


def test_the_context_of_a_batch_is_that_of_each_call_unless_it_says_otherwise(server):
    calls = [{"type": "track", **VIEW}, {"type": "track", **VIEW, "context": {"locale": "de"}}]
    server.post("/v1/batch", {"batch": calls, "context": {"locale": "en", "direct": True}})
    one, two = (call["context"] for call in waiting(server))
    assert (one["locale"], two["locale"]) == ("en", "de")
    assert one["ip"] == "127.0.0.1"


def test_one_bad_call_of_a_batch_does_not_lose_the_others(server):
    calls = [{"type": "track", **VIEW}, {"type": "track"}, 7, {"type": "sing", "userId": "ada"}]
    answer = server.post("/v1/batch", {"batch": calls})
    assert answer.status_code == 200
    assert [refused["index"] for refused in answer.json()["refused"]] == [1, 2, 3]
    assert len(waiting(server)) == 1
    assert_problem(server.post("/v1/batch", {"batch": calls[1:]}), 400, "neither a userId")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ({"event": "x"}, "neither a userId nor an anonymousId"),
        ({"userId": "ada"}, "event is missing"),
        ({"userId": "ada", "event": ["x"]}, "event is no text"),
        ({"userId": {"a": 1}, "event": "x"}, "userId is neither text nor a number"),
        (VIEW | {"messageId": "m" * 101}, "messageId is longer"),
        (VIEW | {"properties": [1]}, "properties is no object"),
        (VIEW | {"timestamp": "yesterday"}, "is no time"),
        (VIEW | {"timestamp": 5}, "is no time"),
        (VIEW | {"timestamp": "1950-01-01T00:00:00Z"}, "before 1970"),
        (VIEW | {"timestamp": "2200-01-01T00:00:00Z"}, "ahead"),
        (VIEW | {"timestamp": "9999-12-31T23:59:00Z", "sentAt": "2001-01-01T00:00:00Z"}, "ahead"),
        (VIEW | {"sentAt": "now"}, "sentAt"),
        (VIEW | {"event": "Price Set"}, "noted down by Regulars itself"),
        (VIEW | {"event": "decisionMade"}, "noted down by Regulars itself"),
    ],
)
def test_a_call_that_cannot_be_an_event_is_refused_with_its_reason(refusing, call, words):
    assert_problem(refusing.post("/v1/track", call), 400, words)
    assert waiting(refusing) == []


@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        (b"", 400, "no JSON"),
        (b"{", 400, "no JSON"),
        (b"[]", 400, "a JSON object is expected"),
        (b'{"userId": "a", "userId": "b"}', 400, 'the key "userId" stands twice'),
        (b'{"userId": "\xff"}', 400, "not UTF-8"),
        (b'{"userId": "a", "event": "x", "properties": {"a": "\\ud800"}}', 400, "surrogate"),
        (b'{"userId": "a", "event": "x", "properties": {"a": NaN}}', 400, "no number"),
        (b'{"userId": "a", "event": "x", "properties": {"a": 1e999}}', 400, "too large a number"),
        (b'{"userId": "a", "event": "x", "properties": {"a": ' + b"[" * 9000 + b"]" * 9000 + b"}}", 400, "deep"),
        (b'{"userId": "a", "event": "x", "properties": {"a": ' + b"[" * 60 + b"]" * 60 + b"}}", 400, "deep"),
        (b'{"a": "' + b"x" * 40_000 + b'"}', 413, "longer than 32,768 bytes"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(refusing, sent, status, words):
    assert_problem(refusing.client.post("/v1/track", content=sent), status, words)


def test_packed_bodies_are_taken_and_bombs_are_not(server):
    def post(body: bytes, encoding: str = "gzip"):
        return server.client.post("/v1/batch", content=body, headers={"content-encoding": encoding})

    packed = gzip.compress(json.dumps({"batch": [{"type": "track", **VIEW}]}).encode())
    assert post(packed).status_code == 200
    assert_problem(post(gzip.compress(b"x" * (200 << 20))), 413, "longer than")
    assert_problem(post(packed[:-9]), 400, "no whole gzip")
    assert_problem(post(b"no gzip"), 400, "no gzip")
    assert_problem(post(packed, "br"), 415, "gzip or none")


def test_too_long_and_too_many_are_told_before_they_are_read(refusing):
    with socket.create_connection(("127.0.0.1", refusing.port)) as line:
        line.sendall(b"POST /v1/batch HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000000\r\n\r\n")
        assert line.recv(100).startswith(b"HTTP/1.1 413")
    calls = [{"type": "track", **VIEW}] * 2501
    assert_problem(refusing.post("/v1/batch", {"batch": calls}), 413, "at most 2,500")
    assert_problem(refusing.post("/v1/batch", {"calls": calls[:1]}), 400, "batch is missing")


def test_a_body_that_does_not_come_is_not_waited_for(server, monkeypatch):
    monkeypatch.setattr(body, "SECONDS", 0.2)
    with socket.create_connection(("127.0.0.1", server.port)) as line:
        line.sendall(b"POST /v1/track HTTP/1.1\r\nhost: localhost\r\ncontent-length: 50\r\n\r\n{")
        assert line.recv(100).startswith(b"HTTP/1.1 408")
    assert server.post("/v1/track", VIEW).status_code == 200


def test_limits_and_a_full_disk_are_said_with_when_to_try_again(start):
    server = start(inbox_events=2)
    store = server.serving.inbox._store
    assert server.post("/v1/batch", {"batch": [{"type": "track", **VIEW}] * 2}).status_code == 200
    answer = server.post("/v1/track", VIEW)
    assert_problem(answer, 429, "wait to be put into the log")
    assert int(answer.headers["retry-after"]) > 0
    server.serving.inbox.delete(2)
    (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    big = VIEW | {"properties": {"note": "x" * 30_000}}
    answers = [server.post("/v1/track", big) for _ in range(2)]
    assert_problem(answers[-1], 507, "Free some space")
    assert int(answers[-1].headers["retry-after"]) > 0
    store._connection.execute("PRAGMA max_page_count = 100000")
    assert server.post("/v1/track", VIEW).status_code in (200, 429)


def test_ids_that_look_like_paths_or_headers_are_texts(server):
    for name in ("../../etc/passwd", "a\r\nset-cookie: x", "\u0000", "'; DROP TABLE waiting; --", "\u202eabc"):
        assert server.post("/v1/track", VIEW | {"userId": name}).status_code == 200
    assert len(waiting(server)) == 5
    assert server.client.get("/v1/../../etc/passwd").status_code == 404


def test_naive_times_are_left_to_the_time_zone_of_the_shop(server):
    server.post("/v1/track", VIEW | {"timestamp": "2024-05-01T10:00:00", "sentAt": datetime.now(UTC).isoformat()})
    assert waiting(server)[0]["timestamp"] == "2024-05-01T10:00:00"


def test_a_key_that_stands_twice_is_found_however_it_is_written(refusing):
    for text in (
        '{"userId": "ada", "event": "a", "event": "b"}',
        '{"userId" :"ada", "event":"a", "event":"b"}',
        '{"userId": "ada", "event": "\\u0022", "event": "b"}',
        '{"userId": "ada", "event": "a", "properties": {"n": 1, "\\u006e": 2}}',
    ):
        answer = refusing.client.post("/v1/track", content=text)
        assert (answer.status_code, "stands twice" in answer.json()["detail"]) == (400, True)


def test_a_whole_number_keeps_all_its_digits(server):
    server.post("/v1/track", {"userId": 123456789012345678901234, "event": "a", "messageId": "m1"})
    kept = server.serving.inbox.newest(0)[0].body
    assert b'"123456789012345678901234"' in kept


def test_half_a_surrogate_pair_is_refused_wherever_it_stands(start, keys):
    secret = keys.create("till", ["ingest"], who="ada")[1]
    server = start()
    good = '{"type": "track", "userId": "ada", "event": "Product Viewed", "messageId": "m1"}'

    def sent(path, body, **headers):
        return server.client.post(path, content=body, headers=headers)

    shown = {"authorization": f"Bearer {secret}"}
    assert sent("/v1/track", '{"writeKey": "\\ud800", "userId": "ada", "event": "Product Viewed"}').status_code == 401
    several = sent("/v1/batch", f'{{"batch": [{good}, {{"type": "\\ud800"}}]}}', **shown)
    assert (several.status_code, [each["index"] for each in several.json()["refused"]]) == (200, [1])
    for said in ('{"type": "track", "\\ud800": 1, "\\ud800": 2}', '{"batch": [{"type": "\\ud800"}]}'):
        refused = sent("/v1/batch", said, **shown)
        assert (refused.status_code, refused.headers["content-type"]) == (400, "application/problem+json")
        assert refused.json()["detail"]
