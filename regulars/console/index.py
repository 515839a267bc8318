"""The customers as lists and searches read them: a table with one row each, made anew when the log has grown.

A page that counted orders would read the whole log each time. This table is made once, by work that may take long, and
lies in the shop's cache; lists read the columns and rows of it that they show.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

import ibis
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from regulars import storage
from regulars.customers import customers_as_of
from regulars.engine import Engine
from regulars.errors import NotFoundError, RegularsError
from regulars.events.schema import TIME

if TYPE_CHECKING:
    from regulars.console.jobs import Progress
    from regulars.shop import Shop

FOLDER, STEPS = "console", 4
MEMORY = "512MB"
MOST_VALUES = 200
"""To choose from in a filter."""

SCHEMA = pa.schema(
    [
        pa.field("customer_id", pa.string(), nullable=False),
        *(pa.field(name, pa.string()) for name in ("name", "email", "email_hash", "city", "country")),
        pa.field("stage", pa.string()),
        pa.field("segment", pa.string()),
        pa.field("orders", pa.int64(), nullable=False),
        pa.field("spend", pa.float64(), nullable=False),
        pa.field("first_time", TIME, nullable=False),
        pa.field("last_time", TIME, nullable=False),
        pa.field("churn_probability", pa.float64()),
        pa.field("value_at_risk", pa.float64()),
    ]
)
"""`email_hash` is SHA-256 of the address in small letters, hexadecimal; `spend` is in the shop's currency. The stage is
of the profiles written last, the risk of the churn decisions written last, null where they do not have the customer."""


class Index:
    """The customers of a shop, as of its newest event when the table was made.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from regulars import Shop
    >>> shop = Shop.create(Path(tempfile.mkdtemp()) / "shop")
    >>> _ = (shop.folder / "a.csv").write_text("date,customer,product,price\\n2024-05-01,ada,tea,4.50\\n")
    >>> _ = shop.import_(shop.folder / "a.csv")
    >>> index = Index(shop)
    >>> index.make(shop, lambda done, total: None)
    1
    >>> index.one("ada")["spend"], index.is_stale
    (4.5, False)
    """

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._path = shop.folder / "cache" / FOLDER
        self._engine = Engine(memory=MEMORY, threads=shop.config.engine.threads)
        self._turn = Lock()
        self._values: dict[tuple[int | None, str], list[str]] = {}

    @property
    def version(self) -> int | None:
        """Of the log that the table was made of; None while there is none."""
        numbers = (path.stem.partition("-")[2] for path in self._path.glob("customers-*.parquet"))
        return max((int(number) for number in numbers if number.isdecimal()), default=None)

    @property
    def is_stale(self) -> bool:
        """Whether the log has grown since."""
        return self.version != self._shop.log.version

    @property
    def as_of(self) -> datetime:
        """The moment as of which the table is."""
        return datetime.fromisoformat(pq.read_schema(self._file()).metadata[b"as_of"].decode())

    def table(self) -> ibis.Table:
        """The table, in the columns of `SCHEMA`; NotFoundError while there is none."""
        return self._engine.parquet([self._file()], SCHEMA)

    def has(self, column: str) -> bool:
        """Whether any customer has something in a column, as the file's own statistics say."""
        about = pq.read_metadata(self._file())
        place = about.schema.names.index(column)
        groups = (about.row_group(number).column(place) for number in range(about.num_row_groups))
        return any(each.statistics is None or each.statistics.null_count < each.num_values for each in groups)

    def values(self, column: str) -> list[str]:
        """What customers have in a column of texts, in order, `MOST_VALUES` at most; read once for each table made."""
        asked = self.version, column
        if asked not in self._values:
            found = pq.read_table(self._file(), columns=[column])[column].unique().drop_null().sort()
            self._values = {key: known for key, known in self._values.items() if key[0] == asked[0]}
            self._values[asked] = found.slice(0, MOST_VALUES).to_pylist()
        return self._values[asked]

    def ask(self, question: Any) -> Any:
        """What a function of (engine, table) finds, one request at a time."""
        with self._turn:  # nobody takes its file away meanwhile
            return question(self._engine, self.table())

    def one(self, customer_id: str) -> dict[str, Any] | None:
        """The row of a customer; None if there is none."""
        rows = self.ask(lambda engine, table: engine.to_arrow(table.filter(table.customer_id == customer_id).limit(1)))
        return rows.to_pylist()[0] if rows.num_rows else None

    def make(self, shop: Shop, progress: Progress) -> int:
        """Make the table anew; its rows.

        Parameters
        ----------
        shop : by which the log is read.
        """
        version, now = shop.log.version, shop.now
        progress(0, STEPS)
        known = customers_as_of(shop, now)
        progress(1, STEPS)
        bought = _bought(shop, known["customer_id"], now)
        progress(2, STEPS)
        columns: dict[str, Any] = {name: known[name] for name in ("customer_id", "name", "email", "city")}
        columns |= {"country": known["jurisdiction_country"], **bought}
        columns |= {name: known[name] for name in ("first_time", "last_time")}
        columns["email_hash"] = pa.array(map(fingerprint, known["email"].to_pylist()), pa.string())
        columns["stage"] = _looked_up(known, _written(shop, "profile", "profiles"), "stage", pa.string())
        columns["segment"] = _looked_up(known, _segments(shop, now), "segment", pa.string())
        at_risk = _written(shop, "churn", "decisions")
        for name in ("churn_probability", "value_at_risk"):
            columns[name] = _looked_up(known, at_risk, name, pa.float64())
        progress(3, STEPS)
        made = pa.table([pc.cast(columns[name], SCHEMA.field(name).type) for name in SCHEMA.names], schema=SCHEMA)
        made = made.replace_schema_metadata({"as_of": now.isoformat()})
        storage.make_folder(self._path)
        before = list(self._path.glob("customers-*.parquet"))
        path = self._path / f"customers-{version}.parquet"
        storage.replace(path, bytes(storage.parquet(made, has_metadata=True)))
        with self._turn:  # nobody reads the one before any more
            for old in before:
                if old != path:
                    storage.remove(old)
        return int(made.num_rows)

    def _file(self) -> Any:
        version = self.version
        if version is None:
            raise NotFoundError("The list of customers has not been made yet.")
        return self._path / f"customers-{version}.parquet"


def fingerprint(email: str | None) -> str | None:
    """SHA-256 of an e-mail address in small letters, as shops exchange them.

    >>> fingerprint(" Ada@Shop.example ") == fingerprint("ada@shop.example"), fingerprint(None)
    (True, None)
    """
    return None if email is None else hashlib.sha256(email.strip().lower().encode()).hexdigest()


def _bought(shop: Shop, customers: pa.ChunkedArray, now: datetime) -> dict[str, pa.Array]:
    """Orders and spend of each customer."""
    events = shop.identities.named(shop.events, now)
    lines = events.filter(events.type == "order_completed", events.customer_id.notnull())
    sums = lines.group_by("customer_id").agg(
        orders=lines.order_id.nunique(), spend=(lines.unit_price.cast("float64") * lines.quantity).sum().round(4)
    )
    found = shop.engine.to_arrow(sums)
    at = pc.index_in(customers, found["customer_id"].combine_chunks())
    return {name: pc.fill_null(found[name].take(at), 0) for name in ("orders", "spend")}


def _written(shop: Shop, name: str, kind: str) -> pa.Table | None:
    """What a capability wrote last; None if it has not."""
    try:
        return shop.tables.read(name, kind)
    except RegularsError:
        return None


def _segments(shop: Shop, now: datetime) -> pa.Table | None:
    """The segment of each customer; None where none were learned, before all features are worked out for it."""
    if shop.models.version_in_use("segment") is None:
        return None
    try:
        return shop.tables.of("segment", shop.customers(now))
    except RegularsError:
        return None


def _looked_up(known: pa.Table, table: pa.Table | None, column: str, kind: pa.DataType) -> pa.Array:
    if table is None or column not in table.column_names:
        return pa.nulls(known.num_rows, kind)
    return table[column].take(pc.index_in(known["customer_id"], table["customer_id"].combine_chunks()))
