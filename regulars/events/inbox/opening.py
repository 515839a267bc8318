"""Which engine the inbox of a shop lies in: chosen by one setting."""

from __future__ import annotations

from pathlib import Path

from regulars.events.inbox.redis import RedisStore
from regulars.events.inbox.sqlite import SQLiteReader, SQLiteStore
from regulars.events.inbox.store import Reader, Store

FOLDER = "inbox"
"""In the shop's."""


def open_store(folder: Path, url: str = "", name: str = "") -> Store:
    """Open an inbox for writing; it is made if there is none.

    Parameters
    ----------
    folder : of the inbox, in the shop's.
    url : `[serve] inbox`: "" for SQLite in that folder, else of Redis.
    name : of the shop in Redis, as of `RedisStore`.

    Raises
    ------
    ShopError
        If another process writes to it (SQLite).
    UnavailableError
        If Redis does not answer.
    """
    return RedisStore(url, name) if url else SQLiteStore(folder)


def open_reader(folder: Path, url: str = "", name: str = "") -> Reader:
    """Follow an inbox that another process writes to; parameters as of `open_store`.

    Raises
    ------
    NotFoundError
        If no server has made it yet (SQLite).
    UnavailableError
        If Redis does not answer.
    """
    return RedisStore(url, name) if url else SQLiteReader(folder)
