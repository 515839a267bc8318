"""A customer is found and read, in a browser, of a shop that has learned churn."""

from __future__ import annotations

import shutil

import pytest

from regulars import Shop


@pytest.fixture(scope="module")
def hostile_shop(tea_shop, tea_as_of, tmp_path_factory):
    """In place of the hostile one: the tea shop, churn decided."""
    shop = Shop.open(shutil.copytree(tea_shop.folder, tmp_path_factory.mktemp("at_risk") / "shop"))
    shop.decide("churn", tea_as_of)
    return shop


def test_a_customer_is_found_and_it_is_read_why_they_are_at_risk(page, console):
    first = console.shop.tables.read("churn", "decisions").slice(0, 1).to_pylist()[0]
    page.go("/")
    page.page.keyboard.press("/")
    page.page.keyboard.type(first["customer_id"])
    page.page.keyboard.press("Enter")
    page.page.click("tbody a")
    page.page.wait_for_selector("text=Why at risk")
    for reason in first["reasons"]:
        assert page.page.locator("li", has_text=reason).count() == 1
    assert page.page.locator(".chart-place").count() >= 1
