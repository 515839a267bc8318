"""Vectors of many customers from a log on disk: `python -m benchmarks.behavior_vectors FOLDER CUSTOMERS make|read`.

Fifty events a customer over two years. The weights are those a model begins with: the work is the same.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.profile_peers import AS_OF, fill
from regulars import Shop
from regulars.behavior.dataset import vocabulary_and_content
from regulars.behavior.model import BehaviorModel
from regulars.behavior.sizes import SIZES, Settings
from regulars.behavior.use import vectors
from regulars.clock import micros
from regulars.config import ShopSettings

EVENTS_EACH = 50


def make(folder: Path, customers: int) -> None:
    """A shop with so many customers, its log written at once."""
    shop = Shop.create(folder, ShopSettings(name="Many", currency="EUR"))
    fill(shop, customers * EVENTS_EACH, customers)


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
