"""regulars experiment results, power and aa: from the log and the registry to what is printed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from regulars import Shop, clock
from regulars.cli.experiment_results import commands
from regulars.events.schema import EVENTS, TIME
from regulars.experiment.exposure import assign_all
from regulars.experiment.registry import Design, Experiments

START = datetime(2024, 5, 1, tzinfo=UTC)
CUSTOMERS = 900


def _orders(days: np.ndarray, prices: np.ndarray) -> pa.Table:
    ids = [f"c{i:04}" for i in range(len(days))]
    times = pa.array((days * 86_400e6).astype(np.int64) + round(START.timestamp() * 1e6)).cast(TIME)
    names = pa.array([f"{one}-{day:.6f}" for one, day in zip(ids, days, strict=True)])
    made = {
        "event_id": names, "line": np.zeros(len(ids), np.int32), "time": times, "received_at": times,
        "customer_id": ids, "type": ["order_completed"] * len(ids), "order_id": names, "product_id": ["tea"] * len(ids),
        "quantity": np.ones(len(ids)), "currency": ["EUR"] * len(ids),
        "unit_price": pa.array(np.round(prices, 2)).cast(pa.decimal128(18, 4), safe=False),
    }  # fmt: skip
    arrays = [
        pa.array(made[field.name]).cast(field.type) if field.name in made else pa.nulls(len(ids), field.type)
        for field in EVENTS
    ]
    return pa.Table.from_arrays(arrays, schema=EVENTS)


@pytest.fixture
def trial(tmp_path: Path) -> Shop:
    """A shop with an experiment "spring" in which nothing was changed."""
    shop = Shop.create(tmp_path / "shop")
    rng = np.random.default_rng(0)
    shop.log.append(_orders(-rng.random(CUSTOMERS) * 20 - 0.1, rng.lognormal(3, 0.5, CUSTOMERS)), "before")
    known = Experiments(shop.state)
    known.create("spring", Design({"control": 1, "blue": 1}, primary_metric="revenue", planned_days=14))
    with clock.held_at(START):
        known.start("spring")
        assign_all(shop, "spring", START + timedelta(microseconds=1))
    shop.log.append(_orders(rng.random(CUSTOMERS) * 6 + 0.1, rng.lognormal(3, 0.5, CUSTOMERS)), "after")
    return shop


def _run(*words: str) -> str:
    found = CliRunner().invoke(commands, list(words), catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.output


def test_results_say_what_was_found_and_write_a_page(trial: Shop, tmp_path: Path) -> None:
    page = tmp_path / "spring.html"
    asked = ["results", "spring", "--shop", str(trial.folder), "--as-of", "2024-05-16", "--metric", "conversion"]
    told = _run(*asked, "--out", str(page))
    # Customers are dealt anew in each run, so that once in twenty something is found.
    ends = ("the plan is over and no difference", "is better than control", "is worse than control")
    assert any(end in " ".join(told.split()) for end in ends)
    assert page.read_text().startswith("<!")
    found = json.loads(_run(*asked, "--json", "--language", "zh"))
    assert found["verdicts"][0]["planned"]["is_over"]
    assert sum(found["counts"].values()) == CUSTOMERS
    assert "blue" in found["verdicts"][0]["words"]
    assert "。" in found["verdicts"][0]["words"]


def test_power_tells_days_and_aa_tells_rates(trial: Shop) -> None:
    asked = ["--metric", "revenue", "--shop", str(trial.folder), "--as-of", "2024-05-16"]
    assert "at your traffic" in " ".join(_run("power", *asked, "--lift", "0.2").split())
    assert json.loads(_run("power", *asked, "--json"))["metric"] == "revenue"
    told = json.loads(_run("aa", *asked, "--tests", "100", "--json"))
    assert {one["rule"] for one in told["rates"]} > {"the planned verdict", "a plain test looked at daily"}
