"""The commands that keep a shop sound: checking, compaction, vacuum, and a look at the machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from regulars.cli.common import Json, ShopFolder, emit, err, out, working
from regulars.errors import CorruptLogError, UnsafeError

commands = typer.Typer()


@contextmanager
def _shares(what: str, *, quiet: bool) -> Iterator[Callable[[float], None]]:
    """A bar for something whose share done, 0 to 1, is told as it goes."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=quiet or not err.is_terminal) as progress:
        task = progress.add_task(what, total=1.0)
        yield lambda share: progress.update(task, completed=share)


@commands.command(epilog="Example: regulars check --shop myshop")
def check(
    shop: ShopFolder = Path(),
    drop_damaged: Annotated[
        bool,
        typer.Option("--drop-damaged", help="Go on without damaged files of the log: a new version leaves them out."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Is every file what was saved, and does every row keep the rules of the log? Reads all of it.

    Exits with 7 if the newest version of the log or a model in use is damaged. With --drop-damaged it says how many
    rows are lost and which files to import again: that brings back exactly those rows.
    """
    from regulars.events.check import check as check_log
    from regulars.events.recovery import drop_damaged as drop
    from regulars.shop import Shop

    door = Shop.open(shop)
    dropped = None
    if drop_damaged:
        with working("looking for damaged files", quiet=as_json):
            dropped = drop(door.log)
    with _shares("checking", quiet=as_json) as on_progress:
        found = check_log(door.log, door.engine, on_progress=on_progress)
    faults = [*found.faults, *door.models.faults()]
    is_damaged = any(fault.is_current for fault in faults)
    if as_json:
        told = asdict(found) | {"faults": [asdict(fault) for fault in faults]}
        emit(told | {"dropped": asdict(dropped) if dropped else None})
    else:
        if dropped:
            _tell_dropped(dropped)
        out.print(
            f"{found.versions:,} version{'s' * (found.versions != 1)}, {found.files:,} files, "
            f"{found.bytes / 1e6:,.1f} MB, {found.rows.get('events', 0):,} rows of events: "
            + ("[red]damaged[/]." if is_damaged else "[green]all is well[/].")
        )
        for fault in faults:
            where = "" if fault.is_current else " [dim](of an older version only)[/]"
            out.print(f"  {escape(fault.file)}: {escape(fault.fault)}{where}", soft_wrap=True)
        if is_damaged:
            out.print("Restore these files from a backup. Without one: regulars check --drop-damaged")
    if is_damaged:
        raise SystemExit(CorruptLogError.exit_code)


def _tell_dropped(dropped: Any) -> None:
    if not dropped.files and not dropped.versions:
        out.print("No file of the log is damaged: nothing was left out.")
        return
    for path in dropped.files:
        out.print(f"Left out: log/{escape(path)}")
    if dropped.versions:
        out.print(f"Given up, for their commit cannot be read: versions up to {dropped.versions[-1]}.")
    for table, rows in dropped.rows.items():
        out.print(f"Lost: {rows:,} rows of {table}.")
    for source, rows in dropped.sources.items():
        out.print(f"  {rows:,} rows of {escape(source)}. To have them back, import it again.")
    if "catalogue" in dropped.rows:
        out.print("  What is known of products comes back with the files that name them.")
    if dropped.since is not None:
        out.print(f"Import again every file that was imported after {dropped.since or 'the shop was made'}.")
    out.print(f"The log is at version {dropped.version}.")


@commands.command(epilog="Example: regulars compact --shop myshop")
def compact(shop: ShopFolder = Path(), as_json: Json = False) -> None:
    """Put small files of the log together, so that reading is fast again; no row changes.

    An import does it by itself when it leaves more than 64 files below 1 MiB.
    """
    from regulars.events.compaction import compact as compact_log
    from regulars.shop import Shop

    with _shares("compaction", quiet=as_json) as on_progress:
        done = compact_log(Shop.open(shop).log, on_progress=on_progress)
    if as_json:
        emit(done._asdict())
    else:
        files = f"{done.before:,} file{'s' * (done.before != 1)}"
        out.print(f"{files} became {done.after:,}. The log is at version {done.version}.")


@commands.command(epilog="Example: regulars vacuum --shop myshop --dry-run")
def vacuum(
    shop: ShopFolder = Path(),
    keep_days: Annotated[
        int | None,
        typer.Option(
            min=0, help="Keep versions that were replaced less than so many days ago. Default: [log] keep_days (30)."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    as_json: Json = False,
) -> None:
    """Remove old versions of the log, and the files that only they need. The newest always stays."""
    from regulars.events.vacuum import vacuum as vacuum_log
    from regulars.shop import Shop

    door = Shop.open(shop)
    days = door.config.log.keep_days if keep_days is None else keep_days
    done = vacuum_log(door.log, days, dry_run=dry_run)
    if as_json:
        emit(done._asdict() | {"dry_run": dry_run})
        return
    which = f" ({done.versions[0]} to {done.versions[-1]})" if done.versions else ""
    out.print(
        f"{'Would be removed' if dry_run else 'Removed'}: {len(done.versions):,} versions{which}, "
        f"{len(done.files):,} data files, {done.bytes / 1e6:,.1f} MB."
    )


@commands.command(epilog="Example: regulars retain --shop myshop")
def retain(shop: ShopFolder = Path(), as_json: Json = False) -> None:
    """Remove the events that [log] keep_events keeps no longer, from the log and from all that was made of them.

    Older versions of the log go, too. A server may run meanwhile. Let it run once a night.
    """
    from regulars.privacy.erase import retain as retain_events
    from regulars.shop import Shop

    with working("looking for events that are too old", quiet=as_json):
        done = retain_events(Shop.open(shop))
    if as_json:
        emit({"rows": done.rows if done else 0, "log_version": Shop.open(shop).log.version})
    elif done is None:
        out.print("No event is older than it is kept.")
    else:
        out.print(f"Removed: {done.rows:,} rows of the log. The log is at version {done.log_version}.")


@commands.command(epilog="Example: regulars doctor --shop myshop")
def doctor(shop: ShopFolder = Path(), as_json: Json = False) -> None:
    """What of this machine, or of the shop's set-up, is unsafe, and how to mend it.

    Exits with 10 if anything is unsafe; warnings alone end with 0.
    """
    from regulars.doctor import examine
    from regulars.shop import Shop

    findings = examine(Shop.open(shop))
    is_unsafe = any(finding.level == "unsafe" for finding in findings)
    if as_json:
        emit([finding._asdict() for finding in findings])
    else:
        colours = {"ok": "green", "warning": "yellow", "unsafe": "bold red"}
        table = Table("", "Subject", "What", "How to mend it")
        for level, subject, what, how in findings:
            table.add_row(f"[{colours[level]}]{level}[/]", subject, escape(what), escape(how))
        out.print(table)
    if is_unsafe:
        raise SystemExit(UnsafeError.exit_code)
