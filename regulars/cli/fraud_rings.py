"""The command of rings: which customers act together, what they share, and a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from regulars.cli.common import AsOf, Json, ShopFolder, emit, out, to_moment, working

if TYPE_CHECKING:
    from regulars.fraud.graph import Rings
    from regulars.fraud.stream import Stream

commands = typer.Typer()

SHOWN = 20
"""So many rings are shown on the screen; --json has all."""
DRAWN = 10
"""So many rings are drawn on a page; the others are in its table."""
ENDINGS = (".html", ".png", ".svg")
KINDS = {"device": "device", "payment": "card", "address": "address", "phone": "phone", "ip": "IP"}


@commands.command(epilog="Example: regulars fraud rings 1 --out ring.png --shop myshop")
def rings(
    ring: Annotated[int | None, typer.Argument(help="Number of one ring, to see it whole. Default: list all.")] = None,
    file: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write a page (.html); of one ring also its picture (.png, .svg)."),
    ] = None,
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """Groups of three customers or more who share devices, cards, addresses or phones: the likeliest abuse first.

    The score needs no label; known frauds are one sign of several. Families and shared homes are listed too, far down.
    Numbers hold as long as the as-of time is the same.
    """
    from regulars.fraud.attempts import attempts
    from regulars.fraud.graph import rings as find
    from regulars.shop import Shop

    _check(file, ring)
    door = Shop.open(shop)
    with working("looking for rings", quiet=as_json):
        stream = attempts(door, to_moment(as_of) or door.now).stream
        found = find(stream)
    _check_number(found, ring)
    language = door.config.fraud.language
    if file is not None:
        _write(file, found, ring, stream, (door.config.shop.name, language))
    numbers = range(1, len(found) + 1) if ring is None else [ring]
    if as_json:
        hubs = [{**hub._asdict(), "code": str(stream.names[hub.kind][hub.code])} for hub in found.links.hubs]
        emit({"rings": [_row(found, number, language) for number in numbers], "hubs": hubs})
        return
    for number in numbers[:SHOWN]:
        _show(found, number, language, door.config.shop.currency)
    if ring is None:
        _show_rest(found)
    else:
        _show_whole(found, ring)
    if file is not None:
        out.print(f"Written: {file}", soft_wrap=True, highlight=False)


def _check(file: Path | None, ring: int | None) -> None:
    from regulars.errors import InputError

    if file is None:
        return
    if file.suffix.lower() not in ENDINGS:
        raise InputError(f"--out {file}: a name that ends in {', '.join(ENDINGS)} is expected.")
    if ring is None and file.suffix.lower() != ".html":
        raise InputError(
            f"--out {file}: a picture shows one ring. Name its number: regulars fraud rings 1 --out {file.name}; "
            "or write a page of all: --out rings.html"
        )


def _check_number(found: Rings, ring: int | None) -> None:
    from regulars.errors import NotFoundError

    if ring is not None and not 1 <= ring <= len(found):
        there = f"Rings are numbered from 1 to {len(found)}." if len(found) else "The shop has none at that time."
        raise NotFoundError(f"There is no ring {ring}. {there} See: regulars fraud rings")


def _row(found: Rings, ring: int, language: Any) -> dict[str, Any]:
    from regulars.fraud.graph import why

    names = found.names["customer"]
    return {
        **found.table.slice(ring - 1, 1).to_pylist()[0],
        "why": why(found, ring, language),
        "members": names.take(found.members(ring)).to_pylist(),
        "taken_over": names.take(found.taken(ring)).to_pylist(),
        "shared": [one._asdict() for one in found.shared(ring)],
    }


def _show(found: Rings, ring: int, language: Any, currency: str) -> None:
    from regulars.fraud.graph import why

    row = found.table.slice(ring - 1, 1).to_pylist()[0]
    frauds = f", known frauds: {row['frauds']}" if row["frauds"] else ""
    out.print(
        f"{ring:>3}. [bold]{row['score']:.2f}[/]  {row['customers']} customers, {row['orders']:,} orders of "
        f"{row['amount']:,.2f} {currency}{frauds}",
        highlight=False,
    )
    for reason in why(found, ring, language):
        out.print(f"     [dim]{escape(reason)}[/]", highlight=False)


def _show_whole(found: Rings, ring: int) -> None:
    names = found.names["customer"]
    for heading, codes in (
        ("Members", found.members(ring)),
        ("Accounts of others, entered after a failed sign-in", found.taken(ring)),
    ):
        if len(codes):
            out.print(f"{heading}: {escape(', '.join(names.take(codes).to_pylist()))}", highlight=False)
    for one in found.shared(ring):
        out.print(f"  {KINDS[one.kind]} {escape(one.value)}: {one.customers} customers", highlight=False)


def _show_rest(found: Rings) -> None:
    if not len(found):
        out.print("No three customers share a device, a card, an address or a phone.")
    if len(found) > SHOWN:
        out.print(f"and {len(found) - SHOWN:,} more, less likely: --json or --out rings.html lists all")
    if found.links.hubs:
        largest = found.links.hubs[0]
        name = escape(str(found.names[largest.kind][largest.code]))
        out.print(
            f"Shared by too many to tell anything, and left out: {len(found.links.hubs):,}; the largest is the "
            f"{KINDS[largest.kind]} {name}, of {largest.customers:,} customers.",
            highlight=False,
        )


def _write(file: Path, found: Rings, ring: int | None, stream: Stream, said: tuple[str, Any]) -> None:
    import vl_convert

    from regulars import storage
    from regulars.fraud.graph import picture

    storage.make_folder(file.parent)
    if file.suffix.lower() == ".html":
        storage.replace(file, _page(found, ring, stream, said))
        return
    spec = picture(found, ring or 1, stream).to_dict()
    made = vl_convert.vegalite_to_png(spec, scale=2) if file.suffix.lower() == ".png" else ""
    storage.replace(file, made or vl_convert.vegalite_to_svg(spec))


def _page(found: Rings, ring: int | None, stream: Stream, said: tuple[str, Any]) -> str:
    from regulars.evaluation import Figure, Section, Table, render
    from regulars.fraud.graph import picture, why

    name, language = said
    table = Table(found.table.column_names, [list(row.values()) for row in found.table.to_pylist()])
    sections = [Section("Rings", table=table)] if ring is None else []
    for number in range(1, min(len(found), DRAWN) + 1) if ring is None else [ring]:
        chart = picture(found, number, stream)
        figure = Figure(f"Ring {number}", str(chart.to_dict()["description"]), chart)
        members = ", ".join(found.names["customer"].take(found.members(number)).to_pylist())
        sections.append(
            Section(f"Ring {number}", [*why(found, number, language), f"Members: {members}"], None, [figure])
        )
    return render(f"{name}: rings", sections)
