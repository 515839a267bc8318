"""Profile features of a million customers from fifty million events: ours beside hand-written SQL."""

from __future__ import annotations

import resource
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.report import Row
from regulars import Shop, config
from regulars.config import ShopSettings
from regulars.events.schema import EVENTS
from regulars.profile import table as features_as_of

CASE = "profile features, 1 M customers, 50 M events"
AS_OF = datetime(2024, 1, 1, tzinfo=UTC)
CUSTOMERS, EVENT_COUNT, CHUNK = 1_000_000, 50_000_000, 1_000_000
MEMORY, THREADS = "10GB", 2

GENERATED = """
    SELECT 'e' || i AS event_id, 0::INTEGER AS line,
           TIMESTAMPTZ '2022-01-01 00:00:00+00' + to_microseconds((hash(i // 4) % 63000000)::BIGINT * 1000000) AS time,
           now() AS received_at, 'c' || (hash(i // 4 + 1) % {customers}) AS customer_id,
           CASE WHEN hash(i + 2) % 20 = 0 THEN 'order_refunded' ELSE 'order_completed' END AS type,
           'p' || (hash(i + 3) % 20000) AS product_id, (1 + hash(i + 4) % 5)::DOUBLE AS quantity,
           (1 + (hash(i + 5) % 5000) / 100.0)::DECIMAL(18, 4) AS unit_price, 'EUR' AS currency, 'o' || (i // 4) AS order_id
    FROM range({start}, {stop}) t(i) ORDER BY time"""

BY_HAND = """
COPY (
WITH lines AS (
    SELECT customer_id, order_id, product_id, epoch(time)::BIGINT AS t, quantity AS q, unit_price::DOUBLE AS p,
           quantity * unit_price::DOUBLE AS v, epoch(time)::BIGINT // 2592000 AS block
    FROM log WHERE type = 'order_completed' AND customer_id IS NOT NULL AND time < $as_of),
blocks AS (SELECT product_id, block, sum(p) AS total, count(p) AS n FROM lines GROUP BY ALL),
usual AS (
    SELECT product_id, block, (sum(total) OVER w - total) / nullif(sum(n) OVER w - n, 0) AS usual
    FROM blocks WINDOW w AS (PARTITION BY product_id ORDER BY block)),
orders AS (
    SELECT customer_id, order_id, min(t) AS t, sum(v) AS value, sum(q) AS units, count(*) AS lines, sum(p) AS p1,
           sum(p * p) AS p2, max(p) AS p_max, sum(p / usual) AS level, count(p / usual) AS compared,
           count(*) FILTER (p / usual < .95) AS cheap
    FROM lines LEFT JOIN usual USING (product_id, block) GROUP BY ALL),
aged AS (
    SELECT *, ($now - t) / 86400.0 AS age, (t - lag(t) OVER (PARTITION BY customer_id ORDER BY t, order_id)) / 86400.0 AS gap,
           t // 3600 % 24 AS hour, t // 86400 AS day, (t // 86400 + 3) % 7 AS weekday
    FROM orders),
per_order AS (
    SELECT customer_id, count(*) AS orders, {windows},
           count(*) FILTER (age > 90 AND age <= 180) AS orders_previous_90d, sum(value) AS spend, {spends},
           sum(value) FILTER (age > 90 AND age <= 180) AS spend_previous_90d, avg(value) AS order_value_mean,
           max(value) AS order_value_highest, arg_min(value, age) AS order_value_last,
           stddev_pop(value) / nullif(avg(value), 0) AS order_value_spread, min(age) AS recency_days,
           max(age) AS tenure_days, count(*) / greatest(max(age) / 30.4375, 1) AS orders_per_month,
           avg(gap) AS gap_mean_days, stddev_pop(gap) AS gap_spread_days,
           stddev_pop(gap) / nullif(avg(gap), 0) AS gap_regularity, max(gap) AS gap_longest_days,
           arg_min(gap, age) AS gap_last_days,
           min(age) / CASE WHEN avg(gap) < 1 THEN 1 ELSE avg(gap) END AS overdue, count(DISTINCT day) AS order_days,
           count(DISTINCT day // 30) AS order_months,
           count(DISTINCT day // 30) FILTER (age <= 365) AS order_months_365d, avg(lines) AS lines_mean,
           arg_min(lines, age) AS lines_last, avg(units) AS units_mean, max(units) AS units_highest,
           avg((lines = 1)::INT) AS single_line_share, sum(p1) / sum(lines) AS price_mean, max(p_max) AS price_highest,
           sqrt(greatest(sum(p2) / sum(lines) - (sum(p1) / sum(lines)) ** 2, 0)) / (sum(p1) / sum(lines)) AS price_spread,
           sum(level) / nullif(sum(compared), 0) AS price_level, sum(cheap) / nullif(sum(compared), 0) AS discount_share,
           avg((hour >= 6 AND hour < 12)::INT) AS morning_share, avg((hour >= 12 AND hour < 18)::INT) AS afternoon_share,
           avg((hour >= 18)::INT) AS evening_share, avg((weekday >= 5)::INT) AS weekend_share,
           {weekdays}, avg(hour) AS hour_mean
    FROM aged GROUP BY customer_id),
kinds AS (
    SELECT customer_id, product_id, count(*) AS n, count(DISTINCT order_id) AS o, max(t) AS t FROM lines GROUP BY ALL),
per_kind AS (
    SELECT customer_id, count(*) AS products, max(n) / sum(n) AS product_top_share,
           ln(sum(n)) - sum(n * ln(n)) / sum(n) AS product_entropy, 1 - count(*) / sum(o) AS product_repeat_share,
           count(*) FILTER (($now - t) / 86400.0 <= 90) AS products_90d
    FROM kinds GROUP BY customer_id),
given_back AS (
    SELECT customer_id, count(*) AS refunds, count(*) FILTER (($now - epoch(time)::BIGINT) / 86400.0 <= 90) AS refunds_90d,
           sum(quantity * unit_price::DOUBLE) AS refunded,
           min($now - epoch(time)::BIGINT) / 86400.0 AS refund_recency_days
    FROM log WHERE type = 'order_refunded' AND customer_id IS NOT NULL AND time < $as_of GROUP BY customer_id)
SELECT * FROM per_order JOIN per_kind USING (customer_id) LEFT JOIN given_back USING (customer_id)
ORDER BY customer_id) TO '{target}'"""


def generate(folder: Path) -> Shop:
    shop = Shop.create(folder / "shop", ShopSettings(name="Big", currency="EUR"))
    path = shop.folder / config.FILE
    text = (
        path.read_text()
        .replace('# memory = "4GB"', f'memory = "{MEMORY}"')
        .replace("# threads = 0", f"threads = {THREADS}")
    )
    path.write_text(text)
    fill(shop, EVENT_COUNT, CUSTOMERS)
    return Shop.open(shop.folder)


def fill(shop: Shop, events: int, customers: int) -> None:
    """Write so many generated events of so many customers into a shop's log, at once."""
    with shop.log.transaction("generated") as transaction:
        for start in range(0, events, CHUNK):
            found = duckdb.sql(GENERATED.format(start=start, stop=start + CHUNK, customers=customers)).to_arrow_table()
            columns = [
                found[field.name].cast(field.type) if field.name in found.column_names else pa.nulls(CHUNK, field.type)
                for field in EVENTS
            ]
            rows = pa.table(columns, EVENTS.names)
            transaction.write(rows, "generated", np.arange(CHUNK), transaction.reserve())
        transaction.commit()


def by_hand(shop: Shop, folder: Path) -> pa.Table:
    connection = duckdb.connect(
        config={"memory_limit": MEMORY, "threads": THREADS, "temp_directory": str(folder / "spill")}
    )
    connection.execute("SET preserve_insertion_order = false; SET TimeZone = 'UTC'")
    paths = [str(path) for path in shop.log.paths(shop.log.snapshot(), "events")]
    connection.execute(f"CREATE VIEW log AS FROM read_parquet({paths})")
    text = BY_HAND.format(
        target=folder / "by_hand.parquet",
        windows=", ".join(f"count(*) FILTER (age <= {d}) AS orders_{d}d" for d in (7, 30, 60, 90, 180, 365)),
        spends=", ".join(f"sum(value) FILTER (age <= {d}) AS spend_{d}d" for d in (30, 90, 180, 365)),
        weekdays="-("
        + " + ".join(
            f"CASE WHEN count(*) FILTER (weekday = {d}) > 0 THEN count(*) FILTER (weekday = {d}) / count(*)"
            f" * ln(count(*) FILTER (weekday = {d}) / count(*)) ELSE 0 END"
            for d in range(7)
        )
        + ") / ln(7) AS weekday_entropy",
    )
    now = int(AS_OF.timestamp())
    connection.execute(text.replace("$as_of", "TIMESTAMPTZ '2024-01-01 00:00:00+00'").replace("$now", str(now)))
    return pq.read_table(folder / "by_hand.parquet").sort_by("customer_id")


def bench(folder: Path) -> list[Row]:
    """Ours, with its result in memory, and the hand-written query; both give the same numbers."""
    shop = generate(folder)
    pairs = shop.customers(AS_OF)
    start = time.perf_counter()
    ours = features_as_of(shop, pairs)
    our_seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / 1024
    print(f"ours {our_seconds:.1f} s, peak {peak:.1f} GiB", file=sys.stderr)
    start = time.perf_counter()
    theirs = by_hand(shop, folder)
    their_seconds = time.perf_counter() - start
    compare(ours, theirs)
    return [
        Row(CASE, "seconds", "lower", our_seconds, {"duckdb sql": their_seconds}),
        Row(CASE, "peak memory gib", "lower", peak),
        Row(
            CASE,
            "features",
            "higher",
            float(len(ours.column_names) - 2),
            {"duckdb sql": float(len(theirs.column_names) - 1)},
        ),
    ]


def compare(ours: pa.Table, theirs: pa.Table) -> None:
    """Stop unless the two say the same of every customer, in every column."""
    assert ours["customer_id"].to_pylist() == theirs["customer_id"].to_pylist(), "not the same customers"
    names = [name for name in ours.column_names if name not in ("customer_id", "as_of")]
    assert set(names) == set(theirs.column_names) - {"customer_id"}, set(names) ^ set(theirs.column_names)
    for name in names:
        mine, other = (np.nan_to_num(t[name].to_numpy(zero_copy_only=False).astype(float)) for t in (ours, theirs))
        worst = np.abs(mine - other).max()
        assert worst < 1e-3, f"{name} differs by up to {worst}"
