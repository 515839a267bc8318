"""Every page in a real browser: nothing of the shop's texts runs, nothing is asked of others, everybody can use it."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from regulars.console.roles import ROLES
from regulars.console.screens import SCREENS
from regulars.console.visit import url

PHONE = {"width": 375, "height": 740}


def pages(hostile: str) -> list[str]:
    """Every page without places in its path; of a customer also the hostile one."""
    routes = [route for screen in SCREENS for route in screen.routes if route.method == "GET"]
    paths = [route.path for route in routes if "{" not in route.path and not route.path.endswith("export")]
    paths = [path for path in paths if path not in ("/sign-in", "/welcome")]
    return [f"{path}?id={quote(hostile)}" if path.startswith("/customer") else path for path in paths]


def is_whole(page) -> bool:
    """Whether what is open is a page: parts of one are judged on the page that asks for them."""
    assert "/sign-in" not in page.page.url
    return bool(page.page.locator("#main").count())


@pytest.fixture
def in_language(page, console, people, request):
    console.people.change(people["admin"].id, language=request.param)
    yield request.param
    console.people.change(people["admin"].id, language="en")


@pytest.mark.parametrize(("in_language", "scheme"), [("en", "light"), ("zh", "dark")], indirect=["in_language"])
def test_pages_are_safe_usable_by_everybody_and_fit_on_a_phone(page, hostile, axe, in_language, scheme):
    """No text of the shop runs, nothing is asked of others, no serious fault of accessibility, nothing to scroll aside."""
    page.faults.clear()
    page.page.emulate_media(color_scheme=scheme)
    size = page.page.viewport_size
    found = []
    for path in pages(hostile):
        page.go(path)
        if not is_whole(page):
            continue
        # By the browser's own protocol: the policy of the page would not let a script of a test in.
        page.page.context.new_cdp_session(page.page).send("Runtime.evaluate", {"expression": axe})
        told = page.page.evaluate(
            "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'], resultTypes: ['violations']})"
        )
        found += [
            (path, each["id"], each["nodes"][0]["html"][:200])
            for each in told["violations"]
            if each["impact"] in ("serious", "critical")
        ]
        page.page.set_viewport_size(PHONE)
        try:  # charts follow a little later
            page.until("() => document.documentElement.scrollWidth <= innerWidth", patience_ms=3000)
        except TimeoutError:
            found.append((path, "wider than", PHONE["width"]))
        page.page.set_viewport_size(size)
    assert found == []
    # What cannot be said yet is an answer with a status that the browser remarks on.
    assert [fault for fault in page.faults if "status of 40" not in fault] == []


def test_charts_are_drawn_under_the_policy(page):
    page.faults.clear()
    page.go("/styleguide")
    page.page.wait_for_selector(".chart-place canvas")
    assert page.faults == []


def test_a_dialog_opens_and_closes_by_keyboard(page):
    page.go("/styleguide")
    page.page.focus("[data-opens=sample-dialog]")
    page.page.keyboard.press("Enter")
    assert page.page.is_visible("#sample-dialog")
    page.page.keyboard.press("Escape")
    assert not page.page.is_visible("#sample-dialog")


def test_a_key_goes_to_the_search(page):
    page.go("/")
    page.page.keyboard.press("/")
    page.page.keyboard.type("eve@shop.example")
    page.page.keyboard.press("Enter")
    page.page.wait_for_selector("tbody tr")
    assert page.page.locator("tbody tr").count() == 1


def test_the_menu_of_a_phone_opens(page):
    size = page.page.viewport_size
    page.page.set_viewport_size(PHONE)
    try:
        page.go("/")
        page.page.click("[data-toggles=nav]")
        assert page.page.is_visible("#nav")
    finally:
        page.page.set_viewport_size(size)


@pytest.mark.parametrize("role", ROLES)
def test_a_person_of_each_role_signs_in_and_finds_the_screens_for_it(page_of, role):
    watched = page_of(role)
    found = watched.page.locator("#nav a").evaluate_all("links => links.map(each => each.pathname)")
    assert set(found) == {url(screen.path) for screen in SCREENS if screen.group is not None and role in screen.may}
    assert watched.faults == []


def test_the_language_is_changed(page):
    page.go("/settings/law")
    page.page.click(".bar-person button[lang=zh]")
    page.page.wait_for_selector("html[lang^=zh]")
    assert page.page.url.endswith("/settings/law")
    assert page.page.text_content("h1") == "设置"
    page.page.click(".bar-person button[lang=en]")
    page.page.wait_for_selector("html[lang^=en] h1")
    assert page.page.text_content("h1") == "Settings"
