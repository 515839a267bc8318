"""Two tea shops: one to tell prices of line by line, and one whose answer to prices is known."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from regulars import Shop
from regulars.config import ShopSettings
from regulars.events.schema import CATALOGUE, EVENTS, TIME
from regulars.pricing.money import to_amount, to_amounts

T = datetime(2026, 11, 1, tzinfo=UTC)
WEEKS, PRODUCTS, CUSTOMERS = 18, 40, 160
ELASTICITY = -3.0
COUNTRIES = (("DE", None), ("US", "NY"), ("CN", None), ("JP", None))

NULLABLE = pa.schema([field.with_nullable(True) for field in EVENTS])

Tell = Callable[..., None]


@pytest.fixture
def tell(shop: Shop) -> Tell:
    """tell(product_id, price, cost, days_ago, **fields): put a line into the catalogue; amounts in cents, -1 for none."""

    def said(product_id: str, price: int, cost: int = -1, days_ago: float = 100, **fields: Any) -> None:
        row = {
            "product_id": [product_id], "list_price": to_amounts([price], "EUR"), "unit_cost": to_amounts([cost], "EUR"),
            "valid_from": pa.array([T - timedelta(days=days_ago)], TIME), **{name: [value] for name, value in fields.items()},
        }  # fmt: skip
        columns = {field.name: row.get(field.name, pa.nulls(1, field.type)) for field in CATALOGUE}
        with shop.log.transaction("catalogue") as transaction:
            transaction.add("catalogue", pa.table(columns, schema=CATALOGUE))
            transaction.commit()

    return said


def events(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist([{"line": 0, "received_at": row["time"], **row} for row in rows], schema=NULLABLE)


def expected_lines(ratio: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Lines in a week by the price over the base price; half of those whom a price turns away take another product."""
    x = np.log(ratio)
    mean = np.array([x[number % 4 == one].mean() for one in range(4)])[number % 4]
    return 12 * np.exp(ELASTICITY * (x - 0.5 * mean))


def now(shop: Shop) -> datetime:
    """Just after all that happened, and was decided, so far."""
    return max(shop.now, T) + timedelta(seconds=1)


def make(folder: Path) -> None:
    """Prices change by lot each week by 10 %; of each product so many are bought as its elasticity says."""
    shop = Shop.create(folder, ShopSettings(name="Tea", currency="EUR"))
    rng = np.random.default_rng(1)
    base = rng.integers(400, 3000, PRODUCTS)
    cost = (base * rng.uniform(0.4, 0.75, PRODUCTS)).astype(int)
    ids = [f"p{number:02d}" for number in range(PRODUCTS)]
    begin = T - timedelta(weeks=WEEKS)
    empty = pa.nulls(PRODUCTS, pa.string())
    catalogue = {
        "product_id": ids, "title": [f"Tea number {number}" for number in range(PRODUCTS)],
        "category": [("Pots", "Tea", "Cups", "Sweets")[number % 4] for number in range(PRODUCTS)], "brand": empty,
        "list_price": to_amounts(base, "EUR"), "unit_cost": to_amounts(cost, "EUR"), "stock": pa.nulls(PRODUCTS, pa.float64()),
        "text": empty, "valid_from": pa.repeat(pa.scalar(begin - timedelta(days=1), TIME), PRODUCTS),
    }  # fmt: skip
    rows: list[dict[str, Any]] = [
        {"event_id": f"who {number}", "time": begin + timedelta(minutes=number), "customer_id": f"c{number:03d}",
         "type": "customer_identified",
         "properties": json.dumps({"country": COUNTRIES[number % 4][0], "region": COUNTRIES[number % 4][1],
                                   "gender": "f" if number % 8 < 4 else "m"})}
        for number in range(CUSTOMERS)
    ]  # fmt: skip
    grid = np.log(np.stack([base * 9 // 10, base, base * 11 // 10], axis=1))
    for week in range(WEEKS):
        at = begin + timedelta(weeks=week)
        price = np.exp(grid[np.arange(PRODUCTS), rng.integers(0, 3, PRODUCTS)]).round().astype(int)
        lines_of = rng.poisson(expected_lines(price / base, np.arange(PRODUCTS)))
        for number in range(PRODUCTS):
            rows.append(
                {"event_id": f"set {number} {week}", "time": at, "type": "price_set", "product_id": ids[number],
                 "unit_price": to_amount(int(price[number]), "EUR"), "currency": "EUR", "propensity": 1 / 3,
                 "properties": json.dumps({"policy": "evenly", "expected": grid[number].mean(), "variance": grid[number].var()})}
            )  # fmt: skip
            lines = int(lines_of[number])
            for line in range(lines):
                who = int(rng.integers(CUSTOMERS))
                rows.append(
                    {"event_id": f"o {number} {week} {line}", "time": at + timedelta(minutes=10 + int(rng.integers(10_000))),
                     "type": "order_completed", "customer_id": f"c{who:03d}", "product_id": ids[number], "quantity": 1.0,
                     "unit_price": to_amount(int(price[number]), "EUR"), "currency": "EUR", "order_id": f"{number}-{week}-{line}"}
                )  # fmt: skip
    with shop.log.transaction("catalogue") as transaction:
        transaction.add("catalogue", pa.table(catalogue, schema=CATALOGUE))
        transaction.commit()
    shop.log.append(events(*sorted(rows, key=lambda row: row["time"])), "played")
    shop.learn("pricing", T)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pricing") / "tea"
    make(folder)
    return folder


@pytest.fixture
def tea(made: Path, tmp_path: Path) -> Callable[..., Shop]:
    """tea(**settings): a copy of the shop, with these settings of [pricing]."""

    def opened(**settings: Any) -> Shop:
        folder = tmp_path / "tea"
        if not folder.exists():
            shutil.copytree(made, folder)
        return with_pricing(folder, settings)

    return opened


def with_pricing(folder: Path, settings: dict[str, Any]) -> Shop:
    """The shop with these settings of [pricing]."""
    path = folder / "shop.toml"
    text = path.read_text().split("\n[pricing]")[0] + "\n[pricing]\n"
    path.write_text(text + "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items()))
    return Shop.open(folder)


PERSONAL: dict[str, Any] = {"mode": "personal", "budget": 1e6, "explore": 0.0, "min_margin": 0.0}


@pytest.fixture(scope="session")
def decided(made: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A shop that has decided personal prices, and a New Yorker who has a discount. Read only."""
    shop = with_pricing(Path(shutil.copytree(made, tmp_path_factory.mktemp("personal") / "tea")), PERSONAL)
    table = shop.decide("pricing", T).table.to_pylist()
    return shop.folder, next(line["customer_id"] for line in table if line["place"] == "US-NY" and line["share"] > 0)


@pytest.fixture
def personal(decided: tuple[Path, str], tea: Callable[..., Shop], tmp_path: Path) -> tuple[Shop, str]:
    """A copy of that shop, and the New Yorker."""
    shutil.copytree(decided[0], tmp_path / "tea")
    return tea(**PERSONAL), decided[1]
