"""The truth of a world, as tables: what `simulate` keeps beside the log, and what `Truth` is made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from regulars import storage
from regulars.simulate.aftermath import Asked
from regulars.simulate.customers import ACTIONS, KINDS
from regulars.simulate.encode import codes, customer_ids
from regulars.simulate.fraud import SCENARIOS, Acts, scenario_of
from regulars.simulate.oracle import Values, best_bids, prices, values
from regulars.simulate.texts import CAUSES
from regulars.simulate.world import World

FOLDER = "truth"
TABLES = ("customers", "products", "rings", "frauds", "tickets")
BUDGETS = (0.01, 0.05, 0.2)
"""Shares of the customers who may be contacted, for each of which the best policy is kept."""


def tables(world: World) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """All tables of the truth by name, and what is said of the whole: moment, policies, profits."""
    found = values(world)
    known = prices(world)
    policies, auctions = oracles(found), best_bids(world, found.value[:, ACTIONS.index("ad")])
    customers = _customers(world, found).append_column("best_bid", pa.array(auctions[0]))
    said = {
        "moment": world.now.isoformat(),
        "day": world.day,
        "seed": world.seed,
        "customers": len(world.customer_ids),
        "auction": world.params.ads.auction,
        "policies": [
            *policies,
            {
                "policy": "the best price of each product, changed alone",
                "profit": float(known.best_profit.sum()),
                "profit_of_today": float(known.profit.sum()),
                "unit": "a day",
            },
            {
                "policy": "the best bid for each customer",
                "profit": float(auctions[1][found.may_be_contacted].sum()),
                "profit_of_today": 0.0,
                "unit": "one auction for each customer who may be contacted",
            },
        ],
    }
    products = pa.table(
        {
            "product_id": world.product_ids,
            "appeal": pa.array(world.hidden.catalogue.appeal),
            "cost": pa.array(world.hidden.catalogue.cost),
            **{name: pa.array(value, from_pandas=True) for name, value in known._asdict().items()},  # NaN is empty
        }
    )
    return {
        "customers": customers,
        "products": products,
        "rings": _rings(world),
        "frauds": _frauds(world.hidden.state.acts),
        "tickets": _tickets(world, world.hidden.state.asked),
    }, said


def oracles(found: Values) -> list[dict[str, Any]]:
    """The best policies under a number of contacts, for each action and over all, and what simple ones would make."""
    may = np.flatnonzero(found.may_be_contacted)
    policies = []
    for share in BUDGETS:
        contacts = round(share * len(may))
        choices = {name: found.value[may, [number]][:, None] for number, name in enumerate(ACTIONS)}
        for name, value in {**choices, "any of them": found.value[may]}.items():
            best = np.sort(value.max(1, initial=-np.inf))[::-1][:contacts]
            policies.append(
                {
                    "policy": f"{name}, at most {contacts} customers",
                    "action": name,
                    "contacts": contacts,
                    "profit": float(np.maximum(best, 0).sum()),
                    "profit_of_chance": float(value.mean(0).max() * contacts) if len(may) else 0.0,
                }
            )
    return policies


def record(folder: Path, world: World) -> None:
    """Write the truth into FOLDER/truth."""
    home = storage.make_folder(folder / FOLDER)
    found, said = tables(world)
    for name, table in found.items():
        storage.replace(home / f"{name}.parquet", bytes(storage.parquet(table)))
    storage.replace(home / "params.json", world.params.model_dump_json(indent=1))
    storage.replace(home / "oracle.json", json.dumps(said, indent=1))


def _customers(world: World, found: Values) -> pa.Table:
    inside = world.hidden
    people, treatments = inside.customers, inside.state.treatments
    mine = slice(0, people.honest)
    left = (people.patience - treatments.used_up)[mine]
    columns: dict[str, Any] = {
        "customer_id": world.customer_ids,
        "household": customer_ids(people.household[mine]),
        "arrives": people.arrives[mine],
        "is_active": found.is_active,
        "may_be_contacted": found.may_be_contacted,
        "visits_a_day": people.rate[mine],
        "hazard": people.hazard[mine],
        "days_left": np.where(found.is_active, left / np.maximum(people.hazard[mine], 1e-12), 0.0),
        "price_sensitivity": people.sensitivity[mine],
        "elasticity": found.elasticity,
        "favourite_brand": pa.array(inside.catalogue.brand_names).take(pa.array(people.favourite[mine])),
        "taste": _rows(people.taste[mine]),
        "habit": _rows(np.diff(people.habit[mine], axis=1, prepend=0)),
        "margin_per_visit": found.margin_per_visit,
        "expected_margin": found.expected_margin,
    }
    for number, action in enumerate(ACTIONS):
        columns[f"kind_{action}"] = pa.array(KINDS).take(pa.array(people.kind[mine, number]))
        columns[f"effect_{action}"] = people.effect[mine, number]
        columns[f"value_{action}"] = found.value[:, number]
    return pa.table(columns)


def _rows(matrix: npt.NDArray[np.float32]) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), matrix.shape[1])


def _rings(world: World) -> pa.Table:
    people = world.hidden.customers
    ring = people.ring[people.honest :].astype(np.int64)
    members = np.arange(people.honest, len(people))
    return pa.table(
        {
            "ring": pa.array(ring),
            "scenario": pa.array(SCENARIOS).take(pa.array(scenario_of(ring))),
            "customer_id": customer_ids(members),
        }
    )


def _frauds(acts: list[Acts]) -> pa.Table:
    days = np.repeat(np.arange(len(acts)), [len(act.ring) for act in acts])
    ring, scenario, customer, order, disputed = (
        np.concatenate([np.empty(0, np.int64), *(act[place].astype(np.int64) for act in acts)]) for place in range(5)
    )
    return pa.table(
        {
            "day": pa.array(days),
            "ring": pa.array(ring),
            "scenario": pa.array(SCENARIOS).take(pa.array(scenario)),
            "customer_id": customer_ids(customer),
            "order_id": codes("o", np.where(order > 0, order, -1), 16),
            "disputed_day": pa.array(disputed, mask=disputed < 0),
        }
    )


def _tickets(world: World, asked: list[Asked]) -> pa.Table:
    day, order, product, customer, cause = (
        np.concatenate([np.empty(0, np.int64), *(one[place].astype(np.int64) for one in asked)]) for place in range(5)
    )
    ids = world.product_ids
    return pa.table(
        {
            "day": pa.array(day),
            "order_id": codes("o", order, 16),
            "product_id": pc.take(ids, pa.array(product)),
            "customer_id": customer_ids(customer),
            "cause": pa.array([cause.name for cause in CAUSES]).take(pa.array(cause)),
            "resolution": pa.array([cause.resolution for cause in CAUSES]).take(pa.array(cause)),
        }
    )
