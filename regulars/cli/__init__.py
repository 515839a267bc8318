"""The command line: `regulars COMMAND`. A user's mistake is one sentence and an exit code, never a traceback."""

from __future__ import annotations

import json
import sys
from io import TextIOWrapper
from typing import Annotated

import typer
from rich.markup import escape

from regulars.cli import (
    acting,
    ads,
    audit,
    backups,
    campaigns,
    customers,
    experiment_results,
    experiments,
    fraud,
    keys,
    language,
    learning,
    lifecycle,
    log,
    offpolicy,
    overview,
    pricing,
    privacy,
    segment_rules,
    segments,
    serving,
    showing,
    simulate,
    support,
    support_quality,
    upkeep,
)
from regulars.cli.common import err
from regulars.errors import InputError, RegularsError

__all__ = ["app", "main"]

EXIT_CODES = """
Exit codes: 0 done; 2 the command was typed wrong; 3 shop.toml; 4 the folder is no shop, or in use;
5 a file cannot be read; 6 rows were refused (--strict); 7 the log or a model is damaged; 8 no such
customer, capability or version; 9 too little data; 10 the machine or set-up is unsafe (doctor);
11 over a limit; 12 no room for events; 13 something does not answer; 1 anything else.
"""

app = typer.Typer(
    name="regulars",
    help="Regulars (回头客): from a shop's event log to a decision about each customer.\n\nBegin with: regulars demo",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
for group in (log, overview, upkeep, backups, learning, acting, showing, segments, lifecycle, simulate, serving):
    app.registered_commands += group.commands.registered_commands
app.add_typer(customers.commands)
app.add_typer(privacy.commands)
app.add_typer(segment_rules.commands)
app.add_typer(fraud.commands)
app.add_typer(campaigns.commands)
app.add_typer(ads.commands)
app.add_typer(pricing.commands)
experiments.commands.registered_commands += experiment_results.commands.registered_commands
experiments.commands.registered_commands += offpolicy.commands.registered_commands
app.add_typer(experiments.commands)
app.add_typer(keys.commands)
app.add_typer(audit.commands)
app.add_typer(language.commands)
support.commands.registered_commands += support_quality.commands.registered_commands
app.add_typer(support.commands)
app.registered_commands += language.asking.registered_commands


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"regulars {version('regulars')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line, turning mistakes that a user can mend into a sentence."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # what it cannot write, such as names of files, is escaped
    try:
        _refuse_no_text(sys.argv)
        app()
    except RegularsError as error:
        _fail(error, error.exit_code)
    except OverflowError as error:
        # 99999999999 days, or a number of a case that no database can hold.
        _fail(error, InputError.exit_code, f"That is too large a number: {error}.")
    except OSError as error:
        # A full disk, a missing permission: said as they are, for the user can mend them.
        where = f"{error.filename}: " if error.filename else ""
        _fail(error, 1, f"{where}{error.strerror or error}")


def _refuse_no_text(words: list[str]) -> None:
    """What a terminal of another encoding sends: no database has it, and no answer can be printed with it."""
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError:
            raise InputError(
                f"{word!a} is not in UTF-8. Let the terminal write UTF-8, or give the file another name."
            ) from None


def _fail(error: Exception, code: int, said: str = "") -> None:
    said = said or str(error)
    if "--json" in sys.argv:
        print(json.dumps({"error": said, "kind": type(error).__name__, "exit_code": code}, ensure_ascii=False))
    else:
        err.print(f"[bold red]Error:[/] {escape(said)}", soft_wrap=True)
    raise SystemExit(code)
