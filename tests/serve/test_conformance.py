"""Every operation of the API, asked with whatever its schema allows and forbids: no 5xx, and nothing off schema."""

from __future__ import annotations

import os
from contextlib import suppress

import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error, response_schema_conformance
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance

EXAMPLES = int(os.environ.get("REGULARS_CONFORMANCE", "8"))
"""For each operation and mode."""
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def test_every_operation_keeps_to_its_description(seen, start, wait_until):
    server = start(requests_per_key=1e6)
    live = server.serving.live
    wait_until(lambda: all(part.was_tried for part in live.parts), seconds=60)
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 30
    for operation in operations:
        _ask(operation, GenerationMode.POSITIVE)
        with suppress(Unsatisfiable):  # what asks for nothing can be asked nothing wrong
            _ask(operation, GenerationMode.NEGATIVE)


def _ask(operation, mode):
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case):
        case.call_and_validate(checks=CHECKS)

    ask()
