"""Detectors of PyOD on features from a file; run by its own Python, see `benchmarks.fraud`.

python fraud_pyod.py SOURCE.npz TARGET.npz
"""

from __future__ import annotations

import sys
import time

import numpy as np
from pyod.models.auto_encoder import AutoEncoder
from pyod.models.copod import COPOD
from pyod.models.ecod import ECOD
from pyod.models.iforest import IForest

source, target = sys.argv[1:]
given = np.load(source)
found = {}
for fold in range(int(given["folds"])):
    train, test = given[f"train_{fold}"], given[f"test_{fold}"]
    for name, made in (
        ("ecod", ECOD()),
        ("copod", COPOD()),
        ("isolation forest", IForest(random_state=0)),
        ("autoencoder", AutoEncoder(epoch_num=10, random_state=0, verbose=0)),
    ):
        start = time.perf_counter()
        made.fit(train)
        found[f"{name}_{fold}"] = made.decision_function(test)
        found[f"{name} seconds_{fold}"] = time.perf_counter() - start
np.savez(target, **found)
