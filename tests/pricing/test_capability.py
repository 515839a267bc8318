"""Prices from end to end, on a shop whose answer to prices is known: learned, decided, quoted, objected to, audited."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars import Shop
from regulars.config import ShopSettings
from regulars.customers import object_to
from regulars.errors import CorruptLogError, InputError, NotEnoughError, NotFoundError
from regulars.events.schema import CATALOGUE, EVENTS, TIME
from regulars.pricing.audit import audit, audit_of
from regulars.pricing.facts import Facts
from regulars.pricing.guard import GuardError, ParityError
from regulars.pricing.law import Law, strictest
from regulars.pricing.model import PricingModel
from regulars.pricing.money import to_amount, to_amounts
from regulars.pricing.pictures import curve_of, page
from regulars.pricing.products import Products
from regulars.pricing.quoting import Desk, quote
from regulars.pricing.suggesting import set_prices, suggestions, tries

T = datetime(2026, 11, 1, tzinfo=UTC)
WEEKS, PRODUCTS, CUSTOMERS = 18, 40, 160
ELASTICITY = -3.0
COUNTRIES = (("DE", None), ("US", "NY"), ("CN", None), ("JP", None))

NULLABLE = pa.schema([field.with_nullable(True) for field in EVENTS])


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


@pytest.fixture(scope="module")
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


PERSONAL: dict[str, Any] = {"mode": "personal", "budget": 1e6, "explore": 0.0, "min_margin": 0.0}


@pytest.fixture(scope="module")
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


def test_a_personal_price_says_so_and_is_logged_before_it_is_told(personal: tuple[Shop, str]) -> None:
    shop, who = personal
    made = quote(shop, "p01", who, now(shop))
    said = made.to_dict()
    assert said["personalised"] is True
    assert said["disclosure"] == "THIS PRICE WAS SET BY AN ALGORITHM USING YOUR PERSONAL DATA."
    assert made.price < made.list_price
    line = audit(shop, customer_id=who, product_id="p01").to_pylist()[-1]
    assert (line["what"], line["price"], line["disclosure"]) == ("shown", made.price, said["disclosure"])
    assert line["why"]


def test_an_objection_turns_it_off_at_once_and_no_personal_price_of_before_stands(personal: tuple[Shop, str]) -> None:
    shop, who = personal
    desk = Desk(shop, Facts.read(shop, now(shop)))
    assert desk.quote("p01", who, now(shop), session_id="s").personalised
    waiting = desk.quote("p01", who, now(shop), session_id="s", objects=True)  # the log has not heard of it yet
    assert (waiting.personalised, waiting.price, waiting.mode) == (False, waiting.list_price, "declared")
    object_to(shop, who, "pricing")
    made = quote(shop, "p01", who, now(shop), session_id="s")
    assert (made.personalised, made.price, made.mode) == (False, made.list_price, "declared")
    again = shop.decide("pricing", now(shop)).table.to_pylist()
    assert next(line for line in again if line["customer_id"] == who)["share"] == 0
    object_to(shop, who, "pricing", withdraw=True)
    assert quote(shop, "p01", who, now(shop)).mode == "personal"


def test_who_looks_again_is_not_asked_for_more(personal: tuple[Shop, str], tea: Callable[..., Shop]) -> None:
    shop, who = personal
    first = quote(shop, "p01", who, now(shop), session_id="s")
    shop = tea(mode="personal", budget=0.0, explore=0.0, min_margin=0.0)
    shop.decide("pricing", now(shop))
    held = quote(shop, "p01", who, now(shop), session_id="s")
    assert held.price == first.price
    assert held.personalised
    assert held.why[-1] == "this price was shown before and stands"
    later = now(shop) + timedelta(days=3)
    assert quote(shop, "p01", who, later, session_id="t").price == held.list_price
    # In the same session it stands however long it lasts.
    assert quote(shop, "p01", who, later, session_id="s").price == first.price


def test_a_desk_asks_the_log_nothing_and_sees_more_once_its_facts_are_read_anew(
    personal: tuple[Shop, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, who = personal
    at = now(shop)
    desk = Desk(shop, Facts.read(shop, at))
    first = desk.quote("p01", who, at, session_id="s")
    queries: list[Any] = []
    to_arrow = type(shop.engine).to_arrow
    monkeypatch.setattr(type(shop.engine), "to_arrow", lambda *said: (queries.append(said), to_arrow(*said))[1])
    again = desk.quote("p01", who, at + timedelta(minutes=1), session_id="s")
    assert (again.price, again.personalised, queries) == (first.price, True, [])
    object_to(shop, who, "pricing")
    desk.renew(Facts.read(shop, now(shop)))
    made = desk.quote("p01", who, now(shop), session_id="s")
    assert (made.personalised, made.price) == (False, made.list_price)


def test_what_a_desk_told_stands_when_its_facts_are_read_anew(personal: tuple[Shop, str]) -> None:
    shop, who = personal
    desk = Desk(shop, Facts.read(shop, now(shop)))
    first = desk.quote("p01", who, now(shop), session_id="s")
    shop.decide("pricing", T + timedelta(days=400))  # long after the last order: nobody is worth a discount
    desk.renew(Facts.read(shop, now(shop)))
    assert desk.quote("p01", who, now(shop)).price == first.price


def test_who_orders_is_not_new_at_once(tea: Callable[..., Shop]) -> None:
    shop = tea(mode="declared", new_customer_discount=0.1)
    desk = Desk(shop, Facts.read(shop, T))
    assert desk.quote("p01", "zoe", T).price < desk.quote("p01", None, T).price
    desk.hear([{"type": "order_completed", "customer_id": "zoe"}], {})
    assert desk.quote("p02", "zoe", T).policy == "no stated rule applies"


def test_a_price_that_is_to_come_counts_from_its_moment_on(tea: Callable[..., Shop]) -> None:
    shop = tea()
    desk = Desk(shop, Facts.read(shop, T))
    soon = T + timedelta(hours=1)
    listed = desk.quote("p01", None, T).list_price
    chosen = to_amount(round(listed * 100) + 10, "EUR")
    set_prices(shop, pa.table({"product_id": ["p01"], "suggested": [chosen]}), soon)
    desk.reprice(Facts.read(shop, T + timedelta(seconds=1)).prices)
    told = [desk.quote("p01", None, soon + timedelta(seconds=second)).list_price for second in (-1, 1)]
    assert told == [listed, chosen]


@pytest.mark.parametrize(
    ("traits", "mode"),
    [
        ({"country": "CN"}, "declared"), ({"address": {"country": "JP"}}, "declared"),
        ({"country": "US", "region": "CA"}, "personal"), ({"email": "ada@tea.example"}, "personal"),
    ],
)  # fmt: skip
def test_a_stricter_place_counts_at_once_and_a_laxer_one_once_the_log_has_it(
    personal: tuple[Shop, str], traits: dict[str, Any], mode: str
) -> None:
    shop, who = personal
    desk = Desk(shop, Facts.read(shop, now(shop)))
    assert desk.quote("p01", who, now(shop), session_id="s").personalised
    said = {"type": "customer_identified", "customer_id": who, "properties": traits}
    desk.hear([said], {})
    made = desk.quote("p01", who, now(shop), session_id="s")
    assert (made.mode, made.personalised) == (mode, mode == "personal")
    if mode == "declared":
        assert made.price == made.list_price
        desk.hear([said | {"properties": {"country": "DE"}}], {})
        assert desk.quote("p01", who, now(shop)).mode == "personal"  # as the log still has it: a New Yorker


def test_what_another_program_learned_says_what_to_run(made: Path) -> None:
    kept = Shop.open(made).models.in_use("pricing")
    files = {name: kept.read(name) for name in kept.card["files"]}
    about = json.loads(files["model.json"])
    del about["effects"]
    with pytest.raises(CorruptLogError, match="Learn anew: regulars learn pricing"):
        PricingModel.from_files(files | {"model.json": json.dumps(about).encode()})


def test_who_pays_the_list_price_may_look_again(tea: Callable[..., Shop]) -> None:
    shop = tea()
    desk = Desk(shop, Facts.read(shop, T))
    first, again = (desk.quote("p01", "c000", T + timedelta(minutes=minute)).to_dict() for minute in (0, 1))
    assert (first["price"], first["personalised"]) == (again["price"], again["personalised"])
    assert again["personalised"] is False


def test_stated_rules_hold_for_all_who_meet_them(tea: Callable[..., Shop]) -> None:
    shop = tea(mode="declared", member_discount=0.1, new_customer_discount=0.15, volume_discount=0.2, volume_from=5)
    begun = T - timedelta(days=1)
    joined = [
        {"event_id": f"joined {who}", "time": begun, "customer_id": who, "type": "signed_up"}
        for who in ("c002", "c003")
    ]
    shop.log.append(events(*joined), "joined")
    listed = quote(shop, "p01", None, T).price
    one = quote(shop, "p01", "c002", T)
    assert not one.personalised
    assert quote(shop, "p01", "c004", T).price == listed  # only identified, as a guest who left an address
    assert float(one.price / listed) == pytest.approx(0.9, abs=0.01)
    assert one.policy == "stated rule: members have 10% off"
    assert float(quote(shop, "p01", "nobody yet", T).price / listed) == pytest.approx(0.85, abs=0.01)
    assert float(quote(shop, "p01", "c003", T, quantity=5).price / listed) == pytest.approx(0.8, abs=0.01)
    assert quote(shop, "p01", "c003", T, quantity=1).price == one.price


def test_what_is_wrong_in_the_log_is_found_by_the_audit(tea: Callable[..., Shop]) -> None:
    shop = tea()
    moment = T + timedelta(hours=1)
    made = quote(shop, "p01", "c000", moment, session_id="s")
    bare = {"event_id": "x", "time": moment + timedelta(minutes=1), "type": "price_quoted", "customer_id": "c000", "product_id": "p02",
            "unit_price": Decimal(3), "properties": json.dumps({"personalised": True, "disclosure": None})}  # fmt: skip
    charged = {"event_id": "y", "time": moment + timedelta(minutes=2), "type": "order_completed", "customer_id": "c000", "session_id": "s",
               "product_id": "p01", "unit_price": made.price + 1, "order_id": "y", "quantity": 1.0}  # fmt: skip
    shop.log.append(events(bare, charged), "by hand")
    problems = [line["problem"] for line in audit_of(shop, "c000").to_pylist()]
    assert [text for text in problems if text] == [
        "a personal price without a disclosure", f"more was charged than was shown: {made.price}",
    ]  # fmt: skip
    with pytest.raises(NotFoundError, match='customer or product "nobody"'):
        audit_of(shop, "nobody")
    with pytest.raises(InputError, match="Of which"):
        audit(shop)


def test_one_price_only_teaches_nothing(shop: Shop) -> None:
    rows = [
        {"event_id": f"{day} {number}", "time": T - timedelta(days=day), "type": "order_completed", "customer_id": f"c{number}",
         "product_id": f"p{number % 9}", "unit_price": Decimal(4), "quantity": 1.0, "order_id": f"{day} {number}", "currency": "EUR"}
        for day in range(200) for number in range(60)
    ]  # fmt: skip
    shop.log.append(events(*sorted(rows, key=lambda row: row["time"])), "played")
    with pytest.raises(NotEnoughError, match="From one price nothing can be learned"):
        shop.learn("pricing", T)


def test_a_product_without_a_price_and_a_quantity_of_none_are_refused(tea: Callable[..., Shop]) -> None:
    shop = tea()
    with pytest.raises(NotFoundError, match='no product "tea"'):
        quote(shop, "tea", None, T)
    with pytest.raises(InputError, match="quantity = 0"):
        quote(shop, "p01", None, T, quantity=0)


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


PLACES = st.sampled_from(
    [{"country": "CN"}, {"country": "DE"}, {"country": "US", "region": "NY"}, {"country": "JP"}, {}]
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    heard=st.lists(PLACES, max_size=4), coins=st.lists(st.integers(100, 5000), max_size=4), minute=st.integers(0, 50)
)
def test_whatever_is_heard_a_price_keeps_to_the_law_and_the_list_price_of_its_moment(
    personal: tuple[Shop, str], heard: list[dict[str, str]], coins: list[int], minute: int
) -> None:
    shop, who = personal
    facts = replace(_facts_of(shop), told={})
    desk, at = Desk(shop, facts), facts.as_of + timedelta(minutes=minute, seconds=1)
    before = desk.quote("p01", None, at).list_price
    to_come = [facts.as_of + timedelta(minutes=10 * number) for number in range(len(coins))]
    rows = pa.table(
        {"product_id": ["p01"] * len(coins), "since": pa.array(to_come, TIME), "coins": pa.array(coins, pa.int64()),
         "is_set": [True] * len(coins)}
    )  # fmt: skip
    history = pa.concat_tables([facts.prices.history, rows.cast(facts.prices.history.schema)])
    order = [(name, "ascending") for name in ("product_id", "since", "coins")]
    desk.reprice(replace(facts.prices, history=history.sort_by(order)))
    for place in heard:
        desk.hear([{"type": "customer_identified", "customer_id": who, "properties": place}], {})
    made = desk.quote("p01", who, at)
    past = [coin for coin, since in zip(coins, to_come, strict=True) if since < at]
    assert made.list_price == (to_amount(past[-1], "EUR") if past else before)
    assert made.price <= made.list_price
    told = [place for place in heard if place]
    of_last = facts.law.terms(told[-1]["country"], told[-1].get("region"), at) if told else None
    assert made.mode == ("personal" if of_last is None else strictest("personal", of_last.mode))
    if made.personalised:
        assert made.disclosure == "\n".join(made.terms.sentences)
        assert made.terms.place == (of_last.place if of_last else "US-NY")


@cache
def _facts_of(shop: Shop) -> Facts:
    return Facts.read(shop, now(shop))
