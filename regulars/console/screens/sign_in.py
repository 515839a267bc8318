"""Signing in and out, and joining by a link."""

from __future__ import annotations

from typing import Any

from starlette.responses import RedirectResponse, Response

from regulars.console import audit
from regulars.console.people import Person
from regulars.console.roles import ALL, ANYBODY
from regulars.console.screen import Screen
from regulars.console.sessions import keep
from regulars.console.visit import Visit, url
from regulars.errors import InputError

screen = Screen("sign_in")


@screen.get("/sign-in", may=ANYBODY)
def form(visit: Visit) -> Response:
    """Who are you?"""
    if visit.person is not None:
        return visit.go("/")
    return visit.page("sign_in/index.html", then=visit.asked("then"), problem="", email="")


@screen.post("/sign-in", may=ANYBODY)
def sign_in(visit: Visit) -> Response:
    """The password, checked; a new session, whatever was there before."""
    console, email = visit.console, str(visit.form.get("email", "")).strip().lower()
    then = str(visit.form.get("then", ""))
    names = (f"address {console.address(visit.request)}", f"email {email}")
    if wait := console.attempts.begin(*names):
        problem = visit.t(".too_often", minutes=-(-wait // 60))
        response = visit.page("sign_in/index.html", 429, then=then, email=email, problem=problem)
        response.headers["retry-after"] = str(wait)
        return response
    person = console.people.signing_in(email, str(visit.form.get("password", "")))
    if person is None:
        return visit.page("sign_in/index.html", 401, then=then, email=email, problem=visit.t(".wrong"))
    console.attempts.succeeded(*names)
    return _in(visit, person, "sign_in.signed_in", then)


@screen.get("/welcome", may=ANYBODY)
def welcome(visit: Visit) -> Response:
    """Who comes by a link chooses a name and a password."""
    token = visit.asked("token")
    return visit.page("sign_in/welcome.html", role=visit.console.people.expected(token), token=token, **_nothing())


@screen.post("/welcome", may=ANYBODY)
def join(visit: Visit) -> Response:
    """Somebody new."""
    said = {name: str(visit.form.get(name, "")) for name in ("token", "email", "name", "password")}
    people = visit.console.people
    role = people.expected(said["token"])
    try:
        person = people.join(**said, language=visit.language)
    except InputError as error:
        said.pop("password")
        return visit.page("sign_in/welcome.html", 400, role=role, **{**_nothing(), **said, "problem": str(error)})
    return _in(visit, person, "sign_in.joined", "")


@screen.post("/sign-out", may=ALL)
def sign_out(visit: Visit) -> Response:
    """Nobody is signed in by this browser any more."""
    visit.console.sessions.end(visit.session)
    response = RedirectResponse(url("/sign-in"), 303)
    keep(response, "")
    return response


def _nothing() -> dict[str, Any]:
    return {"email": "", "name": "", "problem": ""}


def _in(visit: Visit, person: Person, what: str, then: str) -> Response:
    console = visit.console
    console.sessions.end(visit.session)
    session = console.sessions.begin(person)
    audit.note(console.shop.state, person.email, what, person.email, None, {"role": person.role})
    there = then if then.startswith("/") and not then.startswith("//") else "/"
    response = RedirectResponse(f"/console{there}", 303)
    keep(response, session)
    return response
