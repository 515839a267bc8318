"""Counting rules as they are typed: a million customers, ten million events.

    python -m benchmarks.segment_count            about ten minutes on two cores, most of it to prepare
    python -m benchmarks.segment_count 100000     another number of customers
    python -m benchmarks.segment_count 1000000 x  keep the shop in the folder x, and use it again

Everything is generated: each customer views, buys, is messaged and fills carts at times over two years.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np

from benchmarks.report import Row, save
from regulars import Shop
from regulars.config import ShopSettings
from regulars.events.mapping import Mapping
from regulars.segment.rule import Counter, members

CUSTOMERS = 1_000_000
TARGET = 200.0
REPEATS = 5

# Four lines in ten are views, three of orders (of one to three lines), two messages, one a product put into the cart.
EVENTS = """
    COPY (SELECT 'C' || (hash(i // 3) % {customers}) AS customer_id, 'e' || i AS event_id,
                 CASE WHEN i % 10 < 4 THEN 'product_viewed' WHEN i % 10 < 7 THEN 'order_completed'
                      WHEN i % 10 < 9 THEN 'message_sent' ELSE 'product_added' END AS type,
                 CASE WHEN i % 10 BETWEEN 4 AND 6 THEN 'O' || (i // 3) END AS order_id,
                 CASE WHEN type <> 'message_sent' THEN 'P' || (hash(i) % 20000) END AS product_id,
                 CASE WHEN type <> 'message_sent' THEN 'category ' || (hash(i) % 20000 % 40) END AS category,
                 CASE WHEN type IN ('order_completed', 'product_added') THEN 1 + hash(i + 7) % 3 END AS quantity,
                 CASE WHEN type IN ('order_completed', 'product_added', 'product_viewed')
                      THEN round(1 + (hash(i + 9) % 20000) / 100.0, 2) END AS unit_price,
                 CASE WHEN hash(i) % 3 = 0 THEN 'app' ELSE 'web' END AS channel,
                 TIMESTAMP '2023-01-01' + to_seconds(CAST(hash(i // 3 + 1) % 63072000 AS BIGINT)) AS time
          FROM range({rows}) t(i)) TO '{target}' (FORMAT parquet)"""

RULES = (
    "orders >= 2",
    "last_order > 60 days",
    "last_order > 60 days and orders >= 2",
    "'category 3' in categories",
    "not messaged within 7 days",
    "last_order > 60 days and orders >= 2 and 'category 3' in categories and not messaged within 7 days",
    "did product_viewed within 7 days",
    "did product_viewed",
    "count(order_completed) >= 2 within 365 days",
    "count(order_completed where category = 'category 3') >= 2 within 90 days",
    "count(order_completed where category = 'category 3' and price > 50) >= 1",
    "count(product_viewed where category contains '7') >= 3",
    "sum(spend) > 100 within 30 days",
    "sum(spend) > 500",
    "max(price of product_viewed) > 150 within 180 days and spend_90d > 0",
    "gap_mean_days < 90 and overdue > 1.5 and views_30d = 0 and order_value_mean between 20 and 200",
)


def make(folder: Path, customers: int) -> Shop:
    """A shop with ten events a customer."""
    source = folder / "events.parquet"
    duckdb.sql(EVENTS.format(customers=customers, rows=customers * 10, target=source))
    shop = Shop.create(folder / "shop", ShopSettings(name="Large", currency="EUR"))
    names = (
        "customer_id",
        "event_id",
        "type",
        "order_id",
        "product_id",
        "category",
        "quantity",
        "unit_price",
        "channel",
        "time",
    )
    shop.import_(source, mapping=Mapping("events", {name: name for name in names}))
    source.unlink()
    return shop


def bench(customers: int, kept: str) -> list[Row]:
    """Prepare once; then every rule several times."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(kept or name)
        folder.mkdir(exist_ok=True)
        shop = Shop.open(folder / "shop") if (folder / "shop").exists() else make(folder, customers)
        start = time.perf_counter()
        counter = Counter.of(shop, shop.now)
        prepared = time.perf_counter() - start
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        spent = []
        for rule in RULES:
            times = []
            for _ in range(REPEATS):
                start = time.perf_counter()
                found = counter.count(rule)
                times.append((time.perf_counter() - start) * 1000)
            print(f"{found.members:>9,} {np.median(times):7.1f} ms  {rule}", file=sys.stderr)
            spent += times
        start = time.perf_counter()
        members(shop, RULES[5], shop.now, words=counter.words)
        by_engine = time.perf_counter() - start
    case = (
        f"rule segments, {customers // 1000:,} k customers" if customers < CUSTOMERS else "rule segments, 1 m customers"
    )
    return [
        Row(case, "count, milliseconds p50", "lower", float(np.median(spent)), {}, {"target": TARGET}),
        Row(case, "count, milliseconds p99", "lower", float(np.percentile(spent, 99)), {}, {"target": TARGET}),
        Row(case, "preparing, seconds", "lower", prepared),
        Row(case, "peak memory mib", "lower", memory),
        Row(case, "members once, in the engine, seconds", "lower", by_engine),
    ]


if __name__ == "__main__":
    asked = sys.argv[1:]
    save("segment_count", bench(int(asked[0]) if asked else CUSTOMERS, asked[1] if len(asked) > 1 else ""))
