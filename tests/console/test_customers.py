"""The customers screen, over a shop whose every text is hostile."""

from __future__ import annotations

import html
import io
import json
import re
import time
import zipfile
from importlib import import_module
from urllib.parse import quote

import pytest

from regulars.console.index import fingerprint
from regulars.customers import one_customer


@pytest.fixture
def growth(browser_of):
    return browser_of("growth")


def test_one_is_found_by_id_name_email_its_hash_and_order(growth):
    for asked in ("ada", "AD", "eve@shop.example", fingerprint("eve@shop.example"), "<img"):
        text = growth.get("/customers", params={"q": asked}).text
        assert ">1 row<" in text, asked
    found = growth.get("/customers", params={"q": "ada-3"})
    assert found.headers["location"] == "/console/customer?id=ada"
    assert "Nobody like this" in growth.get("/customers?q=zzz").text


def test_the_list_sorts_and_keeps_its_state_in_the_address(growth):
    text = growth.get("/customers?sort=customer_id&q=a").text
    assert 'aria-sort="ascending"' in text
    assert html.escape("/console/customers?q=a&sort=-customer_id") in text
    assert growth.get("/customers?sort=nothing&page=x").status_code == 200


def heads(text):
    return re.findall(r"<th [^>]*>\s*<a [^>]*>([^<]+)", text)


def test_columns_are_chosen_and_stay_chosen_by_sorting_filtering_and_paging(growth):
    assert "City" not in heads(growth.get("/customers").text)
    text = growth.get("/customers?columns=city&columns=orders&columns=nothing&sort=orders").text
    assert heads(text) == ["Customer", "City", "Orders"]
    assert html.escape("/console/customers?columns=city&columns=orders&sort=-orders") in text
    assert text.count('type="hidden" name="columns"') == 2
    assert "wide-only" not in text  # who chose a column sees it on a phone too


def test_columns_are_offered_in_words_and_those_that_nobody_has_are_not(growth, console, people):
    console.people.change(people["growth"].id, language="zh")
    text = growth.get("/customers").text
    console.people.change(people["growth"].id, language="en")
    assert {"邮箱", "城市", "首次出现"} <= set(re.findall(r'value="[a-z_]+" *(?:checked)?>([^<]+)</label>', text))
    assert 'name="columns" value="segment"' not in text


@pytest.mark.parametrize("part", ["profile", "timeline", "known"])
def test_each_part_of_a_customers_page_comes(part, growth):
    found = growth.get(f"/customer/{part}?id=ada", headers={"hx-request": "true"})
    assert found.status_code == 200
    assert "<html" not in found.text


def test_a_part_that_cannot_be_said_says_why(growth):
    found = growth.get("/customer/outlook?id=ada", headers={"hx-request": "true"})
    assert found.status_code == 404
    assert "regulars learn churn" in found.text
    assert "<html" not in found.text


def test_the_timeline_knows_nothing_after_its_moment(growth):
    text = growth.get("/customer/timeline?id=ada&as_of=2024-05-03").text
    assert "2024-05-02" in text
    assert "2024-05-03" not in text


def test_what_is_still_to_come_of_a_timeline_is_an_item_of_its_list(growth, monkeypatch):
    """With a role of its own it would be none, and who hears the page would not be told how long the list is."""
    monkeypatch.setattr(import_module("regulars.console.screens.customers"), "EVENTS_AT_ONCE", 3)
    for path in ("/customer?id=ada", "/customer/timeline?id=ada"):
        items = re.findall(r"<li[^>]*data-hx-get[^>]*>", growth.get(path).text)
        assert len(items) == 1
        assert "role=" not in items[0]


def test_an_objection_is_logged_noted_and_taken_back(growth, console, browser_of):
    form = {"id": "ada", "purpose": "ads", "withdraw": ""}
    assert growth.post("/customer/object", form).headers["location"] == "/console/customer?id=ada"
    assert one_customer(console.shop, "ada", console.now)["withheld"] == ["ads"]
    text = growth.get("/customer?id=ada").text
    assert "Objection logged: Ads." in text
    assert "Undo" in text
    assert "Objection logged: Ads." not in growth.get("/customer?id=ada").text
    growth.post("/customer/object", {**form, "withdraw": "yes"})
    assert one_customer(console.shop, "ada", console.now)["withheld"] == []
    assert "growth@shop.example" in browser_of("admin").get("/settings/audit?about=ada").text


def test_all_that_is_known_of_a_customer_can_be_taken_along(growth, browser_of):
    found = growth.get("/customer/export?id=ada")
    assert found.headers["content-disposition"].startswith("attachment")
    with zipfile.ZipFile(io.BytesIO(found.content)) as archive:
        told = [json.loads(line) for line in archive.read("events.jsonl").splitlines()]
    assert {event["type"] for event in told} >= {"product_viewed", "order_completed"}
    assert browser_of("read_only").get("/customer/export?id=ada").status_code == 403


def test_hostile_ids_are_customers_like_others(growth, hostile):
    text = growth.get(f"/customer?id={quote(hostile)}").text
    assert html.escape(hostile).replace("&quot;", "&#34;").replace("&#x27;", "&#39;") in text
    assert hostile not in text


def ended(console, kind):
    job = console.jobs.newest(kind)
    for _ in range(400):
        if job.status != "running":
            break
        time.sleep(0.05)
        job = console.jobs.one(job.id)
    return job


def test_the_list_is_made_by_work_that_goes_on_when_its_page_is_left(growth, console):
    growth.post("/customers/index")
    job = ended(console, "customers.job_index")
    assert (job.status, job.said) == ("done", "2 customers.")
    assert "2 customers." in growth.get(f"/jobs/{job.id}").text


def test_who_is_erased_is_in_no_list_and_no_note_any_more(browser_of, console, record):
    viewed = {"type": "product_viewed", "event_id": "v9", "product_id": "tea", "time": "2024-05-08T09:00:00Z"}
    record(console.shop, {**viewed, "customer_id": "erasmus"})
    console.index.make(console.shop, lambda done, total: None)
    service = browser_of("service")
    service.get("/customer/export?id=erasmus")
    assert browser_of("growth").post("/customer/erase", {"id": "erasmus", "sure": "erasmus"}).status_code == 403
    assert service.post("/customer/erase", {"id": "erasmus", "sure": "erastus"}).status_code == 400
    assert "erasmus" in service.get("/customers").text
    assert service.post("/customer/erase", {"id": "erasmus", "sure": "erasmus"}).status_code == 303
    assert ended(console, "customers.job_erase").status == "done"
    assert "erasmus" not in service.get("/customers").text
    told = browser_of("admin").get("/settings/audit").text
    assert "Customer erased" in told
    assert "erasmus" not in told
