"""The log: importing much, importing again, kills, flipped bits and identity.

    python -m benchmarks.log                     all cases (about 25 minutes on two cores)
    python -m benchmarks.log csv segment         some of: csv, segment, kill, flips, identity

Everything is generated. Needs about 6 GB of disk.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import duckdb
import psutil

from benchmarks.report import Row, save
from regulars import Shop
from regulars.config import ShopSettings
from regulars.errors import RegularsError

ROWS = 20_000_000
SEGMENT_EVENTS = 2_000_000
JOINS = 5_000_000
KILLS, FLIPS = 200, 1_000

ORDERS = """
    COPY (SELECT 'C' || (hash(i // 3) % 1000000) AS customer_id, 'O' || (i // 3) AS order_id,
                 'P' || (hash(i) % 50000) AS product_id, 1 + hash(i + 7) % 5 AS quantity,
                 round(1 + (hash(i + 9) % 20000) / 100.0, 2) AS price,
                 TIMESTAMP '2023-01-01' + to_seconds(CAST(i // 3 * 4.7 AS BIGINT)) AS time
          FROM range({rows}) t(i)) TO '{target}' (HEADER)"""

# As analytics.js sends them: one view in two, one cart in four, the rest orders of one to three products.
SEGMENT = """
    COPY (SELECT json_object(
            'messageId', 'm-' || i, 'type', 'track', 'anonymousId', 'a-' || (hash(i) % 300000),
            'userId', CASE WHEN hash(i) % 3 = 0 THEN 'u-' || (hash(i) % 100000) END,
            'event', CASE WHEN i % 4 < 2 THEN 'Product Viewed' WHEN i % 4 = 2 THEN 'Product Added' ELSE 'Order Completed' END,
            'timestamp', strftime(TIMESTAMP '2024-01-01' + to_milliseconds(i * 3000), '%Y-%m-%dT%H:%M:%S.%gZ'),
            'receivedAt', strftime(TIMESTAMP '2024-01-01' + to_milliseconds(i * 3000 + 900), '%Y-%m-%dT%H:%M:%S.%gZ'),
            'context', json_object('ip', '10.' || (i % 250) || '.0.1', 'locale', 'en-GB',
                'userAgent', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36',
                'page', json_object('path', '/p/' || (hash(i + 1) % 5000), 'url', 'https://shop.example/p/' || (hash(i + 1) % 5000)),
                'device', json_object('id', 'd-' || (hash(i) % 300000), 'type', 'web')),
            'properties', CASE WHEN i % 4 < 3
                THEN json_object('product_id', 'p-' || (hash(i + 1) % 5000), 'name', 'Product ' || (hash(i + 1) % 5000),
                    'category', 'c' || (hash(i + 1) % 40), 'price', (hash(i + 1) % 5000) / 100.0, 'currency', 'EUR', 'quantity', 1)
                ELSE json_object('order_id', 'o-' || i, 'currency', 'EUR', 'coupon', 'MAY',
                    'products', list_transform(range(1 + i % 3), lambda k: json_object('product_id', 'p-' || (hash(i + k) % 5000),
                        'price', (hash(i + k) % 5000) / 100.0, 'quantity', 1 + k))) END) AS event
          FROM range({rows}) t(i)) TO '{target}' (FORMAT csv, HEADER false, QUOTE '', DELIMITER '\x01', ESCAPE '', COMPRESSION gzip)"""


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def regulars(*words: str | Path) -> tuple[float, float]:
    """Run a command of Regulars: seconds, and the peak of the memory of it and all its children in MiB."""
    start = time.perf_counter()
    process = psutil.Popen([sys.executable, "-m", "regulars", *map(str, words)], stdout=subprocess.DEVNULL)
    peak = 0

    def watch() -> None:
        nonlocal peak
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            try:
                family = [process, *process.children(recursive=True)]
                # Each page once, however many processes share it.
                peak = max(peak, sum(member.memory_full_info().pss for member in family))
            except psutil.Error:
                pass
            time.sleep(0.1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = process.wait()
    spent = time.perf_counter() - start
    watcher.join()
    assert code == 0, f"regulars {words} ended with {code}"
    return spent, peak / (1 << 20)


def bench_csv(folder: Path) -> list[Row]:
    """Twenty million order lines; then the same file again; then with a row more, which is another file."""
    source = folder / "orders.csv"
    duckdb.sql(ORDERS.format(rows=ROWS, target=source))
    shop = folder / "shop"
    Shop.create(shop, ShopSettings(name="Big", currency="EUR"))
    first, peak = regulars("import", source, "--shop", shop, "--yes", "--json")
    again, _ = regulars("import", source, "--shop", shop, "--yes", "--json")
    rows = Shop.open(shop).log.snapshot().rows("events")
    assert rows == ROWS, f"{rows} rows after the file was imported twice"
    with source.open("a") as file:
        file.write("C1,O1,P1,1,9.99,2023-01-01 00:00:01\n")
    one_more, peak_again = regulars("import", source, "--shop", shop, "--yes", "--json")
    rows = Shop.open(shop).log.snapshot().rows("events")
    assert rows == ROWS + 1, f"{rows} rows after one more"
    copy = f"COPY (FROM '{source}') TO '{folder / 'copy.parquet'}'"
    theirs = seconds(lambda: duckdb.sql(copy))
    case, re_import = "import 20 m rows csv", "re-import of the same 20 m rows"
    return [
        Row(case, "rows/s", "higher", ROWS / first, {"duckdb copy": ROWS / theirs}),
        Row(case, "peak memory mib", "lower", peak),
        Row(re_import, "seconds against first import", "lower", again / first),
        Row(re_import + " and one more", "seconds against first import", "lower", one_more / first),
        Row(re_import + " and one more", "peak memory mib", "lower", peak_again),
    ]


def bench_segment(folder: Path) -> list[Row]:
    """Two million Segment calls in gzip, orders unfolded to their products."""
    source = folder / "events.jsonl.gz"
    duckdb.sql(SEGMENT.format(rows=SEGMENT_EVENTS, target=source))
    shop = folder / "shop"
    Shop.create(shop, ShopSettings(name="Segment", currency="EUR"))
    ours, peak = regulars("import", source, "--shop", shop, "--yes", "--json")
    events = Shop.open(shop).events
    count = Shop.open(shop).engine.to_arrow(events.event_id.nunique()).as_py()
    assert count == SEGMENT_EVENTS, f"{count} events"
    read = f"COPY (FROM read_json('{source}', format = 'newline_delimited')) TO '{folder / 'copy.parquet'}'"
    theirs = seconds(lambda: duckdb.sql(read))
    case = "import segment jsonl gzip"
    return [
        Row(
            case,
            "events/s",
            "higher",
            SEGMENT_EVENTS / ours,
            {"duckdb read_json": SEGMENT_EVENTS / theirs},
            {"metarank import": 3_000.0},
        ),
        Row(case, "peak memory mib", "lower", peak),
    ]
