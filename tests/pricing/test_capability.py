"""Prices from end to end, on a shop whose answer to prices is known: learned, suggested, tried, decided, drawn."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from regulars import Shop
from regulars.errors import CorruptLogError, NotEnoughError, NotFoundError
from regulars.events.schema import CATALOGUE, TIME
from regulars.pricing.audit import audit
from regulars.pricing.guard import GuardError, ParityError
from regulars.pricing.law import Law
from regulars.pricing.model import PricingModel
from regulars.pricing.money import to_amounts
from regulars.pricing.pictures import curve_of, page
from regulars.pricing.products import Products
from regulars.pricing.quoting import quote
from regulars.pricing.suggesting import set_prices, suggestions, tries
from tests.pricing.conftest import ELASTICITY, PRODUCTS, T, events, expected_lines, now


def test_the_answer_to_prices_is_learned_and_beats_none(made: Path) -> None:
    shop = Shop.open(made)
    about = shop.models.in_use("pricing").card["about"]
    assert abs(about["elasticity"] - ELASTICITY) < 0.4
    assert about["share_drawn"] == 1.0


def test_list_prices_go_towards_the_best_and_keep_within_what_a_week_allows(tea: Callable[..., Shop]) -> None:
    shop = tea(max_change=0.3, min_margin=0.0)
    table = suggestions(shop, T)
    best = table["unit_cost"].cast(pa.float64()).to_numpy() * ELASTICITY / (ELASTICITY + 1)
    now, then = (table[name].cast(pa.float64()).to_numpy() for name in ("list_price", "suggested"))
    moved = then != now
    assert moved.mean() > 0.5
    assert np.corrcoef(then - now, best - now)[0, 1] > 0.6
    cost = table["unit_cost"].cast(pa.float64()).to_numpy()
    number = np.array([int(product[1:]) for product in table["product_id"].to_pylist()])
    assert (expected_lines(then / now, number) * (then - cost)).sum() > 1.02 * (
        expected_lines(now / now, number) * (now - cost)
    ).sum()
    assert (table["margin"].to_numpy() >= table["margin_now"].to_numpy() - 1e-9).all()
    assert (then / now)[moved].max() < 1.45


def test_where_costs_are_near_the_price_or_missing_it_is_said(tea: Callable[..., Shop]) -> None:
    shop = tea()
    with shop.log.transaction("catalogue") as transaction:
        row = {name: pa.nulls(1, CATALOGUE.field(name).type) for name in CATALOGUE.names}
        row |= {
            "product_id": pa.array(["new"]),
            "list_price": to_amounts([500], "EUR"),
            "valid_from": pa.array([T - timedelta(days=1)], TIME),
        }
        transaction.add("catalogue", pa.table(row, schema=CATALOGUE))
        transaction.commit()
    found = {line["product_id"]: line for line in suggestions(shop, T).to_pylist()}["new"]
    assert found["suggested"] == found["list_price"]
    assert "cost is not known" in found["why"]


def test_what_is_set_is_logged_and_is_the_price_from_then_on(tea: Callable[..., Shop]) -> None:
    shop = tea(max_change=0.3)
    table = suggestions(shop, T)
    moved = table.filter(pc.not_equal(table["suggested"], table["list_price"]))
    assert set_prices(shop, moved, T) == moved.num_rows
    before = shop.log.version
    assert set_prices(shop, moved, T) == 0
    assert shop.log.version == before
    later = T + timedelta(seconds=1)
    again = {line["product_id"]: line["list_price"] for line in suggestions(shop, later).to_pylist()}
    assert all(again[line["product_id"]] == line["suggested"] for line in moved.to_pylist())
    line = audit(shop, product_id=moved["product_id"][0].as_py()).to_pylist()[-1]
    assert (line["what"], line["policy"], line["model_version"]) == ("set", "most expected margin", 1)


def test_a_price_by_hand_that_breaks_a_guardrail_is_not_set(tea: Callable[..., Shop]) -> None:
    shop = tea()
    before = shop.log.version
    wrong = pa.table({"product_id": ["p00"], "suggested": [Decimal("0.01")]})
    with pytest.raises(GuardError, match="p00: the price breaks a guardrail"):
        set_prices(shop, wrong, T)
    assert shop.log.version == before
    with pytest.raises(NotFoundError, match='no product "tea"'):
        set_prices(shop, pa.table({"product_id": ["tea"], "suggested": [Decimal(1)]}), T)


def test_tries_are_drawn_by_lot_with_their_chance_and_are_the_same_again(tea: Callable[..., Shop]) -> None:
    shop = tea(explore=0.2, max_change=0.3)
    one, other = tries(shop, T, "spring", 1), tries(shop, T, "spring", 2)
    assert one.equals(tries(shop, T, "spring", 1))
    assert not one["suggested"].equals(other["suggested"])
    assert min(one["propensity"].to_pylist()) >= 0.2 / 7 - 1e-9
    set_prices(shop, one, T)
    line = audit(shop, product_id="p01").to_pylist()[-1]
    assert line["propensity"] == pytest.approx(one["propensity"][one["product_id"].to_pylist().index("p01")].as_py())


def test_personal_prices_are_off_until_a_shop_switches_them_on(tea: Callable[..., Shop]) -> None:
    shop = tea()
    table = shop.decide("pricing", T).table
    assert set(table["mode"].to_pylist()) == {"off"}
    assert set(table["share"].to_pylist()) == {0.0}
    made = quote(shop, "p01", "c000", T)
    assert (made.personalised, made.price) == (False, made.list_price)


def test_the_place_decides_who_may_have_a_personal_price(tea: Callable[..., Shop]) -> None:
    table = tea(mode="personal", budget=1e6, explore=0.0).decide("pricing", T).table.to_pylist()
    by_place = {place: [line for line in table if line["place"] == place] for place in ("DE", "US-NY", "CN", "JP")}
    assert {line["mode"] for line in by_place["DE"] + by_place["US-NY"]} == {"personal"}
    assert {line["mode"] for line in by_place["CN"] + by_place["JP"]} == {"declared"}
    assert all(line["share"] == 0 and line["disclosure"] is None for line in by_place["CN"] + by_place["JP"])
    assert any(line["share"] > 0 for line in by_place["DE"])
    words = Law.known().terms("US", "NY", T).sentences[0]
    assert {line["disclosure"] for line in by_place["US-NY"]} == {words}


def test_two_customers_of_china_who_differ_in_behaviour_alone_pay_the_same(tea: Callable[..., Shop]) -> None:
    shop = tea(mode="personal", member_discount=0.1)
    shop.decide("pricing", T)
    prices = {quote(shop, "p01", f"c{number:03d}", now(shop)).price for number in (2, 6)}
    assert len(prices) == 1


def test_the_budget_holds_with_its_lots(tea: Callable[..., Shop]) -> None:
    for budget in (50.0, 500.0, 5000.0):
        table = tea(mode="personal", budget=budget, explore=0.1).decide("pricing", T).table
        assert sum(table["expected_cost"].to_pylist()) <= budget
    assert sum(table["expected_cost"].to_pylist()) > 0
    assert "drawn by lot" in table["policy"].to_pylist()


@pytest.mark.parametrize("strength", [0.0, 2.0])
def test_decisions_learn_from_what_the_lots_of_those_before_brought(tea: Callable[..., Shop], strength: float) -> None:
    """Customers answer a discount of their own not at all, or twice as much as a list price."""
    shop = tea(mode="personal", budget=1e6, explore=0.6, min_margin=0.0)
    first = shop.decide("pricing", T).table
    listed = {line["product_id"]: line["list_price"] for line in suggestions(shop, T).to_pylist()}
    rng, bought = np.random.default_rng(3), []
    for line in first.to_pylist():
        if line["mode"] != "personal":
            continue
        mean = 12 * (1 - line["share"]) ** (strength * line["elasticity"])
        for number in range(rng.poisson(mean)):
            product = f"p{rng.integers(PRODUCTS):02d}"
            at = T + timedelta(minutes=int(rng.integers(1, 28 * 1440)))
            paid = round(listed[product] * Decimal(1 - line["share"]), 2)
            bought.append(
                {"event_id": f"later {line['customer_id']} {number}", "time": at, "type": "order_completed", "quantity": 1.0,
                 "customer_id": line["customer_id"], "product_id": product, "unit_price": paid, "currency": "EUR",
                 "order_id": f"later {line['customer_id']} {number}"}
            )  # fmt: skip
    shop.log.append(events(*sorted(bought, key=lambda row: row["time"])), "played")
    then = shop.decide("pricing", T + timedelta(days=28)).table
    moved = then.schema.metadata[b"moved"].decode()
    assert abs(float(moved.split()[3]) - strength) < 0.6, moved
    chosen = [
        np.mean([line["share"] for line in table.to_pylist() if line["policy"] == "most expected margin"])
        for table in (first, then)
    ]
    assert chosen[1] < 0.2 * chosen[0] if strength < 1 else chosen[1] > chosen[0] - 1e-9


def test_groups_are_kept_alike_or_the_run_stops(tea: Callable[..., Shop], monkeypatch: pytest.MonkeyPatch) -> None:
    shop = tea(mode="personal", budget=300.0, groups="gender", explore=0.0)
    table = shop.decide("pricing", T).table.to_pylist()
    means = [
        np.mean(
            [
                line["share"]
                for line in table
                if line["mode"] == "personal" and int(line["customer_id"][1:]) % 8 in those
            ]
        )
        for those in ((0, 1), (4, 5))
    ]
    assert 0.8 <= means[0] / means[1] <= 1.25
    deciding = sys.modules["regulars.pricing.decide"]

    def unfair(levels: Any, gain: Any, *rest: Any, groups: list[str], **others: Any) -> Any:
        found = deciding_discounts(levels, gain, *rest, groups=None, **others)
        share = np.array([0.2 if name == "f" else 0.0 for name in groups])
        return found._replace(share=share, level=np.where(share > 0, len(levels) - 1, 0))

    deciding_discounts = deciding.discounts
    monkeypatch.setattr(deciding, "discounts", unfair)
    before = shop.log.version
    with pytest.raises(ParityError, match="too unlike"):
        shop.decide("pricing", T + timedelta(hours=1))
    assert shop.log.version == before


def test_what_stands_for_the_groups_stops_the_run(tea: Callable[..., Shop]) -> None:
    shop = tea(mode="personal", budget=300.0, groups="club")
    spend = {line["customer_id"]: line["spend"] for line in shop.decide("pricing", T).table.to_pylist()}
    middle = np.median(list(spend.values()))
    told = [
        {"event_id": f"club {who}", "time": T, "customer_id": who, "type": "customer_identified",
         "properties": json.dumps({"club": "gold" if each > middle else "iron"})}
        for who, each in spend.items()
    ]  # fmt: skip
    shop.log.append(events(*told), "clubs")
    before = shop.log.version
    with pytest.raises(GuardError, match="may not hang on spend: the groups explain"):
        shop.decide("pricing", T + timedelta(hours=1))
    assert shop.log.version == before


def test_what_another_program_learned_says_what_to_run(made: Path) -> None:
    kept = Shop.open(made).models.in_use("pricing")
    files = {name: kept.read(name) for name in kept.card["files"]}
    about = json.loads(files["model.json"])
    del about["effects"]
    with pytest.raises(CorruptLogError, match="Learn anew: regulars learn pricing"):
        PricingModel.from_files(files | {"model.json": json.dumps(about).encode()})


def test_one_price_only_teaches_nothing(shop: Shop) -> None:
    rows = [
        {"event_id": f"{day} {number}", "time": T - timedelta(days=day), "type": "order_completed", "customer_id": f"c{number}",
         "product_id": f"p{number % 9}", "unit_price": Decimal(4), "quantity": 1.0, "order_id": f"{day} {number}", "currency": "EUR"}
        for day in range(200) for number in range(60)
    ]  # fmt: skip
    shop.log.append(events(*sorted(rows, key=lambda row: row["time"])), "played")
    with pytest.raises(NotEnoughError, match="From one price nothing can be learned"):
        shop.learn("pricing", T)


def test_a_page_draws_a_product_s_curves_and_its_way_to_net(tea: Callable[..., Shop]) -> None:
    shop = tea()
    products = Products.of(shop, T)
    curve = curve_of(shop, products, "p01")
    listed = products.price[products.place["p01"]] / 100
    assert curve.price[0] <= listed <= curve.price[-1]
    assert (np.diff(curve.units) < 0).all()
    assert (curve.units_low <= curve.units).all()
    assert (curve.units <= curve.units_high).all()
    suggested = {line["product_id"]: line["suggested"] for line in suggestions(shop, T).to_pylist()}
    assert curve.best == pytest.approx(float(suggested["p01"]))
    drawn = page(shop, T, "p01")
    for title in (
        "Demand by price",
        "Profit by price",
        "From the list price to what is left",
        "Elasticity by category",
    ):
        assert title in drawn
    assert "Profit by price" not in page(shop, T)
    with pytest.raises(NotFoundError, match='no product "none"'):
        page(shop, T, "none")
