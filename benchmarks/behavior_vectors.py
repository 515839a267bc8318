"""Vectors of many customers from a log on disk: `python -m benchmarks.behavior_vectors FOLDER CUSTOMERS make|read`.

Fifty events a customer over two years. The weights are those a model begins with: the work is the same.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from benchmarks.profile_peers import GENERATED
from regulars import Shop
from regulars.behavior.dataset import micros, vocabulary_and_content
from regulars.behavior.model import BehaviorModel
from regulars.behavior.sizes import SIZES, Settings
from regulars.behavior.use import vectors
from regulars.config import ShopSettings
from regulars.events.schema import EVENTS

AS_OF = datetime(2024, 1, 1, tzinfo=UTC)
EVENTS_EACH, CHUNK = 50, 1_000_000


def make(folder: Path, customers: int) -> None:
    """A shop with so many customers, its log written at once."""
    shop = Shop.create(folder, ShopSettings(name="Many", currency="EUR"))
    with shop.log.transaction("generated") as transaction:
        for start in range(0, customers * EVENTS_EACH, CHUNK):
            found = duckdb.sql(GENERATED.format(start=start, stop=start + CHUNK, customers=customers)).to_arrow_table()
            columns = [
                found[field.name].cast(field.type) if field.name in found.column_names else pa.nulls(CHUNK, field.type)
                for field in EVENTS
            ]
            rows = pa.table(columns, EVENTS.names)
            transaction.write(rows, "generated", np.arange(CHUNK), transaction.reserve())
        transaction.commit()


def read(folder: Path) -> dict[str, float]:
    """Seconds from the log to all vectors, and the peak of memory of this process."""
    shop = Shop.open(folder)
    vocabulary, content = vocabulary_and_content(shop, AS_OF)
    model = BehaviorModel.new(vocabulary, content, Settings(SIZES["tiny"]), micros(AS_OF))
    pairs = shop.customers(AS_OF)
    started = time.perf_counter()
    found = vectors(shop, pairs, model)
    seconds = time.perf_counter() - started
    assert np.isfinite(found).all()
    events = shop.log.snapshot().rows("events")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"customers": len(found), "events": events, "seconds": seconds, "peak_mib": peak}


if __name__ == "__main__":
    where = Path(sys.argv[1])
    if sys.argv[3] == "make":
        make(where, int(sys.argv[2]))
    else:
        print(json.dumps(read(where)))
