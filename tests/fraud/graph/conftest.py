"""Streams small enough to be known by head."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from regulars.fraud.stream import KIND, Stream

HOUR = 3_600_000_000
DAY = 24 * HOUR
START = int(datetime(2024, 5, 1, tzinfo=UTC).timestamp()) * 1_000_000


def stream(*rows: dict[str, Any]) -> Stream:
    """One row each: `kind` (an attempt if not said), `at` in hours, `amount`, `of` (a label: the place of its row),
    and entities by name."""
    entities = sorted({key for row in rows for key in row} - {"kind", "at", "amount", "of"} | {"customer"})
    codes, names = {}, {}
    for entity in entities:
        column = pa.array([row.get(entity) for row in rows], pa.string()).dictionary_encode()
        codes[entity] = column.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
        names[entity] = column.dictionary
    return Stream(
        np.array([START + int(row.get("at", place) * HOUR) for place, row in enumerate(rows)]),
        np.array([KIND[row.get("kind", "attempt")] for row in rows], np.int8),
        np.array([row.get("amount", 10.0) for row in rows], float),
        np.array([row.get("of", place) for place, row in enumerate(rows)]),
        codes,
        names,
    )


def shop_with_ring() -> Stream:
    """Fifty customers on their own, each with an order; and five of one device who pay each order by another card."""
    honest = [{"customer": f"h{k}", "device": f"d{k}", "payment": f"p{k}", "at": 30 + k} for k in range(50)]
    ring = [
        {"customer": f"ring{k % 5}", "device": "farm", "payment": f"stolen{k}", "at": 100 + k, "amount": 20.0}
        for k in range(20)
    ]
    return stream({"customer": "h0", "device": "d0", "kind": "sign_in", "at": 0}, *honest, *ring)
