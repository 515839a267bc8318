"""Experiments: false positives under daily looks, days to a verdict, and a million customers with thirty metrics.

    python -m benchmarks.experiment_stats            all cases (about five minutes on two cores)
    python -m benchmarks.experiment_stats looks      some of: looks, million

Money is heavy-tailed: one customer in five buys, for a lognormal amount with sigma 1.5. Each simulated test is looked at
at the end of each of 28 days. The mixture SPRT is that of GrowthBook's documentation: its mixture fixed so that it is
narrowest at 5,000 customers, whatever the test.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import stats as scipy_stats

from benchmarks.report import Row, save
from regulars import Shop
from regulars.config import ShopSettings
from regulars.events.schema import EVENTS, TIME
from regulars.experiment.analysis import analyse
from regulars.experiment.metrics import Amount, Measure, Metric
from regulars.experiment.plan import AnalysisPlan
from regulars.experiment.stats import boundaries, mixture_for, reach, spent

Floats = npt.NDArray[np.float64]

TESTS, DAYS, ALPHA = 2000, 28, 0.05
BUYERS, SIGMA = 0.2, 1.5
EFFECT = 0.05
GROWTHBOOK = 5000.0
"""Customers at which GrowthBook's sequence is narrowest, unless it is told otherwise."""
CUSTOMERS, METRICS = 1_000_000, 30


def walks(rng: np.random.Generator, tests: int, each_day: int, lift: float) -> tuple[Floats, Floats]:
    """The z statistic of each test at each day's end, and the customers of both arms: (tests, days), (days,)."""
    found = np.empty((tests, DAYS))
    count = each_day * np.arange(1, DAYS + 1)
    for test in range(tests):
        means, variances = [], []
        for factor in (1.0, 1.0 + lift):
            buyers = rng.binomial(each_day, BUYERS, DAYS)
            money = np.exp(SIGMA * rng.standard_normal(buyers.sum()))
            starts = np.concatenate([[0], np.cumsum(buyers)[:-1]])
            some = buyers > 0
            total, square = np.zeros(DAYS), np.zeros(DAYS)
            total[some] = np.add.reduceat(money, starts[some])
            square[some] = np.add.reduceat(money**2, starts[some])
            mean = np.cumsum(total) / count
            means.append(mean * factor)
            variances.append((np.cumsum(square) / count - mean**2) * factor**2 / (count - 1))
        found[test] = (means[1] - means[0]) / np.sqrt(variances[0] + variances[1])
    return found, 2.0 * count


def first(crossed: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """The day of the first crossing of each test, the last day where there is none."""
    return np.where(crossed.any(1), crossed.argmax(1) + 1, DAYS)


def looks() -> list[Row]:
    """Both rules, a plain t test and a mixture SPRT on the same tests."""
    rows = []
    fraction = np.arange(1, DAYS + 1) / DAYS
    for each_day, words in ((10_000, ""), (200, ", small (400 customers a day)")):
        null, customers = walks(np.random.default_rng(1), TESTS, each_day, 0.0)
        edges: dict[str, Floats] = {
            "group-sequential": boundaries(fraction, spent(fraction, ALPHA)),
            "group-sequential, o'brien-fleming": boundaries(fraction, spent(fraction, ALPHA, "obrien-fleming")),
            "confidence sequence": reach(customers, mixture_for(customers[-1], ALPHA), ALPHA),
        }
        plain = np.full(DAYS, scipy_stats.norm.isf(ALPHA / 2))
        msprt = reach(customers, mixture_for(GROWTHBOOK, ALPHA), ALPHA)
        wrong = {name: float((np.abs(null) >= edge).any(1).mean()) for name, edge in edges.items()}
        peers = {
            "plain t test": float((np.abs(null) >= plain).any(1).mean()),
            "growthbook-style msprt": float((np.abs(null) >= msprt).any(1).mean()),
        }
        case = f"a/a, 2,000 simulated tests looked at daily for 28 days, heavy-tailed money{words}"
        rows += [Row(case, f"false positives at .05, {name}", "lower", share, peers) for name, share in wrong.items()]
        if each_day != 10_000:
            continue
        seen, _ = walks(np.random.default_rng(2), TESTS, each_day, EFFECT)
        # At equal error: the mixture SPRT with its boundary drawn in until it errs as often as ours on the same A/A tests.
        ratio = (np.abs(null) / msprt).max(1)
        case = "same with a 5 % effect"
        for name, edge in edges.items():
            drawn_in = msprt * np.quantile(ratio, 1 - wrong[name])
            rivals = {"growthbook-style msprt": msprt, "growthbook-style msprt at equal error": drawn_in}
            days, power = {}, {}
            for rival, bound in rivals.items():
                days[rival] = float(first(np.abs(seen) >= bound).mean())
                power[rival] = float((seen >= bound).any(1).mean())
            rows.append(Row(case, f"days to verdict, {name}", "lower", float(first(np.abs(seen) >= edge).mean()), days))
            rows.append(
                Row(case, f"share found within 28 days, {name}", "higher", float((seen >= edge).any(1).mean()), power)
            )
    return rows


def large_shop(folder: Path, start: datetime) -> tuple[Shop, pa.Table]:
    """A shop of a million customers with five million events, and their exposures within 14 days."""
    rng = np.random.default_rng(0)
    shop = Shop.create(folder, ShopSettings(name="Large", currency="EUR"))
    ids = pa.array(np.char.add("c", np.arange(CUSTOMERS).astype(str)))
    exposed = (rng.random(CUSTOMERS) * 14 * 86_400e6).astype(np.int64) + round(start.timestamp() * 1e6)
    for kind, events in (("order_completed", 2_000_000), ("product_viewed", 3_000_000)):
        who = rng.integers(0, CUSTOMERS, events)
        moment = exposed[who] + ((rng.random(events) * 56 - 28) * 86_400e6).astype(np.int64)
        names = pa.array(np.char.add(kind[0], np.arange(events).astype(str)))
        columns: dict[str, object] = {
            "event_id": names, "line": np.zeros(events, np.int32), "time": pa.array(moment).cast(TIME),
            "received_at": pa.array(moment).cast(TIME), "customer_id": ids.take(pa.array(who)),
            "type": pa.array([kind]).take(pa.array(np.zeros(events, int))),
            "product_id": pa.array(np.char.add("p", np.arange(1000).astype(str))).take(pa.array(rng.integers(0, 1000, events))),
            "quantity": np.ones(events), "currency": pa.array(["EUR"]).take(pa.array(np.zeros(events, int))),
        }  # fmt: skip
        if kind == "order_completed":
            columns |= {
                "order_id": names,
                "unit_price": pa.array(np.exp(3 + SIGMA * rng.standard_normal(events)).round(2)).cast(
                    pa.decimal128(18, 4), safe=False
                ),
            }
        arrays = [
            pa.array(columns[field.name]).cast(field.type) if field.name in columns else pa.nulls(events, field.type)
            for field in EVENTS
        ]
        shop.log.append(pa.Table.from_arrays(arrays, schema=EVENTS), f"{kind} of a large shop")
    arm = pa.array(["control", "blue"]).take(pa.array(rng.integers(0, 2, CUSTOMERS)))
    return shop, pa.table({"customer_id": ids, "variant": arm, "exposed_at": pa.array(exposed).cast(TIME)})


def million() -> list[Row]:
    """From the log to verdicts of thirty metrics, each with CUPED."""
    start = datetime(2024, 5, 1, tzinfo=UTC)
    amounts: list[Amount] = ["any", "count", "revenue", "margin", "pieces"]
    metrics = [
        Metric(
            f"{amount}, {days} days", Measure(amount), days=days, cut=0.999 if amount in ("revenue", "margin") else 1
        )
        for amount in amounts
        for days in (3, 7, 14, 28)
    ]
    metrics += [
        Metric(f"views {amount}, {days} days", Measure(amount, "product_viewed"), days=days)
        for amount in amounts[:2]
        for days in (3, 7, 14, 28)
    ]
    metrics += [
        Metric(f"basket, {days} days", Measure("revenue"), over=Measure("count"), days=days) for days in (7, 14)
    ]
    assert len(metrics) == METRICS
    plan = AnalysisPlan(
        "control", {"control": 0.5, "blue": 0.5}, start, 42, "revenue, 7 days", {"margin, 7 days": 0.02},
        customers=CUSTOMERS,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        shop, assignments = large_shop(Path(folder) / "shop", start)
        begin, worked = time.perf_counter(), time.process_time()
        result = analyse(shop, assignments, metrics, plan, start + timedelta(days=43))
        seconds, processor = time.perf_counter() - begin, time.process_time() - worked
    assert len(result.findings) == METRICS
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    case = "1 m customers, 30 metrics, cuped"
    return [
        Row(case, "seconds", "lower", seconds), Row(case, "processor seconds, two cores", "lower", processor),
        Row(case, "memory gib", "lower", peak),
    ]  # fmt: skip


CASES: dict[str, Callable[[], list[Row]]] = {"looks": looks, "million": million}

if __name__ == "__main__":
    for case in sys.argv[1:] or list(CASES):
        save("experiment", CASES[case]())
