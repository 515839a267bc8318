"""Scores of customers, a piece of their profiles at a time: what the engine calls, and what comes out of it.

In Spark executors call it. It reads nothing but the model, which is shipped with it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pyarrow as pa

from regulars.churn.dataset import features_of
from regulars.churn.model import ChurnModel
from regulars.events.identity import hash_rows

SCORES = pa.schema([(name, pa.float64()) for name in ("churn_probability", "expected_spend", "value_at_risk", "lot")])
"""The columns behind those that the model reads; `lot` is in [0, 1), always the same of a customer."""


def scoring(model: ChurnModel, schema: pa.Schema) -> tuple[Callable[[pa.Table], pa.Table], pa.Schema]:
    """What scores a piece of rows of a schema, and the schema of what it gives: the model's inputs, then `SCORES`."""
    inputs = _inputs(schema.empty_table(), model).schema
    return partial(_scored, model=model, schema=schema), pa.schema([*inputs, *SCORES])


def inputs_within(scored: pa.Table, model: ChurnModel, schema: pa.Schema) -> pa.Table:
    """What the model read of rows that were scored, each column with its meaning again."""
    inputs = _inputs(schema.empty_table(), model).schema
    return scored.select(inputs.names).cast(inputs)


def _inputs(rows: pa.Table, model: ChurnModel) -> pa.Table:
    """Profiles, then what the rhythm says of them, then vectors: the order in which the inputs' hash reads them."""
    if model.rhythm is None:
        return rows
    vectors = [] if model.vectors is None else model.vectors.names
    found = model.rhythm.added_to(rows.drop_columns(vectors))
    for name in vectors:
        found = found.append_column(name, rows[name])
    return found


def _scored(rows: pa.Table, model: ChurnModel, schema: pa.Schema) -> pa.Table:
    inputs = _inputs(rows.cast(schema), model)
    features = features_of(inputs, model.names)
    risk = model.predict(features) if len(features) else np.empty(0)
    spend = np.zeros(len(risk)) if model.rhythm is None else model.rhythm.spend(inputs)
    lot = hash_rows(rows, ("customer_id",)) / 2.0**64
    for name, values in zip(SCORES.names, (risk, spend, risk * spend, lot), strict=True):
        inputs = inputs.append_column(name, pa.array(values))
    return inputs
