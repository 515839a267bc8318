"""The truth: written and read alike, right when played out, and the oracle is never beaten."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from regulars import Shop
from regulars.errors import CorruptLogError, InputError, NotFoundError
from regulars.evaluation.regret import regret
from regulars.simulate import Params, World, simulate
from regulars.simulate.customers import ACTIONS
from regulars.simulate.oracle import HORIZON_DAYS, values
from regulars.simulate.raw import CODES
from regulars.simulate.record import TABLES
from regulars.simulate.truth import Truth

MakeWorld = Callable[..., World]


@pytest.fixture(scope="module")
def steady(gifts: Params) -> Params:
    """A shop whose profit is so even that what is expected can be seen when it is played out."""
    sections = {
        "customers": {"arrived_share": 1.0, "visits_per_month": 9.0, "consent_share": 1.0, "household_share": 0.4},
        "orders": {"bulk": 2.0, "bulk_between": 0.1, "bulk_within": 0.1, "late_share": 0.0, "broken_share": 0.0},
        "visits": {"needs": 4.0, "needs_shape": 20.0, "weekdays": (1.0,) * 7},
        "catalogue": {"launched_share": 0.0, "ended_share": 0.0, "stock_days": 1000.0, "season_spread": 0.0},
        "fraud": {"rings_per_10k": 0.0},
    }
    updates = {name: getattr(gifts, name).model_copy(update=update) for name, update in sections.items()}
    return gifts.model_copy(update=updates)


def margin(world: World, decisions: pa.Table | None) -> float:
    """What a world earns within the horizon, decisions being made on its first day."""
    played, total = world.copy(), 0.0
    cost = world.hidden.catalogue.cost
    for day in range(HORIZON_DAYS):
        rows, _ = played.advance(decisions if day == 0 else None)
        bought = rows[rows["type"] == CODES["order_completed"]]
        total += float((bought["quantity"] * (bought["price"] / 1e4 - cost[bought["product"]])).sum())
    return total


def test_what_is_expected_of_an_action_happens_when_it_is_played(steady: Params) -> None:
    world = World(steady, customers=8000, seed=3, days=60)
    for _ in range(3):
        world.advance()
    found = values(world, share=0.1)
    nothing = margin(world, None)
    assert nothing == pytest.approx(found.expected_margin.sum(), rel=0.05)
    for action in ("message", "coupon", "discount", "recommend"):
        value = found.value[:, ACTIONS.index(action)]
        best = np.argsort(-value)[:2000]
        table = {"customer_id": world.customer_ids.take(pa.array(best)), "action": pa.array([action] * 2000)}
        if action in ("coupon", "discount"):
            table["share"] = pa.array([0.1] * 2000)
        if action == "recommend":
            table["products"] = pa.array([[]] * 2000, pa.list_(pa.string()))
        costs = 2000 * steady.treatments.contact_cost if action in ("message", "coupon") else 0.0
        # Who comes on the one day, and so sees the recommendation, is chance.
        within = 0.25 if action == "recommend" else 0.15
        assert margin(world, pa.table(table)) - nothing - costs == pytest.approx(value[best].sum(), rel=within), action


def test_who_comes_for_the_first_time_is_expected_today(gifts: Params) -> None:
    world = World(gifts, customers=1000, seed=3, days=60)
    found = values(world)
    is_new = world.hidden.customers.arrives[:1000] == 0
    assert is_new.sum() > 5
    assert (found.expected_margin[is_new] > 1.15 * found.margin_per_visit[is_new]).all()


def test_no_price_is_better_than_the_best_price_and_demand_bends_as_told(steady: Params) -> None:
    from regulars.simulate.oracle import prices

    world = World(steady, customers=8000, seed=3, days=60)
    found = prices(world)
    assert (found.best_profit >= found.profit).all()
    product = int(np.argmax(found.units))
    sold = []
    for multiple in (0.95, 1.05):
        played = world.copy()
        price = {"action": ["price"], "product_id": [world.product_ids[product].as_py()]}
        price |= {"price": [found.price[product] * multiple]}
        units = 0.0
        for _ in range(12):
            rows, _ = played.advance(pa.table(price))
            bought = rows[(rows["type"] == CODES["order_completed"]) & (rows["product"] == product)]
            units += float(bought["quantity"].sum())
        sold.append(units)
    # Rivals follow a little, and a dearer product is taken in smaller numbers besides.
    seen = np.log(sold[1] / sold[0]) / np.log(1.05 / 0.95)
    assert seen < 0
    assert seen == pytest.approx(found.elasticity[product], abs=1.0)


def test_the_oracle_has_no_regret_and_all_others_have(make_world: MakeWorld) -> None:
    world = make_world(customers=2000, days=60)
    for _ in range(30):
        world.advance()
    truth = Truth.of(world)
    best = truth.best(100, ("message",))
    assert truth.regret(best).regret == pytest.approx(0)
    assert truth.regret(best).profit == pytest.approx(best["value"].to_numpy().sum())
    rng = np.random.default_rng(0)
    may = np.flatnonzero(truth.customers["may_be_contacted"].to_numpy())
    for _ in range(5):
        chosen = world.customer_ids.take(pa.array(rng.choice(may, 100, replace=False)))
        drawn = truth.regret(pa.table({"customer_id": chosen, "action": ["message"] * 100}))
        assert drawn.regret > 0
        assert drawn.oracle == pytest.approx(truth.regret(best).oracle)
    assert best["value"].to_numpy().min() > 0
    kinds = dict(
        zip(truth.customers["customer_id"].to_pylist(), truth.customers["kind_message"].to_pylist(), strict=True)
    )
    assert {kinds[customer] for customer in best["customer_id"].to_pylist()} == {"persuadable"}


def test_the_kept_policies_are_those_of_the_oracle(make_world: MakeWorld) -> None:
    world = make_world(customers=1000)
    for _ in range(10):
        world.advance()
    truth = Truth.of(world)
    kept = [policy for policy in truth.policies if policy.get("action") in ACTIONS]
    assert len(kept) == 3 * len(ACTIONS)
    for policy in kept:
        best = truth.best(policy["contacts"], (policy["action"],))
        assert policy["profit"] == pytest.approx(best["value"].to_numpy().sum())
        assert policy["profit"] >= policy["profit_of_chance"]


def test_what_is_written_is_read_again(make_world: MakeWorld, tmp_path: Path) -> None:
    done = simulate(tmp_path / "shop", make_world())
    read, live = Truth.read(tmp_path / "shop"), Truth.of(done.world)
    assert read.moment == live.moment == done.world.now
    assert read.policies == live.policies
    for name in TABLES:
        assert getattr(read, name).cast(getattr(live, name).schema).equals(getattr(live, name)), name


def test_a_shop_that_is_not_simulated_has_no_truth(shop: Shop) -> None:
    with pytest.raises(NotFoundError, match="has no truth: it is not simulated"):
        Truth.read(shop.folder)
    assert regret(shop, "churn") is None


def test_a_damaged_truth_is_named(make_world: MakeWorld, tmp_path: Path) -> None:
    simulate(tmp_path / "shop", make_world(days=3))
    (tmp_path / "shop" / "truth" / "oracle.json").write_text("{")
    with pytest.raises(CorruptLogError, match="truth cannot be read"):
        Truth.read(tmp_path / "shop")


@pytest.mark.parametrize(("customer", "action"), [("nobody", "message"), ("c0000000", "shout")])
def test_a_decision_that_the_truth_does_not_know_is_refused(make_world: MakeWorld, customer: str, action: str) -> None:
    truth = Truth.of(make_world())
    with pytest.raises(InputError, match=r"row 1: .* there is no such in the truth"):
        truth.value(pa.table({"customer_id": [customer], "action": [action]}))


def test_evaluate_finds_the_regret_of_the_newest_decisions(make_world: MakeWorld, tmp_path: Path) -> None:
    from regulars import decisions
    from regulars.capability import DECISION

    shop = simulate(tmp_path / "shop", make_world(customers=600)).shop
    truth = Truth.read(shop.folder)
    assert regret(shop, "churn") is None
    best = truth.best(20, ("message",))["customer_id"]

    def log(customers: pa.ChunkedArray, version: int) -> None:
        count = len(customers)
        filled = {
            "customer_id": customers,
            "action": pa.array(["contact"] * count),
            "propensity": pa.array(np.ones(count)),
            "reasons": pa.array([["told"]] * count),
            "policy": pa.array(["test"] * count),
            "inputs_hash": pa.array(["0"] * count),
            "disclosure": pa.nulls(count, pa.string()),
        }
        table = pa.table({field.name: filled[field.name] for field in DECISION})
        events = decisions.to_events(table, "churn", version, shop.now, shop.now)
        shop.log.append(events, "decisions of churn")

    log(best, 1)
    found = regret(Shop.open(shop.folder), "churn")
    assert found is not None
    assert found.contacts == len(best)
    assert found.regret == pytest.approx(0)
    log(truth.customers["customer_id"].slice(0, 20), 2)
    later = regret(Shop.open(shop.folder), "churn")
    assert later is not None
    assert later.regret > 0
