"""A shop: one folder with its settings, its log, its models and its tables."""

from __future__ import annotations

import platform
from datetime import UTC, datetime, timedelta
from functools import cached_property
from importlib.metadata import version as installed
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import ibis
import pyarrow as pa

from regulars import capability as capabilities
from regulars import clock, config, decisions, storage
from regulars.capability import Deciding
from regulars.config import Config, ShopSettings
from regulars.engine import Engine
from regulars.errors import InputError, NotEnoughError, ShopError
from regulars.events import formats
from regulars.events.convert import Conversion
from regulars.events.guess import guess
from regulars.events.importing import ImportResult, Progress, import_file
from regulars.events.log import EventLog
from regulars.events.mapping import Mapping
from regulars.events.readers import Source
from regulars.events.schema import CATALOGUE, EVENTS
from regulars.models import Model, Models
from regulars.tables import Tables

if TYPE_CHECKING:
    from regulars.evaluation import Report, Split


class Decided(NamedTuple):
    """What `Shop.decide` did: the table of decisions, the files it was written to, the log's version."""

    table: pa.Table
    files: list[Path]
    log_version: int


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
        self._events: ibis.Table | None = None

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
        return Engine(spill=self.folder / settings.spill, memory=settings.memory, threads=settings.threads)

    @property
    def events(self) -> ibis.Table:
        """The newest version of the log."""
        if self._events is not None:
            return self._events
        return self.engine.parquet(self.log.paths(self.log.snapshot(), "events"), EVENTS)

    def with_events(self, events: ibis.Table) -> Shop:
        """The same shop as if these were its events: to ask what would be computed from another past."""
        other = Shop(self.folder, self.config)
        other.engine, other._events = self.engine, events
        return other

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
        # Decisions are left out: they are made as of this moment and must not move it.
        outside = self.events.filter(ibis._.type != decisions.TYPE)
        newest = self.engine.to_arrow(outside.time.max()).as_py()
        if newest is None:
            raise NotEnoughError(f"The log of {self.folder} is empty. Import a file: regulars import FILE")
        return cast(datetime, newest) + timedelta(microseconds=1)

    def mapping_for(self, source: Source) -> Mapping:
        """The mapping of shop.toml whose columns are all in the file and are the most; else a guess.

        A file of a ready-made format takes a mapping of that format only: one that happens to fit its
        columns would miss what the format unfolds. A guess is named after its file, the mapping of a format
        after that, by a name that no other mapping has.
        """
        form = formats.recognise(source)
        headers = formats.unfolded(source, form.name).headers if form else source.headers
        known = [
            mapping
            for mapping in self.config.mappings().values()
            if mapping.format == (form.name if form else "") and set(mapping.columns.values()) <= set(headers)
        ]
        if known:
            return max(known, key=lambda mapping: len(mapping.columns))
        stem = form.name if form else source.path.name.split(".")[0].lower()
        stem = "".join(letter if letter.isalnum() else "_" for letter in stem)
        # Never that of another kind of file, whose mapping may have been written by hand.
        numbered = (f"{stem}_{number}" for number in count(2))
        name = next(name for name in chain([stem], numbered) if name not in self.config.mapping)
        if form:
            return formats.preset(form, headers, name)
        currency = self.config.shop.currency
        return guess(source.headers, source.sample(1000), name=name, currency=currency).mapping

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
        source = formats.open_source(path)
        mapping = mapping or self.mapping_for(source)
        source = formats.unfolded(source, mapping.format)
        moment = clock.now()
        shop = self.config.shop
        conversion = Conversion(mapping, shop.currency, shop.timezone, moment)
        rejects = self.folder / "rejects" / f"{moment:%Y-%m-%dT%H%M%S.%f}-{path.name.split('.')[0]}.csv"
        result = import_file(self.log, source, conversion, rejects, strict=strict, on_progress=on_progress)
        if self.config.mappings().get(mapping.name) != mapping:
            config.add_mapping(self.folder, mapping)
            self.config = config.load(self.folder)
        return result

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
        """How good a capability would have been, had it learned as of a moment; nothing is kept."""
        return capabilities.load(name).evaluate(self, split)

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
        log_version = decisions.append(self.log, logged, f"decisions of {name}")
        return Decided(table, files, log_version)

    def customers(self, as_of: datetime) -> pa.Table:
        """The customers with an order before a moment: pairs (customer_id, as_of), by id."""
        events = self.events
        bought = events.filter(
            events.type == "order_completed", events.customer_id.notnull(), events.time < ibis.literal(as_of)
        )
        ids = self.engine.to_arrow(bought.select("customer_id").distinct().order_by("customer_id"))
        return ids.append_column("as_of", pa.repeat(pa.scalar(as_of, EVENTS.field("time").type), ids.num_rows))


def _in_utc(name: str, moment: datetime) -> datetime:
    """The same moment in UTC, so that files and ids made from it are the same wherever it was asked for."""
    if moment.utcoffset() is None:
        raise ValueError(f"{name} is {moment.isoformat()}, without a time zone; UTC is expected")
    return moment.astimezone(UTC)
