"""Who is it that asks: a random token in a cookie, whose hash is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict, deque
from datetime import timedelta
from threading import Lock
from typing import Any

import sqlalchemy as sa
from starlette.responses import Response

from regulars import clock
from regulars.console.people import Person, hashed
from regulars.console.tables import people, sessions
from regulars.state import State

COOKIE = "__Host-regulars"
"""A name by which browsers take it only from this very host, over a safe connection, for all paths."""
IDLE, LONGEST = timedelta(hours=12), timedelta(days=7)
SEEN = timedelta(minutes=5)
"""When somebody was seen is noted down only so often."""
TRIES, TRIES_SECONDS = 10, 900.0
REMEMBERED = 10_000

_COLUMNS = [people.c[name] for name in Person._fields]


class Sessions:
    """The sessions of a shop."""

    def __init__(self, state: State) -> None:
        self._state = state

    def begin(self, person: Person) -> str:
        """A new token, whatever the browser had before; sessions that are over are forgotten."""
        token, now = secrets.token_urlsafe(32), clock.now()
        row: dict[str, Any] = {
            "hash": hashed(token), "person_id": person.id, "begun_at": now, "seen_at": now, "said": [],
        }  # fmt: skip
        with self._state.write() as change:
            over = sa.or_(sessions.c.seen_at < now - IDLE, sessions.c.begun_at < now - LONGEST)
            change.execute(sa.delete(sessions).where(over))
            change.execute(sa.insert(sessions).values(row))
        return token

    def end(self, token: str) -> None:
        """Nobody is signed in by this token any more."""
        with self._state.write() as change:
            change.execute(sa.delete(sessions).where(sessions.c.hash == hashed(token)))

    def person(self, token: str) -> tuple[Person | None, list[dict[str, Any]]]:
        """Who is signed in, None if nobody; and what the next page is to say."""
        now = clock.now()
        asked = sa.select(sessions.c.seen_at, sessions.c.said, *_COLUMNS).join(
            people, people.c.id == sessions.c.person_id
        )
        asked = asked.where(
            sessions.c.hash == hashed(token), sessions.c.seen_at >= now - IDLE,
            sessions.c.begun_at >= now - LONGEST, people.c.blocked_at.is_(None),
        )  # fmt: skip
        with self._state.read() as view:
            row = view.execute(asked).first()
        if row is None:
            return None, []
        if row.seen_at < now - SEEN:
            self._set(token, seen_at=now)
        return Person(*row[2:]), row.said

    def say(self, token: str, said: list[dict[str, Any]]) -> None:
        """Let the next page say something; nothing if it has been said."""
        self._set(token, said=said)

    def _set(self, token: str, **values: Any) -> None:
        with self._state.write() as change:
            change.execute(sa.update(sessions).where(sessions.c.hash == hashed(token)).values(**values))


class Attempts:
    """Attempts to sign in, by address and by e-mail address.

    Each counts as failed from its begin, for many at once would else all pass; who gets in takes it back.

    >>> attempts = Attempts()
    >>> [attempts.begin("10.0.0.1") for _ in range(TRIES)] == [0] * TRIES, attempts.begin("10.0.0.1") > 0
    (True, True)
    >>> attempts.succeeded("10.0.0.1")
    >>> attempts.begin("10.0.0.1"), attempts.begin("10.0.0.2")
    (0, 0)
    """

    def __init__(self) -> None:
        self._failed: OrderedDict[str, deque[float]] = OrderedDict()
        self._turn = Lock()

    def begin(self, *names: str) -> int:
        """0, or after how many seconds these names may try again: then nothing was counted."""
        with self._turn:
            now = time.monotonic()
            wait = max(self._wait(name, now) for name in names)
            if not wait:
                for name in names:
                    self._failed.setdefault(name, deque()).append(now)
                    self._failed.move_to_end(name)
                while len(self._failed) > REMEMBERED:
                    self._failed.popitem(last=False)
        return wait

    def succeeded(self, *names: str) -> None:
        """What began last under these names did not fail."""
        with self._turn:
            for name in names:
                if times := self._failed.get(name):
                    times.pop()

    def _wait(self, name: str, now: float) -> int:
        times = self._failed.get(name, deque())
        while times and now - times[0] > TRIES_SECONDS:
            times.popleft()
        return 0 if len(times) < TRIES else int(TRIES_SECONDS - (now - times[0])) + 1


def form_token(session: str) -> str:
    """What a form carries to prove that it came from a page of ours: another one each time, so that a compressed page
    tells nothing of it (BREACH; Prado, Harris and Gluck, 2013).

    >>> is_form_token("a session", form_token("a session")), is_form_token("another", form_token("a session"))
    (True, False)
    """
    salt = secrets.token_urlsafe(12)
    return f"{salt}.{_signed(session, salt)}"


def is_form_token(session: str, given: str) -> bool:
    """Whether a form came from a page of this session."""
    salt, _, signature = given.partition(".")
    return hmac.compare_digest(signature.encode(), _signed(session, salt).encode())


def _signed(session: str, salt: str) -> str:
    return hmac.new(session.encode(), salt.encode(), hashlib.sha256).hexdigest()


def keep(response: Response, session: str) -> None:
    """Let the browser keep the token of a session; "" lets it forget."""
    seconds = int(LONGEST.total_seconds()) if session else 0
    response.set_cookie(COOKIE, session, max_age=seconds, secure=True, httponly=True, samesite="lax", path="/")
