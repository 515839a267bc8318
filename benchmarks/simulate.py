"""The simulated shop: a log of a million customers, a day with decisions for all, and how real it looks.

    python -m benchmarks.simulate                all cases (about 30 minutes on two cores)
    python -m benchmarks.simulate step facts     some of: year, busy, step, facts

The logs need about 6 GB of disk. Online Retail, CDNOW and journey are not needed: what they look like is
written in `regulars.simulate.facts`, and its test computes it again.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.log import regulars
from benchmarks.report import Row, save
from regulars import Shop
from regulars.simulate import World, simulate
from regulars.simulate.facts import REAL, beside_real, facts, share_holding

CUSTOMERS, DAYS = 1_000_000, 365
STEP_CUSTOMERS, STEPS = 100_000, 30
SEEDS = (1, 2, 3)


def bench_year(folder: Path) -> list[Row]:
    """A year of a million customers of `fashion`, of whom most come seldom: each day costs, however few come."""
    return _written(folder, "1 m customers, 365 days", "fashion", DAYS)


def bench_busy(folder: Path) -> list[Row]:
    """Days of `gifts`, on which many events fall; its year would be 420 million."""
    return _written(folder, "1 m customers, 45 days", "gifts", 45)


def _written(folder: Path, case: str, preset: str, days: int) -> list[Row]:
    """`regulars simulate`, from nothing to a shop with its truth, in a process of its own on two cores."""
    shop = folder / "shop"
    words = ("--customers", CUSTOMERS, "--days", days, "--seed", 1, "--workers", 2, "--preset", preset, "--json")
    spent, peak = regulars("simulate", shop, *words)
    events = Shop.open(shop).log.snapshot().rows("events")
    return [
        Row(case, f"{preset}: events/s", "higher", events / spent),
        Row(case, f"{preset}: events", "higher", events),
        Row(case, f"{preset}: peak memory mib", "lower", peak),
    ]


def bench_step(folder: Path) -> list[Row]:
    """`World.step` with a decision for every customer, and with twelve products for every customer; the median day."""
    found = []
    for preset in REAL:
        for what, decide, steps in (("decisions", _for_all, STEPS), ("lists of twelve", _lists_for_all, STEPS // 3)):
            world = World(preset, customers=STEP_CUSTOMERS, seed=1, days=DAYS, workers=2)
            world.step()  # the first call compiles
            rng = np.random.default_rng(0)
            seconds = []
            for _ in range(steps):
                decisions = decide(world, rng)
                start = time.perf_counter()
                world.step(decisions)
                seconds.append(time.perf_counter() - start)
            case = f"World.step, {preset}, {STEP_CUSTOMERS:,} customers, {what} for all"
            found.append(Row(case, "seconds a day", "lower", float(np.median(seconds))))
    return found


def _lists_for_all(world: World, rng: np.random.Generator) -> pa.Table:
    """Twelve products that follow each other, from one drawn by lot."""
    count, products = len(world.customer_ids), len(world.product_ids)
    listed = (rng.integers(0, products, count)[:, None] + np.arange(12)).ravel() % products
    offsets = pa.array(np.arange(count + 1, dtype=np.int32) * 12)
    return pa.table(
        {
            "customer_id": world.customer_ids,
            "action": pa.repeat("recommend", count),
            "products": pa.ListArray.from_arrays(offsets, world.product_ids.take(pa.array(listed))),
            "propensity": np.full(count, 0.5),
        }
    )


def _for_all(world: World, rng: np.random.Generator) -> pa.Table:
    """One of five actions for each customer, drawn by lot."""
    count = len(world.customer_ids)
    # Four that follow each other: no list names a product twice.
    listed = rng.integers(0, len(world.product_ids) - 4, count)[:, None] + np.arange(4)
    products = world.product_ids.take(pa.array(listed.ravel()))
    offsets = pa.array(np.arange(count + 1, dtype=np.int32) * 4)
    return pa.table(
        {
            "customer_id": world.customer_ids,
            "action": rng.choice(["message", "coupon", "discount", "ad", "recommend"], count),
            "share": np.full(count, 0.1),
            "bid": np.full(count, world.params.ads.rival_bid),
            "products": pa.ListArray.from_arrays(offsets, products),
        }
    )


def bench_facts(folder: Path) -> list[Row]:
    """Each preset at the size of its real shop, three seeds: the mean share of facts within a quarter of the real."""
    found = []
    for preset, real in REAL.items():
        shares = []
        for seed in SEEDS:
            # Some who come never buy: so many come that about as many buy as in the real shop.
            customers = round(real.customers * {"gifts": 1.27, "grocery": 1.0, "fashion": 1.5}[preset])
            world = World(preset, customers=customers, seed=seed, days=real.days, workers=2)
            shop = simulate(folder / f"{preset}{seed}", world).shop
            shares.append(share_holding(beside_real(facts(shop, preset), preset)))
        case = f"stylised facts, {preset} beside {real.source}"
        found.append(Row(case, "share within 25 %", "higher", float(np.mean(shares))))
    return found


CASES: dict[str, Callable[[Path], list[Row]]] = {
    "year": bench_year,
    "busy": bench_busy,
    "step": bench_step,
    "facts": bench_facts,
}


def main(names: list[str]) -> None:
    for name in names or list(CASES):
        with tempfile.TemporaryDirectory(prefix="simulate-") as folder:
            save("simulate", CASES[name](Path(folder)))


if __name__ == "__main__":
    main(sys.argv[1:])
