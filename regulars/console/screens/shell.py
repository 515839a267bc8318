"""What stands around every screen: language, theme, long work, and the search for a customer."""

from __future__ import annotations

from starlette.responses import Response

from regulars.console.roles import ALL
from regulars.console.screen import Screen
from regulars.console.visit import Visit
from regulars.console.words import LANGUAGES
from regulars.errors import InputError

screen = Screen("shell")

THEMES = ("auto", "light", "dark")


@screen.get("/jobs/{number}", may=ALL)
def job(visit: Visit) -> Response:
    """How far a piece of long work is: asked for again and again by the page that shows it."""
    return visit.page("parts/job.html", job=visit.console.jobs.one(visit.number("number")))


@screen.post("/preferences", may=ALL)
def preferences(visit: Visit) -> Response:
    """Another language or theme."""
    person = visit.signed_in
    language = str(visit.form.get("language", person.language))
    theme = str(visit.form.get("theme", person.theme))
    if language not in LANGUAGES or theme not in THEMES:
        raise InputError(visit.t("shell.no_such_preference"))
    visit.console.people.change(person.id, language=language, theme=theme)
    there = str(visit.form.get("then", ""))
    return visit.go(there if there.startswith("/") and not there.startswith("//") else "/")
