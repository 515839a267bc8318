"""Pricing: how demand answers prices, beside xlogit and LightGBM.

    python -m benchmarks.pricing             all cases
    python -m benchmarks.pricing yogurt      some of: yogurt, ketchup, retail

The scanner panels and Online Retail come from beside the checkout (../shared/data). Models and settings are chosen by
folds inside the rows learned from; what is judged has no part in it. Fits are timed as the machine is: say its load
with the figure.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from benchmarks import pricing_choice, pricing_retail
from benchmarks.report import Row, save

CASES: dict[str, Callable[[], list[Row]]] = {
    "yogurt": pricing_choice.bench_yogurt,
    "ketchup": pricing_choice.bench_ketchup,
    "retail": pricing_retail.bench,
}

if __name__ == "__main__":
    for case in sys.argv[1:] or list(CASES):
        save("pricing", CASES[case]())
