"""Traces and metrics reach a collector where the environment names one."""

from __future__ import annotations

import gzip
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as proto

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def collector(monkeypatch):
    """{path: bodies} of what came to a collector."""
    came: dict[str, list[bytes]] = {}

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            packed = self.headers.get("content-encoding") == "gzip"
            came.setdefault(self.path, []).append(gzip.decompress(body) if packed else body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    yield came
    server.shutdown()
    thread.join()
    server.server_close()


def test_each_answer_is_a_span_in_the_trace_of_who_asked(collector, start):
    server = start()
    said = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    assert (
        server.post("/v1/track", {"userId": "ada.lovelace", "event": "Product Viewed"}, headers=said).status_code == 200
    )
    server.stop()
    spans = [
        span
        for body in collector["/v1/traces"]
        for resource in proto.ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    (span,) = [span for span in spans if span.name == "POST /v1/track"]
    assert span.trace_id.hex() == TRACE
    assert span.end_time_unix_nano > span.start_time_unix_nano
    assert b"ada.lovelace" not in b"".join(collector["/v1/traces"])
    assert b"http.server.request.duration" in b"".join(collector["/v1/metrics"])


def test_without_a_collector_nothing_is_begun(server):
    assert server.serving.telemetry is None
