"""Who was erased: salted hashes of ids, so that an old file or a backup does not bring a customer back.

Nobody can be found from these hashes but by whoever knows the id already. They hold until the moment of the erasure:
what the same id does later is a new customer's, for whom nothing is remembered.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from regulars import clock, storage
from regulars.errors import CorruptLogError
from regulars.seal import sealed, unsealed

FILE = "erased.json"
"""In the log's folder."""
IDS = ("customer_id", "anonymous_id")
"""Columns of events that say whose they are; so do the numbers of orders and sessions."""


@dataclass(frozen=True)
class Erased:
    """Who was erased, hashed, and until when what they did is refused (microseconds since 1970).

    Attributes
    ----------
    until : by their ids.
    orders, sessions : by the numbers of their orders, and of their sessions. Apart, for customer 42 is not who placed
        order 42, nor who was there in session 42.

    Examples
    --------
    >>> from datetime import UTC
    >>> from regulars.events.schema import EVENTS
    >>> erased = Erased("salt", {}).with_ids(["ada"], datetime(2024, 5, 2, tzinfo=UTC))
    >>> days = [datetime(2024, 5, day, tzinfo=UTC) for day in (1, 3, 1)]
    >>> rows = pa.table({"customer_id": ["ada", "ada", "bob"], "time": pa.array(days, EVENTS.field("time").type)})
    >>> erased.refused(rows).to_pylist()
    [True, False, False]
    """

    salt: str
    until: Mapping[str, int]
    orders: Mapping[str, int] = field(default_factory=dict)
    sessions: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, log: Path) -> Erased:
        """Of a log's folder; nobody if it has no such file.

        Raises
        ------
        CorruptLogError
            If the file was changed: then nobody knows who must stay away.
        """
        path = log / FILE
        try:
            raw = unsealed(path.read_bytes())
        except FileNotFoundError:
            return cls(secrets.token_hex(16), {})
        except ValueError as error:
            raise CorruptLogError(f"{path} is damaged ({error}). Restore it from a backup.") from None
        # Files of before wrote the numbers as one, or all as one.
        links = raw.get("links", raw["until"])
        return cls(raw["salt"], raw["until"], raw.get("orders", links), raw.get("sessions", links))

    def write(self, log: Path) -> None:
        """Keep it in a log's folder, whose lock is held."""
        kept = {"salt": self.salt} | {name: dict(getattr(self, name)) for name in ("until", "orders", "sessions")}
        storage.replace(log / FILE, sealed(json.dumps(kept, indent=0)))

    def with_ids(
        self, ids: Iterable[str], until: datetime, orders: Iterable[str] = (), sessions: Iterable[str] = ()
    ) -> Erased:
        """The same and these besides, each until a moment."""
        moment = clock.micros(until)
        more = (dict.fromkeys(map(self._hash, each), moment) for each in (ids, orders, sessions))
        return self.with_(Erased(self.salt, *more))

    def with_(self, other: Erased) -> Erased:
        """Both; `other` has the same salt, and where they differ it is right."""
        pairs = ((self.until, other.until), (self.orders, other.orders), (self.sessions, other.sessions))
        return Erased(other.salt, *({**mine, **theirs} for mine, theirs in pairs))

    def refused(self, events: pa.Table) -> pa.ChunkedArray:
        """Which rows are of somebody who was erased after them.

        Parameters
        ----------
        events : (n,) time, and those of `IDS`, order_id and session_id that there are.
        """
        times = events["time"].cast(pa.int64())
        found = pc.less(times, 0)
        known_by = dict.fromkeys(IDS, self.until) | {"order_id": self.orders, "session_id": self.sessions}
        for name, known in known_by.items():
            if known and name in events.column_names:
                found = pc.or_(found, pc.fill_null(pc.less(times, self._of(events[name], known)), False))
        return found

    def among(self, ids: Iterable[str]) -> list[str]:
        """Those of some ids that were ever erased."""
        return [id_ for id_ in ids if self._hash(id_) in self.until] if self.until else []

    def until_of(self, ids: pa.ChunkedArray) -> pa.ChunkedArray:
        """Until when each id of a customer is refused, in microseconds; null if it never was."""
        return self._of(ids, self.until)

    def _of(self, ids: pa.ChunkedArray, known: Mapping[str, int]) -> pa.ChunkedArray:
        ids = ids.cast(pa.string())  # as it is read, a column may be a dictionary
        distinct = ids.unique()
        until = pa.array([id_ and known.get(self._hash(id_)) for id_ in distinct.to_pylist()], pa.int64())
        return until.take(pc.index_in(ids, distinct))

    def _hash(self, id_: str) -> str:
        return hashlib.blake2b(id_.encode(errors="surrogatepass"), digest_size=16, key=self.salt.encode()).hexdigest()
