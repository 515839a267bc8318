"""What vectors alone say of the next 14 days, beside the named features and with them, after the RecSys Challenge 2025.

    python -m benchmarks.behavior_universal

On Online Retail (two weeks of November and December 2011) and on a simulated shop of fashion, with views and carts.
A behaviour model of size `small` is trained for each, until the earliest of the moments.
"""

from __future__ import annotations

import tempfile
from importlib.resources import files
from pathlib import Path

from benchmarks.report import Row, save
from regulars import Shop
from regulars.behavior.universal import universal_profile
from regulars.config import ShopSettings
from regulars.simulate import World, simulate

CUSTOMERS, DAYS = 5000, 365


def online_retail(folder: Path) -> Shop:
    """All invoices of a wholesaler of gifts, December 2010 to December 2011: orders and returns alone."""
    shop = Shop.create(folder, ShopSettings(name="Online Retail", currency="GBP", timezone="Europe/London"))
    shop.import_(Path(str(files("regulars.demo") / "online_retail.parquet")))
    return shop


def simulated(folder: Path) -> Shop:
    """A year of a simulated shop of fashion."""
    simulate(folder, World("fashion", customers=CUSTOMERS, seed=1, days=DAYS))
    return Shop.open(folder)


CASES = {"universal profile, online retail": online_retail, "universal profile, simulated shop": simulated}


def bench() -> list[Row]:
    """Each metric of the vector, the features and both, with the features as peer."""
    rows = []
    for case, make in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            found = universal_profile(make(Path(folder) / "shop"))
        for metric in found.metrics:
            peers = {} if metric.name.endswith(", features") else {"features": metric.baseline}
            rows.append(Row(case, metric.name, metric.better, metric.value, peers))
            for end, value in (("lower", metric.low), ("upper", metric.high)):
                rows.append(Row(case, f"{metric.name}, {end} end of 95 % interval", metric.better, value))
    return rows


if __name__ == "__main__":
    save("behavior_universal", bench())
