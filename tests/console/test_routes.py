"""Every route: for whom it is, how it is guarded, and what its answers carry, in Chinese no English; read off the list
of screens."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import quote

import pytest

from regulars.console.roles import ANYBODY, ROLES
from regulars.console.screen import Route
from regulars.console.screens import SCREENS
from regulars.console.security import POLICY

ROUTES = [route for screen in SCREENS for route in screen.routes]
ENGLISH = re.compile(r"[A-Za-z][a-z'’]*(?: [A-Za-z][a-z'’]+){2,}")
"""Three English words on end: two may be a name."""
COMMAND = re.compile(r"regulars (?:[a-z-]+ ?)+")
READ_ALOUD = {"alt", "aria-label", "aria-valuetext", "placeholder", "title", "data-spec"}
AS_TYPED = {"code", "pre", "script", "textarea"}


def name_of(route: Route) -> str:
    return f"{route.method} {route.path}"


def path_of(route: Route) -> str:
    return re.sub(r"\{[^}]*\}", "999", route.path)


def test_each_route_is_there_once() -> None:
    names = [name_of(route) for route in ROUTES]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("role", ROLES)
def test_routes_answer_those_they_are_for_alone(role, browser_of, new_browser):
    wrong = []
    for route in ROUTES:
        browser = browser_of(role)
        if route.path == "/sign-out":  # the other tests need who is signed in
            browser = new_browser
            browser.sign_in(role)
        found = browser.get(path_of(route)) if route.method == "GET" else browser.post(path_of(route))
        is_for_role = route.may is ANYBODY or role in route.may
        if (found.status_code == 403) == is_for_role or found.status_code >= 500:
            wrong.append((name_of(route), found.status_code))
    assert wrong == []


def test_who_is_not_signed_in_is_sent_to_sign_in(new_browser):
    for route in (route for route in ROUTES if route.may is not ANYBODY):
        ask = new_browser.client.get if route.method == "GET" else new_browser.client.post
        found = ask(f"/console{path_of(route)}")
        assert found.status_code == 303, name_of(route)
        assert found.headers["location"].startswith("/console/sign-in"), name_of(route)


def test_nothing_changes_without_the_token_of_a_form(browser_of):
    client = browser_of("admin").client
    for route in (route for route in ROUTES if route.method == "POST"):
        for form in (None, {"form_token": "a.b"}):
            assert client.post(f"/console{path_of(route)}", data=form).status_code == 403, name_of(route)


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


class Said(HTMLParser):
    """What a page says to the eye and the ear; what a program reads as typed is left out."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts += [value for name, value in attrs if name in READ_ALOUD and value]
        if tag in AS_TYPED:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1] == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not self._open:
            self.texts.append(data)


def english(page: str, *data: str) -> list[str]:
    """The sentences of English of a page, but for those of the shop's data.

    >>> english('<p title="a tea of ours">茶 <code>orders in a year</code></p><p>Earl Grey</p>')
    ['a tea of ours']
    """
    said = Said()
    said.feed(page)
    # What the shop's texts leave stands apart: words before and after one are no sentence.
    apart = "\n".join(said.texts)
    for known in data:
        apart = apart.replace(known, "|")
    return ENGLISH.findall(COMMAND.sub("|", apart))


def chinese_pages(hostile: str) -> list[str]:
    """Every page and every part of one; of things that are there, and of some that are not."""
    found = []
    for route in (route for route in ROUTES if route.method == "GET"):
        if route.path.endswith(("/export", "/download")):
            continue
        found.append(path_of(route))
        if "{name}" in route.path:
            found.append(route.path.format(name="churn", version=1))
        if route.path.startswith(("/customer", "/recommendations", "/pricing/product")):
            found.append(f"{route.path}?id={quote(hostile)}")
    return found


@pytest.fixture
def chinese(browser_of, console, people):
    console.people.change(people["admin"].id, language="zh")
    yield browser_of("admin")
    console.people.change(people["admin"].id, language="en")


def test_no_sentence_of_a_chinese_page_is_english_and_none_names_a_folder_of_the_machine(chinese, console, hostile):
    said = {path: chinese.get(path).text for path in chinese_pages(hostile)}
    assert [path for path, text in said.items() if str(console.shop.folder) in text] == []
    left = {path: english(text, hostile) for path, text in said.items()}
    assert {path: said for path, said in left.items() if said} == {}
