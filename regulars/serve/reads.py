"""Who read what is known of a customer: noted down under the customer's pseudonym, and forgotten in time.

One row for each reader, customer and route within an hour, with the first time. It names no customer: a pseudonym is a
hash of the id under a secret of the shop's state, so that who knows an id finds who asked for it, and nobody else does.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cached_property
from threading import Lock
from typing import NamedTuple

import sqlalchemy as sa

from regulars import clock
from regulars.state import Moment, State

PART = "reads"
SECRET = "reads of customers"  # noqa: S105 the name of one
STEPS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE customer_reads (
            id {id}, at BIGINT NOT NULL, who TEXT NOT NULL, customer TEXT NOT NULL, route TEXT NOT NULL
        )
        """,
        "CREATE INDEX customer_reads_by_customer ON customer_reads (customer, at)",
        "CREATE INDEX customer_reads_by_time ON customer_reads (at)",
    ),
)
_reads = sa.Table(
    "customer_reads",
    sa.MetaData(),
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("at", Moment),
    sa.Column("who", sa.Text),
    sa.Column("customer", sa.Text),
    sa.Column("route", sa.Text),
)


class Read(NamedTuple):
    """Somebody read of a customer, for the first time within an hour.

    Attributes
    ----------
    who : the beginning of a key, or the address of a person of the console; "none" of a shop without keys.
    customer : a pseudonym.
    route : by which, as the API's description names it.
    """

    at: datetime
    who: str
    customer: str
    route: str


class Reads:
    """The reads of a shop. Any thread may note one; `flush` writes them.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> reads = Reads(State.open(Path(tempfile.mkdtemp())))
    >>> for _ in range(2):
    ...     reads.note("rgl_till", ["ada", "bob"], "/v1/profile/{customer_id}")
    >>> reads.flush(timedelta(days=400))
    >>> [(read.who, read.route) for read in reads.all(customer_id="ada")]
    [('rgl_till', '/v1/profile/{customer_id}')]
    """

    def __init__(self, state: State) -> None:
        state.migrate(PART, STEPS)
        self._state = state
        self._lock = Lock()
        self._hour: datetime | None = None
        self._noted: set[tuple[str, str, str]] = set()
        self._waiting: list[Read] = []

    def note(self, who: str, customer_ids: Iterable[str], route: str) -> None:
        """Somebody asks what is known of customers."""
        now = clock.now()
        hour = now.replace(minute=0, second=0, microsecond=0)
        with self._lock:
            if hour != self._hour:
                self._hour, self._noted = hour, set()
            for customer in customer_ids:
                if (key := (who, customer, route)) not in self._noted:
                    self._noted.add(key)
                    self._waiting.append(Read(now, who, self._pseudonym(customer), route))

    def flush(self, kept: timedelta) -> None:
        """Write down what was noted, and forget what is older than is kept; what cannot be written waits."""
        with self._lock:
            some, self._waiting = self._waiting, []
        if not some:
            return
        try:
            with self._state.write() as change:
                change.execute(sa.delete(_reads).where(_reads.c.at < clock.now() - kept))
                change.execute(sa.insert(_reads), [read._asdict() for read in some])
        except Exception:
            with self._lock:
                self._waiting = some + self._waiting
            raise

    def all(self, customer_id: str = "", who: str = "", limit: int = 1000) -> list[Read]:
        """The newest reads, the last first: of a customer, by somebody, or all."""
        asked = sa.select(_reads.c.at, _reads.c.who, _reads.c.customer, _reads.c.route)
        if customer_id:
            asked = asked.where(_reads.c.customer == self._pseudonym(customer_id))
        if who:
            asked = asked.where(_reads.c.who == who)
        with self._state.read() as view:
            return [Read(*row) for row in view.execute(asked.order_by(_reads.c.id.desc()).limit(limit))]

    def _pseudonym(self, customer_id: str) -> str:
        return hmac.new(self._secret, customer_id.encode(), hashlib.sha256).hexdigest()[:24]

    @cached_property
    def _secret(self) -> bytes:
        return self._state.secret(SECRET).encode()
