"""The people of a shop: who they are, what their role is, and the links by which they come."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from regulars import clock
from regulars.console.roles import ROLES
from regulars.console.tables import links, people, sessions
from regulars.errors import InputError, NotFoundError
from regulars.state import State

SHORTEST = 12
"""Letters of a password. Which kinds of letters is left to its owner (OWASP ASVS 5.0, 6.2.5)."""
LONGEST = 200
LINK_HOURS = 24

_hasher = PasswordHasher()
_NOBODYS = _hasher.hash(secrets.token_hex(16))
"""Checked where no such person is, so that an answer takes as long as with one."""


class Person(NamedTuple):
    """Somebody who may sign in."""

    id: int
    email: str
    name: str
    role: str
    language: str
    theme: str
    created_at: datetime
    blocked_at: datetime | None


_COLUMNS = [people.c[name] for name in Person._fields]


class People:
    """The people of a shop.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from regulars.console.tables import prepare
    >>> state = prepare(State.open(Path(tempfile.mkdtemp())))
    >>> found = People(state)
    >>> token = found.invite("admin", by="the first start")
    >>> ada = found.join(token, "ada@shop.example", "Ada", "a long password", "en")
    >>> found.signing_in("Ada@shop.example", "a long password") == ada, found.signing_in(ada.email, "wrong")
    (True, None)
    >>> found.expected(token)
    Traceback (most recent call last):
    ...
    regulars.errors.NotFoundError: ...
    >>> state.close()
    """

    def __init__(self, state: State) -> None:
        self._state = state

    def all(self) -> list[Person]:
        """Everybody, by name."""
        with self._state.read() as view:
            return [Person(*row) for row in view.execute(sa.select(*_COLUMNS).order_by(people.c.name))]

    def one(self, person_id: int) -> Person:
        """Somebody; NotFoundError if there is no such person."""
        with self._state.read() as view:
            row = view.execute(sa.select(*_COLUMNS).where(people.c.id == person_id)).first()
        if row is None:
            raise NotFoundError(f"There is no person {person_id}.")
        return Person(*row)

    def invite(self, role: str, *, by: str) -> str:
        """The token of a link by which one person can join, once, within a day; it is kept as a hash.

        Raises
        ------
        InputError
            If there is no such role.
        """
        if role not in ROLES:
            raise InputError(f'There is no role "{role}". There are: {", ".join(ROLES)}.')
        token = secrets.token_urlsafe(32)
        expires = clock.now() + timedelta(hours=LINK_HOURS)
        row = {"hash": hashed(token), "role": role, "made_by": by, "expires_at": expires}
        with self._state.write() as change:
            change.execute(sa.insert(links).values(row))
        return token

    def expected(self, token: str) -> str:
        """The role of who comes by a link; NotFoundError if it is none, was used, or is over."""
        with self._state.read() as view:
            return self._expected(view, token)

    def join(self, token: str, email: str, name: str, password: str, language: str) -> Person:
        """Somebody comes by a link.

        Raises
        ------
        NotFoundError
            If the link opens nothing.
        InputError
            If the address is none or taken, the name is empty, or the password too short.
        """
        email, name = email.strip().lower(), name.strip()
        if "@" not in email.strip("@") or not name:
            raise InputError("An e-mail address and a name are needed.")
        row: dict[str, Any] = {
            "email": email, "name": name, "password": _kept(password), "language": language, "theme": "auto",
            "created_at": clock.now(),
        }  # fmt: skip
        with self._state.write() as change:
            row["role"] = self._expected(change, token)
            if change.execute(sa.select(people.c.id).where(people.c.email == email)).first():
                raise InputError(f"{email} is somebody already. Sign in instead.")
            change.execute(sa.update(links).where(links.c.hash == hashed(token)).values(used_at=clock.now()))
            made = change.execute(sa.insert(people).values(row).returning(*_COLUMNS)).one()
        return Person(*made)

    def signing_in(self, email: str, password: str) -> Person | None:
        """Who it is, if the password is theirs; else None."""
        asked = sa.select(people.c.password, *_COLUMNS).where(people.c.email == email.strip().lower())
        with self._state.read() as view:
            row = view.execute(asked).first()
        try:
            _hasher.verify(row[0] if row else _NOBODYS, password[: LONGEST + 1])
        except (VerificationError, InvalidHashError):
            return None
        person = Person(*row[1:]) if row else None
        return None if person is None or person.blocked_at else person

    def change(self, person_id: int, **values: Any) -> tuple[Person, Person]:
        """Change a role, language or theme, or block somebody; who it was before, and is now.

        Raises
        ------
        InputError
            If nobody were left who may change roles.
        """
        with self._state.write(alone="people") as change:
            row = change.execute(sa.select(*_COLUMNS).where(people.c.id == person_id)).first()
            if row is None:
                raise NotFoundError(f"There is no person {person_id}.")
            change.execute(sa.update(people).where(people.c.id == person_id).values(**values))
            admins = sa.select(sa.func.count()).where(people.c.role == "admin", people.c.blocked_at.is_(None))
            if not change.execute(admins).scalar():
                raise InputError(
                    "Nobody would be left who may change roles. Make somebody else an administrator first."
                )
            if values.get("blocked_at"):
                change.execute(sa.delete(sessions).where(sessions.c.person_id == person_id))
            after = change.execute(sa.select(*_COLUMNS).where(people.c.id == person_id)).one()
        return Person(*row), Person(*after)

    def _expected(self, view: sa.Connection, token: str) -> str:
        asked = sa.select(links.c.role).where(
            links.c.hash == hashed(token), links.c.used_at.is_(None), links.c.expires_at > clock.now()
        )
        role = view.execute(asked).scalar()
        if role is None:
            raise NotFoundError("This link was used, or is over. Ask an administrator for another one.")
        return cast(str, role)


def hashed(token: str) -> str:
    """SHA-256 of a random token, hexadecimal: it is long, so a slow hash would add nothing."""
    return hashlib.sha256(token.encode()).hexdigest()


def _kept(password: str) -> str:
    if not SHORTEST <= len(password) <= LONGEST:
        raise InputError(f"A password has {SHORTEST} to {LONGEST} letters; a few words that you make up are good ones.")
    return _hasher.hash(password)
