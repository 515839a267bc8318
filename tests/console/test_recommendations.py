"""Recommendations, where nothing was learned or decided yet: each part says what to do."""

from __future__ import annotations

import pytest


@pytest.fixture
def looking(browser_of):
    return browser_of("read_only")


def test_a_customer_and_a_trial_stay_in_the_address(looking):
    text = looking.get("/recommendations?id=ada&pin=tea").text
    assert "/console/recommendations/lists?id=ada&amp;pin=tea" in text
    assert "Name a customer" in looking.get("/recommendations").text


@pytest.mark.parametrize(("path", "said"), [("lists?id=ada", "learn recommend"), ("health", "decide recommend")])
def test_what_is_missing_says_how_to_make_it(looking, path, said):
    found = looking.get(f"/recommendations/{path}", headers={"hx-request": "true"})
    assert found.status_code == 404
    assert said in found.text
