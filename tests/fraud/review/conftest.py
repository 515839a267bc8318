"""A state in each database, and decisions that ask for a person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from regulars.config import FraudSettings
from regulars.fraud.review.opening import COLUMNS

AS_OF = datetime(2024, 5, 1, tzinfo=UTC)
ALONE = FraudSettings(second_look_share=0)
"""No case has a second look."""
BLIND = FraudSettings(second_look_share=1)
"""All have."""

Held = Callable[..., pa.Table]

SCHEMA = pa.schema(
    [
        ("attempt_id", pa.string()), ("customer_id", pa.string()), ("action", pa.string()), ("risk", pa.float64()),
        ("expected_loss", pa.float64()), ("amount", pa.float64()), ("reasons", pa.list_(pa.string())),
        ("ring", pa.int64()), ("time", pa.timestamp("us", "UTC")), ("model_version", pa.int64()), ("policy", pa.string()),
    ]
)  # fmt: skip


def held(*rows: dict[str, Any]) -> pa.Table:
    """Decisions: what a row does not say is as by default."""
    usual = {
        "action": "review", "risk": 0.5, "expected_loss": 10.0, "amount": 20.0, "reasons": ["new device"],
        "time": AS_OF, "model_version": 1, "policy": "expected loss", "customer_id": "ada", "ring": None,
    }  # fmt: skip
    assert set(SCHEMA.names) == set(COLUMNS)
    return pa.Table.from_pylist([{**usual, **row} for row in rows], schema=SCHEMA)
