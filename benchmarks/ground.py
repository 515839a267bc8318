"""The ground: importing, profile features, and churn, each beside its peers.

    python -m benchmarks.ground                       all cases (about 20 minutes on two cores)
    python -m benchmarks.ground import churn          some of: import, memory, profile, churn

Online Retail comes with the package; all else is generated. Needs about 12 GB of disk for `profile`.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import duckdb

from benchmarks.report import Row, save
from regulars import Shop
from regulars.config import ShopSettings

ONLINE_RETAIL = files("regulars.demo") / "online_retail.parquet"
AS_OF = datetime(2011, 9, 10, tzinfo=UTC)
GIFTS = ShopSettings(name="Online Retail", currency="GBP", timezone="Europe/London")


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def bench_import(folder: Path, repeats: int = 7) -> list[Row]:
    """Ours and DuckDB's bare COPY in turns; the best of each, for the least disturbed run tells the work."""
    source = folder / "online_retail.csv"
    duckdb.sql(f"COPY (FROM '{ONLINE_RETAIL}') TO '{source}' (HEADER)")
    rows = 541_909
    ours, theirs = [], []
    for repeat in range(repeats):
        shop = Shop.create(folder / f"shop{repeat}", GIFTS)
        ours.append(seconds(lambda shop=shop: shop.import_(source)))
        copy = f"COPY (FROM '{source}') TO '{folder / 'copy.parquet'}'"
        theirs.append(seconds(lambda copy=copy: duckdb.sql(copy)))
    best = rows / min(ours)
    return [
        Row(
            "import online retail csv",
            "rows/s, validated and committed",
            "higher",
            best,
            {"duckdb copy": rows / min(theirs)},
        )
    ]


def bench_memory(folder: Path, rows: int = 20_000_000) -> list[Row]:
    """A generated CSV of orders through `regulars import`, in a process of its own: its peak resident memory."""
    source = folder / "orders.csv"
    duckdb.sql(f"""
        COPY (SELECT 'C' || (hash(i // 3) % 1000000) AS customer_id, 'O' || (i // 3) AS order_id,
                     'P' || (hash(i) % 50000) AS product_id, 1 + hash(i + 7) % 5 AS quantity,
                     round(1 + (hash(i + 9) % 20000) / 100.0, 2) AS price,
                     TIMESTAMP '2023-01-01' + to_seconds(CAST(i // 3 * 4.7 AS BIGINT)) AS time
              FROM range({rows}) t(i)) TO '{source}' (HEADER)""")
    Shop.create(folder / "shop", ShopSettings(name="Big", currency="EUR"))
    command = [
        sys.executable,
        "-m",
        "regulars",
        "import",
        str(source),
        "--shop",
        str(folder / "shop"),
        "--yes",
        "--json",
    ]
    spent = seconds(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return [
        Row("import 20 M generated rows", "peak memory MiB", "lower", peak),
        Row("import 20 M generated rows", "rows/s", "higher", rows / spent),
    ]


CASES: dict[str, Callable[[Path], list[Row]]] = {"import": bench_import, "memory": bench_memory}


def main(names: list[str]) -> None:
    from benchmarks import churn_peers, profile_peers

    cases = CASES | {"profile": profile_peers.bench, "churn": churn_peers.bench}
    for name in names or list(cases):
        with tempfile.TemporaryDirectory(prefix="ground-") as folder:
            save("ground", cases[name](Path(folder)))


if __name__ == "__main__":
    main(sys.argv[1:])
