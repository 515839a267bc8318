"""The experiments screen, over a shop with one experiment in which nothing was changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from regulars import Shop, clock
from regulars.experiment import Design, Experiments, assign_all

START = datetime(2024, 5, 1, tzinfo=UTC)
CUSTOMERS = 300


@pytest.fixture(scope="module")
def hostile_shop(tmp_path_factory, record):
    """A shop with an experiment "spring", whose customers ordered before and after it began."""
    shop = Shop.create(tmp_path_factory.mktemp("trial") / "shop")
    prices = np.random.default_rng(0).lognormal(3, 0.5, (2, CUSTOMERS)).round(2)

    def orders(days: int, row: int) -> list[dict[str, object]]:
        return [
            {
                "customer_id": f"c{i}", "product_id": "tea", "quantity": 1, "type": "order_completed",
                "unit_price": float(price), "order_id": f"{i}-{days}",
                "time": (START + timedelta(days=days, minutes=i)).isoformat(),
            }
            for i, price in enumerate(prices[row])
        ]  # fmt: skip

    record(shop, *orders(-3, 0))
    known = Experiments(shop.state)
    known.create("spring", Design({"control": 1, "blue": 1}, primary_metric="orders", planned_days=14))
    with clock.held_at(START):
        known.start("spring")
        assign_all(shop, "spring", START + timedelta(microseconds=1))
    record(shop, *orders(8, 1))
    return shop


@pytest.fixture
def growth(browser_of):
    return browser_of("growth")


def test_the_list_filters_by_how_they_stand(growth):
    text = growth.get("/experiments").text
    assert "spring" in text
    assert "control 50%, blue 50%" in text
    assert "No experiment like this" in growth.get("/experiments?status=draft").text


def test_results_say_verdicts_checks_and_metrics_in_words(growth):
    text = growth.get("/experiment/results?name=spring", headers={"hx-request": "true"}).text
    assert "<html" not in text
    assert "blue" in text
    assert "Arms are as large as planned" in text
    assert "revenue" in text


def test_how_long_it_must_run_is_told_before_it_is_written_down(growth):
    text = growth.get("/experiments/power?metric=revenue&lift=20").text
    assert "Run time" in text
    found = growth.get("/experiments/power?metric=revenue&lift=much")
    assert (found.status_code, "is no number" in found.text) == (400, True)


def test_from_a_draft_to_its_verdict(growth, browser_of, console):
    design = {"name": "autumn", "arms": "control, red", "metric": "revenue", "days": "14"}
    assert growth.post("/experiments/create", design).headers["location"] == "/console/experiment?name=autumn"
    assert "nothing to read before it has started" in growth.get("/experiment?name=autumn").text
    for verb, about in (("start", {"share": "5"}), ("ramp", {"share": "50"}), ("stop", {"reason": "done"})):
        assert growth.post("/experiment/change", {"name": "autumn", "verb": verb, **about}).status_code == 303
    again = growth.post("/experiment/change", {"name": "autumn", "verb": "start", "share": "5"})
    assert again.status_code == 400
    form = {"name": "autumn", "arm": "red", "reason": "liked"}
    assert growth.post("/experiment/decide", form).status_code == 303
    one = Experiments(console.shop.state).get("autumn")
    assert (one.status, one.share, one.verdict["arm"]) == ("decided", 0.5, "red")
    assert one.verdict["by"] == "growth@shop.example"
    text = growth.get("/experiment?name=autumn").text
    assert "liked" in text
    assert "more taken in" in text
    assert "growth@shop.example" in browser_of("admin").get("/settings/audit?about=autumn").text


@pytest.mark.parametrize("arms", ["control", "control, Control"])
def test_arms_that_cannot_be_compared_are_refused(arms, growth):
    form = {"name": "odd", "arms": arms, "metric": "revenue", "days": "14"}
    assert growth.post("/experiments/create", form).status_code == 400


def test_an_experiment_is_started_in_a_browser(page, console):
    page.go("/experiments/new")
    page.page.fill("#field-name", "winter")
    page.page.fill("#field-arms", "control, white")
    page.page.click("form[action$='/experiments/create'] button.primary")
    page.page.wait_for_selector(".toast")
    page.page.click("form[action$='/experiment/change'] button.primary")
    page.page.wait_for_selector(".badge.good")
    assert Experiments(console.shop.state).get("winter").status == "running"
