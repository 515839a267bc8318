"""The commands of segments that are rules: keep one under a name, count, list who is in it, compare two moments."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from regulars.cli.common import AsOf, Json, ShopFolder, emit, err, out, to_moment, working

commands = typer.Typer(
    name="segment", help="Which customers are meant: rules with a name, who is in them and when.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="The segment's name.")]
RuleText = Annotated[str, typer.Argument(help='Of whom, e.g. "last_order > 60 days and orders >= 2".')]

SHOWN = 20
"""So many customers are shown on the screen; the files have all."""


@commands.command(epilog='Example: regulars segment add lapsing "last_order > 60 days and orders >= 2" --shop myshop')
def add(
    name: Name,
    rule: RuleText,
    note: Annotated[str | None, typer.Option(help="What it is for. Default: as before.")] = None,
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """Keep a rule under a name. If the name is taken, this is a new version; the versions before it stay."""
    from dataclasses import asdict

    from regulars.segment.rule import Segments, Words
    from regulars.shop import Shop

    door = Shop.open(shop)
    with working("reading the rule", quiet=as_json):
        words = Words.of(door, door.now)
        made = Segments(door).save(name, rule, words.vocabulary, note)
    if as_json:
        emit(asdict(made))
        return
    out.print(f"[bold]{escape(made.name)}[/], version {made.version}: {escape(made.rule)}", highlight=False)
    out.print(f"Who is in it: regulars segment members {escape(made.name)!r}", highlight=False)


@commands.command("list", epilog="Example: regulars segment list --shop myshop")
def list_(shop: ShopFolder = Path(), as_json: Json = False) -> None:
    """The segments there are, each with its newest rule."""
    from dataclasses import asdict

    from regulars.segment.rule import Segments
    from regulars.shop import Shop

    segments = Segments(Shop.open(shop))
    found = [segments.get(name) for name in segments.names()]
    if as_json:
        emit([asdict(segment) for segment in found])
        return
    if not found:
        out.print("There are no segments yet. Make one: regulars segment add NAME RULE")
        return
    table = Table("Segment", "Version", "Created", "Rule", "Note")
    for segment in found:
        cells = (segment.name, str(segment.version), f"{segment.created:%Y-%m-%d}", segment.rule, segment.note)
        table.add_row(*map(escape, cells))
    out.print(table)


@commands.command(epilog="Example: regulars segment show lapsing --shop myshop")
def show(name: Name, shop: ShopFolder = Path(), as_json: Json = False) -> None:
    """One segment: its rule and note, and all versions."""
    from dataclasses import asdict

    from regulars.segment.rule import Segments
    from regulars.shop import Shop

    versions = Segments(Shop.open(shop)).history(name)
    if as_json:
        emit([asdict(segment) for segment in versions])
        return
    for segment in versions:
        note = f" ({segment.note})" if segment.note else ""
        out.print(
            f"[bold]{escape(segment.name)}[/], version {segment.version}, "
            f"{segment.created:%Y-%m-%d %H:%M}{escape(note)}\n  {escape(segment.rule)}",
            highlight=False,
        )


@commands.command(epilog='Example: regulars segment count "not messaged within 7 days" --shop myshop')
def count(rule: RuleText, shop: ShopFolder = Path(), as_of: AsOf = None, as_json: Json = False) -> None:
    """How many customers a rule means. Who objected to profiling or to marketing is counted apart."""
    import pyarrow.compute as pc

    from regulars.segment.rule import members
    from regulars.shop import Shop

    door = Shop.open(shop)
    moment = to_moment(as_of) or door.now
    with working("counting", quiet=as_json):
        found = members(door, rule, moment)
    number, contactable = found.table.num_rows, pc.sum(found.table["may_contact"]).as_py() or 0
    if as_json:
        emit(
            {
                "as_of": moment.isoformat(),
                "members": number,
                "contactable": contactable,
                "left_out": found.left_out,
                "customers": found.customers,
                "notes": found.notes,
            }
        )
        return
    share = number / found.customers if found.customers else 0.0
    out.print(f"[bold]{number:,}[/] of {found.customers:,} customers ({share:.1%}), as of {moment:%Y-%m-%d %H:%M}.")
    _show_objections(number - contactable, found.left_out)
    _show_notes(found.notes)


def _show_objections(no_contact: int, left_out: int) -> None:
    if no_contact:
        out.print(f"{no_contact:,} of them forbade marketing, and may not be contacted.")
    if left_out:
        out.print(f"{left_out:,} more forbade profiling, and are left out.")


def _show_notes(notes: tuple[str, ...]) -> None:
    for note in notes:
        err.print(f"[yellow]Note:[/] {escape(note)}")


@commands.command(epilog="Example: regulars segment members lapsing --as-of 2024-05-01 --out lapsing.csv --shop myshop")
def members(
    name: Name,
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    file: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write them to this file too, .csv or .parquet."),
    ] = None,
    version: Annotated[int | None, typer.Option(help="Which version of the segment. Default: the newest.")] = None,
    as_json: Json = False,
) -> None:
    """Who is in a segment, as Parquet and CSV. Who objected to profiling is not."""
    from regulars.segment.rule import Segments
    from regulars.segment.rule import members as members_of
    from regulars.segment.rule.export import write
    from regulars.shop import Shop

    door = Shop.open(shop)
    segment = Segments(door).get(name, version)
    moment = to_moment(as_of) or door.now
    with working(f"finding {segment.name}", quiet=as_json):
        found = members_of(door, segment.rule, moment)
        files = door.tables.write("segment", f"members of {segment.name}", found.table, moment)
        if file is not None:
            files.append(write(file, found.table))
    if as_json:
        emit(
            {
                "segment": segment.name,
                "version": segment.version,
                "as_of": moment.isoformat(),
                "members": found.table.num_rows,
                "left_out": found.left_out,
                "files": [str(path) for path in files],
            }
        )
        return
    said = f"[bold]{escape(segment.name)}[/], version {segment.version}: {found.table.num_rows:,} customers"
    out.print(f"{said} as of {moment:%Y-%m-%d %H:%M}.", highlight=False)
    may = found.table["may_contact"].to_pylist()
    _show_objections(may.count(False), found.left_out)
    _show_notes(found.notes)
    for path in files:
        out.print(f"  {path}", soft_wrap=True)


@commands.command(epilog="Example: regulars segment compare lapsing --from 2024-04-01 --to 2024-05-01 --shop myshop")
def compare(
    name: Name,
    since: Annotated[str, typer.Option("--from", metavar="TIME", help="The first moment (UTC, e.g. 2024-04-01).")],
    until: Annotated[
        str | None,
        typer.Option("--to", metavar="TIME", help="The second moment. Default: just after the newest event."),
    ] = None,
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """Who entered a segment between two moments, and who left it; as Parquet and CSV, for whatever reacts to it."""
    from regulars.segment.rule import Segments, moves
    from regulars.shop import Shop

    door = Shop.open(shop)
    segment = Segments(door).get(name)
    first, last = to_moment(since) or door.now, to_moment(until) or door.now
    with working(f"comparing {segment.name}", quiet=as_json):
        found = moves(door, segment, first, last)
        files = door.tables.write("segment", f"moves of {segment.name}", found, last)
    entered, left = (found.filter(found["move"].to_numpy(zero_copy_only=False) == move) for move in ("entered", "left"))
    if as_json:
        emit(
            {
                "segment": segment.name,
                "version": segment.version,
                "from": first.isoformat(),
                "to": last.isoformat(),
                "entered": entered["customer_id"].to_pylist(),
                "left": left["customer_id"].to_pylist(),
                "files": [str(path) for path in files],
            }
        )
        return
    said = f"[bold]{escape(segment.name)}[/], {first:%Y-%m-%d} to {last:%Y-%m-%d}"
    out.print(f"{said}: {entered.num_rows:,} entered, {left.num_rows:,} left.", highlight=False)
    for word, table in (("entered", entered), ("left", left)):
        if table.num_rows:
            ids = ", ".join(map(escape, table["customer_id"].slice(0, SHOWN).to_pylist()))
            more = f", and {table.num_rows - SHOWN:,} more" if table.num_rows > SHOWN else ""
            out.print(f"  {word}: {ids}{more}", highlight=False)
    for path in files:
        out.print(f"  {path}", soft_wrap=True)


@commands.command(epilog="Example: regulars segment overlap lapsing loyal --shop myshop")
def overlap(
    first: Name,
    second: Annotated[str, typer.Argument(help="Another segment's name.")],
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """How many customers two segments share, and whether that is more than chance would bring together."""
    from dataclasses import asdict

    from regulars.segment.rule import Segments
    from regulars.segment.rule import overlap as overlap_of
    from regulars.shop import Shop

    door = Shop.open(shop)
    one, two = (Segments(door).get(name) for name in (first, second))
    with working("comparing", quiet=as_json):
        found = overlap_of(door, one.rule, two.rule, to_moment(as_of) or door.now)
    if as_json:
        emit({**asdict(found), "jaccard": found.jaccard, "lift": found.lift})
        return
    said = f"{escape(one.name)} has {found.first:,} customers, {escape(two.name)} {found.second:,}; both {found.both:,}"
    out.print(f"{said}: {found.lift:.2f} times what chance would bring together.", highlight=False)


@commands.command(epilog='Example: regulars segment words "orders >= 2 and las" --shop myshop')
def words(
    rule: Annotated[str, typer.Argument(help="A rule as far as it is written. Default: none of it.")] = "",
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """What fits at the end of a rule that is being written: columns, events, values, each with what it means."""
    from dataclasses import asdict

    from regulars.segment.rule import Counter, suggest
    from regulars.shop import Shop

    door = Shop.open(shop)
    with working("reading", quiet=as_json):
        found = suggest(rule, Counter.of(door, to_moment(as_of) or door.now))
    if as_json:
        emit([asdict(suggestion) for suggestion in found])
        return
    table = Table("Write", "Sort", "Meaning", "Count", "Examples")
    for suggestion in found:
        number = "" if suggestion.count is None else f"{suggestion.count:,}"
        examples = ", ".join(suggestion.examples)
        cells = (suggestion.text, suggestion.sort, suggestion.meaning, number, examples)
        table.add_row(*map(escape, cells))
    out.print(table if found else "Nothing fits there: something before it is wrong.")
