"""Catalogue, identities, lag, limits, law, consent, the rules of lists and the language endpoint: over one small shop."""

from __future__ import annotations

import pytest

from regulars import config
from regulars.customers import one_customer
from regulars.pricing.law import own_rows


@pytest.fixture(scope="module")
def hostile_shop(hostile_shop, record):
    record(
        hostile_shop,
        {"type": "product_viewed", "event_id": "v1", "customer_id": "ada", "anonymous_id": "ada-phone",
         "product_id": "tea", "title": "Tea", "category": "tea", "time": "2024-05-08T12:00:00Z"},
    )  # fmt: skip
    return hostile_shop


@pytest.fixture
def admin(browser_of):
    return browser_of("admin")


def test_the_catalogue_says_what_is_wrong_with_a_product(admin):
    text = admin.get("/data/catalogue?q=tea").text
    assert ">1 row<" in text
    assert "no price" in text
    assert "No product like this." in admin.get("/data/catalogue?problem=below_cost").text


def test_two_ids_are_joined_parted_and_joined_again_by_undo(admin, console, browser_of):
    form = {"id": "ada", "other": "ada-phone", "verb": "merge"}
    assert browser_of("read_only").post("/data/identities/join", form).status_code == 403
    assert admin.post("/data/identities/join", form).status_code == 303
    text = admin.get("/data/identities?q=ada").text
    assert "ada-phone" in text
    assert "Undo" in text
    assert len(one_customer(console.shop, "ada", console.now)["ids"]) == 2
    admin.post("/data/identities/join", {**form, "verb": "part"})
    assert len(one_customer(console.shop, "ada", console.now)["ids"]) == 1


def test_lag_is_told_by_the_day_on_which_events_came(admin):
    text = admin.get("/data/lag/found").text
    assert "Half within" in text
    assert "data-spec" in text


def test_a_limit_is_changed_kept_and_taken_back(admin, console):
    admin.post("/settings/limits", {"name": "campaign.budget", "value": "250"})
    assert config.load(console.shop.folder).campaign.budget == 250
    assert "Undo" in admin.get("/settings/limits").text
    assert admin.post("/settings/limits", {"name": "campaign.budget", "value": "-1"}).status_code == 400
    assert admin.post("/settings/limits", {"name": "serve.inbox", "value": "x"}).status_code == 400
    assert "campaign.budget" in admin.get("/settings/audit").text


def test_law_consent_and_the_endpoint_are_shown(admin):
    text = admin.get("/settings/law?q=US-NY").text
    assert "THIS PRICE WAS SET BY AN ALGORITHM" in text
    assert "Marketing" in admin.get("/settings/consent/counts").text
    text = admin.post("/settings/language/test").text
    assert 'role="alert"' in text  # none is connected, and it says how


def test_rules_of_lists_are_checked_kept_in_shop_toml_and_taken_back(admin, console, browser_of):
    rules = {"pin": "tea", "boost": "3: category = 'tea'", "exclude": "stock <= 0"}
    assert "Keep these rules" in admin.get("/recommendations/rules", params=rules).text
    assert browser_of("risk").post("/recommendations/rules", rules).status_code == 403
    assert admin.post("/recommendations/rules", {**rules, "pin": "no such tea"}).status_code == 400
    assert admin.post("/recommendations/rules", {**rules, "boost": "up: tea"}).status_code == 400
    admin.post("/recommendations/rules", rules)
    kept = config.load(console.shop.folder).recommend
    assert (kept.pin, kept.boost, kept.exclude) == (("tea",), ("3: category = 'tea'",), ("stock <= 0",))
    text = admin.get("/recommendations/rules").text
    assert "Undo" in text
    assert "Keep these rules" not in text  # nothing is to be kept
    admin.post("/recommendations/rules", {"exclude": "stock <= 0"})
    assert config.load(console.shop.folder).recommend.boost == ()
    preview = admin.get("/recommendations/rules/preview", params={**rules, "id": "ada"})
    assert (preview.status_code, "regulars learn recommend" in preview.text) == (404, True)


def test_a_row_of_the_law_is_kept_changed_taken_back_and_dropped(admin, console):
    row = {
        "id": "own-de", "place": "DE", "mode": "declared", "status": "in force", "from": "2026-01-01", "kinds": "food",
        "asks": "We agreed to it.", "source": "our works council", "checked": "2026-11-01", "sentence": "de: Für Sie.",
    }  # fmt: skip
    assert admin.post("/settings/law", {**row, "from": "soon"}).status_code == 400
    admin.post("/settings/law", row)
    assert own_rows(console.shop.folder)[0]["sentence"] == {"de": "Für Sie."}
    admin.post("/settings/law", {**row, "mode": "off"})
    assert "de: Für Sie." in admin.get("/settings/law/row?id=own-de").text
    assert "own-de" in admin.get("/settings/audit").text
    admin.post("/settings/law/drop", {"id": "own-de"})
    assert "Undo" in admin.get("/settings/law").text
    assert own_rows(console.shop.folder) == []


def test_how_long_events_of_a_type_are_kept_is_set_and_taken_back(admin, console):
    admin.post("/settings/retention", {"type": "product_viewed", "days": "30"})
    assert config.load(console.shop.folder).log.keep_events == {"product_viewed": 30}
    assert "Remove what is too old now" in admin.get("/settings/limits").text
    assert admin.post("/settings/retention", {"type": "product_viewed", "days": "0"}).status_code == 400
    admin.post("/settings/retention", {"type": "product_viewed"})
    assert config.load(console.shop.folder).log.keep_events == {}
