"""The pricing screen, over a shop that knows its costs."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from regulars import Shop
from regulars.customers.by_hand import present
from regulars.events.schema import CATALOGUE, EVENTS, MONEY, TIME
from regulars.pricing.audit import audit
from regulars.pricing.competitor import Competitors
from regulars.pricing.products import Products


@pytest.fixture(scope="module")
def hostile_shop(tmp_path_factory, record):
    """A shop that sells tea: 4.00, of which 2.00 is cost; Ada was offered a discount of her own."""
    shop = Shop.create(tmp_path_factory.mktemp("tea") / "shop")
    settings = shop.folder / "shop.toml"
    settings.write_text(settings.read_text().replace("[pricing]\n", '[pricing]\nmode = "personal"\nbudget = 100\n'))
    shop = Shop.open(shop.folder)
    line = {"customer_id": "ada", "product_id": "tea", "quantity": 1, "unit_price": 4.0, "type": "order_completed"}
    record(shop, *({**line, "order_id": f"o{day}", "time": f"2024-05-0{day}T10:00:00Z"} for day in range(1, 9)))
    said = {"capability": "pricing", "mode": "personal", "share": 0.2, "policy": "most expected margin", "expected_cost": 8.5,
            "expected_log": -0.1, "horizon_days": 28, "spend": 40.0, "elasticity": -2.0}  # fmt: skip
    at = datetime(2024, 5, 7, 10, tzinfo=UTC)
    offered = {
        "event_id": "d1",
        "line": 0,
        "time": at,
        "received_at": at,
        "type": "decision_made",
        "customer_id": "ada",
    }
    nullable = pa.schema([field.with_nullable(True) for field in EVENTS])
    shop.log.append(pa.Table.from_pylist([{**offered, "properties": json.dumps(said)}], schema=nullable), "offered")
    row = {
        "product_id": ["tea"], "title": ["Green tea"], "list_price": pa.array([Decimal(4)], MONEY),
        "unit_cost": pa.array([Decimal(2)], MONEY), "valid_from": pa.array([datetime(2024, 5, 1, tzinfo=UTC)], TIME),
    }  # fmt: skip
    columns = {field.name: row.get(field.name, pa.nulls(1, field.type)) for field in CATALOGUE}
    with shop.log.transaction("catalogue") as transaction:
        transaction.add("catalogue", pa.table(columns, schema=CATALOGUE))
        transaction.commit()
    return shop


@pytest.fixture
def pricing(browser_of):
    return browser_of("pricing")


def asked(pricing, price="4.20", **about):
    return pricing.post("/pricing/ask", {"id": "tea", "price": price, **about})


def test_a_product_says_its_price_cost_and_bounds(pricing):
    text = pricing.get("/pricing/product/price?id=tea").text
    assert "Green tea" in text
    assert "4.00" in text
    assert "2.00" in text
    assert "change in a week" in text
    found = pricing.get("/pricing/product/price?id=coffee")
    assert found.status_code == 404
    assert "coffee" in found.text


@pytest.mark.parametrize(
    ("price", "said"),
    [("400", "breaks a guardrail"), *((text, "is no price") for text in ("four", "nan", "inf", "1e30"))],
)
def test_a_price_outside_its_guardrails_is_not_even_asked_for(price, said, pricing, console):
    found = asked(pricing, price)
    assert found.status_code == 400
    assert said in found.text
    assert console.approvals.waiting("price") == []


def test_a_price_is_set_once_another_person_approves_it(pricing, browser_of, console):
    assert asked(pricing, why="rent").headers["location"] == "/console/pricing/product?id=tea"
    (waiting,) = console.approvals.waiting("price")
    form = {"approval": str(waiting.id), "status": "approved"}
    own = pricing.post("/pricing/decide", form)
    assert own.status_code == 400
    assert "another person" in own.text
    assert browser_of("growth").post("/pricing/decide", form).status_code == 403

    admin = browser_of("admin")
    assert "4.20" in admin.get("/pricing/approvals").text
    assert admin.post("/pricing/decide", form).status_code == 303
    assert admin.post("/pricing/decide", form).status_code == 404
    rows = audit(console.shop, product_id="tea").to_pylist()
    assert [(row["price"], row["why"]) for row in rows if row["what"] == "set"] == [
        (Decimal("4.2000"), "rent (pricing@shop.example, admin@shop.example)")
    ]
    text = admin.get("/pricing/audit?name=tea&what=set").text
    assert "rent (pricing@shop.example" in text
    assert ">1 row<" in text
    assert "pricing@shop.example" in admin.get("/settings/audit?about=tea").text


def test_an_approval_is_taken_back_and_so_is_its_price(pricing, browser_of, console):
    admin = browser_of("admin")
    asked(pricing, price="4.30")
    (waiting,) = console.approvals.waiting("price")
    form = {"approval": str(waiting.id)}
    admin.post("/pricing/decide", {**form, "status": "approved"})
    assert "Undo" in admin.get("/pricing/approvals").text
    assert admin.post("/pricing/reopen", form).status_code == 303
    rows = audit(console.shop, product_id="tea").to_pylist()
    assert [str(row["price"]) for row in rows if row["what"] == "set"][-2:] == ["4.3000", "4.2000"]
    assert console.approvals.waiting("price") == [waiting]
    pricing.post("/pricing/decide", {**form, "status": "rejected"})


def test_who_asked_may_take_it_back(pricing, console):
    asked(pricing)
    (waiting,) = console.approvals.waiting("price")
    assert "Undo" in pricing.get("/pricing/product?id=tea").text
    pricing.post("/pricing/decide", {"approval": str(waiting.id), "status": "rejected", "note": "taken back"})
    assert console.approvals.waiting("price") == []


def test_products_that_are_undercut_are_told_on_the_first_page_and_listed(pricing, console, tmp_path):
    assert "No competitor asks less" in pricing.get("/pricing/undercut").text
    path = tmp_path / "seen.csv"
    rows = ("tea,Leaf,3.00,2024-05-07,web", "tea,Kettle,2.80,2024-05-07,web", "tea,Pot,9.00,2024-05-07,web")
    path.write_text("\n".join(("product,competitor,price,seen_at,source", *rows)))
    shop = console.shop
    Competitors(shop, Products.of(shop, present(shop))).import_(path)
    listed = pricing.get("/pricing/undercut?sort=gap").text
    assert listed.index("Leaf") < listed.index("Kettle")
    assert "Pot" not in listed
    alerts = pricing.get("/home/alerts").text
    assert "Competitors ask less than we do for 1 product, up to" in alerts
    assert 'href="/console/pricing/undercut"' in alerts


def test_what_personal_discounts_gave_away_stands_on_the_first_page(pricing, browser_of):
    assert "/console/pricing/given" in pricing.get("/pricing").text
    text = pricing.get("/pricing/given").text
    assert "0 of 1 discounts that stood within 28 days" in text
    assert re.findall(r"<dd>([^<]*)</dd>", text) == ["0.00 EUR", "8.50 EUR", "0.00 EUR", "100.00 EUR"]
    assert browser_of("growth").get("/pricing/given").status_code == 200


def test_suggestions_without_a_model_say_what_to_do(pricing, console):
    assert "No prices have been suggested yet" in pricing.get("/pricing").text
    pricing.post("/pricing/suggest")
    job = console.jobs.newest("pricing.job_suggest")
    for _ in range(200):
        job = console.jobs.one(job.id)
        if job.status != "running":
            break
        time.sleep(0.05)
    assert job.status == "failed"
    assert "regulars learn pricing" in job.said


def test_suggestions_sort_filter_and_keep_their_state(pricing, console):
    shop = console.shop
    amount = pa.array([Decimal("4.0"), Decimal("3.0")], MONEY)
    table = pa.table(
        {
            "product_id": ["tea", "cup"], "title": ["Green tea", "Cup"], "category": ["drinks", "china"],
            "list_price": amount, "suggested": pa.array([Decimal("4.4"), Decimal("3.0")], MONEY), "competitor": amount,
            "margin": [9.0, 1.0], "margin_now": [6.0, 1.0], "chance": [0.9, 0.5],
        }
    )  # fmt: skip
    shop.tables.write("pricing", "suggestions", table, present(shop))
    text = pricing.get("/pricing?moves=yes").text
    assert ">1 row<" in text
    assert "Green tea" in text
    assert "moves=yes&amp;sort=gain" in text
    assert ">1 row<" in pricing.get("/pricing?category=china").text
    assert "No product like this" in pricing.get("/pricing?q=zzz").text


def test_groups_with_unlike_discounts_are_told(pricing, console):
    shop = console.shop
    count = 60
    table = pa.table(
        {
            "customer_id": [f"c{number}" for number in range(count)], "share": [0.1] * 30 + [0.0] * 30,
            "mode": ["personal"] * count, "place": ["DE"] * 30 + ["FR"] * 30,
        }
    )  # fmt: skip
    shop.tables.write("pricing", "decisions", table, present(shop))
    text = pricing.get("/pricing/fairness/groups").text
    assert "Groups are too unlike" in text
    assert "FR" in text


def test_a_price_is_approved_in_a_browser_and_its_trail_seen(page, pricing):
    asked(pricing, "3.90")
    page.go("/pricing/approvals")
    page.page.click("form[action$='/pricing/decide'] button.primary")
    page.page.wait_for_selector(".toast")
    assert "costs 3.90 from now on" in page.page.inner_text(".toast")
    page.go("/pricing/product?id=tea")
    page.page.wait_for_selector(".timeline time")
    assert "3.90" in page.page.inner_text(".timeline li:first-child")
