"""Keys of the HTTP API: random, shown once, kept as hashes in the shop's state; who changed one is kept too."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, cast

import sqlalchemy as sa

from regulars import clock
from regulars.errors import InputError, NotFoundError
from regulars.state import Document, Moment, State

PART = "keys"
PREFIX = "rgl_"
"""By which a key that was published by mistake is found."""
SHOWN = len(PREFIX) + 6
SCOPES = ("ingest", "decide", "support", "admin")
"""What a key may be for: sending events, asking for decisions, customer service, and the server itself."""

OF_PAGES = ("ingest", "support")
"""What a key in a page may be for: what says nothing of a customer who is not known to the page already."""

STEPS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE api_keys (
            id {id}, name TEXT NOT NULL, prefix TEXT NOT NULL, hash TEXT NOT NULL UNIQUE, scopes TEXT NOT NULL,
            origins TEXT NOT NULL, created_at BIGINT NOT NULL, expires_at BIGINT, revoked_at BIGINT
        )
        """,
        """
        CREATE TABLE api_key_changes (
            id {id}, key_id BIGINT NOT NULL REFERENCES api_keys (id), at BIGINT NOT NULL, who TEXT NOT NULL,
            what TEXT NOT NULL
        )
        """,
    ),
)

_metadata = sa.MetaData()
_keys = sa.Table(
    "api_keys",
    _metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("prefix", sa.Text),
    sa.Column("hash", sa.Text),
    sa.Column("scopes", Document),
    sa.Column("origins", Document),
    sa.Column("created_at", Moment),
    sa.Column("expires_at", Moment),
    sa.Column("revoked_at", Moment),
)
_changes = sa.Table(
    "api_key_changes",
    _metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("key_id", sa.BigInteger),
    sa.Column("at", Moment),
    sa.Column("who", sa.Text),
    sa.Column("what", sa.Text),
)


@dataclass(frozen=True)
class Key:
    """A key as it is kept: everything but the key itself.

    Attributes
    ----------
    prefix : its first letters, by which people tell it from others.
    hash : SHA-256 of it, hexadecimal. It is random and long, so a slow hash would add nothing.
    scopes : of `SCOPES`.
    origins : the pages that may use it, such as https://shop.example: then it is a key for browsers, which is no
        secret, and may be for what is in `OF_PAGES` alone. None for servers.
    """

    id: int
    name: str
    prefix: str
    hash: str = field(repr=False)
    scopes: tuple[str, ...]
    origins: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def counts_at(self, moment: datetime) -> bool:
        """Whether it opens anything at a moment."""
        return self.revoked_at is None and (self.expires_at is None or moment < self.expires_at)


class Change(NamedTuple):
    """Who did what to a key."""

    at: datetime
    who: str
    what: str
    key_id: int
    name: str


class Keys:
    """The keys of a shop.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> state = State.open(Path(tempfile.mkdtemp()))
    >>> keys = Keys(state)
    >>> key, secret = keys.create("till", ["ingest"], who="ada")
    >>> secret.startswith(key.prefix), hashed(secret) == key.hash
    (True, True)
    >>> keys.revoke(key.id, who="ada").counts_at(clock.now())
    False
    >>> [(change.who, change.what) for change in keys.changes()]
    [('ada', 'created'), ('ada', 'revoked')]
    >>> state.close()
    """

    def __init__(self, state: State) -> None:
        state.migrate(PART, STEPS)
        self._state = state

    def create(
        self,
        name: str,
        scopes: Sequence[str],
        *,
        who: str,
        origins: Sequence[str] = (),
        expires_at: datetime | None = None,
    ) -> tuple[Key, str]:
        """Make a key of 256 random bits: how it is kept, and the key itself, which nobody can show again.

        Raises
        ------
        InputError
            If there is no such scope, an origin is none, or a key for browsers is for more than `OF_PAGES`.
        """
        unknown = [scope for scope in scopes if scope not in SCOPES]
        if unknown or not scopes:
            raise InputError(f'There is no scope "{"".join(unknown[:1])}". There are: {", ".join(SCOPES)}.')
        if origins and not set(scopes) <= set(OF_PAGES):
            raise InputError(
                "A key with origins stands in a page, where everybody can read it: it may have the scopes "
                f"{' and '.join(OF_PAGES)} alone."
            )
        for origin in origins:
            scheme, found, host = origin.partition("://")
            if scheme not in ("http", "https") or not found or not host or set(host) & set("/?#@* "):
                raise InputError(f'"{origin}" is no origin. Write it as https://shop.example, without a path.')
        secret = PREFIX + secrets.token_urlsafe(32)
        row = {
            "name": name,
            "prefix": secret[:SHOWN],
            "hash": hashed(secret),
            "scopes": list(dict.fromkeys(scopes)),
            "origins": list(dict.fromkeys(origins)),
            "created_at": clock.now(),
            "expires_at": expires_at,
        }
        with self._state.write() as change:
            made = change.execute(sa.insert(_keys).values(row).returning(_keys.c.id)).scalar_one()
            self._note(change, made, who, "created")
            return self._one(change, made), secret

    def revoke(self, key_id: int, *, who: str) -> Key:
        """Let a key open nothing any more; servers that run know within a second.

        Raises
        ------
        NotFoundError
            If there is no such key.
        """
        with self._state.write() as change:
            if self._one(change, key_id).revoked_at is None:
                change.execute(sa.update(_keys).where(_keys.c.id == key_id).values(revoked_at=clock.now()))
                self._note(change, key_id, who, "revoked")
            return self._one(change, key_id)

    def all(self) -> list[Key]:
        """Every key that ever was, in the order in which they were made."""
        with self._state.read() as view:
            return [_key(row) for row in view.execute(sa.select(_keys).order_by(_keys.c.id))]

    def changes(self) -> list[Change]:
        """Who made or revoked which key, in order."""
        asked = sa.select(_changes.c.at, _changes.c.who, _changes.c.what, _keys.c.id, _keys.c.name)
        asked = asked.join(_keys, _keys.c.id == _changes.c.key_id).order_by(_changes.c.id)
        with self._state.read() as view:
            return [Change(*row) for row in view.execute(asked)]

    def _note(self, change: sa.Connection, key_id: int, who: str, what: str) -> None:
        change.execute(sa.insert(_changes).values(key_id=key_id, at=clock.now(), who=who, what=what))

    def _one(self, view: sa.Connection, key_id: int) -> Key:
        row = view.execute(sa.select(_keys).where(_keys.c.id == key_id)).first()
        if row is None:
            raise NotFoundError(f"There is no key {key_id}. See them: regulars keys list")
        return _key(row)


def hashed(secret: str) -> str:
    """SHA-256 of a key, hexadecimal; of any text, for strangers show what is none: half of a surrogate pair, too."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def _key(row: sa.Row[Any]) -> Key:
    values = cast(dict[str, Any], dict(row._mapping))
    return Key(**{**values, "scopes": tuple(values["scopes"]), "origins": tuple(values["origins"])})
