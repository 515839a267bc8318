"""Demand of Online Retail's products in the next four weeks at their prices, and how demand answers prices."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from benchmarks.report import Row
from regulars.pricing.response import Demand, DemandForecast, fit
from regulars.pricing.response.checking import medians

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

DATA = Path(__file__).parents[2] / "shared" / "data"
HORIZON = 4
ORIGINS = 8
WINDOWS = (1, 2, 3, 4, 8, 13, 26)
PLAUSIBLE = (-6.0, 0.0)
"""An elasticity of a gift outside of this is none: demand rose with the price, or vanished at a move of a tenth."""


def lines() -> tuple[npt.NDArray[np.str_], Numbers, Floats, Floats]:
    """Product, week (0 the last seven days), quantity and unit price of each line sold."""
    table = pq.read_table(
        DATA / "online_retail.parquet", columns=["Description", "Quantity", "InvoiceDate", "UnitPrice"]
    )
    product = np.char.strip(np.array([name or "" for name in table["Description"].to_pylist()]))
    quantity, price = np.asarray(table["Quantity"], np.float64), np.asarray(table["UnitPrice"], np.float64)
    day = np.asarray(table["InvoiceDate"]).astype("datetime64[D]")
    week = -((day.max() - day).astype(np.int64) // 7)
    sold = (quantity > 0) & (price > 0) & (product != "")
    return product[sold], week[sold], quantity[sold], price[sold]


def at_origin(origin: int) -> tuple[Demand, Floats, Floats]:
    """Demand before a week; of its products units a week in the four weeks from it, and their prices then."""
    product, week, quantity, price = lines()
    before = week < origin
    demand = Demand.of_lines(product[before], week[before], quantity[before], price[before], until=origin - 1)
    ahead = (week >= origin) & (week < origin + HORIZON) & np.isin(product, demand.products)
    code = np.searchsorted(demand.products, product[ahead])
    came = np.bincount(code, quantity[ahead], len(demand.products)) / HORIZON
    asked = np.full(len(demand.products), np.nan)
    found = medians(price[ahead], code)
    asked[: len(found)] = found
    return demand, came, asked


def without_structure(demand: Demand, asked: Floats, objective: str) -> Floats:
    """LightGBM on lagged units, prices and the week, as it comes."""
    first, last = int(demand.week.min()), int(demand.week.max())
    units = np.zeros((len(demand.products), last - first + 1))
    price = np.full(units.shape, np.nan)
    units[demand.series, demand.week - first] = demand.units
    price[demand.series, demand.week - first] = np.exp(demand.log_price)

    def inputs(end: int, ahead: Floats) -> Floats:
        recent = [units[:, max(0, end - window) : end].mean(1) for window in WINDOWS]
        return np.column_stack([*recent, price[:, end - 1], ahead, np.full(len(units), (first + end) % 52)])

    weeks = units.shape[1]
    told, came = [], []
    for end in range(weeks - HORIZON, max(2 * HORIZON, weeks - HORIZON * (ORIGINS + 1)), -HORIZON):
        on_sale = units[:, max(0, end - 8) : end].sum(1) > 0
        told.append(inputs(end, price[:, end : end + HORIZON].mean(1))[on_sale])
        came.append(units[on_sale, end : end + HORIZON].mean(1))
    settings = {
        "objective": objective,
        "num_leaves": 15,
        "learning_rate": 0.05,
        "min_data_in_leaf": 30,
        "verbose": -1,
        "seed": 0,
    }
    trees = lgb.train(settings, lgb.Dataset(np.concatenate(told), np.concatenate(came)), 150)
    return np.maximum(np.asarray(trees.predict(inputs(weeks, np.where(np.isnan(asked), price[:, -1], asked)))), 0)


def bench(origin: int = 1 - HORIZON) -> list[Row]:
    """The last four weeks by default, of products that were sold in the eight before."""
    demand, came, asked = at_origin(origin)
    start = time.perf_counter()
    response = fit(demand)
    forecast = DemandForecast.fit(demand, response)
    seconds = time.perf_counter() - start
    print(response.verdict, forecast.share, forecast.tried, f"{seconds:.0f} s", file=sys.stderr)
    recent = demand.week >= origin - 8
    sold = np.bincount(demand.series[recent], demand.units[recent], len(demand.products)) > 0
    window = demand.week >= origin - HORIZON
    last = np.bincount(demand.series[window], demand.units[window], len(demand.products)) / HORIZON

    def wmape(said: Floats) -> float:
        return float(np.abs(said - came)[sold].sum() / came[sold].sum())

    ours = forecast.predict(demand, asked)
    peers = {"last-4-weeks mean": last} | {
        f"lightgbm without structure, {objective}": without_structure(demand, asked, objective)
        for objective in ("regression", "l1", "poisson")
    }
    products = response.elasticities("product")
    # The textbook: each product's own regression of logarithms, where its price ever changed.
    plain = _own_regressions(demand)
    case = "online retail: demand next 4 weeks by product and price"
    return [
        Row(case, "wmape", "lower", wmape(ours), {name: wmape(said) for name, said in peers.items()}),
        Row(case, "sign of elasticity plausible share", "higher", _plausible(products.value), {"log-log regression of each product": _plausible(plain)}),
        Row(case, "elasticity of the shop", "lower", float(response.elasticities("shop").value[0])),
        Row(case, "fit seconds", "lower", seconds),
    ]  # fmt: skip


def _plausible(values: Floats) -> float:
    return float(((values > PLAUSIBLE[0]) & (values < PLAUSIBLE[1])).mean())


def _own_regressions(demand: Demand) -> Floats:
    size = len(demand.products)
    count = np.bincount(demand.series, minlength=size)

    def centred(values: Floats) -> Floats:
        return values - (np.bincount(demand.series, values, size) / count)[demand.series]

    price, units = centred(demand.log_price), centred(np.log1p(demand.units))
    square = np.bincount(demand.series, price**2, size)
    known = square > 1e-9
    return np.bincount(demand.series, price * units, size)[known] / square[known]
