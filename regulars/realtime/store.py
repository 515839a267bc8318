"""Where the records of customers lie: in this process, or in Redis, where several processes share them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

from regulars.errors import ConfigError, ShopError
from regulars.realtime.customers import CUSTOMER, NOWHERE, Ints, fresh

if TYPE_CHECKING:
    import redis

PREFIX = "regulars:"
NEWER = """
for i, key in ipairs(KEYS) do
  local held = redis.call('GETRANGE', key, 0, 7)
  if #held == 0 or struct.unpack('<i8', held) < struct.unpack('<i8', ARGV[i]) then redis.call('SET', key, ARGV[i]) end
end
"""
"""Writes records whose position is beyond that of the one that is there: who lags behind undoes nothing."""


class Store(Protocol):
    """What keeps a record (`customers.CUSTOMER`) for each customer."""

    def take(self, customers: Sequence[str]) -> tuple[Any, Ints]:
        """Records to be changed in place, and the place of each customer's; new ones for who is not known."""

    def put(self, customers: Sequence[str], rows: Any, places: Ints) -> None:
        """Keep what was taken and changed."""

    def peek(self, customer: str) -> Any:
        """A copy of one record; an empty one for who is not known."""

    def drop(self, customer: str) -> None:
        """Forget a customer."""

    def names(self) -> list[str]:
        """All customers, in the order of `all_rows`."""

    def all_rows(self) -> Any:
        """A copy of all records."""

    def load(self, customers: Sequence[str], rows: Any) -> None:
        """Hold these records, which are its own from now on, but for those of which a newer one is there."""


class Memory:
    """In this process.

    Examples
    --------
    >>> store = Memory()
    >>> rows, places = store.take(["ada"])
    >>> rows[places[0]]["count"] = 3
    >>> store.put(["ada"], rows, places)
    >>> int(store.peek("ada")["count"]), int(store.peek("bob")["count"])
    (3, 0)
    """

    def __init__(self) -> None:
        self._place: dict[str, int] = {}
        self._free: list[int] = []
        self._rows = fresh(1 << 10)

    def take(self, customers: Sequence[str]) -> tuple[Any, Ints]:
        """See `Store`."""
        places, new = np.empty(len(customers), np.int64), []
        for k, name in enumerate(customers):
            place = self._place.get(name)
            if place is None:
                place = self._place[name] = self._free.pop() if self._free else len(self._place)
                new.append(place)
            places[k] = place
        if new:
            if (needed := max(new) + 1) > len(self._rows):
                # Zeros are no memory until something is written to them: nobody waits while it is made ready for those
                # who are to come.
                rows = np.zeros(max(needed, 2 * len(self._rows)), CUSTOMER)
                rows[: len(self._rows)] = self._rows
                self._rows = rows
            self._rows["position"][new] = NOWHERE
        return self._rows, places

    def put(self, customers: Sequence[str], rows: Any, places: Ints) -> None:
        """Nothing to do: the records were changed where they lie."""

    def peek(self, customer: str) -> Any:
        """See `Store`."""
        place = self._place.get(customer)
        return fresh(1)[0] if place is None else self._rows[place].copy()

    def drop(self, customer: str) -> None:
        """See `Store`."""
        place = self._place.pop(customer, None)
        if place is not None:
            self._rows[place] = fresh(1)[0]
            self._free.append(place)

    def names(self) -> list[str]:
        """See `Store`."""
        return list(self._place)

    def all_rows(self) -> Any:
        """See `Store`."""
        return self._rows[np.fromiter(self._place.values(), np.int64, len(self._place))]

    def load(self, customers: Sequence[str], rows: Any) -> None:
        """See `Store`."""
        self._place = {name: place for place, name in enumerate(customers)}
        self._rows, self._free = rows if len(rows) else fresh(1 << 10), []


class Redis:
    """In Redis, a key for each customer.

    Parameters
    ----------
    url : such as redis://127.0.0.1:6379/0.
    shop : keeps the keys of shops apart.

    Raises
    ------
    ConfigError
        If the client is not installed, or the url is none.
    ShopError
        If Redis cannot be reached.
    """

    AT_ONCE = 1000

    def __init__(self, url: str, shop: str) -> None:
        try:
            import redis  # noqa: PLC0415
        except ImportError:
            raise ConfigError(
                f'[realtime] state = "{url}" needs the client of Redis: pip install "regulars[redis]"'
            ) from None
        try:
            self._redis: redis.Redis = redis.Redis.from_url(url)
            self._redis.ping()
        except ValueError as error:
            raise ConfigError(f'[realtime] state = "{url}": {error}. Write redis://host:6379/0.') from None
        except redis.RedisError as error:
            raise ShopError(
                f"Redis at {url} cannot be reached: {error}. Start it, or empty [realtime] state."
            ) from None
        self._prefix = f"{PREFIX}{shop}:".encode()
        self._newer = self._redis.register_script(NEWER)

    def take(self, customers: Sequence[str]) -> tuple[Any, Ints]:
        """See `Store`."""
        if not customers:
            return fresh(0), np.zeros(0, np.int64)
        found = cast(list[bytes | None], self._redis.mget([self._key(name) for name in customers]))
        rows = fresh(len(customers))
        for place, data in enumerate(found):
            if data is not None:
                rows[place] = _record(data)
        return rows, np.arange(len(customers))

    def put(self, customers: Sequence[str], rows: Any, places: Ints) -> None:
        """See `Store`."""
        for start in range(0, len(customers), self.AT_ONCE):
            some = slice(start, start + self.AT_ONCE)
            keys = [self._key(name) for name in customers[some]]
            self._newer(keys=keys, args=[rows[place].tobytes() for place in places[some]])

    def peek(self, customer: str) -> Any:
        """See `Store`."""
        data = cast("bytes | None", self._redis.get(self._key(customer)))
        return fresh(1)[0] if data is None else _record(data)

    def drop(self, customer: str) -> None:
        """See `Store`."""
        self._redis.delete(self._key(customer))

    def names(self) -> list[str]:
        """See `Store`."""
        return [key[len(self._prefix) :].decode() for key in self._keys()]

    def all_rows(self) -> Any:
        """See `Store`."""
        return self.take(self.names())[0]

    def load(self, customers: Sequence[str], rows: Any) -> None:
        """See `Store`."""
        self.put(customers, rows, np.arange(len(customers)))

    def _key(self, customer: str) -> bytes:
        return self._prefix + customer.encode()

    def _keys(self) -> Iterator[bytes]:
        return iter(sorted(self._redis.scan_iter(match=self._prefix + b"*", count=self.AT_ONCE)))


def _record(data: bytes) -> Any:
    if len(data) != CUSTOMER.itemsize:
        raise ShopError(
            f"A customer's record in Redis has {len(data)} bytes, {CUSTOMER.itemsize} are expected: another version of "
            "Regulars has written it. Delete the keys of this shop; they are made anew from the log."
        )
    return np.frombuffer(data, CUSTOMER)[0].copy()


def opened(url: str, shop: str) -> Store:
    """The store of `[realtime] state`: "" for this process."""
    return Redis(url, shop) if url else Memory()
