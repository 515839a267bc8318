"""The commands of the log: making a shop, importing files, looking at what is there."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from regulars.cli.common import Json, ShopFolder, emit, err, out
from regulars.errors import InputError

commands = typer.Typer()


@commands.command(epilog="Example: regulars init myshop --currency GBP --timezone Europe/London")
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
        emit({"shop": str(shop.folder)})
    else:
        out.print(f"Made a shop in {folder}. Its settings: {folder / 'shop.toml'}")
        out.print(f"Next: regulars import FILE --shop {folder}")


@commands.command("import", epilog="Example: regulars import orders.csv --shop myshop")
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
    from regulars.events import formats
    from regulars.shop import Shop

    door = Shop.open(shop)
    source = formats.open_source(file)
    mapping = _mapping_from(map_file) if map_file else door.mapping_for(source)
    is_new = mapping.name not in door.config.mapping
    if is_new and not as_json:
        _show_mapping(mapping, formats.unfolded(source, mapping.format))
        if mapping.format and (weakness := formats.FORMATS[mapping.format].weakness):
            out.print(f"[yellow]{weakness}[/]")
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
        emit(vars(result))
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


@commands.command(epilog="Example: regulars events --shop myshop")
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
        emit({"version": door.log.version, "types": rows})
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
