"""The library lifetimes on histories from a file; run by its own Python, see `benchmarks.churn`.

python churn_lifetimes.py SOURCE.npz TARGET.npz
"""

from __future__ import annotations

import sys
import time

import numpy as np
from lifetimes import BetaGeoFitter, GammaGammaFitter, ModifiedBetaGeoFitter, ParetoNBDFitter

source, target = sys.argv[1:]
given = np.load(source)
orders, last, age, horizon = given["orders"], given["last"], given["age"], float(given["horizon"])
found = {}
for name, fitter in (("bg", BetaGeoFitter), ("mbg", ModifiedBetaGeoFitter), ("pareto", ParetoNBDFitter)):
    start = time.perf_counter()
    model = fitter(penalizer_coef=0.0).fit(orders, last, age)
    found[f"seconds_{name}"] = time.perf_counter() - start
    found[name] = np.asarray(model.conditional_expected_number_of_purchases_up_to_time(horizon, orders, last, age))
again = (orders > 0) & (given["mean"] > 0)
spend = GammaGammaFitter(penalizer_coef=0.0).fit(orders[again], given["mean"][again])
worth = np.full(len(orders), np.nan)
worth[again] = spend.conditional_expected_average_profit(orders[again], given["mean"][again])
p, q, v = (float(spend.params_[name]) for name in "pqv")
found["worth"] = np.where(np.isnan(worth), p * v / (q - 1), worth)
np.savez(target, **found)
