"""Segments: writing a rule with its count, keeping it, and looking at who is in it."""

from __future__ import annotations

import pytest

from regulars.segment.rule import Segments


@pytest.fixture
def growth(browser_of):
    return browser_of("growth")


@pytest.fixture
def loyal(growth, console):
    growth.post("/segments/save", {"name": "loyal", "rule": "orders >= 2", "note": "for tea"})
    return Segments(console.shop)


def test_a_rule_is_counted_as_it_is_typed(growth):
    text = growth.get("/segments/count", params={"rule": "orders >= 2"}).text
    assert "100 % of 2" in text
    assert "<html" not in text


def test_a_rule_that_is_wrong_says_where(growth):
    found = growth.get("/segments/count", params={"rule": "orders >= tea"})
    assert found.status_code == 200
    assert "line 1, column 11 of the rule" in found.text


def test_what_fits_next_is_offered_with_the_whole_text(growth):
    text = growth.get("/segments/count", params={"rule": "orders >= 2 and last_or"}).text
    assert 'data-fills="rule" data-text="orders &gt;= 2 and last_order "' in text


def test_values_of_the_shop_are_offered_escaped(growth, hostile):
    text = growth.get("/segments/count", params={"rule": "categories contains "}).text
    assert hostile not in text
    assert "&lt;img" in text


def test_a_segment_is_saved_noted_and_taken_back(loyal, growth, browser_of):
    growth.post("/segments/save", {"name": "loyal", "rule": "orders >= 5", "note": "for tea"})
    assert loyal.get("loyal").rule == "orders >= 5"
    text = growth.get("/segments/one?name=loyal").text
    assert "loyal is saved, version" in text
    assert "Undo" in text
    growth.post("/segments/save", {"name": "loyal", "rule": "orders >= 2", "note": "for tea"})
    assert loyal.get("loyal").rule == "orders >= 2"
    assert "Segment saved" in browser_of("admin").get("/settings/audit?about=loyal").text


def test_a_rule_that_cannot_be_read_is_not_saved(growth, console):
    found = growth.post("/segments/save", {"name": "odd", "rule": "teas > 2"})
    assert found.status_code == 400
    assert "odd" not in Segments(console.shop).names()


def test_the_list_filters_and_opens(loyal, growth):
    assert "/console/segments/one?name=loyal" in growth.get("/segments?q=tea").text
    assert "No segment is like this." in growth.get("/segments?q=zzz").text


def test_who_is_in_a_segment_is_listed(loyal, growth):
    assert "/console/customer?id=ada" in growth.get("/segments/members?name=loyal").text


def test_two_segments_are_compared(loyal, growth):
    growth.post("/segments/save", {"name": "rich", "rule": "spend > 1000", "note": ""})
    assert "orders &gt;= 2" in growth.get("/segments/shared?first=loyal&second=rich").text
    assert growth.get("/segments/shared?first=loyal&second=loyal").status_code == 400


def test_without_clusters_there_are_cells_and_it_says_why(growth):
    text = growth.get("/segments/gallery").text
    assert "regulars learn segment" in text
    assert growth.get("/segments/flow?by=rfm&weeks=4").status_code == 200


def test_who_only_looks_saves_nothing(browser_of):
    looking = browser_of("read_only")
    assert "Growth and risk save segments." in looking.get("/segments/edit").text
    assert looking.post("/segments/save", {"name": "a", "rule": "orders > 1"}).status_code == 403


def test_a_segment_is_built_in_the_browser(page, console):
    page.faults.clear()
    page.go("/segments")
    page.page.click("a.button.primary")
    page.page.fill("#rule", "orders >= 3")
    page.page.wait_for_selector("#told dl.figures")
    assert "2" in page.page.inner_text("#told dd >> nth=0")
    page.page.fill("input[name=name]", "often")
    page.page.click("form button.primary")
    page.page.wait_for_selector(".toast")
    assert Segments(console.shop).get("often").rule == "orders >= 3"
    assert page.faults == []
