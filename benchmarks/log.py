"""The log: importing much, importing again, kills, flipped bits and identity.

    python -m benchmarks.log                     all cases (about 25 minutes on two cores)
    python -m benchmarks.log csv segment         some of: csv, segment, kill, flips, identity

Everything is generated. Needs about 6 GB of disk.
"""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measured import python
from benchmarks.report import Row, save
from regulars import Shop
from regulars.config import ShopSettings
from regulars.errors import RegularsError
from regulars.events.schema import EVENTS

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
    taken = python("-m", "regulars", *words)
    return taken.seconds, taken.mib


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
    opened = Shop.open(shop)
    count = opened.engine.to_arrow(opened.events.event_id.nunique()).as_py()
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


def orders(days: range) -> set[str]:
    """Order lines of some days, each different, that any two overlapping ranges share."""
    return {
        f"2024-{1 + day // 28:02d}-{1 + day % 28:02d} 10:{minute:02d}:{second:02d},c{minute % 7},p{second % 11},A{day}-{minute},4.50"
        for day in days
        for minute in range(60)
        for second in range(40)
    }


def lines_of(log: Path) -> Counter[str]:
    """The order lines of the newest version, read from its commit and its files by DuckDB alone."""
    newest = max((log / "commits").glob("[0-9]*.json"), default=None)
    if newest is None:
        return Counter()
    text = newest.read_text()
    listed = [str(log / path) for path in sorted(set(re.findall(r'"path": "(data/[^"]+)"', text)))]
    rows = duckdb.sql(f"""
        SELECT strftime(time AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S') || ',' || customer_id || ',' || product_id || ','
               || order_id || ',4.50' AS line, count(*)
        FROM read_parquet({listed}, union_by_name = true) WHERE type IS NOT NULL GROUP BY 1""").fetchall()
    return Counter(dict(rows))


def bench_kill(folder: Path) -> list[Row]:
    """Kill imports, compactions and vacuums at random moments; after each, and at the end, what does the log hold?"""
    rng = random.Random(0)
    shop = folder / "shop"
    Shop.create(shop, ShopSettings(name="Killed", currency="EUR"))
    whole, lost, twice, half = Counter[str](), 0, 0, 0
    seconds_of: dict[str, float] = {"import": 2.0, "compact": 2.0, "vacuum": 2.0}
    outcomes: Counter[str] = Counter()
    for kill in range(KILLS):
        step = ("import", "import", "compact", "vacuum")[kill % 4]
        file = folder / f"day{kill}.csv"
        days = range(kill // 2, kill // 2 + 3)
        said = Counter(orders(days))
        if step == "import":
            file.write_text("time,customer,product,order,price\n" + "\n".join(sorted(said)) + "\n")
            words = ["import", str(file), "--yes"]
        else:
            words = [step, *(["--keep-days", "0"] if step == "vacuum" else [])]
        command = [sys.executable, "-m", "regulars", *words, "--shop", str(shop)]
        start = time.perf_counter()
        with (folder / "said.txt").open("w") as said_by_it:
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said_by_it)
        try:
            process.wait(rng.uniform(0.3, 1.05) * seconds_of[step])
            seconds_of[step] = time.perf_counter() - start
            outcomes["ended by itself"] += 1
            assert process.returncode == 0, f"{words} ended: {(folder / 'said.txt').read_text()}"
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            outcomes["killed"] += 1
        found = lines_of(shop / "log")
        grown = whole | said if step == "import" else whole
        if found not in (whole, grown):
            half += 1
        whole = grown if found == grown else whole
        lost += sum((whole - found).values())
        twice += sum(count - 1 for count in found.values() if count > 1)
        if step == "import" and found != grown:  # a user imports it again
            regulars("import", file, "--yes", "--shop", shop)
            whole = grown
            found = lines_of(shop / "log")
            lost += sum((whole - found).values())
            twice += sum(count - 1 for count in found.values() if count > 1)
    print(f"{dict(outcomes)}, {sum(whole.values()):,} lines", file=sys.stderr)
    case = f"kill test, {KILLS} random kills over import, compaction, vacuum"
    return [
        Row(case, "lost", "lower", lost),
        Row(case, "counted twice", "lower", twice),
        Row(case, "half versions seen", "lower", half),
        Row(case, "killed before they ended", "higher", outcomes["killed"]),
    ]


def bench_flips(folder: Path) -> list[Row]:
    """Flip one bit at a time in any file of the log: is it noticed when the log is read?"""
    rng = random.Random(0)
    shop = folder / "shop"
    Shop.create(shop, ShopSettings(name="Rotten", currency="EUR"))
    for day in range(0, 12, 4):
        file = folder / f"{day}.csv"
        file.write_text("time,customer,product,order,price\n" + "\n".join(sorted(orders(range(day, day + 4)))) + "\n")
        Shop.open(shop).import_(file)
    files = [path for path in (shop / "log").rglob("*") if path.is_file() and path.name != "lock"]
    sizes = [path.stat().st_size for path in files]
    silent = 0
    for _ in range(FLIPS):
        (path,) = rng.choices(files, sizes)
        data = path.read_bytes()
        place = rng.randrange(len(data))
        path.write_bytes(data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :])
        try:
            opened = Shop.open(shop)
            opened.engine.to_arrow(opened.events)
            list(opened.log.history())
            silent += 1
            print(f"silent: {path.name} at byte {place}", file=sys.stderr)
        except RegularsError:
            pass
        finally:
            path.write_bytes(data)
    return [Row(f"flipped bits, {FLIPS:,}", "read silently", "lower", silent)]


# Of visitors with one device each, who sign in now and then; a few sign in on the device of another, and one customer
# in ten turns out to be another.
IDENTIFIED = """
    COPY (SELECT 'j' || i AS event_id, 0::INTEGER AS line,
                 TIMESTAMPTZ '2024-01-01 00:00:00+00' + to_seconds(i) AS time, now() AS received_at,
                 'u' || (hash(i % 3500000) % 700000) AS customer_id,
                 CASE WHEN i % 50 = 0 THEN 'u' || (700000 + hash(i) % 70000) ELSE 'a' || (hash(i + 1) % 3500000) END
                     AS anonymous_id,
                 CASE WHEN i % 50 = 0 THEN 'customer_aliased' ELSE 'customer_identified' END AS type
          FROM range({rows}) t(i)) TO '{target}'"""

RESOLVE = """
import json, resource, sys, time
from pathlib import Path
from regulars.customers import Identities
from regulars.engine import Engine
from regulars.events.schema import EVENTS

engine = Engine(spill=Path(sys.argv[2]))
start = time.perf_counter()
found = Identities.of(engine, engine.parquet([Path(sys.argv[1])], EVENTS))
spent = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([spent, peak, found.intervals.num_rows, found.refusals.num_rows]))
"""


def bench_identity(folder: Path) -> list[Row]:
    """Five million identify and alias events, resolved for every moment; in a process of its own."""
    plain, source = folder / "plain.parquet", folder / "joins.parquet"
    duckdb.sql(IDENTIFIED.format(rows=JOINS, target=plain))
    said = duckdb.sql(f"SELECT * FROM '{plain}'").to_arrow_table()
    missing = [field for field in EVENTS if field.name not in said.column_names]
    for field in missing:
        said = said.append_column(field, pa.nulls(said.num_rows, field.type))
    pq.write_table(said.select(EVENTS.names).cast(EVENTS), source)
    del said
    command = [sys.executable, "-c", RESOLVE, str(source), str(folder / "spill")]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    spent, peak, intervals, refusals = json.loads(done.stdout)
    print(f"{intervals:,} intervals, {refusals:,} ids not joined", file=sys.stderr)
    case = "identity, 5 m identify/alias events"
    return [Row(case, "seconds", "lower", spent), Row(case, "memory mib", "lower", peak)]


CASES: dict[str, Callable[[Path], list[Row]]] = {
    "csv": bench_csv,
    "segment": bench_segment,
    "kill": bench_kill,
    "flips": bench_flips,
    "identity": bench_identity,
}


def main(names: list[str]) -> None:
    for name in names or list(CASES):
        with tempfile.TemporaryDirectory(prefix="log-") as folder:
            save("log", CASES[name](Path(folder)))


if __name__ == "__main__":
    main(sys.argv[1:])
