"""The command that shows what to show to whom."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape

from regulars.cli.common import AsOf, Json, ShopFolder, emit, err, out, to_moment, working

commands = typer.Typer()


@commands.command(epilog="Example: regulars recommend 14911 --shop myshop --where \"category = 'lamps'\"")
def recommend(
    about: Annotated[
        str | None, typer.Argument(help="A customer's id; of similar and together a product's; of others nothing.")
    ] = None,
    kind: Annotated[
        Literal[
            "for-you",
            "again",
            "because-viewed",
            "popular-with-alike",
            "similar",
            "together",
            "trending",
            "new",
            "popular",
        ],
        typer.Option("--list", help="Which list."),
    ] = "for-you",
    k: Annotated[int, typer.Option("--k", help="How many products.")] = 10,
    where: Annotated[str, typer.Option(help="Only products for which this rule over the catalogue is true.")] = "",
    folder: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="The lists of all, as Parquet; a run cut off goes on."),
    ] = None,
    why: Annotated[str, typer.Option(metavar="PRODUCT", help="No list: why it stands where it stands.")] = "",
    how: Annotated[bool, typer.Option("--how", help="No list: what decides which products are shown.")] = False,
    shop: ShopFolder = Path(),
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """What to show: to a customer, beside a product, or to everybody; each line with its reason."""
    from regulars.customers.known import pair
    from regulars.errors import InputError
    from regulars.recommend import Recommender, parameters
    from regulars.shop import Shop

    if how:
        said = parameters(Shop.open(shop))
        emit({"parameters": said}) if as_json else out.print(*said, sep="\n", markup=False, highlight=False)
        return
    if folder is not None:
        _write_all(Shop.open(shop), kind, folder, (k, where), as_of, as_json=as_json)
        return
    if (about is None) != (kind in ("trending", "new", "popular")):
        needs = "no id" if about else "the id of a " + ("product" if kind in ("similar", "together") else "customer")
        raise InputError(f"The list {kind} needs {needs}. See: regulars recommend --help")
    door = Shop.open(shop)
    moment = to_moment(as_of) or door.now
    with working("opening the recommender", quiet=as_json):
        recommender = Recommender.open(door, moment)
    if about is not None and (why or kind not in ("similar", "together")):
        about = door.identities.customers(pair(about, moment))[0].as_py()
    if why:
        _explain(recommender, about or "", why, as_json=as_json)
        return
    with working("asking for the list", quiet=as_json):
        ask = getattr(recommender, kind.replace("-", "_"))
        found = ask(k, where) if about is None else ask(about, k, where)
    if as_json:
        emit({"list": kind, "about": about, "note": found.note, "products": found.table.to_pylist()})
        return
    for row in found.table.to_pylist():
        out.print(
            f"{row['rank']:>3}. [bold]{escape(row['product_id'])}[/] {escape(row['title'] or '')}", highlight=False
        )
        out.print(f"     [dim]{escape(row['reason'])}[/]", highlight=False)
    if found.note:
        out.print(escape(found.note), highlight=False)


def _write_all(door: Any, kind: str, folder: Path, asked: tuple[int, str], as_of: str | None, *, as_json: bool) -> None:
    from rich.progress import Progress

    from regulars.recommend import Recommender, write_all

    with working("opening the recommender", quiet=as_json):
        recommender = Recommender.open(door, to_moment(as_of) or door.now)
    with Progress(console=err, transient=True, disable=as_json or not err.is_terminal) as progress:
        task = progress.add_task(f"lists {kind}", total=None)
        write_all(
            recommender, kind, folder, *asked, lambda done, parts: progress.update(task, completed=done, total=parts)
        )
    files = sorted(str(path) for path in folder.glob("part-*.parquet"))
    emit({"list": kind, "files": files}) if as_json else out.print(f"{len(files)} files in {folder}", highlight=False)


def _explain(recommender: Any, customer: str, product: str, *, as_json: bool) -> None:
    rows = recommender.explain(customer, product).to_pylist()
    if as_json:
        emit({"customer": customer, "product": product, "sources": rows})
        return
    for row in rows:
        place = f"place {row['place']} of its own" if row["place"] else "did not name it"
        out.print(f"{row['source']:>13}  {row['share']:+.3f}  [dim]{place}[/]", highlight=False)
