"""Decisions on their way into the log: every one of them, with all that an audit asks for."""

from __future__ import annotations

import json
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from regulars.capability import DECISION
from regulars.events.schema import EVENTS, TIME

TYPE = "decision_made"


def to_events(table: pa.Table, capability: str, model_version: int, as_of: datetime, made_at: datetime) -> pa.Table:
    """Decisions as events of type `decision_made`, one a row.

    The id is made of capability, model version, as-of time, customer and inputs: the same decision made
    again is the same event. Columns beyond `DECISION` go into its properties.

    Raises
    ------
    ValueError
        If a column of `DECISION` is missing or empty where it may not be, or a propensity is outside (0, 1].
    """
    for field in DECISION:
        if field.name not in table.column_names:
            raise ValueError(f"decisions of {capability} lack the column {field.name}")
        if not field.nullable and table[field.name].null_count:
            raise ValueError(f"decisions of {capability}: {field.name} is empty in {table[field.name].null_count} rows")
    propensity = table["propensity"].to_numpy()
    if not ((propensity > 0) & (propensity <= 1)).all():  # so that NaN fails too
        raise ValueError(f"decisions of {capability}: a propensity is outside (0, 1]")
    own = [name for name in table.column_names if name not in ("customer_id", "propensity")]
    properties = [
        json.dumps({"capability": capability, "model_version": model_version, **row}, default=str, ensure_ascii=False)
        for row in table.select(own).to_pylist()
    ]
    prefix = f"{capability}-{model_version}-{as_of:%Y%m%dT%H%M%S%f}-"
    columns = {
        "event_id": pc.binary_join_element_wise(prefix, table["customer_id"], "-", table["inputs_hash"], ""),
        "line": pa.repeat(pa.scalar(0, pa.int32()), table.num_rows),
        "time": pa.repeat(pa.scalar(as_of, TIME), table.num_rows),
        "received_at": pa.repeat(pa.scalar(made_at, TIME), table.num_rows),
        "customer_id": table["customer_id"],
        "type": pa.repeat(TYPE, table.num_rows),
        "propensity": table["propensity"],
        "outcome": table["action"],
        "properties": pa.array(properties, pa.string()),
    }
    return pa.table([columns.get(field.name, pa.nulls(table.num_rows, field.type)) for field in EVENTS], schema=EVENTS)
