"""Traces and metrics for OpenTelemetry: sent where `OTEL_EXPORTER_OTLP_ENDPOINT` names a collector, else nothing.

A span an answer, in the trace of whoever asked (`traceparent`), and a histogram of how long answers took. Names and
attributes are those of OpenTelemetry's conventions for HTTP; of who was asked about they say nothing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from regulars import clock


class Telemetry:
    """Sends; its queue is worked off by threads of its own, and what finds no collector is dropped."""

    def __init__(self) -> None:
        about = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", "regulars")})
        self._traces = TracerProvider(resource=about)
        self._traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._metrics = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())], resource=about)
        self._tracer = self._traces.get_tracer("regulars.serve")
        self._seconds = self._metrics.get_meter("regulars.serve").create_histogram(
            "http.server.request.duration", "s", "How long an answer took."
        )
        self._kind, self._context = SpanKind.SERVER, TraceContextTextMapPropagator()

    def answered(
        self, method: str, route: str, status: int, seconds: float, request_id: str, headers: Mapping[bytes, bytes]
    ) -> None:
        """Tell of an answer that was just given."""
        end = clock.micros(clock.now()) * 1000
        about: dict[str, Any] = {
            "http.request.method": method, "http.route": route, "http.response.status_code": status,
        }  # fmt: skip
        self._seconds.record(seconds, about)
        asked = {"traceparent": headers.get(b"traceparent", b"").decode("latin-1")}
        span = self._tracer.start_span(
            f"{method} {route}", self._context.extract(asked), self._kind, about | {"regulars.request_id": request_id},
            start_time=end - int(seconds * 1e9),
        )  # fmt: skip
        span.end(end)

    def close(self) -> None:
        """Send what waits."""
        self._traces.shutdown()
        self._metrics.shutdown()
