"""Pricing: how demand answers prices, beside xlogit and LightGBM.

    python -m benchmarks.pricing             all cases
    python -m benchmarks.pricing yogurt      some of: yogurt, ketchup

The scanner panels come from beside the checkout (../shared/data). Models and settings are chosen by folds inside the
rows learned from; what is judged has no part in it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from benchmarks import pricing_choice
from benchmarks.report import Row, save

CASES: dict[str, Callable[[], list[Row]]] = {
    "yogurt": pricing_choice.bench_yogurt,
    "ketchup": pricing_choice.bench_ketchup,
}

if __name__ == "__main__":
    for case in sys.argv[1:] or list(CASES):
        save("pricing", CASES[case]())
