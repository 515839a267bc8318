"""The commands of backups: taking one, checking all, and a shop from one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from regulars.cli.common import Json, ShopFolder, emit, out, to_moment, working
from regulars.errors import CorruptBackupError, InputError

commands = typer.Typer()


@commands.command(epilog="Example: regulars backup /mnt/backups/myshop --shop myshop")
def backup(
    place: Annotated[Path, typer.Argument(help="Folder of the shop's backups, best on another disk.")],
    keep_days: Annotated[
        int | None,
        typer.Option(min=0, help="Remove backups that another followed more than so many days ago. Default: keep all."),
    ] = None,
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """Back the shop up: log, inbox, state, models, tables and settings. It costs what changed since the last time.

    A server may run meanwhile; what it acknowledged before is in the backup. Run it again after an erasure, so that
    the backups know of it.
    """
    from regulars.backup import take
    from regulars.shop import Shop

    with working("copying", quiet=as_json):
        done = take(Shop.open(shop), place, keep_days)
    if as_json:
        emit(done._asdict())
        return
    out.print(
        f"Backup {done.number}: {done.files:,} files, {done.bytes / 1e6:,.1f} MB, of which "
        f"{done.added_files:,} files, {done.added_bytes / 1e6:,.1f} MB are new."
    )
    if done.removed:
        out.print(f"Removed: backups up to {done.removed[-1]}.")
    _tell_outside(done.outside)


@commands.command(epilog="Example: regulars restore /mnt/backups/myshop myshop --at 2024-05-01T12:00")
def restore(
    place: Annotated[Path, typer.Argument(help="Folder of the shop's backups.")],
    folder: Annotated[Path | None, typer.Argument(help="Folder of the shop to make; must not be there.")] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="The shop as it was then (UTC, e.g. 2024-05-01T12:00). Default: the newest."),
    ] = None,
    erased: Annotated[
        Path | None,
        typer.Option(help="log/erased.json of the shop as it was last. Default: as the newest backup knows it."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only read all backups and say whether they are whole.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a shop from its backups, as it was at a moment. Who was erased since does not come back.

    With --check nothing is made: it exits with 7 if anything is missing or damaged, and says which backups are whole.
    """
    from regulars.backup import restore as restore_shop

    if check:
        if folder or at or erased:
            raise InputError("--check only reads all backups. Leave the folder, --at and --erased out.")
        _check(place, as_json)
        return
    if folder is None:
        raise InputError("Name the folder of the shop to make, or say --check.")
    with working("copying", quiet=as_json):
        done = restore_shop(place, folder, to_moment(at), erased)
    if as_json:
        emit(done._asdict())
        return
    out.print(
        f"{escape(str(folder))} is the shop of backup {done.number}, {done.time:%Y-%m-%d %H:%M:%S}: "
        f"{done.files:,} files, {done.bytes / 1e6:,.1f} MB; the log is at version {done.log_version}."
    )
    if done.erased:
        out.print(f"Erased again: {len(done.erased):,} id{'s' * (len(done.erased) != 1)}.")
    _tell_outside(done.outside)


def _check(place: Path, as_json: bool) -> None:
    from regulars.backup import check

    with working("reading", quiet=as_json):
        found = check(place)
    if as_json:
        emit(found._asdict() | {"faults": [fault._asdict() for fault in found.faults]})
    else:
        state = "[red]damaged[/]" if found.faults else "[green]all is well[/]"
        out.print(
            f"{len(found.backups):,} backup{'s' * (len(found.backups) != 1)}, {found.files:,} files, "
            f"{found.bytes / 1e6:,.1f} MB: {state}."
        )
        for fault in found.faults:
            out.print(f"  {escape(fault.what)}", soft_wrap=True)
        if found.faults:
            out.print(f"Whole: {', '.join(map(str, found.whole)) or 'none'}.")
    if found.faults:
        raise SystemExit(CorruptBackupError.exit_code)


def _tell_outside(parts: Any) -> None:
    for part in parts:
        out.print(f"[yellow]Not in it:[/] {escape(part)}. Back it up by its own tools, before this.", soft_wrap=True)
