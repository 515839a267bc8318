"""The best lists: as good as told when played, better than any simple ones, and refused where they make no sense."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from regulars.errors import InputError
from regulars.simulate import Params, World
from regulars.simulate.lists import best_lists, judge, margins
from regulars.simulate.raw import CODES

MakeWorld = Callable[..., World]


@pytest.fixture(scope="module")
def calm(gifts: Params) -> Params:
    """A shop where all are there, and nothing but the lists themselves moves anybody."""
    sections = {
        "customers": {"arrived_share": 1.0, "visits_per_month": 20.0, "household_share": 0.0},
        "orders": {"bulk": 2.0, "bulk_between": 0.1, "bulk_within": 0.1},
        "visits": {"needs": 10.0, "weekdays": (1.0,) * 7},
        "catalogue": {"launched_share": 0.0, "ended_share": 0.0, "stock_days": 1000.0},
        "treatments": {"persuadable_share": 0.0, "sleeping_dog_share": 0.0},
        "fraud": {"rings_per_10k": 0.0},
    }
    updates = {name: getattr(gifts, name).model_copy(update=update) for name, update in sections.items()}
    return gifts.model_copy(update=updates)


def same_for_all(world: World, products: list[str]) -> pa.Table:
    count = len(world.customer_ids)
    lists = pa.array([products] * count, pa.list_(pa.string()))
    return pa.table({"customer_id": world.customer_ids, "action": ["recommend"] * count, "products": lists})


def played(world: World, lists: pa.Table) -> float:
    """The margin of a day with lists."""
    rows, _ = world.copy().advance(lists)
    bought = rows[rows["type"] == CODES["order_completed"]]
    cost = world.hidden.catalogue.cost
    return float((bought["quantity"] * (bought["price"] / 1e4 - cost[bought["product"]])).sum())


def test_lists_bring_what_is_told_of_them(calm: Params) -> None:
    world = World(calm, customers=4000, seed=3, days=60)
    rate = world.hidden.customers.rate[: len(world.customer_ids)] * world.season(0)
    best = best_lists(world, world.customer_ids)
    found = []
    for lists in (same_for_all(world, []), same_for_all(world, world.product_ids.slice(0, 12).to_pylist()), best):
        found.append(played(world, lists))
        assert found[-1] == pytest.approx(float(rate @ margins(world, lists)), rel=0.07)
    assert found[2] > 1.2 * max(found[:2])


def test_no_simple_list_is_better_than_the_best(make_world: MakeWorld, calm: Params) -> None:
    world = make_world(calm, customers=200)
    sample = world.customer_ids.slice(0, 60)
    best = best_lists(world, sample)
    told = margins(world, best)
    rng = np.random.default_rng(0)
    # One product of each list is replaced by another, at random.
    for _ in range(10):
        products = [
            [*mine[:at], other, *mine[at + 1 :]]
            for mine in best["products"].to_pylist()
            for at in [int(rng.integers(len(mine)))]
            for other in [str(rng.choice([p for p in world.product_ids.to_pylist() if p not in mine]))]
        ]
        swapped = best.set_column(2, "products", pa.array(products, pa.list_(pa.string())))
        assert margins(world, swapped).sum() < told.sum()
    assert (told > margins(world, same_for_all(world, []).slice(0, 60))).mean() > 0.95


def test_the_oracle_has_all_of_the_gain_and_the_baseline_none(make_world: MakeWorld, calm: Params) -> None:
    world = make_world(calm, customers=100)
    popular, best = same_for_all(world, world.product_ids.slice(3, 12).to_pylist()), None
    best = best_lists(world, world.customer_ids)
    assert judge(world, best, popular).share_of_gain == pytest.approx(1)
    assert judge(world, popular, popular).share_of_gain == 0
    assert world.day == 0


def test_the_best_lists_are_decisions(make_world: MakeWorld) -> None:
    world = make_world()
    assert world.step(best_lists(world, world.customer_ids)).num_rows > 0


def test_what_is_no_list_of_a_known_customer_is_refused(make_world: MakeWorld) -> None:
    world = make_world()
    lists = same_for_all(world, [])
    with pytest.raises(InputError, match="customer_id = 'nobody': there is no such customer"):
        best_lists(world, pa.array(["nobody"]))
    with pytest.raises(InputError, match='only decisions with the action "recommend"'):
        margins(world, pa.table({"customer_id": ["c0000000"], "action": ["message"]}))
    with pytest.raises(InputError, match="baseline: lists for the same customers"):
        judge(world, lists, lists.slice(1))
