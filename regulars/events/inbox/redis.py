"""Events wait in a stream of Redis, so that servers on several machines may take them in.

A number is the id of the stream's entry, its milliseconds and its count within them as one. The stream needs no
consumer group: which entries are in the log, the log's own commit says.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from regulars.errors import ConfigError, DiskFullError, NotFoundError, UnavailableError
from regulars.events.inbox.store import Entry

if TYPE_CHECKING:
    import redis as library

WITHIN = 20
"""Bits of a number for the count within a millisecond."""
SECONDS = 5.0
"""So long Redis is waited for."""

PROMISES = {
    "always": "on the disk of Redis: it syncs each command (appendfsync always)",
    "everysec": "in Redis, which syncs once a second (appendfsync everysec): a power cut may lose the last second",
    "no": "in Redis, which leaves syncing to the system (appendfsync no): a power cut may lose half a minute",
}
NOTHING = "in the memory of Redis alone (appendonly no): what was not yet saved is lost when it stops"


class RedisStore:
    """A stream.

    Parameters
    ----------
    url : redis://host:6379/0 or rediss://…
    name : of the shop, the same for all its servers; no other shop on this Redis may have it.

    Raises
    ------
    ConfigError
        If the url is none, or Redis' client is not installed.
    UnavailableError
        If Redis does not answer.
    """

    def __init__(self, url: str, name: str) -> None:
        self._place = f"Redis at {urlsplit(url).hostname}"
        self._client = _client(url)
        self._stream, self._about = f"regulars:{name}:inbox", f"regulars:{name}:about"
        self.lost = 0
        self._held = self._last_deleted = 0  # when it was last looked at
        with self._said():
            self._client.hsetnx(self._about, "identity", secrets.token_hex(8))
            self.identity = str(self._asked("identity"))
            self.promise = f"What is acknowledged is {self._durability()}."

    def append(self, bodies: Sequence[bytes]) -> list[int]:
        """See `Store.append`."""
        with self._said(), self._client.pipeline(transaction=True) as pipeline:
            for body in bodies:
                pipeline.xadd(self._stream, {"body": body})
            names = pipeline.execute()
        self._held += len(names)
        return [_number(name) for name in names]

    def read(self, after: int, most: int) -> list[Entry]:
        """See `Reader.read`."""
        with self._said(), self._client.pipeline(transaction=True) as pipeline:
            pipeline.hget(self._about, "deleted")
            pipeline.xrange(self._stream, min=f"({_name(after)}", count=most)
            deleted, found = pipeline.execute()
        if int(deleted or 0) > after:
            raise NotFoundError(f"The events after number {after} are in the log already, up to number {int(deleted)}.")
        return [Entry(_number(name), fields[b"body"]) for name, fields in found]

    def delete(self, through: int) -> int:
        """See `Store.delete`."""
        if through <= self.deleted():
            return through
        with self._said(), self._client.pipeline(transaction=True) as pipeline:
            pipeline.hset(self._about, "deleted", through)
            pipeline.xtrim(self._stream, minid=_name(through + 1), approximate=False)
            pipeline.execute()
        self._held = 0  # counted anew by the next look
        return through

    def deleted(self) -> int:
        """See `Store.deleted`."""
        with self._said():
            return int(self._asked("deleted") or 0)

    def count(self) -> int:
        """See `Store.count`. What is gone without that anybody deleted it is `lost`."""
        with self._said(), self._client.pipeline(transaction=True) as pipeline:
            pipeline.hsetnx(self._about, "identity", self.identity)  # a Redis that was started again empty has none
            pipeline.hget(self._about, "deleted")
            pipeline.xlen(self._stream)
            _, deleted, held = pipeline.execute()
        if int(deleted or 0) <= self._last_deleted:
            self.lost += max(self._held - held, 0)
        self._last_deleted, self._held = int(deleted or 0), held
        return int(held)

    def scrub(self) -> None:
        """See `Store.scrub`: the next rewriting of Redis's own file leaves out what was trimmed; this asks for one."""
        import redis as library  # noqa: PLC0415

        with self._said(), suppress(library.ResponseError):  # none is kept, or one is under way
            self._client.bgrewriteaof()

    def close(self) -> None:
        """See `Reader.close`."""
        self._client.close()

    def _asked(self, field: str) -> str | None:
        found: Any = self._client.hget(self._about, field)
        return None if found is None else found.decode()

    def _durability(self) -> str:
        import redis as library  # noqa: PLC0415

        try:
            settings: Any = self._client.config_get("append*")
        except library.ResponseError:  # a hosted Redis may not say
            return "in Redis, which does not say how it syncs (CONFIG is forbidden)"
        texts = {_text(key): _text(value) for key, value in settings.items()}
        return PROMISES.get(texts.get("appendfsync", ""), NOTHING) if texts.get("appendonly") == "yes" else NOTHING

    @contextmanager
    def _said(self) -> Iterator[None]:
        import redis as library  # noqa: PLC0415

        try:
            yield
        except library.RedisError as error:
            if str(error).startswith(("OOM", "MISCONF")):  # maxmemory is reached; its disk takes nothing more
                raise DiskFullError(f"{self._place}: {error}. Make room and send again.") from None
            raise UnavailableError(f"{self._place}: {str(error).rstrip('.')}. Start it, and send again.") from None


def _client(url: str) -> library.Redis:
    try:
        import redis as library  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415
        from redis.retry import Retry  # noqa: PLC0415
    except ImportError:
        raise ConfigError("[serve] inbox names Redis, whose client is missing: pip install 'regulars[redis]'") from None
    try:
        # Tried again once, for connections that a restart has cut; waiting for longer is left to who sends.
        again = Retry(NoBackoff(), 1)
        return library.Redis.from_url(url, socket_timeout=SECONDS, socket_connect_timeout=SECONDS, retry=again)
    except ValueError as error:
        raise ConfigError(f"[serve] inbox cannot be read: {error}. Write it as redis://host:6379/0") from None


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _number(name: bytes) -> int:
    """The number of an entry's id.

    >>> _name(_number(b"1700000000000-3"))
    '1700000000000-3'
    """
    moment, count = name.split(b"-")
    return (int(moment) << WITHIN) + int(count)


def _name(number: int) -> str:
    return f"{number >> WITHIN}-{number & ((1 << WITHIN) - 1)}"
