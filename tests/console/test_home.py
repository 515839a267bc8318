"""Home: what changed, what waits and what is wrong, over a shop of two customers and eight days."""

from __future__ import annotations

import pytest


@pytest.fixture
def looking(browser_of):
    return browser_of("read_only")


def test_what_waits_for_an_approval_is_there_at_once(looking, console):
    asked = console.approvals.ask("price", "green tea", {"price": 4.5}, by="pricing@shop.example")
    text = looking.get("/").text
    assert "green tea" in text
    assert "pricing@shop.example" in text
    assert 'href="/console/pricing/approvals"' in text
    console.approvals.decide(asked.id, "approved", by="admin@shop.example")
    assert "Nothing waits for an approval." in looking.get("/").text


def test_the_week_is_told_in_sentences(looking):
    text = looking.get("/home/week").text
    assert "<html" not in text
    assert "2 customers ordered." in text


def test_the_flow_shows_stages_with_customers_and_money(looking, console):
    text = looking.get("/home/flow?weeks=4").text
    assert f"({console.currency})</th>" in text
    assert '<td class="end">63</td>' in text
    assert "/console/customers?stage=new" in text
    assert "data-spec" in text


def test_a_span_that_is_none_is_the_usual_one(looking):
    assert 'href="/console/?weeks=13" aria-current="page"' in looking.get("/?weeks=7").text
    assert 'href="/console/?weeks=4" aria-current="page"' in looking.get("/?weeks=4").text


def test_an_old_log_is_an_alert(looking):
    text = looking.get("/home/alerts").text
    assert "The newest event is" in text
    assert 'href="/console/data"' in text


def test_before_anything_is_decided_it_says_how(looking):
    assert "regulars decide" in looking.get("/home/decisions").text
