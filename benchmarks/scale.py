"""How what a shop does grows with its log: `python -m benchmarks.scale FOLDER [STEP …]`.

Each size is a simulated fashion shop of a year, about fifty events a customer; it is made in the folder and kept
there, so that some steps can be measured again. Each step is a process of its own. The exponent of growth is the slope
of a line through the logarithms of all sizes, by least squares; of the seconds of all cores together, which other work
on the machine hardly moves, and of memory.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measured import Taken, python
from benchmarks.report import Row, save
from regulars import Shop
from regulars.churn.decide import decide
from regulars.config import ShopSettings
from regulars.events.schema import EVENTS
from regulars.simulate import World, simulate

SIZES = (20_000, 60_000, 200_000)
"""Customers: about a million events, three, and ten."""
LEARNED = ("churn", "profile", "segment", "recommend", "realtime", "fraud", "campaign", "pricing", "ads")
DECIDED = ("churn", "recommend", "fraud", "campaign", "pricing", "ads", "lifecycle")
SPARK = "local[2]"
FIELDS = [
    "event_id", "line", "time", "customer_id", "anonymous_id", "session_id", "type", "product_id", "quantity",
    "unit_price", "currency", "order_id", "channel", "device_id",
]  # fmt: skip
"""What the file that is imported holds of each event."""


def made(folder: Path, customers: int) -> Path:
    """The simulated shop of so many customers, made if it is not there; beside it its events as one file."""
    shop, source = folder / str(customers), folder / f"{customers}.parquet"
    if not shop.exists():
        simulate(shop, World("fashion", customers=customers, seed=1, days=365, workers=2))
    if not source.exists():
        log = Shop.open(shop).log
        with pq.ParquetWriter(source, pa.schema([EVENTS.field(name) for name in FIELDS])) as writer:
            for path in log.paths(log.snapshot(), "events"):
                writer.write_table(pq.read_table(path, columns=FIELDS).cast(writer.schema))
    return shop


def taken(step: str, shop: Path) -> Taken:
    """What a step takes."""
    what, _, name = step.partition(" ")
    if what == "import":
        with tempfile.TemporaryDirectory(dir=shop.parent) as folder:
            Shop.create(Path(folder) / "shop", ShopSettings(name="Imported", currency="EUR"))
            return python(
                "-m", "regulars", "import", shop.with_suffix(".parquet"), "--shop", Path(folder) / "shop", "--yes"
            )
    if what in ("features", "scores"):
        return python("-m", "benchmarks.scale", what, shop, *([SPARK] if name else []))
    return python("-m", "regulars", what, name, "--shop", shop)


STEPS = (
    "import", "features", "learn churn", "scores", "features spark", "scores spark",
    *(f"learn {name}" for name in LEARNED[1:]), *(f"decide {name}" for name in DECIDED),
)  # fmt: skip


def bench(folder: Path, steps: list[str]) -> None:
    """Each step at each size; kept as soon as it is measured."""
    shops = [made(folder, customers) for customers in SIZES]
    events = [Shop.open(shop).log.snapshot().rows("events") for shop in shops]
    for shop, count in zip(shops, events, strict=True):
        size = sum(path.stat().st_size for path in (shop / "log").rglob("*") if path.is_file())
        save("scale", [Row(f"log, {count / 1e6:.0f} m events", "bytes on disk an event", "lower", size / count)])
    for step in steps or STEPS:
        found = []
        for shop, count in zip(shops, events, strict=True):
            try:
                found.append(taken(step, shop))
            except subprocess.CalledProcessError as error:
                print(f"{step}, {count:,} events: {str(error.stderr)[-500:]}", file=sys.stderr)
                break
            case = f"{step}, {count / 1e6:.0f} m events"
            save(
                "scale",
                [
                    Row(case, "seconds", "lower", found[-1].seconds),
                    Row(case, "seconds of all cores", "lower", found[-1].cpu_seconds),
                    Row(case, "peak memory mib", "lower", found[-1].mib),
                ],
            )
        if len(found) == len(SIZES):
            grown = {
                "exponent of growth": exponent(events, [each.cpu_seconds for each in found]),
                "exponent of growth, memory": exponent(events, [each.mib for each in found]),
            }
            save("scale", [Row(step, metric, "lower", value) for metric, value in grown.items()])


def exponent(sizes: npt.ArrayLike, taken: npt.ArrayLike) -> float:
    """The b of taken = a size^b.

    >>> round(exponent([1, 10, 100], [3, 6, 12]), 2)
    0.3
    """
    return float(np.polyfit(np.log(sizes), np.log(taken), 1)[0])


def computed(what: str, folder: Path, spark: str = "") -> None:
    """Features of all customers, written; or churn scores, from which decisions are made."""
    shop = Shop.open(folder)
    if spark:
        from regulars.engine.spark import SparkEngine

        shop.engine = SparkEngine(spark, memory=shop.config.engine.memory)
    as_of: datetime = shop.now
    if what == "scores":
        decide(shop, as_of)
        return
    rows = shop.tables.rows("profile", shop.buyers(as_of), as_of)
    with tempfile.TemporaryDirectory(dir=folder) as written:
        shop.engine.write(rows.table, Path(written) / "features")


if __name__ == "__main__":
    if sys.argv[1] in ("features", "scores"):
        computed(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
    else:
        bench(Path(sys.argv[1]), sys.argv[2:])
