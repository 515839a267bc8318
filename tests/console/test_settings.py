"""Settings: roles, links, keys, and the audit log that keeps them."""

from __future__ import annotations

import re

import pytest

from regulars.serve.keys import Keys


@pytest.fixture
def admin(browser_of):
    return browser_of("admin")


def test_a_role_is_changed_undone_and_noted(admin, people):
    who = people["pricing"]
    admin.post(f"/settings/people/{who.id}/role", {"role": "risk"})
    text = admin.get("/settings").text
    assert "pricing is now: Risk." in text
    assert f'action="/console/settings/people/{who.id}/role"' in text
    admin.post(f"/settings/people/{who.id}/role", {"role": "pricing"})
    log = admin.get(f"/settings/audit?about={who.email}").text
    assert "Role changed" in log
    assert "risk" in log


def test_an_invitation_is_a_link_shown_once(admin):
    text = admin.post("/settings/people/invite", {"role": "service"}).text
    link = re.search(r"/console/welcome\?token=[\w-]+", text)
    assert link is not None
    assert "Role: Service" in admin.client.get(link[0]).text
    assert link[0] not in admin.get("/settings").text


def test_a_key_is_made_shown_once_and_revoked(admin, console):
    text = admin.post("/settings/keys/create", {"name": "till", "scope": "ingest"}).text
    secret = re.search(r"rgl_[\w-]+", text)
    assert secret is not None
    key = Keys(console.shop.state).all()[-1]
    assert secret[0].startswith(key.prefix)
    assert secret[0] not in admin.get("/settings/keys").text
    admin.post(f"/settings/keys/{key.id}/revoke")
    assert "opens nothing" in admin.get("/settings/keys").text


def test_language_and_theme_are_kept_with_the_person(browser_of):
    browser = browser_of("read_only")
    browser.post("/preferences", {"language": "zh", "theme": "dark"})
    text = browser.get("/").text
    assert 'lang="zh-Hans" data-theme="dark"' in text
    assert "首页" in text
    assert browser.post("/preferences", {"theme": "pink"}).status_code == 400
    browser.post("/preferences", {"language": "en", "theme": "auto"})
