"""The commands of a customer's rights: a copy of all that is kept, and its erasure."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from regulars.cli.common import Json, ShopFolder, emit, out, working
from regulars.errors import InputError

commands = typer.Typer()


@commands.command(epilog="Example: regulars customers export ada ada.zip --shop myshop")
def export(
    customer: Annotated[str, typer.Argument(help="Any id of the customer.")],
    file: Annotated[Path, typer.Argument(help="The archive to write (.zip).")],
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """All that is kept about a customer, as JSON and CSV in one archive; events.jsonl can be imported elsewhere."""
    from regulars.privacy.export import export as export_customer
    from regulars.shop import Shop

    if file.suffix != ".zip":
        raise InputError(f"{file}: the copy is an archive; name it {file.with_suffix('.zip')}.")
    with working(f"gathering what is known of {customer}", quiet=as_json):
        counts = export_customer(Shop.open(shop), customer, file)
    if as_json:
        emit({"customer": customer, "file": str(file), "rows": counts})
        return
    out.print(f"All that is kept about {escape(customer)} is in {escape(str(file))}:", highlight=False)
    for name, count in counts.items():
        out.print(f"  {name}: {count:,}", highlight=False)


@commands.command(epilog="Example: regulars customers erase ada --yes --shop myshop")
def erase(
    customers: Annotated[list[str] | None, typer.Argument(help="Any id of each customer.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Erase whoever was erased before: after a backup was put back.")
    ] = False,
    erased: Annotated[
        Path | None,
        typer.Option(help="With --again: log/erased.json of the shop as it was before. Default: the one that is here."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    shop: ShopFolder = Path(),
    as_json: Json = False,
) -> None:
    """Erase customers: from the log, and from all that was made of it. This cannot be undone.

    All ids that were joined go, older versions of the log too, and learned versions that hold an id. If it is cut
    short, the next one finishes it. A server may run meanwhile.
    """
    from regulars.privacy.erase import erase as erase_customers
    from regulars.privacy.erase import erase_again, resume
    from regulars.shop import Shop

    if customers and again:
        raise InputError("Name customers, or say --again: not both.")
    if erased is not None and not again:
        raise InputError("--erased is for --again: who was erased before is erased again.")
    door = Shop.open(shop)
    if not (customers or again):
        unfinished = resume(door)
        if unfinished is None:
            raise InputError("Name the customers to erase, by any of their ids; or say --again.")
        _tell(unfinished, as_json)
        return
    if customers and not (yes or as_json):
        typer.confirm(f"Erase {', '.join(customers)} for ever?", abort=True)
    with working("erasing", quiet=as_json):
        done = erase_customers(door, customers) if customers else erase_again(door, erased)
    _tell(done, as_json)


def _tell(done: Any, as_json: bool) -> None:
    if as_json:
        found = {"ids": [], "rows": 0} if done is None else {
            "ids": list(done.ids), "rows": done.rows, "state": done.state, "files": vars(done.files),
            "log_version": done.log_version,
        }  # fmt: skip
        emit(found)
        return
    if done is None:
        out.print("Nobody who was erased is here.")
        return
    ids = f"{len(done.ids):,} id{'s' * (len(done.ids) != 1)}"
    out.print(f"Erased: {ids}; {done.rows:,} rows of the log, {sum(done.state.values()):,} of the state.")
    for what, names in (("Shortened", done.files.rewritten), ("Removed", done.files.removed)):
        for name in names:
            out.print(f"  {what}: {escape(name)}", soft_wrap=True)
    if any(name.startswith("models/") for name in done.files.removed):
        out.print("What was learned from them is gone, too. Learn anew: regulars learn")
    for name in done.files.left:
        out.print(f"  [yellow]Names them still, in the shop's own words:[/] {escape(name)}", soft_wrap=True)
