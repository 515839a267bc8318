"""Every route: for whom it is, how it is guarded, and what its answers carry; read off the list of screens."""

from __future__ import annotations

import re

import pytest

from regulars.console.roles import ANYBODY, ROLES
from regulars.console.screen import Route
from regulars.console.screens import SCREENS
from regulars.console.security import POLICY

ROUTES = [route for screen in SCREENS for route in screen.routes]


def name_of(route: Route) -> str:
    return f"{route.method} {route.path}"


def path_of(route: Route) -> str:
    return re.sub(r"\{[^}]*\}", "999", route.path)


def test_each_route_is_there_once() -> None:
    names = [name_of(route) for route in ROUTES]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", ROUTES, ids=name_of)
def test_a_route_answers_those_it_is_for_alone(route, role, browser_of, new_browser):
    browser = browser_of(role)
    if route.path == "/sign-out":  # the other tests need who is signed in
        browser = new_browser
        browser.sign_in(role)
    found = browser.get(path_of(route)) if route.method == "GET" else browser.post(path_of(route))
    is_for_role = route.may is ANYBODY or role in route.may
    assert (found.status_code == 403) == (not is_for_role), found.status_code
    assert found.status_code < 500


@pytest.mark.parametrize("route", [route for route in ROUTES if route.may is not ANYBODY], ids=name_of)
def test_who_is_not_signed_in_is_sent_to_sign_in(route, new_browser):
    ask = new_browser.client.get if route.method == "GET" else new_browser.client.post
    found = ask(f"/console{path_of(route)}")
    assert found.status_code == 303
    assert found.headers["location"].startswith("/console/sign-in")


@pytest.mark.parametrize("route", [route for route in ROUTES if route.method == "POST"], ids=name_of)
def test_nothing_changes_without_the_token_of_a_form(route, browser_of):
    client = browser_of("admin").client
    assert client.post(f"/console{path_of(route)}").status_code == 403
    assert client.post(f"/console{path_of(route)}", data={"form_token": "a.b"}).status_code == 403


def test_nothing_changes_for_a_page_from_elsewhere(browser_of):
    browser = browser_of("admin")
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        assert browser.post("/preferences", {"theme": "dark"}, headers=headers).status_code == 403


@pytest.mark.parametrize("path", ["/", "/sign-in", "/styleguide", "/nowhere", "/customer?id=nobody"])
def test_every_answer_is_safe(path, browser_of):
    found = browser_of("admin").get(path)
    assert found.headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert found.headers["cache-control"] == "no-store"
    assert found.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son[a-z]+=|\sstyle=", found.text)


def test_the_api_beside_it_is_as_before(browser_of):
    found = browser_of(None).client.get("/health")
    assert found.headers["content-security-policy"].startswith("default-src 'none'; frame-ancestors")
    assert browser_of(None).client.get("/").headers["location"] == "/console/"


def test_files_come_compressed_and_are_kept(browser_of):
    client = browser_of(None).client
    text = client.get("/console/sign-in").text
    path = re.search(r'href="([^"]+console\.css)"', text)
    assert path is not None
    found = client.get(path[1], headers={"accept-encoding": "gzip"})
    assert found.headers["content-encoding"] == "gzip"
    assert "immutable" in found.headers["cache-control"]
    assert client.get("/console/static/x/vendor/htmx.LICENSE").status_code == 404
