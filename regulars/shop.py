"""A shop: one folder with its settings, its log, its models and its tables."""

from __future__ import annotations

import platform
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

import ibis
import pyarrow as pa

from regulars import capability as capabilities
from regulars import clock, config, decisions, object_store, storage
from regulars.capability import Deciding
from regulars.config import Config, ShopSettings
from regulars.customers import Identities
from regulars.customers.by_customer import ByCustomer, of_ids, raw_id
from regulars.engine import Engine, Query
from regulars.errors import InputError, NotEnoughError, ShopError
from regulars.events import rates
from regulars.events.commit import Commit
from regulars.events.compaction import MANY, TINY, compact
from regulars.events.convert import Conversion
from regulars.events.fitting import fitting
from regulars.events.importing import ImportResult, Progress, import_file
from regulars.events.log import EventLog
from regulars.events.mapping import Mapping
from regulars.events.readers import Source
from regulars.events.sandbox import open_source
from regulars.events.schema import CATALOGUE, EVENTS, RATES
from regulars.events.undated import IMPORT
from regulars.models import Model, Models
from regulars.recent import Last, Recent
from regulars.state import State
from regulars.tables import Tables
from regulars.undated import first_met, of_customers, of_products

if TYPE_CHECKING:
    from regulars.evaluation import Report, Split


Made = TypeVar("Made")


class Decided(NamedTuple):
    """What `Shop.decide` did: the table of decisions, the files it was written to, the log's version, and how many
    customers were left out because they had forbidden it."""

    table: pa.Table
    files: list[Path]
    log_version: int
    left_out: int


class Shop:
    """The door to a shop. `Shop.create` makes one, `Shop.open` opens it.

    Examples
    --------
    >>> import tempfile, regulars
    >>> folder = Path(tempfile.mkdtemp()) / "teashop"
    >>> shop = Shop.create(folder, ShopSettings(name="Tea", currency="GBP"))
    >>> _ = (folder / "orders.csv").write_text("date,customer,product,price\\n2024-05-01,ada,tea,4.50\\n")
    >>> shop.import_(folder / "orders.csv").added
    1
    >>> shop.engine.to_arrow(shop.events.select("customer_id", "unit_price")).to_pylist()
    [{'customer_id': 'ada', 'unit_price': Decimal('4.5000')}]
    """

    def __init__(self, folder: Path, settings: Config) -> None:
        self.folder = folder
        self.config = settings
        self.log = EventLog(folder / "log")
        self.models = Models(folder / "models")
        self.tables = Tables(self, folder / "tables")
        self.recent, self.last = Recent(folder / "cache" / "features"), Last()
        self._events: ibis.Table | None = None
        self._identities: tuple[int, Identities] | None = None

    @classmethod
    def create(cls, folder: str | Path, settings: ShopSettings | None = None) -> Shop:
        """Make a shop in a folder that is new or empty; ShopError if it holds anything."""
        folder = Path(folder)
        if folder.exists() and not folder.is_dir():
            raise ShopError(f"{folder} is a file. Choose a new folder for the shop.")
        if (folder / config.FILE).exists():
            raise ShopError(f"{folder} is a shop already. Open it, or choose another folder.")
        storage.make_folder(folder)
        if any(folder.iterdir()):
            raise ShopError(f"{folder} is not empty. Choose a new folder for the shop.")
        EventLog.create(folder / "log")
        storage.replace(folder / config.FILE, config.sample(settings or ShopSettings()))
        return cls.open(folder)

    @classmethod
    def open(cls, folder: str | Path) -> Shop:
        """Open a shop; ShopError if the folder is none, ConfigError if its settings cannot be read."""
        folder = Path(folder)
        if not (folder / config.FILE).is_file():
            raise ShopError(f"{folder} is no shop: it has no {config.FILE}. Make one: regulars init {folder}")
        return cls(folder, config.load(folder))

    @cached_property
    def engine(self) -> Engine:
        """Where the shop's tables are computed."""
        settings = self.config.engine
        if settings.spark:
            from regulars.engine.spark import SparkEngine  # noqa: PLC0415  (half a gigabyte, where it is wanted)

            return SparkEngine(settings.spark, memory=settings.memory)
        return Engine(spill=self.folder / settings.spill, memory=settings.memory, threads=settings.threads)

    @cached_property
    def state(self) -> State:
        """The small things that change: reviews, and what else people and programs agree on."""
        return State.open(self.folder, self.config.state.url)

    @property
    def events(self) -> ibis.Table:
        """The newest version of the log, its prices in the shop's currency (see `rates.in_currency`)."""
        if self._events is not None:
            return self._events
        snapshot = self.log.snapshot()
        return self._in_currency(self.engine.parquet(self.log.paths(snapshot, "events"), EVENTS), snapshot)

    def events_of(self, pairs: pa.Table) -> ibis.Table:
        """The events of some customers: of a large log a few pages, once it was copied for that.

        Parameters
        ----------
        pairs : customer_id, any id of the customer, and as_of. Events count whose raw id (see `Identities`) is the
            customer's at any of the moments.
        """
        ids = self.identities.members(pairs)["customer_id"].unique()
        snapshot = self.log.snapshot()
        copied = self.by_customer.rows(self.engine, snapshot, ids) if self._events is None else None
        if copied is not None:
            return self._in_currency(copied, snapshot)
        events = self.events  # asked for once: the log may grow
        return of_ids(self.engine, events, raw_id(events), ids)

    @cached_property
    def by_customer(self) -> ByCustomer:
        """The log once more, for who reads few customers of a million."""
        return ByCustomer(self.folder / "cache" / "by_customer", self.log)

    def _in_currency(self, events: ibis.Table, snapshot: Commit) -> ibis.Table:
        own = self.config.shop.currency
        if snapshot.currencies <= {own}:
            return events
        known = self.engine.parquet(self.log.paths(snapshot, "rates"), RATES)
        return rates.in_currency(events, known, own)

    def beside(self) -> Shop:
        """The same shop for another thread: its engine waits for nobody; memory, state and what was made are shared."""
        other = Shop(self.folder, self.config)
        other.engine, other.state = self.engine.beside(), self.state
        other.recent, other.last = self.recent, self.last
        return other

    def with_events(self, events: ibis.Table) -> Shop:
        """The same shop as if these were its events: to ask what would be computed from another past."""
        other = Shop(self.folder, self.config)
        other.engine, other.recent, other._events = self.engine, Recent(), events
        return other

    def holding(self, events: ibis.Table) -> Shop:
        """`with_events` of few, such as those of some customers: made once and held in memory, not in each query."""
        return self.with_events(self.engine.table(self.engine.to_arrow(events)))

    @property
    def identities(self) -> Identities:
        """Which ids are one customer, as of any moment."""
        version = self._version
        if self._identities is None or self._identities[0] != version:
            found = self.of_log("identities", lambda: Identities.of(self.engine, self.events))
            self._identities = version, found.beside(self.engine)
        return self._identities[1]

    def of_log(self, name: str, make: Callable[[], Made], *about: Hashable) -> Made:
        """What is read off the whole log, under a name: made once for each version of it, for all that read beside.

        Parameters
        ----------
        about : what it depends on besides, such as a moment.
        """
        return self.last.of(name, (self._version, *about), make)

    @property
    def _version(self) -> int:
        """Of the log; 0 of events that were given, which stay what they are."""
        return self.log.version if self._events is None else 0

    @property
    def basis(self) -> tuple[Hashable, ...]:
        """What capabilities learn from, as it is now: the log, the settings, and the models whose tables they read."""
        read = [(self.models.version_in_use(name), *self.models.versions(name)) for name in ("profile", "behavior")]
        return self.log.version, self.config.model_dump_json(), *read

    @property
    def catalogue(self) -> ibis.Table:
        """What is known of the products, and since when."""
        return self.engine.parquet(self.log.paths(self.log.snapshot(), "catalogue"), CATALOGUE)

    @property
    def now(self) -> datetime:
        """The moment just after the newest event from outside: the default as-of time.

        Raises
        ------
        NotEnoughError
            If the log is empty.
        """
        newest = self._newest()
        if newest is None:
            raise NotEnoughError(f"The log of {self.folder} is empty. Import a file: regulars import FILE")
        return newest + timedelta(microseconds=1)

    def _newest(self) -> datetime | None:
        """The time of the newest event from outside: files that end before one that was found are not read."""
        if self._events is not None:
            return self._newest_of(self._events)
        snapshot = self.log.snapshot()
        files = zip(snapshot.tables.get("events", ()), self.log.paths(snapshot, "events"), strict=True)
        newest: datetime | None = None
        for file, path in sorted(files, key=lambda each: each[0].last or "", reverse=True):
            if newest is not None and file.last is not None and datetime.fromisoformat(file.last) <= newest:
                break
            found = self._newest_of(self.engine.parquet([path], EVENTS))
            newest = found if newest is None or (found is not None and found > newest) else newest
        return newest

    def _newest_of(self, events: ibis.Table) -> datetime | None:
        (found,) = self.engine.answers([_newest(events.schema())], {"events": events})
        newest: datetime | None = found["time"][0].as_py()
        return None if newest is None else newest.astimezone(UTC)

    def mapping_for(self, source: Source) -> Mapping:
        """The mapping of shop.toml that fits a file best, else a guess (see `regulars.events.fitting`)."""
        return fitting(source, self.config.mappings(), self.config.shop.currency)

    def import_(
        self,
        path: str | Path,
        *,
        mapping: Mapping | None = None,
        strict: bool = False,
        on_progress: Progress = lambda rows, share: None,
    ) -> ImportResult:
        """Import a file, whole or not at all; a mapping that was guessed is written to shop.toml.

        Parameters
        ----------
        mapping : which column is which field; default: from shop.toml, else guessed.
        strict : fail if any row is refused, leaving the log as it was.

        Raises
        ------
        InputError
            If the file cannot be read at all, or no column can be the time.
        RejectedError
            If strict, and a row was refused.
        """
        path = Path(path)
        source = open_source(path)
        mapping = mapping or self.mapping_for(source)
        source = open_source(path, mapping.format) if mapping.format else source
        moment = clock.now()
        shop = self.config.shop
        undated, met = None, None
        if mapping.constants.get("time") == IMPORT:
            undated = (of_products if mapping.is_about_products else of_customers)(self, moment)
            met = first_met(self) if mapping.is_about_products else None
        conversion = Conversion(mapping, shop.currency, shop.timezone, moment, undated, met)
        rejects = self.folder / "rejects" / f"{moment:%Y-%m-%dT%H%M%S.%f}-{path.name.split('.')[0]}.csv"
        result = import_file(self.log, source, conversion, rejects, strict=strict, on_progress=on_progress)
        # The import is done; that files stay many because the disk is full now must not make it look undone.
        with suppress(OSError):
            result = replace(result, version=compact(self.log, below=TINY, more_than=MANY).version)
        if self.config.mappings().get(mapping.name) != mapping:
            config.add_mapping(self.folder, mapping)
            self.config = config.load(self.folder)
        return result

    def export(self, address: str) -> int:
        """Lay the newest version of the log, and the tables, below an address of an object store, for others to read.

        Parameters
        ----------
        address : such as "s3://bucket/shop"; for these files alone (see `object_store.laid`).

        Returns
        -------
        How many files were sent; those that lay there already are not.
        """
        snapshot = self.log.snapshot()
        files = {f"{name}/{path.name}": path for name in snapshot.tables for path in self.log.paths(snapshot, name)}
        files |= {f"tables/{path.parent.name}/{path.name}": path for path in self.tables.folder.glob("*/*.parquet")}
        return object_store.laid(files, address)

    def import_rates(self, path: str | Path) -> int:
        """Import what currencies were worth, by day (see `regulars.events.rates.read`); the log's version."""
        source = open_source(Path(path))
        shop = self.config.shop
        found = rates.read(source, shop.currency, shop.timezone)
        with self.log.transaction(f"rates of {source.path.name}") as transaction:
            transaction.add("rates", found)
            return transaction.commit()

    @property
    def unrated(self) -> list[str]:
        """The currencies of the log of which no rate is known: money in them counts as unknown."""
        snapshot = self.log.snapshot()
        foreign = {code.upper() for code in snapshot.currencies} - {self.config.shop.currency}
        return sorted(foreign - set(self.log.read("rates")["currency"].to_pylist())) if foreign else []

    def learn(self, name: str, until: datetime | None = None) -> tuple[Model, Report]:
        """Let a capability learn from events before a moment (default: all), and keep what it learned.

        A model that is better than its baseline is put to use. Another is kept too, but out of use:
        `decide` goes on with the one before it.
        """
        # Beyond the newest event nothing is known: who has not ordered there yet is not lost.
        until = min(_in_utc("until", until or self.now), self.now)
        version = self.log.version
        learned = capabilities.load(name).learn(self, until)
        card = {
            "made_at": clock.now().isoformat(),
            "until": until.isoformat(),
            "log_version": version,
            "code": {"regulars": installed("regulars"), "python": platform.python_version()},
            "about": dict(learned.about),
            "report": learned.report.to_dict(),
        }
        files = {**learned.files, "report.html": learned.report.to_html().encode()}
        model = self.models.save(name, files, card)
        if learned.report.in_use:
            self.models.use(name, model.version)
        return model, learned.report

    def evaluate(self, name: str, split: Split) -> Report:
        """How good a capability would have been, had it learned as of a moment; nothing is kept.

        Raises
        ------
        NotEnoughError
            If the log ends before the split's horizon does, or holds too little before or within it.
        """
        judged = capabilities.load(name)
        if self.now < split.target_end:
            raise NotEnoughError(
                f"{name}: what comes in the {split.horizon_days} days after {split.as_of:%Y-%m-%d} is known on "
                f"{split.target_end:%Y-%m-%d}, and the log ends on {self.now:%Y-%m-%d}. Choose an earlier as-of time, "
                "or a shorter horizon."
            )
        return judged.evaluate(self, split)

    def decide(self, name: str, as_of: datetime | None = None) -> Decided:
        """Let a capability decide as of a moment (default: now), write its decisions and log them.

        Raises
        ------
        InputError
            If the model in use learned from events after that moment.
        """
        as_of = _in_utc("as_of", as_of or self.now)
        model = self.models.in_use(name)
        until = datetime.fromisoformat(model.card["until"])
        if as_of < until:
            raise InputError(
                f"The {name} model in use, version {model.version}, learned from events until {until:%Y-%m-%d %H:%M}: "
                f"it would know what came after {as_of:%Y-%m-%d %H:%M}. Choose a later as-of time, or learn from "
                f"before it: regulars learn {name} --until {as_of:%Y-%m-%dT%H:%M}"
            )
        table = cast(Deciding, capabilities.load(name)).decide(self, as_of)
        logged = decisions.to_events(table, name, model.version, as_of, clock.now())
        files = self.tables.write(name, "decisions", table, as_of)
        left_out = int((table.schema.metadata or {}).get(b"left_out", 0))
        log_version = self.log.append(logged, f"decisions of {name}", {"left_out": left_out})
        return Decided(table, files, log_version, left_out)

    def buyers(self, as_of: datetime) -> ibis.Table:
        """The ids of the customers with an order before a moment, as the engine computes them.

        Who ordered as a visitor and is not known as a customer yet stands under the anonymous id.
        """
        events = self.events
        bought = events.filter(events.type == "order_completed", events.time < ibis.literal(as_of))
        bought = self.identities.named(bought.select("customer_id", "anonymous_id"), as_of)
        return bought.filter(bought.customer_id.notnull()).select("customer_id").distinct()

    def customers(self, as_of: datetime) -> pa.Table:
        """The customers with an order before a moment, as `buyers` has them: pairs (customer_id, as_of), by id."""
        ids = self.engine.to_arrow(self.buyers(as_of).order_by("customer_id"))
        return ids.append_column("as_of", pa.repeat(pa.scalar(as_of, EVENTS.field("time").type), ids.num_rows))


@lru_cache(maxsize=16)
def _newest(schema: ibis.Schema) -> Query:
    """The time of the newest event from outside, of a table of events."""
    events = Query.stand_in("events", schema)
    # Decisions are left out: they are made as of this moment and must not move it. So is what was
    # imported without a time into an empty log: the clock then may be years ahead of the events.
    is_undated = (events.type == "customer_identified") & (events.time == events.received_at)
    return Query(events.filter(events.type != decisions.TYPE, ~is_undated).agg(time=events.time.max()))


def _in_utc(name: str, moment: datetime) -> datetime:
    """The same moment in UTC, so that files and ids made from it are the same wherever it was asked for."""
    if moment.utcoffset() is None:
        raise ValueError(f"{name} is {moment.isoformat()}, without a time zone; UTC is expected")
    return moment.astimezone(UTC)
