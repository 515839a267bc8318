"""PyMC-Marketing by maximum a posteriori on histories from a file; run by its own Python, see `benchmarks.churn`.

python churn_pymc.py SOURCE.npz TARGET.npz
"""

from __future__ import annotations

import sys
import time

import numpy as np
import pandas as pd
from pymc_marketing.clv import BetaGeoModel, ParetoNBDModel

source, target = sys.argv[1:]
given = np.load(source)
horizon = float(given["horizon"])
data = pd.DataFrame(
    {"customer_id": np.arange(len(given["orders"])), "frequency": given["orders"], "recency": given["last"],
     "T": given["age"]}
)  # fmt: skip
found = {}
for name, kind in (("bg", BetaGeoModel), ("pareto", ParetoNBDModel)):
    model = kind(data=data)
    start = time.perf_counter()
    model.fit(method="map")
    found[f"seconds_{name}"] = time.perf_counter() - start
    found[name] = np.asarray(model.expected_purchases(data, future_t=horizon)).ravel()
np.savez(target, **found)
