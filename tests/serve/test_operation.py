from __future__ import annotations

import io
import json
import logging
import re
import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families

from regulars.serve.logs import LOG, Lines
from regulars.serve.writer import Writer

VIEW = {"userId": "ada@example.com", "event": "Product Viewed", "messageId": "m1"}


@pytest.fixture
def log_lines():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Lines())
    LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    LOG.removeHandler(handler)


def test_health_and_readiness_are_told_apart(server):
    assert server.client.get("/health").json() == {"status": "alive"}
    assert server.client.get("/ready").json() == {"status": "ready"}
    server.serving.phase = "starting"
    for answer in (server.client.get("/ready"), server.post("/v1/track", VIEW)):
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
    assert server.client.get("/health").status_code == 200
    server.serving.phase = "ready"


def test_metrics_count_what_was_taken_in(server):
    server.post("/v1/track", VIEW)
    server.post("/v1/batch", {"batch": [{"type": "track", **VIEW}, {}]})
    server.post("/v1/track", {})
    families = {family.name: family for family in text_string_to_metric_families(server.client.get("/metrics").text)}
    assert families["regulars_events_received"].samples[0].value == 2
    assert families["regulars_events_refused"].samples[0].value == 2
    counted = {
        tuple(s.labels.values()): s.value for s in families["regulars_requests"].samples if s.name.endswith("_total")
    }
    assert counted["POST", "/v1/track", "200"] == 1
    assert counted["POST", "/v1/track", "400"] == 1


def test_methods_that_somebody_made_up_are_counted_as_one(server):
    for number in range(3):
        assert server.client.request(f"BREW{number}", "/v1/track").status_code == 405
    families = {family.name: family for family in text_string_to_metric_families(server.client.get("/metrics").text)}
    counted = {s.labels["method"]: s.value for s in families["regulars_requests"].samples if s.name.endswith("_total")}
    assert counted == {"GET": counted["GET"], "_OTHER": 3}


def test_each_answer_is_a_line_of_the_log_without_persons(server, log_lines):
    server.post("/v1/track?who=ada", VIEW, headers={"x-request-id": "r-1"})
    server.client.get("/customers/ada@example.com")
    answered = [line for line in log_lines() if line["message"] == "answered"]
    assert (answered[0]["request_id"], answered[0]["route"], answered[0]["status"]) == ("r-1", "/v1/track", 200)
    assert (answered[1]["route"], answered[1]["status"]) == ("none", 404)
    assert not re.search(r"ada|127\.0\.0\.1", json.dumps(answered))


def test_every_answer_has_safe_headers_and_an_id_of_its_own(server):
    answers = [
        server.client.get("/health"),
        server.client.get("/nothing"),
        server.post("/v1/track", {}),
        server.client.put("/v1/track"),
        server.client.get("/health", headers={"x-request-id": "a b<script>"}),
    ]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["x-request-id"])
    assert len({answer.headers["x-request-id"] for answer in answers}) == len(answers)
    assert all(a.headers["content-type"] == "application/problem+json" for a in answers[1:4])


def test_a_mistake_of_the_server_is_a_problem_with_an_id_and_no_traceback(server, log_lines, monkeypatch):
    def broken(self: Writer) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(Writer, "inbox", property(broken))
    answer = server.post("/v1/track", VIEW)
    assert answer.status_code == 500
    assert "secret" not in answer.text
    failed = [line for line in log_lines() if line["message"] == "a request failed"]
    assert failed[0]["request_id"] == answer.json()["request_id"]
    assert "secret detail" in failed[0]["traceback"]
    monkeypatch.undo()


def test_a_server_that_stops_answers_what_is_under_way(start, shop):
    server = start()
    store = server.serving.inbox._store
    append, may_go, began = store.append, threading.Event(), threading.Event()

    def slowly(bodies):
        began.set()
        may_go.wait(10)
        return append(bodies)

    store.append = slowly
    answers = []
    asking = threading.Thread(target=lambda: answers.append(server.post("/v1/track", VIEW).status_code))
    asking.start()
    assert began.wait(10)
    threading.Timer(0.3, may_go.set).start()
    server.stop()
    asking.join(10)
    assert answers == [200]
    assert shop.log.read("events", ["event_id"])["event_id"].to_pylist() == ["m1"]


def test_a_fold_that_fails_is_told_and_loses_nothing(start, shop, log_lines, wait_until):
    server = start(fold_seconds=0.05)
    commits = shop.log.folder / "commits"
    hidden = commits.rename(commits.with_name("hidden"))
    server.post("/v1/track", VIEW)
    wait_until(lambda: [line for line in log_lines() if "could not be put" in line["message"]])
    hidden.rename(commits)
    assert server.serving.inbox.count() == 1
    server.serving.close()
    assert shop.log.read("events").num_rows == 1


def test_the_description_of_the_api_names_every_route_with_an_example(server):
    described = server.client.get("/openapi.json").json()["paths"]
    assert {"/v1/track", "/v1/batch", "/health", "/ready", "/metrics"} <= set(described)
    for path, about in described.items():
        if about.get("post", {}).get("tags") == ["ingest"]:
            example = about["post"]["requestBody"]["content"]["application/json"]["example"]
            assert server.post(path, example).status_code == 200
