"""The command line: `regulars COMMAND`. A user's mistake is one sentence and an exit code, never a traceback."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from regulars import clock
from regulars.errors import InputError, NotFoundError, RegularsError

EXIT_CODES = """
Exit codes: 0 done; 2 the command was typed wrong; 3 shop.toml; 4 the folder is no shop, or in use;
5 a file cannot be read; 6 rows were refused (--strict); 7 the log or a model is damaged; 8 no such
customer, capability or version; 9 too little data; 1 anything else.
"""

YEARS = (1970, 2200)
"""Times lie between these: far enough from the ends of the calendar that any horizon can be added or taken off."""

app = typer.Typer(
    name="regulars",
    help="Regulars (回头客): from a shop's event log to a decision about each customer.\n\nBegin with: regulars demo",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
out = Console()
err = Console(stderr=True)

ShopFolder = Annotated[
    Path, typer.Option("--shop", help="Folder of the shop. Default: this folder.", envvar="REGULARS_SHOP")
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else.")]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="TIME",
        help="Use events before this time only (UTC, e.g. 2024-05-01). Default: just after the newest event.",
    ),
]
Capabilities = Annotated[
    list[str] | None, typer.Argument(metavar="[CAPABILITY]...", help="Which ones, e.g. churn. Default: all.")
]


def main() -> None:
    """Run the command line, turning mistakes that a user can mend into a sentence."""
    try:
        app()
    except RegularsError as error:
        _fail(error, error.exit_code)
    except OSError as error:
        # A full disk, a missing permission: said as they are, for the user can mend them.
        _fail(error, 1)


def _fail(error: Exception, code: int) -> None:
    if "--json" in sys.argv:
        print(json.dumps({"error": str(error), "kind": type(error).__name__, "exit_code": code}, ensure_ascii=False))
    else:
        err.print(f"[bold red]Error:[/] {escape(str(error))}", soft_wrap=True)
    raise SystemExit(code)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f'"{text}" is no time. Write it as 2024-05-01 or 2024-05-01T10:30.') from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if not YEARS[0] <= moment.year < YEARS[1]:
        raise InputError(f'"{text}" is no time of a shop: a year from {YEARS[0]} to {YEARS[1]} is expected.')
    return moment


def _emit(found: Any) -> None:
    print(json.dumps(found, indent=2, ensure_ascii=False, default=str))


@contextmanager
def _working(what: str, *, quiet: bool = False) -> Iterator[None]:
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=quiet or not err.is_terminal,
    ) as progress:
        progress.add_task(what, total=None)
        yield


@app.command(epilog="Example: regulars init myshop --currency GBP --timezone Europe/London")
def init(
    folder: Annotated[Path, typer.Argument(help="A new folder for the shop.")],
    name: Annotated[str, typer.Option(help="What reports call the shop.")] = "My shop",
    currency: Annotated[str, typer.Option(help="Currency of amounts that name none (ISO 4217).")] = "EUR",
    timezone: Annotated[str, typer.Option(help="Time zone of times that name none.")] = "UTC",
    as_json: Json = False,
) -> None:
    """Make a new shop: a folder with its settings (shop.toml) and an empty log."""
    from pydantic import ValidationError

    from regulars.config import ShopSettings
    from regulars.shop import Shop

    try:
        settings = ShopSettings(name=name, currency=currency, timezone=timezone)
    except ValidationError as error:
        problem = error.errors()[0]
        message = problem["msg"].removeprefix("Value error, ")
        raise InputError(f"--{problem['loc'][0]} {problem['input']}: {message[0].lower()}{message[1:]}.") from None
    shop = Shop.create(folder, settings)
    if as_json:
        _emit({"shop": str(shop.folder)})
    else:
        out.print(f"Made a shop in {folder}. Its settings: {folder / 'shop.toml'}")
        out.print(f"Next: regulars import FILE --shop {folder}")


@app.command("import", epilog="Example: regulars import orders.csv --shop myshop")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV, TSV, JSON lines, Parquet or XLSX; .gz and .zst too.")],
    shop: ShopFolder = Path(),
    map_file: Annotated[
        Path | None,
        typer.Option("--map", metavar="FILE", help="TOML with the mapping, as under [mapping.NAME] of shop.toml."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Take the guessed mapping without asking.")] = False,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="If any row is refused, import nothing and leave the log as it was."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Import a file of events into the log, whole or not at all.

    Which column is what is taken from shop.toml, else guessed from the headers (English or Chinese)
    and the values, shown, and after your yes written to shop.toml. Importing a file again adds nothing.
    """
    from regulars.events.readers import open_source
    from regulars.shop import Shop

    door = Shop.open(shop)
    source = open_source(file)
    mapping = _mapping_from(map_file) if map_file else door.mapping_for(source)
    is_new = mapping.name not in door.config.mapping
    if is_new and not as_json:
        _show_mapping(mapping, source)
        if (
            not (yes or map_file)
            and sys.stdin.isatty()
            and not typer.confirm("Import with this mapping?", default=True)
        ):
            out.print("Nothing was imported. Write your own mapping to a file and give it with --map FILE.")
            raise SystemExit(0)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=as_json or not err.is_terminal,
    ) as progress:
        task = progress.add_task(f"importing {file.name}", total=1.0, rows=0)
        result = door.import_(
            file,
            mapping=mapping,
            strict=strict,
            on_progress=lambda rows, share: progress.update(task, completed=share, rows=rows),
        )
    if as_json:
        _emit(vars(result))
        return
    out.print(
        f"{result.read:,} rows read: [green]{result.added:,} added[/], {result.duplicates:,} known already, "
        f"{result.rejected:,} refused. The log is at version {result.version}."
    )
    for reason, count in result.reasons.items():
        out.print(f"  {count:,} refused: {escape(reason)}")
    if result.rejects:
        out.print(f"  Refused rows, with line, column, value and reason: {result.rejects}")


def _mapping_from(path: Path) -> Any:
    import tomllib

    from regulars.errors import ConfigError
    from regulars.events.mapping import Mapping

    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    sections = found.get("mapping", {path.stem: found})
    if not isinstance(sections, dict) or not all(isinstance(section, dict) for section in sections.values()):
        raise ConfigError(f'{path}: no mapping is in it. Write it as [mapping.NAME.columns], then time = "Date".')
    if len(sections) != 1:
        raise ConfigError(f"{path}: one mapping is expected, there are {len(sections)}: {', '.join(sections)}.")
    name, section = next(iter(sections.items()))
    return Mapping.from_dict(name, section)


def _show_mapping(mapping: Any, source: Any) -> None:
    rows = source.sample(3)
    at = {header: index for index, header in enumerate(source.headers)}
    table = Table("Field", "Column", "Row 1", "Row 2", "Row 3", title=f"{source.path.name} ({source.encoding})")
    for field, header in mapping.columns.items():
        cells = [(row[at[header]] or "")[:30] for row in rows] if header in at else []
        table.add_row(field, escape(header), *map(escape, cells))
    for field, value in mapping.constants.items():
        table.add_row(field, "[dim](for all rows)[/]", escape(value))
    out.print(table)
    unused = [header for header in source.headers if header not in mapping.columns.values()]
    if unused:
        out.print(f"[dim]Not used: {escape(', '.join(unused))}[/]")
    if mapping.constants.get("type"):
        out.print(f"Every row is taken for an event of type [bold]{mapping.constants['type']}[/].")


@app.command(epilog="Example: regulars events --shop myshop")
def events(
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """What the log holds: events by type, with first and last times, customers and products."""
    import ibis

    from regulars.shop import Shop

    door = Shop.open(shop)
    log = door.events
    by_type = log.group_by("type").agg(
        rows=log.count(),
        events=log.event_id.nunique(),
        customers=log.customer_id.nunique(),
        products=log.product_id.nunique(),
        first=log.time.min(),
        last=log.time.max(),
    )
    rows = door.engine.to_arrow(by_type.order_by(ibis.desc("rows"))).to_pylist()
    if as_json:
        _emit({"version": door.log.version, "types": rows})
        return
    table = Table(
        "Type",
        "Rows",
        "Events",
        "Customers",
        "Products",
        "First",
        "Last",
        title=f"Version {door.log.version}",
    )
    for row in rows:
        counts = [f"{row[name]:,}" for name in ("rows", "events", "customers", "products")]
        table.add_row(row["type"], *counts, f"{row['first']:%Y-%m-%d %H:%M}", f"{row['last']:%Y-%m-%d %H:%M}")
    out.print(table)
    for commit in list(door.log.history())[:5]:
        out.print(f"[dim]version {commit.version}, {commit.time:%Y-%m-%d %H:%M}: {commit.operation}[/]")


@app.command(epilog="Example: regulars learn churn --shop myshop")
def learn(
    capability: Capabilities = None,
    shop: ShopFolder = Path(),
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="TIME", help="Learn from events before this time only. Default: all."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Learn from the log. What is better than its baseline is put to use; the rest is kept, out of use."""
    from regulars.shop import Shop

    door = Shop.open(shop)
    found = []
    for name in _named(capability):
        with _working(f"learning {name}", quiet=as_json):
            model, report = door.learn(name, _moment(until))
        found.append({"capability": name, "version": model.version, **report.to_dict()})
        if not as_json:
            out.print(f"[bold]{name}[/], version {model.version}: {report.verdict}")
            out.print(f"  Report: {model.folder / 'report.html'}")
    if as_json:
        _emit(found)


@app.command(epilog="Example: regulars evaluate churn --as-of 2024-05-01 --shop myshop --html report.html")
def evaluate(
    capability: Capabilities = None,
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    horizon: Annotated[
        int | None,
        typer.Option(help="Days to judge by. Default: horizon_days of [churn] in shop.toml.", min=1, max=3650),
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write the report, with its charts, to this file.")] = None,
    as_json: Json = False,
) -> None:
    """How good is a capability? Learn before a time, judge by what came after it. Nothing is kept.

    The default time is the latest whose outcome is known: one horizon before the newest event.
    """
    from datetime import timedelta

    from regulars import storage
    from regulars.evaluation import Section, Split, render
    from regulars.shop import Shop

    door = Shop.open(shop)
    days = horizon or door.config.churn.horizon_days
    split = Split(_moment(as_of) or door.now - timedelta(days=days), days)
    reports = []
    for name in _named(capability):
        with _working(f"evaluating {name} as of {split.as_of:%Y-%m-%d}", quiet=as_json):
            reports.append(door.evaluate(name, split))
        if not as_json:
            out.print(reports[-1])
    if html:
        storage.replace(html, render(door.config.shop.name, [Section(report=report) for report in reports]))
        if not as_json:
            out.print(f"Report: {html}")
    if as_json:
        _emit([report.to_dict() for report in reports])


@app.command(epilog="Example: regulars decide churn --shop myshop --as-of 2024-05-01")
def decide(
    capability: Capabilities = None,
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """What to do for whom: written as Parquet and CSV, and logged with policy, propensity and reasons."""
    from regulars.shop import Shop

    door = Shop.open(shop)
    found = []
    for name in _named(capability, acting=True):
        with _working(f"deciding {name}", quiet=as_json):
            decided = door.decide(name, _moment(as_of))
        found.append(
            {
                "capability": name,
                "decisions": decided.table.num_rows,
                "files": [str(path) for path in decided.files],
                "log_version": decided.log_version,
                "first": decided.table.slice(0, 10).to_pylist(),
            }
        )
        if not as_json:
            _show_decisions(name, decided)
    if as_json:
        _emit(found)


def _show_decisions(name: str, decided: Any) -> None:
    table = Table(
        "",
        "Customer",
        "Action",
        "Risk",
        "At risk",
        "Because of",
        title=f"{name}: the first of {decided.table.num_rows}",
    )
    for row in decided.table.slice(0, 10).to_pylist():
        table.add_row(
            str(row["rank"]),
            escape(row["customer_id"]),
            row["action"],
            f"{row['churn_probability']:.0%}",
            f"{row['value_at_risk']:,.0f}",
            escape("; ".join(row["reasons"])),
        )
    out.print(table)
    for path in decided.files:
        out.print(f"  {path}")


@app.command(epilog="Example: regulars profile 14911 --shop myshop")
def profile(
    customer: Annotated[str | None, typer.Argument(help="Id of the customer. Default: all, written to files.")] = None,
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Who is this customer? A readable page; without a customer, the profiles of all, as Parquet and CSV."""
    from collections import Counter

    from regulars.profile import page, profiles
    from regulars.shop import Shop

    door = Shop.open(shop)
    moment = _moment(as_of) or door.now
    if customer is not None:
        with _working(f"reading {customer}", quiet=as_json):
            found = page(door, customer, moment)
        _emit(found.to_dict()) if as_json else out.print(found)
        return
    with _working("computing profiles", quiet=as_json):
        table = profiles(door, moment)
        files = door.tables.write("profile", "profiles", table, moment)
    stages = dict(Counter(table["stage"].to_pylist()).most_common())
    if as_json:
        _emit({"customers": table.num_rows, "stages": stages, "files": [str(path) for path in files]})
        return
    out.print(f"{table.num_rows:,} customers: " + ", ".join(f"{count:,} {stage}" for stage, count in stages.items()))
    for path in files:
        out.print(f"  {path}")


@app.command(epilog="Example: regulars history churn --shop myshop")
def history(
    capability: Capabilities = None,
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """The versions of what was learned, the newest first, each with its verdict."""
    from regulars.shop import Shop

    door = Shop.open(shop)
    found = []
    for name in _named(capability):
        used = door.models.version_in_use(name)
        found += [{**model.card, "in_use": model.version == used} for model in door.models.history(name)]
    if as_json:
        _emit(found)
        return
    if not found:
        out.print("Nothing was learned yet. Train: regulars learn")
        return
    table = Table("Capability", "Version", "In use", "Made", "Learned until", "Verdict")
    for card in found:
        table.add_row(
            card["capability"],
            str(card["version"]),
            "yes" if card["in_use"] else "",
            card["made_at"][:16],
            card["until"][:16],
            card["report"]["verdict"],
        )
    out.print(table)


@app.command(epilog="Example: regulars rollback churn 1 --shop myshop")
def rollback(
    capability: Annotated[str, typer.Argument(help="Which one, e.g. churn.")],
    version: Annotated[int, typer.Argument(help="The version to use from now on; `regulars history` lists them.")],
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """Use another version of what was learned, at once."""
    from regulars.shop import Shop

    door = Shop.open(shop)
    _named([capability])
    model = door.models.use(capability, version)
    if as_json:
        _emit({"capability": capability, "version": model.version})
    else:
        out.print(f"{capability} uses version {model.version} now, learned until {model.card['until'][:16]}.")


@app.command(epilog="Example: regulars demo --dir demo")
def demo(
    folder: Annotated[Path, typer.Option("--dir", help="A new folder for the demo's shop.")] = Path("demo"),
    as_json: Json = False,
) -> None:
    """The main job on a real shop's orders, which come with the package: three minutes, no network."""
    from regulars import demo as shop_demo

    steps = []

    @contextmanager
    def working(what: str) -> Iterator[None]:
        start = clock.now()
        with _working(what, quiet=as_json):
            yield
        seconds = (clock.now() - start).total_seconds()
        steps.append(what)
        if not as_json:
            err.print(f"[green]✓[/] {what} [dim]{seconds:.1f} s[/]")

    found = shop_demo.run(folder, working)
    lines = list(found.findings())
    files = [str(found.report), *map(str, found.decided.files)]
    if as_json:
        _emit({"shop": str(folder), "findings": lines, "files": files})
        return
    out.print()
    for line in lines:
        out.print(f"• {escape(line)}", highlight=False, soft_wrap=True)
    out.print("\nOpen the report in a browser, the lists in a spreadsheet:")
    for path in files:
        out.print(f"  {path}", highlight=False, soft_wrap=True)
    out.print(f"Then ask about one customer: regulars profile 14911 --shop {folder}")


def _named(given: list[str] | None, *, acting: bool = False) -> list[str]:
    """The capabilities that were asked for, or all; NotFoundError for one that there is not."""
    from regulars import capability as capabilities

    there = capabilities.names()
    chosen = list(given or there)
    for name in chosen:
        found = capabilities.load(name)
        if acting and not hasattr(found, "decide"):
            if given:
                raise NotFoundError(f"{name} knows, but does not act: there is nothing to decide.")
            chosen = [other for other in chosen if other != name]
    return chosen
