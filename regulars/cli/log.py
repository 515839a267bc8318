"""The commands of the log: making a shop, importing files, looking at what is there."""

from __future__ import annotations

import sys
from collections.abc import Iterable
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
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILES...",
            help="CSV, TSV, JSON lines, Parquet or XLSX; .gz and .zst too. Or folders and .zip archives of them. "
            "Each may lie in S3: s3://bucket/orders.csv.",
        ),
    ],
    shop: ShopFolder = Path(),
    map_file: Annotated[
        Path | None,
        typer.Option("--map", metavar="FILE", help="TOML with the mapping, as under [mapping.NAME] of shop.toml."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Take the guessed mapping without asking.")] = False,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="If any row of a file is refused, import nothing of that file."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Import files of events into the log, each whole or not at all.

    Which column is what is taken from shop.toml, else guessed from the headers (English or Chinese)
    and the values, shown, and after your yes written to shop.toml. Importing a file again adds nothing.
    Of many files, one that cannot be read does not stop the rest; the exit code is then its.
    """
    from regulars.events import sandbox

    sandbox.prepare()  # while the rest of this program is loaded
    from regulars.object_store import brought
    from regulars.shop import Shop

    door = Shop.open(shop)
    with brought(files, door.folder / door.config.engine.spill) as paths:
        mapping = _mapping_from(map_file) if map_file else None
        asks = not (yes or map_file or as_json) and sys.stdin.isatty()
        worst = _import_all(door, paths, mapping, strict=strict, asks=asks, as_json=as_json)
    if worst:
        raise SystemExit(worst)


def _import_all(door: Any, files: list[Path], mapping: Any, *, strict: bool, asks: bool, as_json: bool) -> int:
    """Import files, and say what came of each; the exit code of the worst."""
    from regulars.events.files import Found, find
    from regulars.events.formats import takes_whole

    found = list(find(files, takes_whole))
    if found == [Found(files[0])]:
        result = _import_one(door, files[0], mapping, strict=strict, asks=asks, as_json=as_json)
        if as_json and result:
            emit(vars(result))
        elif result:
            _print_import(result)
            _print_unrated(door)
        return 0
    if all(file.skipped for file in found):
        names = ", ".join(map(str, files))
        raise InputError(
            f"{names}: holds no file to import. Name the files, or a folder or .zip archive that has some."
        )
    outcomes: list[dict[str, Any]] = []
    for number, file in enumerate(found, 1):
        outcome: dict[str, Any] = {"source": str(file.path)}
        if file.skipped:
            outcome["skipped"] = file.skipped
        else:
            try:
                about = f" ({number} of {len(found)})"
                result = _import_one(door, file.path, mapping, strict=strict, asks=asks, as_json=as_json, about=about)
                outcome |= vars(result) if result else {"skipped": "you said no"}
            except InputError as error:
                outcome |= {"error": str(error), "kind": type(error).__name__, "exit_code": error.exit_code}
        outcomes.append(outcome)
        if not as_json:
            _print_outcome(outcome)
    if as_json:
        emit(outcomes)
    else:
        _print_total(outcomes, door.log.version)
        _print_unrated(door)
    return max((outcome.get("exit_code", 0) for outcome in outcomes), default=0)


@commands.command(epilog="Example: regulars export s3://bucket/myshop --shop myshop")
def export(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="s3://bucket/folder; for these files alone.")],
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """Lay the log and the tables in S3 as Parquet, for others to read. What lies there already is not sent again."""
    from regulars.shop import Shop

    sent = Shop.open(shop).export(address)
    if as_json:
        emit({"address": address, "sent": sent})
    else:
        out.print(f"{sent:,} files sent; the log and the tables are in {address}", highlight=False)


def _import_one(
    door: Any, file: Path, mapping: Any, *, strict: bool, asks: bool, as_json: bool, about: str = ""
) -> Any:
    """Import a file, its mapping shown if it is new; None if the user does not want it so."""
    from regulars.events.formats import FORMATS
    from regulars.events.sandbox import open_source

    source = open_source(file)
    mapping = mapping or door.mapping_for(source)
    if mapping.name not in door.config.mapping and not as_json:
        _show_mapping(mapping, open_source(file, mapping.format), door.config.shop.currency)
        if mapping.format and (weakness := FORMATS[mapping.format].weakness):
            out.print(f"[yellow]{weakness}[/]")
        if asks and not typer.confirm("Import with this mapping?", default=True):
            out.print("Nothing was imported. Write your own mapping to a file and give it with --map FILE.")
            return None
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
        task = progress.add_task(f"importing {escape(file.name)}{about}", total=1.0, rows=0)
        return door.import_(
            file,
            mapping=mapping,
            strict=strict,
            on_progress=lambda rows, share: progress.update(task, completed=share, rows=rows),
        )


def _print_import(result: Any) -> None:
    out.print(
        f"{result.read:,} rows read: [green]{result.added:,} added[/], {result.duplicates:,} known already, "
        f"{result.rejected:,} refused. The log is at version {result.version}."
    )
    for reason, count in result.reasons.items():
        out.print(f"  {count:,} refused: {escape(reason)}")
    for note, count in result.notes.items():
        out.print(f"  {count:,} {escape(note)}")
    if result.rejects:
        out.print(f"  Refused rows, with line, column, value and reason: {result.rejects}")


def _print_unrated(door: Any) -> None:
    if door.unrated:
        out.print(
            f"  Money in {', '.join(door.unrated)} counts as unknown until there are rates: "
            f"regulars rates FILE --shop {door.folder}"
        )


def _print_outcome(outcome: dict[str, Any]) -> None:
    """One line for one of many files."""
    source = escape(outcome["source"])
    if "error" in outcome:
        out.print(f"{source}: [bold red]not imported[/]")
        err.print(f"[bold red]Error:[/] {escape(outcome['error'])}", soft_wrap=True)
    elif "skipped" in outcome:
        out.print(f"[dim]{source}: skipped ({escape(outcome['skipped'])})[/]", soft_wrap=True)
    else:
        refused = f"{outcome['rejected']:,} refused" + (f": {outcome['rejects']}" if outcome["rejects"] else "")
        out.print(
            f"{source}: {outcome['read']:,} rows read: [green]{outcome['added']:,} added[/], "
            f"{outcome['duplicates']:,} known already, {escape(refused)}",
            soft_wrap=True,
        )


def _print_total(outcomes: list[dict[str, Any]], version: int) -> None:
    rows = {name: sum(each.get(name, 0) for each in outcomes) for name in ("read", "added", "duplicates", "rejected")}
    failed, skipped = (sum(name in outcome for outcome in outcomes) for name in ("error", "skipped"))
    out.print(
        f"{len(outcomes) - failed - skipped:,} files imported, {failed:,} not, {skipped:,} skipped; "
        f"{rows['read']:,} rows read: [green]{rows['added']:,} added[/], {rows['duplicates']:,} known already, "
        f"{rows['rejected']:,} refused. The log is at version {version}."
    )


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


MOST_KEPT = 6
"""So many columns that keep their own names are shown one by one; of more, only their names are said."""
MOST_NAMES = 40


def _show_mapping(mapping: Any, source: Any, currency: str) -> None:
    from regulars.events.guess_attempts import KEPT

    rows = source.sample(1000)
    guessed = _guessed(mapping, source.headers, rows, currency)
    kept = [field for field in mapping.columns if guessed and guessed.evidence[field] == KEPT]
    folded = kept if len(kept) > MOST_KEPT else []
    at = {header: index for index, header in enumerate(source.headers)}
    table = Table("Field", "Column", "Row 1", "Row 2", "Row 3", title=escape(f"{source.path.name} ({source.encoding})"))
    for field, header in mapping.columns.items():
        if field not in folded:
            cells = [(row[at[header]] or "")[:30] for row in rows[:3]] if header in at else []
            table.add_row(escape(field), escape(header), *map(escape, cells))
    if folded:
        table.add_row("properties.…", f"[dim]({len(folded)} more)[/]")
    for field, value in mapping.constants.items():
        table.add_row(field, "[dim](for all rows)[/]", escape(value))
    out.print(table)
    if folded:
        out.print(f"[dim]Kept under their own names: {escape(_names(mapping.columns[field] for field in folded))}[/]")
    used = set(mapping.columns.values())
    unused = [header or "(without a name)" for header in source.headers if header not in used]
    if unused:
        out.print(f"[dim]Not used: {escape(_names(unused))}[/]")
    for note in guessed.notes if guessed else ():
        out.print(f"[yellow]{escape(note)}[/]")
    if mapping.is_about_products:
        out.print("Every row is taken for what is known of a [bold]product[/]: no event, but a line of the catalogue.")
    elif mapping.constants.get("type"):
        out.print(f"Every row is taken for an event of type [bold]{mapping.constants['type']}[/].")


def _guessed(mapping: Any, headers: Any, rows: Any, currency: str) -> Any:
    """The guess that a mapping is, with its reasons; None if somebody wrote it."""
    from regulars.events.guess import guess

    if mapping.format or not any(map(any, rows)):
        return None
    try:
        found = guess(headers, rows, name=mapping.name, currency=currency)
    except InputError:
        return None
    return found if found.mapping == mapping else None


def _names(headers: Iterable[str]) -> str:
    """Columns in a row; of very many the first, and how many more there are."""
    names = list(headers)
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


@commands.command(epilog="Example: regulars rates eurofxref-hist.csv --shop myshop")
def rates(
    file: Annotated[Path | None, typer.Argument(help="Rates by day, to import. Default: show what is known.")] = None,
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """What other currencies are worth in the shop's own, by day.

    A file has date, currency and rate (what one of it is worth in the shop's currency), or a date and one column
    for each currency (how many of it one euro buys, as the European Central Bank gives them).
    """
    from regulars.shop import Shop

    door = Shop.open(shop)
    if file:
        door.import_rates(file)
    table = door.log.read("rates")
    known = table.group_by("currency").aggregate(
        [("valid_from", "count"), ("valid_from", "min"), ("valid_from", "max")]
    )
    found = [
        {"currency": code, "days": days, "first": first, "last": last}
        for code, days, first, last in zip(*(column.to_pylist() for column in known.columns), strict=True)
    ]
    if as_json:
        emit({"currency": door.config.shop.currency, "rates": found, "without": door.unrated})
        return
    if found:
        listing = Table("Currency", "Days", "First", "Last", title=f"In {door.config.shop.currency}")
        for row in found:
            listing.add_row(row["currency"], f"{row['days']:,}", f"{row['first']:%Y-%m-%d}", f"{row['last']:%Y-%m-%d}")
        out.print(listing)
    if door.unrated:
        out.print(f"No rate is known of {', '.join(door.unrated)}: money in it counts as unknown.")
    elif not found:
        out.print("No rates are known, and none are needed: all money is in the shop's own currency.")
