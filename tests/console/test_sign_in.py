"""Signing in: links, passwords, sessions, and what others may not do."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from regulars import clock
from regulars.console.app import _form
from regulars.console.sessions import COOKIE, IDLE, TRIES, hashed
from regulars.console.tables import links, people, sessions
from regulars.errors import InputError, NotFoundError


def test_the_first_link_is_given_while_nobody_is_there(shop):
    from regulars import Shop
    from regulars.console import Beside
    from regulars.serve import app

    first = Beside(app(shop, shop.config.serve), Shop.open(shop.folder)).console
    link = first.first_link("http://127.0.0.1:8000")
    assert link is not None
    assert link.startswith("http://127.0.0.1:8000/console/welcome?token=")
    first.people.join(link.partition("token=")[2], "ada@shop.example", "Ada", "a long password", "en")
    assert first.first_link("http://127.0.0.1:8000") is None


def test_who_comes_by_a_link_is_signed_in_and_the_link_is_used(console, new_browser):
    token = console.people.invite("growth", by="tests")
    form = {"token": token, "email": "Gro@shop.example", "name": "Gro", "password": "a long password"}
    found = new_browser.post("/welcome", form, page=f"/welcome?token={token}")
    assert found.headers["location"] == "/console/"
    assert "Gro" in new_browser.get("/").text
    assert new_browser.get(f"/welcome?token={token}").status_code == 404


def test_a_link_is_over_after_a_day(console):
    token = console.people.invite("growth", by="tests")
    with clock.held_at(clock.now() + timedelta(hours=25)), pytest.raises(NotFoundError, match="is over"):
        console.people.expected(token)


@pytest.mark.parametrize(
    ("email", "name", "password", "said"),
    [
        ("nobody", "A", "a long password", "e-mail address"),
        ("a@b.example", " ", "a long password", "name"),
        ("a@b.example", "A", "short", "12 to 200"),
        ("admin@shop.example", "A", "a long password", "somebody already"),
    ],
)
def test_what_is_wrong_with_somebody_new_is_said_and_the_link_stays(console, email, name, password, said):
    token = console.people.invite("growth", by="tests")
    with pytest.raises(InputError, match=said):
        console.people.join(token, email, name, password, "en")
    assert console.people.expected(token) == "growth"


def test_the_cookie_is_of_this_host_alone_and_another_after_signing_in(new_browser):
    new_browser.get("/sign-in")
    before = new_browser.client.cookies[COOKIE]
    header = new_browser.sign_in("risk").headers["set-cookie"]
    assert header.startswith("__Host-")
    for said in ("Secure", "HttpOnly", "Path=/", "SameSite=lax"):
        assert said in header
    assert new_browser.client.cookies[COOKIE] != before


def test_secrets_are_kept_as_hashes(console, new_browser):
    new_browser.sign_in("risk")
    session = new_browser.client.cookies[COOKIE]
    token = console.people.invite("risk", by="tests")
    with console.shop.state.read() as view:
        kept = str([view.execute(table.select()).all() for table in (people, sessions, links)])
    assert session not in kept
    assert token not in kept
    assert hashed(session) in kept
    assert "$argon2id$" in kept


def test_a_session_ends_by_itself_and_by_signing_out(new_browser):
    new_browser.sign_in("risk")
    with clock.held_at(clock.now() + IDLE + timedelta(minutes=1)):
        assert new_browser.get("/").status_code == 303
    session = new_browser.client.cookies[COOKIE]
    assert new_browser.post("/sign-out").status_code == 303
    new_browser.client.cookies.set(COOKIE, session)
    assert new_browser.get("/").status_code == 303


def test_a_wrong_password_says_no_more_than_an_unknown_address(new_browser):
    found = [new_browser.sign_in(role, "wrong") for role in ("pricing", "nobody")]
    assert [each.status_code for each in found] == [401, 401]
    said = {each.text.split('role="alert"')[1].split("</div>")[0] for each in found}
    assert len(said) == 1


def test_after_ten_failures_one_waits(console, new_browser, monkeypatch):
    monkeypatch.setattr(console, "attempts", type(console.attempts)())
    for _ in range(TRIES):
        assert new_browser.sign_in("service", "wrong").status_code == 401
    found = new_browser.sign_in("service")
    assert found.status_code == 429
    assert int(found.headers["retry-after"]) > 0


def test_one_is_sent_on_to_where_one_wanted_to_go_but_nowhere_else(new_browser):
    to = new_browser.get("/customers?q=tea").headers["location"]
    assert to.endswith("then=%2Fcustomers")
    form = {"email": "risk@shop.example", "password": "tea for two at five"}
    found = new_browser.post("/sign-in", {**form, "then": "//evil.example"}, page="/sign-in")
    assert found.headers["location"] == "/console/"


def test_who_is_blocked_is_out_at_once(console, people, new_browser):
    new_browser.sign_in("service")
    console.people.change(people["service"].id, blocked_at=clock.now())
    try:
        assert new_browser.get("/").status_code == 303
        assert new_browser.sign_in("service").status_code == 401
    finally:
        console.people.change(people["service"].id, blocked_at=None)


def test_the_last_administrator_stays(console, people):
    with pytest.raises(InputError, match="Nobody would be left"):
        console.people.change(people["admin"].id, role="growth")


@pytest.mark.parametrize(("role", "status"), [(None, 303), ("read_only", 403)])
def test_of_a_form_of_who_may_not_send_it_nothing_is_read(role, status, browser_of, monkeypatch):
    def reads(*_, **__):
        raise AssertionError("it is read")

    browser = browser_of(role)
    monkeypatch.setattr("starlette.requests.Request.form", reads)
    found = browser.client.post("/console/data/upload", files={"file": ("a.csv", b"a,b")})
    assert found.status_code == status


def test_strangers_send_no_files_and_nothing_without_a_length(new_browser):
    sent = new_browser.client.post("/console/sign-in", files={"file": ("a.csv", b"x" * (1 << 21))})
    assert sent.status_code == 413
    headers = {"content-type": "application/x-www-form-urlencoded", "transfer-encoding": "chunked"}
    sent = new_browser.client.post("/console/sign-in", content=b"a=b", headers={**headers, "content-length": "3"})
    assert sent.status_code == 411


def test_many_tries_at_once_are_counted_before_they_are_looked_at(console, new_browser, monkeypatch):
    attempts = type(console.attempts)()
    monkeypatch.setattr(console, "attempts", attempts)
    looked = []

    def slow(email, password):
        looked.append(email)
        if len(looked) <= 2 * TRIES:  # another comes while this one is looked at
            statuses.append(new_browser.sign_in("service", "wrong").status_code)

    statuses = []
    monkeypatch.setattr(console.people, "signing_in", slow)
    new_browser.sign_in("service", "wrong")
    assert len(looked) == TRIES
    assert 429 in statuses


def test_who_gets_in_has_not_failed(console, new_browser, monkeypatch):
    monkeypatch.setattr(console, "attempts", type(console.attempts)())
    for _ in range(TRIES + 1):
        assert new_browser.sign_in("service").status_code == 303
        new_browser.post("/sign-out")


def test_a_form_that_hardly_comes_is_given_up(monkeypatch):
    monkeypatch.setattr("regulars.console.app.SECONDS", 0.05)
    head = [(b"content-length", b"10"), (b"content-type", b"application/x-www-form-urlencoded")]

    async def receive():
        await asyncio.sleep(60)

    request = Request({"type": "http", "method": "POST", "headers": head}, receive)
    with pytest.raises(HTTPException) as caught:
        asyncio.run(_form(request, 100))
    assert caught.value.status_code == 408
