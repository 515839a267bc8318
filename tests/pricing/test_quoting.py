"""What a desk tells of a price: until when it stands, from which it was lowered, why, and what it forgets."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from regulars import Shop
from regulars.events.erased import Erased
from regulars.events.schema import EVENTS
from regulars.pricing.audit import audit
from regulars.pricing.facts import Facts
from regulars.pricing.lots import strength_of
from regulars.pricing.products import Products
from regulars.pricing.quoting import Desk, quote

T = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)
NULLABLE = pa.schema([field.with_nullable(True) for field in EVENTS])
PERSONAL = 'mode = "personal"\nmin_margin = 0.0\nhold_hours = 24'

Tell = Callable[..., None]


def with_pricing(shop: Shop, settings: str) -> Shop:
    (shop.folder / "shop.toml").write_text(f'[shop]\nname = "Tea"\ncurrency = "EUR"\n[pricing]\n{settings}\n')
    return Shop.open(shop.folder)


def log(shop: Shop, *rows: dict[str, Any]) -> None:
    filled = [
        {"event_id": f"{row['type']} {row['time']}", "line": 0, "received_at": row["time"], **row} for row in rows
    ]
    shop.log.append(pa.Table.from_pylist(filled, schema=NULLABLE), "by hand")


def decided(who: str, share: float, at: datetime, *, days: int = 28, version: int = 3) -> list[dict[str, Any]]:
    """A customer of Germany, and a discount that was decided."""
    note = {"capability": "pricing", "mode": "personal", "share": share, "policy": "most expected margin",
            "reasons": ["by hand"], "horizon_days": days, "model_version": version, "spend": 100.0,
            "expected_log": -0.1, "elasticity": -2.0}  # fmt: skip
    return [
        {"type": "customer_identified", "time": at, "customer_id": who, "properties": json.dumps({"country": "DE"})},
        {"type": "decision_made", "time": at, "customer_id": who, "properties": json.dumps(note), "propensity": 1.0},
    ]


def desk_of(shop: Shop, at: datetime = T) -> Desk:
    return Desk(shop, Facts.read(shop, at))


def test_a_discount_stands_for_its_horizon_and_names_the_version_that_decided_it(shop: Shop, tell: Tell) -> None:
    tell("tea", 1000, 500)
    shop = with_pricing(shop, PERSONAL)
    log(shop, *decided("ada", 0.2, T - 28 * DAY))
    desk = desk_of(shop, T - DAY)
    before, after = (desk.quote("tea", "ada", at) for at in (T - timedelta(seconds=1), T))
    assert (before.price, before.personalised, before.version) == (Decimal(8), True, 3)
    # The price that was shown stands; without it, nothing does.
    assert (after.price, after.held_since) == (Decimal(8), T - timedelta(seconds=1))
    assert (desk_of(shop).quote("tea", "ada", T).price, desk_of(shop).quote("tea", "ada", T).personalised) == (
        10,
        False,
    )


@pytest.mark.parametrize(
    ("prices", "was"),
    [
        ({400: 1000, 5: 800}, 10), ({400: 1000, 5: 800, 2: 800}, 10), ({400: 1000, 20: 700, 10: 900, 5: 800}, None),
        ({400: 1000, 31: 800}, None), ({5: 800}, None), ({400: 1000, 5: 1200}, None), ({400: 1000}, None),
        ({400: 1000, 20: 900, 5: 800}, 9),
    ],
)  # fmt: skip
def test_was_is_the_lowest_of_the_thirty_days_before_the_reduction(
    shop: Shop, tell: Tell, prices: dict[int, int], was: int | None
) -> None:
    for number, (days, price) in enumerate(prices.items()):
        tell("tea", price, 500 + number, days_ago=days)
    tell("cup", 300, 100)
    assert quote(shop, "tea", None, T).was == was


@pytest.mark.parametrize("who", ["ada", None])
@pytest.mark.parametrize("quantity", [1, 3])
def test_within_a_session_no_price_rises_whoever_looks_and_for_how_many(
    shop: Shop, tell: Tell, who: str | None, quantity: int
) -> None:
    tell("tea", 1000, 500)
    shop = with_pricing(shop, "hold_hours = 0")
    tell("tea", 1100, 500, days_ago=-1)
    later = T + 2 * DAY
    first = quote(shop, "tea", who, T, session_id="s", quantity=quantity)
    again = quote(shop, "tea", who, later, session_id="s", quantity=quantity)
    assert (first.price, again.price, again.list_price, again.held_since) == (10, 10, 11, T)
    assert again.why[-1] == "this price was shown before and stands"
    assert quote(shop, "tea", who, later, session_id="t", quantity=quantity).price == 11
    desk = desk_of(shop, later + DAY)
    assert desk.quote("tea", who, later + DAY, session_id="s", quantity=quantity).price == 10
    assert desk.quote("tea", who, later + DAY, session_id="s", quantity=quantity + 1).price == 11
    assert desk.quote("tea", who, T + 31 * DAY, session_id="s", quantity=quantity).price == 11
    assert {line["problem"] for line in audit(shop, product_id="tea").to_pylist()} == {""}


def test_a_visitor_who_signs_in_is_not_asked_for_more_in_the_session(shop: Shop, tell: Tell) -> None:
    tell("tea", 1000, 500)
    tell("tea", 1100, 500, days_ago=-1)
    desk = desk_of(shop)
    desk.quote("tea", None, T, session_id="s")
    desk.reprice(Facts.read(shop, T + 2 * DAY).prices)
    assert [desk.quote("tea", "ada", T + 2 * DAY, session_id=session).price for session in ("t", "s")] == [11, 10]


@pytest.mark.parametrize("is_logged", [False, True])
def test_who_looks_every_day_does_not_keep_a_price_for_ever(shop: Shop, tell: Tell, is_logged: bool) -> None:
    tell("tea", 1000, 500)
    shop = with_pricing(shop, PERSONAL.replace("24", "36"))
    log(shop, *decided("ada", 0.2, T - DAY, days=1), *decided("ada", 0.2, T - DAY / 2, days=1))
    desk, told = desk_of(shop), []
    for day in range(4):
        at = T + day * DAY
        made = quote(shop, "tea", "ada", at) if is_logged else desk.quote("tea", "ada", at)
        told.append((made.price, made.held_since))
    assert told == [(8, None), (8, T), (10, None), (10, None)]


def test_who_is_decided_no_discount_is_told_by_what_that_was_decided(shop: Shop, tell: Tell) -> None:
    tell("tea", 1000, 500)
    shop = with_pricing(shop, PERSONAL)
    log(shop, *decided("ada", 0.0, T - DAY))
    made = quote(shop, "tea", "ada", T)
    assert (made.personalised, made.price) == (True, made.list_price)
    assert made.why == ("the list price, by what was bought before and how sales answer prices",)
    assert made.policy == "most expected margin"


@pytest.mark.parametrize(
    ("cost", "price", "why"),
    [
        (-1, 10, "the list price: this product cannot be sold for less"), (500, 9, "members have 10% off, all of them"),
        (930, Decimal("9.3"), "members have 7% off, all of them"),
    ],
)  # fmt: skip
def test_the_reason_is_of_the_discount_that_the_guardrails_left(
    shop: Shop, tell: Tell, cost: int, price: Decimal, why: str
) -> None:
    tell("tea", 1000, cost)
    shop = with_pricing(shop, 'mode = "declared"\nmember_discount = 0.1\nmin_margin = 0.0')
    log(shop, {"type": "signed_up", "time": T - DAY, "customer_id": "ada"})
    made = quote(shop, "tea", "ada", T)
    assert (made.price, made.why) == (price, (why,))


def test_a_desk_forgets_who_was_erased_and_keeps_what_it_told_others(shop: Shop, tell: Tell) -> None:
    tell("tea", 1000, 500)
    shop = with_pricing(shop, 'mode = "declared"\nnew_customer_discount = 0.1\nmember_discount = 0.2\nmin_margin = 0.0')
    desk = desk_of(shop)
    traits = {"country": "CN"}
    for who in ("ada", "bob"):
        desk.hear([{"type": "signed_up", "customer_id": who, "properties": traits}], {})
        desk.hear([{"type": "order_completed", "customer_id": who}], {})
        assert desk.quote("tea", who, T, session_id="s").price == 8
    desk.forget(Erased("salt", {}).with_ids(["ada"], T))
    desk.renew(Facts.read(shop, T))
    ada, bob = (desk.quote("tea", who, T, session_id="s") for who in ("ada", "bob"))
    assert (ada.price, ada.terms.place, bob.price, bob.terms.place) == (9, "", 8, "CN")


def test_members_that_the_log_knows_are_not_remembered_twice(shop: Shop, tell: Tell) -> None:
    tell("tea", 1000, 500)
    desk = desk_of(shop)
    desk.hear([{"type": "signed_up", "customer_id": "ada"}], {})
    log(shop, {"type": "signed_up", "time": T - DAY, "customer_id": "ada"})
    desk.renew(Facts.read(shop, T))
    assert not desk._members


def test_the_audit_knows_prices_of_several_and_what_an_objection_ends(shop: Shop, tell: Tell) -> None:
    tell("tea", 1000, 500)
    shop = with_pricing(shop, PERSONAL + "\nvolume_discount = 0.1\nvolume_from = 5\nmax_discount = 0.2")
    log(shop, *decided("ada", 0.05, T - DAY))
    shown = [quote(shop, "tea", "ada", T, session_id="s", quantity=quantity).price for quantity in (5, 1)]
    log(shop, {"type": "objection_made", "time": T + timedelta(seconds=1), "customer_id": "ada", "text": "pricing"})
    shown.append(quote(shop, "tea", "ada", T + timedelta(minutes=1), session_id="s").price)
    assert shown == [9, Decimal("9.5"), 10]
    assert {line["problem"] for line in audit(shop, customer_id="ada").to_pylist()} == {""}
    paid = {"type": "order_completed", "customer_id": "ada", "session_id": "s", "product_id": "tea", "order_id": "1"}
    log(shop, paid | {"time": T + timedelta(minutes=2), "quantity": 2.0, "unit_price": Decimal(11)})
    assert audit(shop, customer_id="ada").to_pylist()[-1]["problem"] == "more was charged than was shown: 10.00"
    wrong = {"type": "price_quoted", "customer_id": "ada", "session_id": "s", "product_id": "tea", "quantity": 5.0}
    log(
        shop,
        wrong | {"time": T + timedelta(minutes=3), "unit_price": Decimal("9.2"), "properties": '{"mode": "personal"}'},
    )
    assert audit(shop, customer_id="ada").to_pylist()[-1]["problem"] == "rose within the session from 9.00"


def test_a_guest_who_leaves_an_address_is_no_member(shop: Shop, tell: Tell) -> None:
    tell("tea", 1000, 500)
    desk = desk_of(with_pricing(shop, 'mode = "declared"\nmember_discount = 0.1'))
    desk.hear([{"type": "customer_identified", "customer_id": "ada", "properties": {"email": "ada@tea.example"}}], {})
    assert desk.quote("tea", "ada", T).price == 10
    desk.hear([{"type": "signed_up", "customer_id": "ada"}], {})
    assert desk.quote("tea", "ada", T).price == 9


def test_a_decision_that_is_not_personal_ends_a_discount_that_was(shop: Shop, tell: Tell) -> None:
    tell("tea", 1000, 500)
    log(shop, *decided("ada", 0.2, T - 20 * DAY))
    bought = {"type": "order_completed", "product_id": "tea", "unit_price": Decimal(8), "quantity": 9.0}
    log(shop, bought | {"customer_id": "ada", "time": T - 18 * DAY, "order_id": "1"})
    products = Products.of(shop, T)
    assert strength_of(shop, T, products).lots == 1
    declared = decided("ada", 0.0, T - 19 * DAY)[1]
    log(shop, declared | {"properties": declared["properties"].replace('"personal"', '"declared"')})
    assert strength_of(shop, T, products).lots == 0  # it stood for a day, which teaches nothing
